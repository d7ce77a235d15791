"""Payments that a payer's bank takes back."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import guard_flow


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_words_of_money"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_dispute_id", models.CharField(max_length=255, unique=True)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("inquiry", "the bank asks; nothing was taken back"),
                            ("open", "taken back until it is decided"),
                            ("won", "came again"),
                            ("lost", "gone for good"),
                            ("closed", "was only asked about"),
                        ],
                        default="inquiry",
                        max_length=10,
                    ),
                ),
                (
                    "from_funds_minor",
                    models.BigIntegerField(default=0, help_text="What the client's funds still had of it."),
                ),
                (
                    "reason",
                    models.CharField(blank=True, default="", help_text="In Stripe's own words.", max_length=100),
                ),
                ("evidence_due_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("opened_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "funding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="billing.funding"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["inquiry", "open"])),
                        fields=["created_at", "id"],
                        name="dispute_live",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["inquiry", "open", "won", "lost", "closed"])),
                        name="dispute_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_minor__gt", 0),
                            ("from_funds_minor__gte", 0),
                            ("from_funds_minor__lte", models.F("amount_minor")),
                        ),
                        name="dispute_amounts_fit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("from_funds_minor", 0),
                                ("opened_at__isnull", True),
                                ("state__in", ["inquiry", "closed"]),
                            ),
                            models.Q(("opened_at__isnull", False), ("state__in", ["open", "won", "lost"])),
                            _connector="OR",
                        ),
                        name="dispute_open_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("state__in", ["inquiry", "open"])),
                            models.Q(("finished_at__isnull", False), ("state__in", ["won", "lost", "closed"])),
                            _connector="OR",
                        ),
                        name="dispute_finished_has_its_time",
                    ),
                ],
            },
        ),
        guard_flow("billing_dispute", {"inquiry": ["open", "closed"], "open": ["won", "lost"], "lost": ["won"]}),
    ]
