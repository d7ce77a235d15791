"""Payments that a payer's bank disputes."""

import uuid

from django.db import models
from django.db.models import F, Q

from billing.models.funding import Funding
from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class Dispute(models.Model):
    """One dispute of one funding: the payer's bank asks about it, takes it back, and gives it back or keeps it.

    ``from_funds_minor`` of what was taken back came from the client's funds; the rest is the platform's loss.
    """

    class State(models.TextChoices):
        INQUIRY = "inquiry", "the bank asks; nothing was taken back"
        OPEN = "open", "taken back until it is decided"
        WON = "won", "came again"
        LOST = "lost", "gone for good"
        CLOSED = "closed", "was only asked about"

    FLOW = Flow(
        {
            State.INQUIRY: {State.OPEN, State.CLOSED},
            State.OPEN: {State.WON, State.LOST},
            State.LOST: {State.WON},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INQUIRY)
    from_funds_minor = models.BigIntegerField(default=0, help_text="What the client's funds still had of it.")
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
                condition=Q(state__in=["inquiry", "closed"], opened_at__isnull=True, from_funds_minor=0)
                | Q(state__in=["open", "won", "lost"], opened_at__isnull=False),
                name="dispute_open_has_its_time",
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
