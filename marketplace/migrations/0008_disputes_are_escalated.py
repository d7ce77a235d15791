"""A disputed payment of a client's is a kind of escalation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0007_a_guess_at_the_time"),
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
                ],
                max_length=20,
            ),
        ),
    ]
