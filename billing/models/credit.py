"""Money that the platform advances to a client, by a decision of a person."""

import uuid

from django.db import models
from django.db.models import Q

from billing.models.funding import Funding
from kernel import clock
from kernel.flow import Flow
from kernel.money import Money


class Credit(models.Model):
    """One credit: spendable at once, borne by the platform until it is taken back.

    One against a ``funding`` that is on its way is taken back by itself when that has settled.
    """

    class State(models.TextChoices):
        GRANTED = "granted", "advanced by the platform"
        TAKEN_BACK = "taken_back", "given back to the platform"

    FLOW = Flow({State.GRANTED: {State.TAKEN_BACK}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client_owner = models.CharField(max_length=100)
    funding = models.ForeignKey(Funding, null=True, on_delete=models.PROTECT, related_name="credits")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.TextField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.GRANTED)
    granted_at = models.DateTimeField(default=clock.now)
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["granted", "taken_back"]), name="credit_state_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="credit_amount_is_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="credit_has_a_reason"),
            models.CheckConstraint(
                condition=Q(state="granted", taken_back_at__isnull=True)
                | Q(state="taken_back", taken_back_at__isnull=False),
                name="credit_taken_back_has_its_time",
            ),
        ]
        indexes = [models.Index(fields=["client_owner", "granted_at", "id"], name="credit_by_client")]

    def __str__(self) -> str:
        return f"credit {self.pk}"

    @property
    def reference(self) -> str:
        """What it is called in the ledger."""
        return f"credit:{self.pk}"

    @property
    def amount(self) -> Money:
        """What was advanced."""
        return Money(self.amount_minor, self.currency)
