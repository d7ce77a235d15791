"""Money that goes back to a client, along the payment it came by."""

import uuid

from django.db import models
from django.db.models import Q

from billing.models.funding import Funding
from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class Refund(models.Model):
    """One refund of a part of one funding."""

    class State(models.TextChoices):
        REQUESTED = "requested", "set aside"
        SENDING = "sending", "being sent"
        SENT = "sent", "accepted by Stripe"
        SETTLED = "settled", "paid back"
        RETURNED = "returned", "came back after it was paid back"
        FAILED = "failed", "could not be paid back"

    FLOW = Flow(
        {
            State.REQUESTED: {State.SENDING},
            State.SENDING: {State.SENT, State.FAILED},
            State.SENT: {State.SETTLED, State.FAILED},
            State.SETTLED: {State.RETURNED},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=State.choices, default=State.REQUESTED)
    attempt = models.PositiveSmallIntegerField(default=0)
    attempt_began_at = models.DateTimeField(null=True)
    stripe_refund_id = models.CharField(max_length=255, blank=True, default="")
    failure = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["requested", "sending", "sent", "settled", "returned", "failed"]),
                name="refund_state_known",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(state="requested", attempt=0, attempt_began_at__isnull=True)
                | ~Q(state="requested") & Q(attempt__gte=1, attempt_began_at__isnull=False),
                name="refund_sending_has_its_attempt",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "settled", "returned"], sent_at__isnull=False) & ~Q(stripe_refund_id="")
                | Q(state__in=["requested", "sending"], sent_at__isnull=True, stripe_refund_id="")
                | Q(state="failed"),
                name="refund_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["settled", "returned", "failed"], finished_at__isnull=False)
                | Q(state__in=["requested", "sending", "sent"], finished_at__isnull=True),
                name="refund_finished_has_its_time",
            ),
            models.UniqueConstraint(
                fields=["stripe_refund_id"], condition=~Q(stripe_refund_id=""), name="one_refund_per_stripe_refund"
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at", "id"], condition=Q(state__in=["requested", "sending", "sent"]), name="refund_open"
            )
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"

    @property
    def reference(self) -> str:
        """What it is called in the ledger and at Stripe."""
        return f"refund:{self.pk}"

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.amount_minor, self.currency)
