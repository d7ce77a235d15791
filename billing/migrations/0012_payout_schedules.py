"""Payouts that nobody has to ask for."""

import uuid

from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_stripe_movements"),
    ]

    operations = [
        migrations.CreateModel(
            name="PayoutSchedule",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("owner", models.CharField(max_length=100, unique=True)),
                (
                    "every",
                    models.CharField(
                        choices=[
                            ("never", "only when asked for"),
                            ("day", "every day"),
                            ("week", "every week, on Monday"),
                        ],
                        default="never",
                        max_length=8,
                    ),
                ),
                ("minimum_minor", models.BigIntegerField(help_text="Less than this waits for the next time.")),
                (
                    "last_period",
                    models.CharField(blank=True, default="", help_text="A date, or a week of ISO 8601.", max_length=10),
                ),
                ("set_at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "verbose_name": "payout schedule",
            },
        ),
        migrations.AddField(
            model_name="payout",
            name="period",
            field=models.CharField(
                blank=True, default="", help_text="Of its schedule; empty when asked for.", max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.UniqueConstraint(
                condition=models.Q(("period", ""), _negated=True),
                fields=("owner", "currency", "period"),
                name="one_payout_per_period",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutschedule",
            index=models.Index(
                condition=models.Q(("every", "never"), _negated=True),
                fields=["every", "last_period", "id"],
                name="payout_schedule_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutschedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("every__in", ["never", "day", "week"])), name="payout_schedule_every_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutschedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("minimum_minor__gte", 100)), name="payout_schedule_minimum_is_a_payout"
            ),
        ),
    ]
