"""A model that was stopped, and pay that a recall owes, wait for a person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0028_settled_tasks_are_looked_at_again")]

    operations = [
        migrations.AlterField(
            model_name="escalation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("no_consensus", "No Consensus"),
                    ("decertification", "Decertification"),
                    ("failed_payout", "Failed Payout"),
                    ("dispute", "Dispute"),
                    ("appeal", "Appeal"),
                    ("rejection_breaker", "Rejection Breaker"),
                    ("inspection", "Inspection"),
                    ("pay_floor", "Pay Floor"),
                    ("signal", "Signal"),
                    ("gold_review", "Gold Review"),
                    ("automation_stopped", "Automation Stopped"),
                    ("recall_unpaid", "Recall Unpaid"),
                ],
                max_length=20,
            ),
        ),
    ]
