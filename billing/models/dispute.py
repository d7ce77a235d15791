"""Payments that a payer's bank disputes."""

import uuid

from django.db import models
from django.db.models import F, Q

from billing.models.funding import Funding
from billing.models.ledger import Posting
from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class Dispute(models.Model):
    """One dispute of one funding: the payer's bank asks about it, takes it back, and gives all or part of it again.

    ``amount_minor`` is what was asked about, and once anything was taken, what was taken. ``from_funds_minor`` of that
    came from the client's funds; the rest is the platform's loss. ``returned_minor`` came again, which makes good the
    platform's loss first: ``returned_to_funds_minor`` of it is the client's. ``takes_refunds`` says whether Stripe lets
    what is left of the payment go back to its payer.
    """

    class State(models.TextChoices):
        INQUIRY = "inquiry", "the bank asks; nothing was taken back"
        OPEN = "open", "taken back until it is decided"
        WON = "won", "came again, all of it"
        LOST = "lost", "gone for good, all or part"
        CLOSED = "closed", "was only asked about"

    FLOW = Flow(
        {
            State.INQUIRY: {State.OPEN, State.CLOSED},
            State.OPEN: {State.WON, State.LOST},
            State.WON: {State.OPEN},
            State.LOST: {State.OPEN},
            State.CLOSED: {State.OPEN},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INQUIRY)
    from_funds_minor = models.BigIntegerField(default=0, help_text="What the client's funds still had of it.")
    returned_minor = models.BigIntegerField(default=0, help_text="What of it came again.")
    returned_to_funds_minor = models.BigIntegerField(default=0, help_text="What of that is the client's again.")
    takes_refunds = models.BooleanField(default=False, help_text="What Stripe says of the rest of the payment.")
    reason = models.CharField(max_length=100, blank=True, default="", help_text="In Stripe's own words.")
    evidence_due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    opened_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["inquiry", "open", "won", "lost", "closed"]), name="dispute_state_known"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, from_funds_minor__gte=0, from_funds_minor__lte=F("amount_minor")),
                name="dispute_amounts_fit",
            ),
            models.CheckConstraint(
                condition=Q(
                    returned_to_funds_minor__gte=0,
                    returned_to_funds_minor__lte=F("from_funds_minor"),
                    returned_minor__gte=F("returned_to_funds_minor"),
                    returned_minor__lte=F("amount_minor") - F("from_funds_minor") + F("returned_to_funds_minor"),
                ),
                name="dispute_returns_what_was_taken",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["inquiry", "closed"], opened_at__isnull=True, from_funds_minor=0)
                & Q(returned_minor=0)
                | Q(state__in=["open", "won", "lost"], opened_at__isnull=False),
                name="dispute_open_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state="won", returned_minor=F("amount_minor"))
                | ~Q(state="won") & Q(returned_minor__lt=F("amount_minor")),
                name="dispute_won_is_all_of_it",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["inquiry", "open"], finished_at__isnull=True)
                | Q(state__in=["won", "lost", "closed"], finished_at__isnull=False),
                name="dispute_finished_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], condition=Q(state__in=["inquiry", "open"]), name="dispute_live")
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk}"

    @property
    def reference(self) -> str:
        """What it is called in the ledger."""
        return f"dispute:{self.pk}"

    @property
    def amount(self) -> Money:
        """What is disputed."""
        return Money(self.amount_minor, self.currency)

    @property
    def from_funds(self) -> Money:
        """What the client's funds gave of it."""
        return Money(self.from_funds_minor, self.currency)

    @property
    def returned(self) -> Money:
        """What of it came again."""
        return Money(self.returned_minor, self.currency)

    @property
    def returned_to_funds(self) -> Money:
        """What of that is among the client's funds again."""
        return Money(self.returned_to_funds_minor, self.currency)

    @property
    def kept(self) -> Money:
        """What was taken and did not come again."""
        return self.amount - self.returned


class DisputeMovement(models.Model):
    """What a bank took, or gave back, at one time of a dispute: a movement of the balance at Stripe. Rows are facts.

    ``amount_minor`` is below zero for what was taken; ``of_funds_minor`` of it, either way, was the client's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="movements")
    stripe_transaction_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.BigIntegerField()
    of_funds_minor = models.BigIntegerField()
    posting = models.OneToOneField(Posting, on_delete=models.PROTECT, related_name="dispute_movement")
    booked_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(of_funds_minor__gte=0)
                & (
                    Q(amount_minor__gt=0, amount_minor__gte=F("of_funds_minor"))
                    | Q(amount_minor__lt=0, amount_minor__lte=-F("of_funds_minor"))
                ),
                name="dispute_movement_amounts_fit",
            ),
            models.CheckConstraint(condition=~Q(stripe_transaction_id=""), name="dispute_movement_has_its_name"),
        ]
        verbose_name = "dispute movement"

    def __str__(self) -> str:
        return f"movement {self.stripe_transaction_id} of dispute {self.dispute_id}"
