"""Money that goes out to a worker, through the worker's own account at Stripe."""

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from billing.models.ledger import Posting
from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class PayoutAccountQuerySet(models.QuerySet["PayoutAccount"]):
    """Which payout accounts."""

    def of(self, owner: str) -> Self:
        """The one that ``owner`` has now, if any."""
        return self.filter(owner=owner, replaced_at__isnull=True)


class PayoutAccount(models.Model):
    """Where an owner's payouts go: an account at Stripe, and what Stripe last said about it.

    ``destination`` is the bank account behind it, as a hash. When the owner changes the one or the other, nothing is
    sent before ``held_until`` (a trigger). An account that was ``replaced_at`` some time gets what was on its way.
    """

    class Held(models.TextChoices):
        NEW_ACCOUNT = "new_account", "another payout account"
        NEW_BANK = "new_bank", "another bank account"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    prefill_email = models.EmailField(blank=True, default="", help_text="Kept only until Stripe has it.")
    attempt = models.PositiveSmallIntegerField(default=1, help_text="The try to make it at Stripe; part of the key.")
    stripe_account_id = models.CharField(max_length=255, blank=True, default="")
    failure = models.TextField(blank=True, default="", help_text="Why Stripe would not make it.")
    transfers_active = models.BooleanField(default=False)
    payouts_enabled = models.BooleanField(default=False)
    requirements_due = models.JSONField(default=list, help_text="What Stripe still wants to know, in its own names.")
    disabled_reason = models.CharField(max_length=200, blank=True, default="", help_text="In Stripe's own words.")
    shortfalls = models.JSONField(default=dict, help_text="What is below zero at Stripe: minor units by currency.")
    opened_at = models.DateTimeField(default=clock.now)
    refreshed_at = models.DateTimeField(null=True)
    replaces = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")
    replaced_at = models.DateTimeField(null=True)
    destination = models.CharField(max_length=64, blank=True, default="", help_text="Empty before Stripe knows one.")
    destination_since = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True, help_text="Nothing is sent there before.")
    held_because = models.CharField(max_length=12, choices=Held.choices, blank=True, default="")
    shared_with = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Another owner's account that pays to the same bank account; then nothing is paid out to this one.",
    )

    objects: ClassVar[models.Manager["PayoutAccount"]] = PayoutAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(replaced_at__isnull=True), name="one_payout_account_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["destination"],
                condition=~Q(destination="") & Q(replaced_at__isnull=True, shared_with__isnull=True),
                name="one_owner_per_destination",
            ),
            models.CheckConstraint(
                condition=Q(destination="", destination_since__isnull=True)
                | (~Q(destination="") & Q(destination_since__isnull=False)),
                name="payout_destination_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(held_until__isnull=True, held_because="")
                | (Q(held_until__isnull=False) & ~Q(held_because="")),
                name="payout_account_held_for_a_reason",
            ),
            models.UniqueConstraint(
                fields=["stripe_account_id"], condition=~Q(stripe_account_id=""), name="one_owner_per_stripe_account"
            ),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="payout_account_country_is_iso"),
        ]
        verbose_name = "payout account"

    def __str__(self) -> str:
        return f"payout account of {self.owner}"

    @property
    def is_ready(self) -> bool:
        """Whether money sent to it can reach its owner's bank, and nobody else's."""
        is_open = bool(self.stripe_account_id) and self.transfers_active and self.payouts_enabled
        return is_open and self.shared_with_id is None

    @property
    def is_held(self) -> bool:
        """Whether nothing is sent there at this moment, because it was changed lately."""
        return self.held_until is not None and clock.now() < self.held_until


