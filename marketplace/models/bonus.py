"""Bonuses: what clients add to the pay of workers, with the reason."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from marketplace.models.assignment import Assignment


class Bonus(models.Model):
    """What a client gave to the worker of one of its answers, on top of its reward; a fact, which a trigger keeps."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="bonuses")
    amount_minor = models.BigIntegerField(help_text="What the worker gets, in minor units.")
    fee_minor = models.BigIntegerField(help_text="The platform's share, on top.")
    currency = models.CharField(max_length=3)
    reason = models.TextField()
    given_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "bonuses"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=1, amount_minor__lte=1_000_000, fee_minor__gte=0),
                name="bonus_amount_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"bonus for assignment {self.assignment_id}"
