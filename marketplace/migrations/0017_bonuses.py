"""Clients add to the pay of workers, with a reason."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import append_only, guard_audited


class Migration(migrations.Migration):
    dependencies = [
        ("marketplace", "0016_a_floor_on_hourly_pay"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bonus",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField(help_text="What the worker gets, in minor units.")),
                ("fee_minor", models.BigIntegerField(help_text="The platform's share, on top.")),
                ("currency", models.CharField(max_length=3)),
                ("reason", models.TextField()),
                ("given_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "assignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bonuses", to="marketplace.assignment"
                    ),
                ),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "bonuses",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_minor__gte", 1), ("amount_minor__lte", 1000000), ("fee_minor__gte", 0)
                        ),
                        name="bonus_amount_in_range",
                    )
                ],
            },
        ),
        append_only("marketplace_bonus"),
        guard_audited("marketplace_bonus"),
    ]
