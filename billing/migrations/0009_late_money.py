"""Payments that their bank brings late, and what is advanced meanwhile."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import WidenConstraint, change_flow, guard_flow

FUNDING_BEFORE = {
    "preparing": ["awaiting_payment", "failed"],
    "awaiting_payment": ["settled", "failed", "expired"],
}
FUNDING_AFTER = {
    **FUNDING_BEFORE,
    "awaiting_payment": ["processing", "settled", "failed", "expired"],
    "processing": ["settled", "failed"],
}


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_disputes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Credit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("client_owner", models.CharField(max_length=100)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("reason", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("granted", "advanced by the platform"), ("taken_back", "given back to the platform")],
                        default="granted",
                        max_length=12,
                    ),
                ),
                ("granted_at", models.DateTimeField(default=kernel.clock.now)),
                ("taken_back_at", models.DateTimeField(null=True)),
            ],
        ),
        WidenConstraint(
            model_name="funding",
            name="funding_state_known",
        ),
        WidenConstraint(
            model_name="funding",
            name="funding_finished_has_its_time",
        ),
        migrations.RemoveIndex(
            model_name="funding",
            name="funding_open",
        ),
        migrations.AlterField(
            model_name="funding",
            name="state",
            field=models.CharField(
                choices=[
                    ("preparing", "its payment page is being made"),
                    ("awaiting_payment", "its payment page is open"),
                    ("processing", "the payer's bank is bringing it"),
                    ("settled", "paid and credited"),
                    ("failed", "could not be paid"),
                    ("expired", "was not paid in time"),
                ],
                default="preparing",
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="funding",
            index=models.Index(
                condition=models.Q(("state__in", ["preparing", "awaiting_payment", "processing"])),
                fields=["created_at", "id"],
                name="funding_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["preparing", "awaiting_payment", "processing", "settled", "failed", "expired"])
                ),
                name="funding_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", False), ("state__in", ["settled", "failed", "expired"])),
                    models.Q(
                        ("finished_at__isnull", True), ("state__in", ["preparing", "awaiting_payment", "processing"])
                    ),
                    _connector="OR",
                ),
                name="funding_finished_has_its_time",
            ),
        ),
        migrations.AddField(
            model_name="credit",
            name="funding",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="credits", to="billing.funding"
            ),
        ),
        migrations.AddIndex(
            model_name="credit",
            index=models.Index(fields=["client_owner", "granted_at", "id"], name="credit_by_client"),
        ),
        migrations.AddConstraint(
            model_name="credit",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["granted", "taken_back"])), name="credit_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="credit",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="credit_amount_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="credit",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="credit_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="credit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "granted"), ("taken_back_at__isnull", True)),
                    models.Q(("state", "taken_back"), ("taken_back_at__isnull", False)),
                    _connector="OR",
                ),
                name="credit_taken_back_has_its_time",
            ),
        ),
        change_flow("billing_funding", before=FUNDING_BEFORE, after=FUNDING_AFTER),
        guard_flow("billing_credit", {"granted": ["taken_back"]}),
    ]
