"""How often an owner wants earnings to be paid out without asking."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock


class PayoutSchedule(models.Model):
    """One owner's wish. ``last_period`` is the day or week that was seen to last: each is seen to once."""

    class Every(models.TextChoices):
        NEVER = "never", "only when asked for"
        DAY = "day", "every day"
        WEEK = "week", "every week, on Monday"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=100, unique=True)
    every = models.CharField(max_length=8, choices=Every.choices, default=Every.NEVER)
    minimum_minor = models.BigIntegerField(help_text="Less than this waits for the next time.")
    last_period = models.CharField(max_length=10, blank=True, default="", help_text="A date, or a week of ISO 8601.")
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(every__in=["never", "day", "week"]), name="payout_schedule_every_known"),
            models.CheckConstraint(condition=Q(minimum_minor__gte=100), name="payout_schedule_minimum_is_a_payout"),
        ]
        indexes = [
            models.Index(fields=["every", "last_period", "id"], condition=~Q(every="never"), name="payout_schedule_due")
        ]
        verbose_name = "payout schedule"

    def __str__(self) -> str:
        return f"payout schedule of {self.owner}"
