"""Payouts and refunds that come back late, and the last hop to a worker's bank."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock
from kernel.migration_operations import WidenConstraint, change_flow, guard_flow

PAYOUT = {"requested": ["sending", "cancelled"], "sending": ["sent", "failed"], "sent": ["settled", "failed"]}
REFUND = {"requested": ["sending"], "sending": ["sent", "failed"], "sent": ["settled", "failed"]}


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_late_money"),
    ]

    operations = [
        migrations.CreateModel(
            name="BankPayout",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_payout_id", models.CharField(max_length=255, unique=True)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("on_the_way", "sent to the bank"),
                            ("arrived", "at the bank"),
                            ("failed", "the bank sent it back"),
                        ],
                        default="on_the_way",
                        max_length=12,
                    ),
                ),
                ("failure", models.TextField(blank=True, default="", help_text="In Stripe's own words.")),
                ("expected_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
            ],
            options={
                "verbose_name": "bank payout",
            },
        ),
        WidenConstraint(
            model_name="payout",
            name="payout_state_known",
        ),
        WidenConstraint(
            model_name="payout",
            name="payout_sent_has_its_time",
        ),
        WidenConstraint(
            model_name="payout",
            name="payout_finished_has_its_time",
        ),
        WidenConstraint(
            model_name="refund",
            name="refund_state_known",
        ),
        WidenConstraint(
            model_name="refund",
            name="refund_sent_has_its_time",
        ),
        WidenConstraint(
            model_name="refund",
            name="refund_finished_has_its_time",
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="disabled_reason",
            field=models.CharField(blank=True, default="", help_text="In Stripe's own words.", max_length=200),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="shortfalls",
            field=models.JSONField(default=dict, help_text="What is below zero at Stripe: minor units by currency."),
        ),
        migrations.AlterField(
            model_name="payout",
            name="state",
            field=models.CharField(
                choices=[
                    ("requested", "set aside"),
                    ("sending", "being sent"),
                    ("sent", "accepted by Stripe"),
                    ("settled", "paid out"),
                    ("returned", "came back after it was paid out"),
                    ("failed", "could not be paid out"),
                    ("cancelled", "called off"),
                ],
                default="requested",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="state",
            field=models.CharField(
                choices=[
                    ("requested", "set aside"),
                    ("sending", "being sent"),
                    ("sent", "accepted by Stripe"),
                    ("settled", "paid back"),
                    ("returned", "came back after it was paid back"),
                    ("failed", "could not be paid back"),
                ],
                default="requested",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["requested", "sending", "sent", "settled", "returned", "failed", "cancelled"])
                ),
                name="payout_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("sent_at__isnull", False),
                        ("state__in", ["sent", "settled", "returned"]),
                        models.Q(("stripe_transfer_id", ""), _negated=True),
                    ),
                    models.Q(
                        ("sent_at__isnull", True),
                        ("state__in", ["requested", "sending", "cancelled"]),
                        ("stripe_transfer_id", ""),
                    ),
                    ("state", "failed"),
                    _connector="OR",
                ),
                name="payout_sent_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("finished_at__isnull", False), ("state__in", ["settled", "returned", "failed", "cancelled"])
                    ),
                    models.Q(("finished_at__isnull", True), ("state__in", ["requested", "sending", "sent"])),
                    _connector="OR",
                ),
                name="payout_finished_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["requested", "sending", "sent", "settled", "returned", "failed"])),
                name="refund_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("sent_at__isnull", False),
                        ("state__in", ["sent", "settled", "returned"]),
                        models.Q(("stripe_refund_id", ""), _negated=True),
                    ),
                    models.Q(
                        ("sent_at__isnull", True), ("state__in", ["requested", "sending"]), ("stripe_refund_id", "")
                    ),
                    ("state", "failed"),
                    _connector="OR",
                ),
                name="refund_sent_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", False), ("state__in", ["settled", "returned", "failed"])),
                    models.Q(("finished_at__isnull", True), ("state__in", ["requested", "sending", "sent"])),
                    _connector="OR",
                ),
                name="refund_finished_has_its_time",
            ),
        ),
        migrations.AddField(
            model_name="bankpayout",
            name="payout_account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="bank_payouts", to="billing.payoutaccount"
            ),
        ),
        migrations.AddIndex(
            model_name="bankpayout",
            index=models.Index(fields=["payout_account", "created_at", "id"], name="bank_payout_by_account"),
        ),
        migrations.AddConstraint(
            model_name="bankpayout",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["on_the_way", "arrived", "failed"])), name="bank_payout_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankpayout",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="bank_payout_amount_is_positive"
            ),
        ),
        change_flow("billing_payout", before=PAYOUT, after={**PAYOUT, "settled": ["returned"]}),
        change_flow("billing_refund", before=REFUND, after={**REFUND, "settled": ["returned"]}),
        guard_flow("billing_bankpayout", {"on_the_way": ["arrived", "failed"], "arrived": ["failed"]}),
    ]
