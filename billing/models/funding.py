"""Money that a client brings in, through a payment page of Stripe's."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class Funding(models.Model):
    """One payment by a client into its funds. It counts only once it is settled."""

    class State(models.TextChoices):
        PREPARING = "preparing", "its payment page is being made"
        AWAITING_PAYMENT = "awaiting_payment", "its payment page is open"
        PROCESSING = "processing", "the payer's bank is bringing it"
        SETTLED = "settled", "paid and credited"
        FAILED = "failed", "could not be paid"
        EXPIRED = "expired", "was not paid in time"

    FLOW = Flow(
        {
            State.PREPARING: {State.AWAITING_PAYMENT, State.FAILED},
            State.AWAITING_PAYMENT: {State.PROCESSING, State.SETTLED, State.FAILED, State.EXPIRED},
            State.PROCESSING: {State.SETTLED, State.FAILED},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client_owner = models.CharField(max_length=100)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PREPARING)
    receipt_email = models.EmailField(blank=True, default="", help_text="Kept only until Stripe has it.")
    success_url = models.CharField(max_length=1000)
    cancel_url = models.CharField(max_length=1000)
    attempt = models.PositiveSmallIntegerField(default=0)
    attempt_began_at = models.DateTimeField(null=True)
    stripe_session_id = models.CharField(max_length=255, blank=True, default="")
    checkout_url = models.TextField(blank=True, default="")
    payment_intent_id = models.CharField(max_length=255, blank=True, default="")
    refunded_minor = models.BigIntegerField(default=0, help_text="Refunds asked for, those that failed left out.")
    failure = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["preparing", "awaiting_payment", "processing", "settled", "failed", "expired"]),
                name="funding_state_known",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="funding_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["preparing", "failed"]) | ~Q(stripe_session_id=""),
                name="funding_has_its_session",
            ),
            models.CheckConstraint(
                condition=Q(state="settled", settled_at__isnull=False) & ~Q(payment_intent_id="")
                | ~Q(state="settled") & Q(settled_at__isnull=True),
                name="funding_settled_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["settled", "failed", "expired"], finished_at__isnull=False)
                | Q(state__in=["preparing", "awaiting_payment", "processing"], finished_at__isnull=True),
                name="funding_finished_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor=0)
                | Q(state="settled", refunded_minor__gt=0, refunded_minor__lte=F("amount_minor")),
                name="funding_refunded_within_amount",
            ),
            models.UniqueConstraint(
                fields=["stripe_session_id"], condition=~Q(stripe_session_id=""), name="one_funding_per_session"
            ),
            models.UniqueConstraint(
                fields=["payment_intent_id"], condition=~Q(payment_intent_id=""), name="one_funding_per_payment"
            ),
        ]
        indexes = [
            models.Index(fields=["client_owner", "created_at", "id"], name="funding_by_client"),
            models.Index(
                fields=["created_at", "id"],
                condition=Q(state__in=["preparing", "awaiting_payment", "processing"]),
                name="funding_open",
            ),
        ]

    def __str__(self) -> str:
        return f"funding {self.pk}"

    @property
    def reference(self) -> str:
        """What it is called in the ledger and at Stripe."""
        return f"funding:{self.pk}"

    @property
    def amount(self) -> Money:
        """What the client pays."""
        return Money(self.amount_minor, self.currency)

    @property
    def refundable(self) -> Money:
        """What of a settled funding has not been asked back yet."""
        return Money(self.amount_minor - self.refunded_minor, self.currency)
