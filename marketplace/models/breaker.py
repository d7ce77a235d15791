"""The breaker: a job whose client rejects against what is known rejects no more until a person has looked."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow
from marketplace.models.escalation import Escalation
from marketplace.models.job import Job


class Breaker(models.Model):
    """That rejections in a job were stopped: by which rule in which version, and what it saw."""

    class State(models.TextChoices):
        TRIPPED = "tripped"
        RESET = "reset", "the rejections stand, and there may be others"
        REVERSED = "reversed", "the rejections were taken back"

    FLOW = Flow({State.TRIPPED: {State.RESET, State.REVERSED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="breakers")
    escalation = models.OneToOneField(Escalation, on_delete=models.PROTECT, related_name="breaker")
    state = models.CharField(max_length=10, choices=State.choices, default=State.TRIPPED)
    rule = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    inputs = models.JSONField()
    tripped_at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job"], condition=Q(state="tripped"), name="one_tripped_breaker_per_job"),
            models.CheckConstraint(condition=Q(state__in=["tripped", "reset", "reversed"]), name="breaker_state_known"),
            models.CheckConstraint(
                condition=Q(state="tripped", decided_at__isnull=True, decided_by__isnull=True)
                | Q(state__in=["reset", "reversed"], decided_at__isnull=False, decided_by__isnull=False),
                name="breaker_state_has_its_times",
            ),
        ]

    def __str__(self) -> str:
        return f"breaker of job {self.job_id}"
