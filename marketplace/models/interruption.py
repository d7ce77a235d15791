"""Interruptions: work that was taken away in the middle, and what its time was paid."""

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.money import Money
from marketplace.models.assignment import Assignment


class Interruption(models.Model):
    """That a turn was cut short through no answer of its worker's. Rows are facts.

    ``amount_minor`` is the reward's share of ``seconds`` in ``expected_seconds``, rounded up, at most the reward.
    """

    assignment = models.OneToOneField(
        Assignment, primary_key=True, on_delete=models.PROTECT, related_name="interruption"
    )
    seconds = models.FloatField()
    expected_seconds = models.FloatField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    why = models.TextField()
    interrupted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="interruption_is_paid"),
            models.CheckConstraint(
                condition=Q(seconds__gte=0.0, expected_seconds__gt=0.0), name="interruption_took_time"
            ),
        ]

    def __str__(self) -> str:
        return f"interruption of assignment {self.assignment_id}"

    @property
    def amount(self) -> Money:
        """What the time was paid."""
        return Money(self.amount_minor, self.currency)
