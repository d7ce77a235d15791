"""Gold that is doubted waits for a person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0023_labels_are_weighed_again"),
        ("qualification", "0007_gold_is_doubted"),
    ]

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
                ],
                max_length=20,
            ),
        ),
    ]
