"""What Stripe sends on from a payout account to its owner's bank, and whether it arrives there."""

import uuid

from django.db import models
from django.db.models import Q

from billing.models.payout import PayoutAccount
from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class BankPayout(models.Model):
    """One payment of Stripe's to an owner's bank, of one payout of ours or several. Information: it posts nothing.

    What a bank sends back is at Stripe, in the owner's account, and goes out again once they have named another bank.
    """

    class State(models.TextChoices):
        ON_THE_WAY = "on_the_way", "sent to the bank"
        ARRIVED = "arrived", "at the bank"
        FAILED = "failed", "the bank sent it back"

    FLOW = Flow({State.ON_THE_WAY: {State.ARRIVED, State.FAILED}, State.ARRIVED: {State.FAILED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payout_account = models.ForeignKey(PayoutAccount, on_delete=models.PROTECT, related_name="bank_payouts")
    stripe_payout_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ON_THE_WAY)
    failure = models.TextField(blank=True, default="", help_text="In Stripe's own words.")
    expected_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["on_the_way", "arrived", "failed"]), name="bank_payout_state_known"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="bank_payout_amount_is_positive"),
        ]
        indexes = [
            models.Index(fields=["payout_account", "created_at", "id"], name="bank_payout_by_account"),
        ]
        verbose_name = "bank payout"

    def __str__(self) -> str:
        return f"bank payout {self.pk}"

    @property
    def amount(self) -> Money:
        """What was sent to the bank."""
        return Money(self.amount_minor, self.currency)
