"""Appeals: a worker asks a person to look at a rejection again; the pay is held until somebody has."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow
from marketplace.models.assignment import Rejection
from marketplace.models.escalation import Escalation


class Appeal(models.Model):
    """What a worker says against a rejection, once. ``decided_by`` is null when its deadline passed undecided."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld", "the rejection stands"
        REVERSED = "reversed", "the rejection was taken back"

    FLOW = Flow({State.OPEN: {State.UPHELD, State.REVERSED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rejection = models.OneToOneField(Rejection, on_delete=models.PROTECT, related_name="appeal")
    escalation = models.OneToOneField(Escalation, on_delete=models.PROTECT, related_name="appeal")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    text = models.TextField()
    appealed_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["open", "upheld", "reversed"]), name="appeal_state_known"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True, decided_by__isnull=True)
                | Q(state="upheld", decided_at__isnull=False, decided_by__isnull=False)
                | Q(state="reversed", decided_at__isnull=False),
                name="appeal_state_has_its_times",
            ),
            models.CheckConstraint(condition=Q(due_at__gt=models.F("appealed_at")), name="appeal_has_time"),
            # A person upholds a rejection, and in time: a missed deadline decides for the worker.
            models.CheckConstraint(
                condition=~Q(state="upheld") | Q(decided_at__lt=models.F("due_at")), name="appeal_upheld_in_time"
            ),
        ]
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(state="open"), name="appeal_due")]

    def __str__(self) -> str:
        return f"appeal against the rejection of assignment {self.rejection.assignment_id}"
