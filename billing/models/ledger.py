"""The ledger: accounts that hold money, postings that say why it moved, entries that moved it.

The database keeps the ledger true by itself: see the triggers in migration 0001_ledger and docs/adr/0002.
"""

import uuid
from typing import Final

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from kernel import clock


class LedgerAccount(models.Model):
    """Who holds how much of one currency, and as what. ``balance_minor`` is moved by entries and by nothing else."""

    class Kind(models.TextChoices):
        CLIENT_FUNDS = "client_funds", "what a client may spend or have refunded"
        JOB_ESCROW = "job_escrow", "a job's budget set aside"
        PAY_RESERVE = "pay_reserve", "what a job set aside to lift pay to the floor"
        WORKER_EARNINGS = "worker_earnings", "what a worker may have paid out"
        PAYOUTS_IN_FLIGHT = "payouts_in_flight", "on its way to a worker"
        REFUNDS_IN_FLIGHT = "refunds_in_flight", "on its way back to a client"
        DISPUTED = "disputed", "taken back by a payer's bank until a dispute is decided"
        PLATFORM_FEES = "platform_fees", "the platform's share"
        PROCESSOR_FEES = "processor_fees", "what the payment processor kept"
        LOSS = "loss", "what the platform bears"
        OUTSIDE_WORLD = "outside_world", "what an owner has taken out, less what they brought in"

    MAY_BE_NEGATIVE: Final = (Kind.OUTSIDE_WORLD, Kind.LOSS, Kind.PROCESSOR_FEES)

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    owner = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind", "currency"], name="one_account_per_owner_kind_currency"),
            models.CheckConstraint(
                condition=Q(balance_minor__gte=0) | Q(kind__in=["outside_world", "loss", "processor_fees"]),
                name="account_balance_above_floor",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "client_funds",
                        "job_escrow",
                        "pay_reserve",
                        "worker_earnings",
                        "payouts_in_flight",
                        "refunds_in_flight",
                        "disputed",
                        "platform_fees",
                        "processor_fees",
                        "loss",
                        "outside_world",
                    ]
                ),
                name="account_kind_known",
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="account_currency_is_iso"),
            models.CheckConstraint(condition=~Q(owner=""), name="account_has_an_owner"),
        ]
        verbose_name = "ledger account"

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner} in {self.currency}"


class Posting(models.Model):
    """One business event in the ledger, once: its ``key`` can be used by no other. Rows are facts."""

    class Kind(models.TextChoices):
        FUNDING_SETTLED = "funding_settled", "a client's money arrived"
        REFUND_REQUESTED = "refund_requested", "a refund was set aside"
        REFUND_SETTLED = "refund_settled", "a refund has left"
        REFUND_FAILED = "refund_failed", "a refund could not be made"
        ESCROW_HELD = "escrow_held", "a job's budget was set aside"
        ESCROW_RELEASED = "escrow_released", "what a job did not spend went back"
        WORK_PAID = "work_paid", "accepted work was paid"
        FEES_SWEPT = "fees_swept", "a job's fees were gathered"
        PAYOUT_REQUESTED = "payout_requested", "a payout was set aside"
        PAYOUT_SETTLED = "payout_settled", "a payout has left"
        PAYOUT_CANCELLED = "payout_cancelled", "a payout was called off"
        PAYOUT_FAILED = "payout_failed", "a payout could not be made"
        CREDIT_GRANTED = "credit_granted", "the platform advanced money to a client"
        BONUS_PAID = "bonus_paid", "a client thanked for good work"
        RESERVE_HELD = "reserve_held", "money was set aside to lift pay to the floor"
        RESERVE_RELEASED = "reserve_released", "what was not needed to lift pay went back"
        PAY_LIFTED = "pay_lifted", "pay for time was lifted to the floor"
        INTERRUPTION_PAID = "interruption_paid", "the time of work that was taken away was paid"
        PROCESSING_CHARGED = "processing_charged", "the payment processor kept its fee"
        DISPUTE_OPENED = "dispute_opened", "a payer's bank took a payment back"
        DISPUTE_WON = "dispute_won", "a payment that was taken back came again"
        DISPUTE_LOST = "dispute_lost", "a payment that was taken back is gone"
        PAYOUT_RETURNED = "payout_returned", "a payout came back after it had left"
        REFUND_RETURNED = "refund_returned", "a refund came back after it had left"
        REVERSAL = "reversal", "an earlier posting was undone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=100, db_index=True, help_text="What it is about, such as payout:<id>.")
    at = models.DateTimeField(default=clock.now)
    entry_count = models.PositiveSmallIntegerField()
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    details = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(entry_count__gte=1), name="posting_has_an_entry"),
            models.CheckConstraint(condition=~Q(key=""), name="posting_has_a_key"),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False) | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="posting_reverses_when_reversal",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
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
                        "credit_granted",
                        "bonus_paid",
                        "reserve_held",
                        "reserve_released",
                        "pay_lifted",
                        "interruption_paid",
                        "processing_charged",
                        "dispute_opened",
                        "dispute_won",
                        "dispute_lost",
                        "payout_returned",
                        "refund_returned",
                        "reversal",
                    ]
                ),
                name="posting_kind_known",
            ),
        ]
        # What belongs to a month is found without reading all. Postings come in the order of their time, nearly, so a
        # few bytes for every 32 pages do; an index of each row would cost every posting.
        indexes = [BrinIndex(fields=["at"], name="posting_by_time", pages_per_range=32, autosummarize=True)]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class LedgerEntry(models.Model):
    """``amount_minor`` taken from ``source`` and given to ``target``: it cannot be out of balance. Rows are facts."""

    id = models.BigAutoField(primary_key=True)
    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries", db_index=False)
    position = models.PositiveSmallIntegerField()
    source = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="given", db_index=False)
    target = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="taken", db_index=False)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["posting", "position"], name="one_entry_per_position"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="entry_amount_is_positive"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="entry_moves_between_two_accounts"),
        ]
        indexes = [
            models.Index(fields=["source", "id"], name="entry_by_source"),
            models.Index(fields=["target", "id"], name="entry_by_target"),
        ]
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"entry {self.pk} of posting {self.posting_id}"
