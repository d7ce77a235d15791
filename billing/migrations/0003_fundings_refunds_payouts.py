"""The tables of money in, money back and money out, and of what Stripe told us."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_ledger_keeps_itself_true"),
    ]

    operations = [
        migrations.CreateModel(
            name="Funding",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("client_owner", models.CharField(max_length=100)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("preparing", "its payment page is being made"),
                            ("awaiting_payment", "its payment page is open"),
                            ("settled", "paid and credited"),
                            ("failed", "could not be paid"),
                            ("expired", "was not paid in time"),
                        ],
                        default="preparing",
                        max_length=20,
                    ),
                ),
                (
                    "receipt_email",
                    models.EmailField(
                        blank=True, default="", help_text="Kept only until Stripe has it.", max_length=254
                    ),
                ),
                ("success_url", models.CharField(max_length=1000)),
                ("cancel_url", models.CharField(max_length=1000)),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("attempt_began_at", models.DateTimeField(null=True)),
                ("stripe_session_id", models.CharField(blank=True, default="", max_length=255)),
                ("checkout_url", models.TextField(blank=True, default="")),
                ("payment_intent_id", models.CharField(blank=True, default="", max_length=255)),
                (
                    "refunded_minor",
                    models.BigIntegerField(default=0, help_text="Refunds asked for, those that failed left out."),
                ),
                ("failure", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("settled_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["client_owner", "created_at", "id"], name="funding_by_client"),
                    models.Index(
                        condition=models.Q(("state__in", ["preparing", "awaiting_payment"])),
                        fields=["created_at", "id"],
                        name="funding_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["preparing", "awaiting_payment", "settled", "failed", "expired"])
                        ),
                        name="funding_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="funding_amount_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["preparing", "failed"]),
                            models.Q(("stripe_session_id", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="funding_has_its_session",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("settled_at__isnull", False),
                                ("state", "settled"),
                                models.Q(("payment_intent_id", ""), _negated=True),
                            ),
                            models.Q(models.Q(("state", "settled"), _negated=True), ("settled_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="funding_settled_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", False), ("state__in", ["settled", "failed", "expired"])),
                            models.Q(("finished_at__isnull", True), ("state__in", ["preparing", "awaiting_payment"])),
                            _connector="OR",
                        ),
                        name="funding_finished_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_minor", 0),
                            models.Q(
                                ("refunded_minor__gt", 0),
                                ("refunded_minor__lte", models.F("amount_minor")),
                                ("state", "settled"),
                            ),
                            _connector="OR",
                        ),
                        name="funding_refunded_within_amount",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_session_id", ""), _negated=True),
                        fields=("stripe_session_id",),
                        name="one_funding_per_session",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("payment_intent_id", ""), _negated=True),
                        fields=("payment_intent_id",),
                        name="one_funding_per_payment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutAccount",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("owner", models.CharField(max_length=100, unique=True)),
                ("country", models.CharField(max_length=2)),
                (
                    "prefill_email",
                    models.EmailField(
                        blank=True, default="", help_text="Kept only until Stripe has it.", max_length=254
                    ),
                ),
                (
                    "attempt",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="The try to make it at Stripe; part of the key."
                    ),
                ),
                ("stripe_account_id", models.CharField(blank=True, default="", max_length=255)),
                ("failure", models.TextField(blank=True, default="", help_text="Why Stripe would not make it.")),
                ("transfers_active", models.BooleanField(default=False)),
                ("payouts_enabled", models.BooleanField(default=False)),
                (
                    "requirements_due",
                    models.JSONField(default=list, help_text="What Stripe still wants to know, in its own names."),
                ),
                ("opened_at", models.DateTimeField(default=kernel.clock.now)),
                ("refreshed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "payout account",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_account_id", ""), _negated=True),
                        fields=("stripe_account_id",),
                        name="one_owner_per_stripe_account",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country__regex", "^[A-Z]{2}$")), name="payout_account_country_is_iso"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("type", models.CharField(max_length=100)),
                ("account", models.CharField(blank=True, default="", max_length=255)),
                ("object_id", models.CharField(blank=True, db_index=True, default="", max_length=255)),
                ("payload", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("stored", "waits to be processed"),
                            ("processed", "done"),
                            ("parked", "waits for a person"),
                        ],
                        default="stored",
                        max_length=20,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.TextField(blank=True, default="")),
                ("received_at", models.DateTimeField(default=kernel.clock.now)),
                ("processed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "Stripe event",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "stored")),
                        fields=["received_at", "id"],
                        name="stripe_event_stored",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["stored", "processed", "parked"])),
                        name="stripe_event_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("processed_at__isnull", False), ("state", "processed")),
                            models.Q(models.Q(("state", "processed"), _negated=True), ("processed_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="stripe_event_processed_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "parked"), _negated=True),
                            models.Q(("last_error", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="stripe_event_parked_has_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("owner", models.CharField(max_length=100)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "set aside"),
                            ("sending", "being sent"),
                            ("sent", "accepted by Stripe"),
                            ("settled", "paid out"),
                            ("failed", "could not be paid out"),
                            ("cancelled", "called off"),
                        ],
                        default="requested",
                        max_length=20,
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("attempt_began_at", models.DateTimeField(null=True)),
                ("stripe_transfer_id", models.CharField(blank=True, default="", max_length=255)),
                ("failure", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "payout_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payouts", to="billing.payoutaccount"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["owner", "created_at", "id"], name="payout_by_owner"),
                    models.Index(
                        condition=models.Q(("state__in", ["requested", "sending", "sent"])),
                        fields=["created_at", "id"],
                        name="payout_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["requested", "sending", "sent", "settled", "failed", "cancelled"])
                        ),
                        name="payout_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="payout_amount_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("attempt", 0),
                                ("attempt_began_at__isnull", True),
                                ("state__in", ["requested", "cancelled"]),
                            ),
                            models.Q(
                                models.Q(("state__in", ["requested", "cancelled"]), _negated=True),
                                ("attempt__gte", 1),
                                ("attempt_began_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="payout_sending_has_its_attempt",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("sent_at__isnull", False),
                                ("state__in", ["sent", "settled"]),
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
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", False), ("state__in", ["settled", "failed", "cancelled"])),
                            models.Q(("finished_at__isnull", True), ("state__in", ["requested", "sending", "sent"])),
                            _connector="OR",
                        ),
                        name="payout_finished_has_its_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_transfer_id", ""), _negated=True),
                        fields=("stripe_transfer_id",),
                        name="one_payout_per_transfer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "set aside"),
                            ("sending", "being sent"),
                            ("sent", "accepted by Stripe"),
                            ("settled", "paid back"),
                            ("failed", "could not be paid back"),
                        ],
                        default="requested",
                        max_length=20,
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("attempt_began_at", models.DateTimeField(null=True)),
                ("stripe_refund_id", models.CharField(blank=True, default="", max_length=255)),
                ("failure", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(default=kernel.clock.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "funding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="billing.funding"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["requested", "sending", "sent"])),
                        fields=["created_at", "id"],
                        name="refund_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["requested", "sending", "sent", "settled", "failed"])),
                        name="refund_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="refund_amount_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("attempt", 0), ("attempt_began_at__isnull", True), ("state", "requested")),
                            models.Q(
                                models.Q(("state", "requested"), _negated=True),
                                ("attempt__gte", 1),
                                ("attempt_began_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="refund_sending_has_its_attempt",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("sent_at__isnull", False),
                                ("state__in", ["sent", "settled"]),
                                models.Q(("stripe_refund_id", ""), _negated=True),
                            ),
                            models.Q(
                                ("sent_at__isnull", True),
                                ("state__in", ["requested", "sending"]),
                                ("stripe_refund_id", ""),
                            ),
                            ("state", "failed"),
                            _connector="OR",
                        ),
                        name="refund_sent_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", False), ("state__in", ["settled", "failed"])),
                            models.Q(("finished_at__isnull", True), ("state__in", ["requested", "sending", "sent"])),
                            _connector="OR",
                        ),
                        name="refund_finished_has_its_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_refund_id", ""), _negated=True),
                        fields=("stripe_refund_id",),
                        name="one_refund_per_stripe_refund",
                    ),
                ],
            },
        ),
    ]