class Payout(models.Model):
    """One payment of earnings to their owner: set aside, sent to Stripe, settled.

    ``returned_minor`` of it came back after it had left, all or part: the sum of its returns, which the database holds.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "set aside"
        SENDING = "sending", "being sent"
        SENT = "sent", "accepted by Stripe"
        SETTLED = "settled", "paid out"
        RETURNED = "returned", "came back whole after it was paid out"
        FAILED = "failed", "could not be paid out"
        CANCELLED = "cancelled", "called off"

    FLOW = Flow(
        {
            State.REQUESTED: {State.SENDING, State.CANCELLED},
            State.SENDING: {State.SENT, State.FAILED},
            State.SENT: {State.SETTLED, State.FAILED},
            State.SETTLED: {State.RETURNED},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=100)
    payout_account = models.ForeignKey(PayoutAccount, on_delete=models.PROTECT, related_name="payouts")
    amount_minor = models.BigIntegerField()
    returned_minor = models.BigIntegerField(default=0, help_text="What of it came back and is earnings again.")
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=State.choices, default=State.REQUESTED)
    attempt = models.PositiveSmallIntegerField(default=0)
    attempt_began_at = models.DateTimeField(null=True)
    stripe_transfer_id = models.CharField(max_length=255, blank=True, default="")
    failure = models.TextField(blank=True, default="")
    period = models.CharField(max_length=10, blank=True, default="", help_text="Of its schedule; empty when asked for.")
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["requested", "sending", "sent", "settled", "returned", "failed", "cancelled"]),
                name="payout_state_known",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(state="returned", returned_minor=F("amount_minor"))
                | Q(state="settled", returned_minor__gte=0, returned_minor__lt=F("amount_minor"))
                | ~Q(state__in=["settled", "returned"]) & Q(returned_minor=0),
                name="payout_returns_what_had_left",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "cancelled"], attempt=0, attempt_began_at__isnull=True)
                | ~Q(state__in=["requested", "cancelled"]) & Q(attempt__gte=1, attempt_began_at__isnull=False),
                name="payout_sending_has_its_attempt",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "settled", "returned"], sent_at__isnull=False)
                & ~Q(stripe_transfer_id="")
                | Q(state__in=["requested", "sending", "cancelled"], sent_at__isnull=True, stripe_transfer_id="")
                | Q(state="failed"),
                name="payout_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["settled", "returned", "failed", "cancelled"], finished_at__isnull=False)
                | Q(state__in=["requested", "sending", "sent"], finished_at__isnull=True),
                name="payout_finished_has_its_time",
            ),
            models.UniqueConstraint(
                fields=["owner", "currency", "period"], condition=~Q(period=""), name="one_payout_per_period"
            ),
            models.UniqueConstraint(
                fields=["stripe_transfer_id"], condition=~Q(stripe_transfer_id=""), name="one_payout_per_transfer"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "created_at", "id"], name="payout_by_owner"),
            models.Index(
                fields=["created_at", "id"], condition=Q(state__in=["requested", "sending", "sent"]), name="payout_open"
            ),
        ]

    def __str__(self) -> str:
        return f"payout {self.pk}"

    @property
    def reference(self) -> str:
        """What it is called in the ledger and at Stripe."""
        return f"payout:{self.pk}"

    @property
    def held_until(self) -> datetime | None:
        """Until when it waits, because where it goes was changed lately; None when it need not."""
        waits = self.state == self.State.REQUESTED and self.payout_account.is_held
        return self.payout_account.held_until if waits else None

    @property
    def amount(self) -> Money:
        """What is paid out."""
        return Money(self.amount_minor, self.currency)

    @property
    def returned(self) -> Money:
        """What of it came back."""
        return Money(self.returned_minor, self.currency)


class PayoutReturn(models.Model):
    """What Stripe took back of a payout at one time, all of it or a part; it is earnings again. Rows are facts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="returns")
    stripe_reversal_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.BigIntegerField()
    posting = models.OneToOneField(Posting, on_delete=models.PROTECT, related_name="payout_return")
    returned_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_return_is_positive"),
            models.CheckConstraint(condition=~Q(stripe_reversal_id=""), name="payout_return_has_its_name"),
        ]
        verbose_name = "payout return"

    def __str__(self) -> str:
        return f"return {self.stripe_reversal_id} of payout {self.payout_id}"
