"""What moved the balance at Stripe, and the posting that says why."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import guard_flow


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_what_comes_back"),
    ]

    operations = [
        migrations.CreateModel(
            name="StripeMovement",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("kind", models.CharField(help_text="In Stripe's own words.", max_length=60)),
                ("category", models.CharField(help_text="In Stripe's own words.", max_length=60)),
                ("source_id", models.CharField(blank=True, default="", max_length=255)),
                (
                    "related_id",
                    models.CharField(
                        blank=True, default="", help_text="The payment or transfer behind it.", max_length=255
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("fee_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("moved_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unmatched", "no posting of ours says why"),
                            ("matched", "one posting says why"),
                            ("explained", "a person said why"),
                        ],
                        default="unmatched",
                        max_length=12,
                    ),
                ),
                ("note", models.TextField(blank=True, default="", help_text="What a person found.")),
                ("seen_at", models.DateTimeField(default=kernel.clock.now)),
                (
                    "posting",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stripe_movement",
                        to="billing.posting",
                    ),
                ),
            ],
            options={
                "verbose_name": "Stripe movement",
                "indexes": [
                    models.Index(fields=["moved_at", "id"], name="stripe_movement_by_time"),
                    models.Index(
                        condition=models.Q(("state", "unmatched")),
                        fields=["moved_at", "id"],
                        name="stripe_movement_unmatched",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["unmatched", "matched", "explained"])),
                        name="stripe_movement_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("posting__isnull", False), ("state", "matched")),
                            models.Q(models.Q(("state", "matched"), _negated=True), ("posting__isnull", True)),
                            _connector="OR",
                        ),
                        name="stripe_movement_matched_has_its_posting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "explained"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="stripe_movement_explained_has_why",
                    ),
                ],
            },
        ),
        guard_flow("billing_stripemovement", {"unmatched": ["matched", "explained"], "explained": ["matched"]}),
    ]
