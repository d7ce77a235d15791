"""What waits for a person, with a clock."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow
from marketplace.models.job import Job
from marketplace.models.task import Task


class Escalation(models.Model):
    """Something that only a person may decide: no consensus, a score that fell, stuck money, an appeal, a label…

    ``overdue_at`` is when it was noticed that nobody had decided it in time.
    """

    class Kind(models.TextChoices):
        NO_CONSENSUS = "no_consensus"
        DECERTIFICATION = "decertification"
        FAILED_PAYOUT = "failed_payout"
        DISPUTE = "dispute"
        APPEAL = "appeal"
        REJECTION_BREAKER = "rejection_breaker"
        INSPECTION = "inspection"
        PAY_FLOOR = "pay_floor"
        SIGNAL = "signal"
        GOLD_REVIEW = "gold_review"
        AUTOMATION_STOPPED = "automation_stopped"
        RECALL_UNPAID = "recall_unpaid"

    ABOUT_WORKERS = (Kind.DECERTIFICATION, Kind.SIGNAL)
    ABOUT_MONEY = (Kind.FAILED_PAYOUT, Kind.DISPUTE, Kind.PAY_FLOOR, Kind.RECALL_UNPAID)
    NOTED = (*ABOUT_MONEY, Kind.AUTOMATION_STOPPED)

    class State(models.TextChoices):
        OPEN = "open"
        CLAIMED = "claimed"
        DECIDED = "decided"
        WITHDRAWN = "withdrawn"

    FLOW = Flow(
        {
            State.OPEN: {State.CLAIMED, State.WITHDRAWN, State.DECIDED},
            State.CLAIMED: {State.DECIDED, State.OPEN, State.WITHDRAWN},
        }
    )
    LIVE = (State.OPEN, State.CLAIMED)
    OWNERS = {
        Kind.NO_CONSENSUS: "escalations",
        Kind.DECERTIFICATION: "certification",
        Kind.FAILED_PAYOUT: "finance",
        Kind.DISPUTE: "finance",
        Kind.APPEAL: "escalations",
        Kind.REJECTION_BREAKER: "escalations",
        Kind.INSPECTION: "escalations",
        Kind.PAY_FLOOR: "finance",
        Kind.SIGNAL: "certification",
        Kind.GOLD_REVIEW: "escalations",
        Kind.AUTOMATION_STOPPED: "escalations",
        Kind.RECALL_UNPAID: "finance",
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    job = models.ForeignKey(Job, null=True, on_delete=models.PROTECT, related_name="escalations")
    task = models.ForeignKey(Task, null=True, on_delete=models.PROTECT, related_name="escalations")
    worker = models.ForeignKey("workforce.Worker", null=True, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=200, blank=True, default="", help_text="What else it is about, by its id.")
    details = models.JSONField(default=dict)
    opened_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    overdue_at = models.DateTimeField(null=True)
    claimed_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("kernel.User", null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=40, blank=True, default="")
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(state__in=["open", "claimed"]), name="one_live_escalation_per_task"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "claimed", "decided", "withdrawn"]), name="escalation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="claimed", claimed_by__isnull=False, decided_at__isnull=True)
                | Q(state="open", claimed_by__isnull=True, decided_at__isnull=True)
                | Q(state="decided", decided_by__isnull=False, decided_at__isnull=False)
                | Q(state="withdrawn", decided_at__isnull=True),
                name="escalation_state_has_its_times",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state__in=["open", "claimed"]), name="escalation_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} escalation {self.pk}"

    @property
    def owner(self) -> str:
        """The admin role that answers for it."""
        return self.OWNERS[self.Kind(self.kind)]
