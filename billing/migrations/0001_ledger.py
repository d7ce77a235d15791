"""The tables of the ledger."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("client_funds", "what a client may spend or have refunded"),
                            ("job_escrow", "a job's budget set aside"),
                            ("worker_earnings", "what a worker may have paid out"),
                            ("payouts_in_flight", "on its way to a worker"),
                            ("refunds_in_flight", "on its way back to a client"),
                            ("platform_fees", "the platform's share"),
                            ("processor_fees", "what the payment processor kept"),
                            ("loss", "what the platform bears"),
                            ("outside_world", "what an owner has taken out, less what they brought in"),
                        ],
                        max_length=20,
                    ),
                ),
                ("owner", models.CharField(max_length=100)),
                ("currency", models.CharField(max_length=3)),
                ("balance_minor", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "ledger account",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "kind", "currency"), name="one_account_per_owner_kind_currency"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("balance_minor__gte", 0),
                            ("kind__in", ["outside_world", "loss", "processor_fees"]),
                            _connector="OR",
                        ),
                        name="account_balance_above_floor",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "client_funds",
                                    "job_escrow",
                                    "worker_earnings",
                                    "payouts_in_flight",
                                    "refunds_in_flight",
                                    "platform_fees",
                                    "processor_fees",
                                    "loss",
                                    "outside_world",
                                ],
                            )
                        ),
                        name="account_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="account_currency_is_iso"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("owner", ""), _negated=True), name="account_has_an_owner"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=200, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("funding_settled", "a client's money arrived"),
                            ("refund_requested", "a refund was set aside"),
                            ("refund_settled", "a refund has left"),
                            ("refund_failed", "a refund could not be made"),
                            ("escrow_held", "a job's budget was set aside"),
                            ("escrow_released", "what a job did not spend went back"),
                            ("work_paid", "accepted work was paid"),
                            ("fees_swept", "a job's fees were gathered"),
                            ("payout_requested", "a payout was set aside"),
                            ("payout_settled", "a payout has left"),
                            ("payout_cancelled", "a payout was called off"),
                            ("payout_failed", "a payout could not be made"),
                            ("reversal", "an earlier posting was undone"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "subject",
                    models.CharField(db_index=True, help_text="What it is about, such as payout:<id>.", max_length=100),
                ),
                ("at", models.DateTimeField(default=kernel.clock.now)),
                ("entry_count", models.PositiveSmallIntegerField()),
                ("details", models.JSONField(default=dict)),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="billing.posting",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField()),
                ("amount_minor", models.BigIntegerField()),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="given",
                        to="billing.ledgeraccount",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="taken",
                        to="billing.ledgeraccount",
                    ),
                ),
                (
                    "posting",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.posting",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
            },
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(condition=models.Q(("entry_count__gte", 1)), name="posting_has_an_entry"),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(condition=models.Q(("key", ""), _negated=True), name="posting_has_a_key"),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "reversal"), ("reverses__isnull", False)),
                    models.Q(models.Q(("kind", "reversal"), _negated=True), ("reverses__isnull", True)),
                    _connector="OR",
                ),
                name="posting_reverses_when_reversal",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "funding_settled",
                            "refund_requested",
                            "refund_settled",
                            "refund_failed",
                            "escrow_held",
                            "escrow_released",
                            "work_paid",
                            "fees_swept",
                            "payout_requested",
                            "payout_settled",
                            "payout_cancelled",
                            "payout_failed",
                            "reversal",
                        ],
                    )
                ),
                name="posting_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["source", "id"], name="entry_by_source"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["target", "id"], name="entry_by_target"),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(fields=("posting", "position"), name="one_entry_per_position"),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="entry_amount_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", models.F("target")), _negated=True),
                name="entry_moves_between_two_accounts",
            ),
        ),
    ]
