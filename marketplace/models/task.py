"""Tasks, and the slots that say which turns at them nobody has taken yet."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from marketplace.models.job import Job
from marketplace.models.price import Band


class Task(models.Model):
    """One item to label. A task with a ``gold_question`` is hidden gold: to workers it is like any other.

    ``label`` is the resolution in Label Studio's result JSON, ``answer_key`` the same in canonical form, ``confidence``
    how likely it is to be right (0 to 1), at 95% between ``confidence_low`` and ``confidence_high`` where that is
    known; ``majority_key`` and ``majority_share`` are plain majority vote, beside it. ``fit_number`` is that of the fit
    by which the answers were weighed for all of this, none where scores alone did.
    """

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"
        IN_ADJUDICATION = "in_adjudication"
        VOID = "void"

    class Method(models.TextChoices):
        CONSENSUS = "consensus"
        ADJUDICATION = "adjudication"
        PREDICTION = "prediction"

    FLOW = Flow(
        {
            State.OPEN: {State.RESOLVED, State.IN_ADJUDICATION, State.VOID},
            State.IN_ADJUDICATION: {State.RESOLVED, State.VOID},
            State.RESOLVED: {State.OPEN, State.IN_ADJUDICATION},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    external_id = models.CharField(max_length=200, blank=True, default="")
    item = models.JSONField()
    priority = models.PositiveSmallIntegerField(default=5, help_text="0 is claimed first, 9 last.")
    band = models.CharField(
        max_length=8, choices=Band.choices, default=Band.STANDARD, db_default=Band.STANDARD, help_text="How hard it is."
    )
    gold_question = models.ForeignKey(
        "qualification.GoldQuestion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    label = models.JSONField(null=True)
    answer_key = models.TextField(blank=True, default="")
    confidence = models.FloatField(null=True)
    confidence_low = models.FloatField(null=True)
    confidence_high = models.FloatField(null=True)
    fit_number = models.PositiveIntegerField(null=True, help_text="Of the job's fits, which weighed the answers.")
    method = models.CharField(max_length=12, choices=Method.choices, blank=True, default="")
    majority_key = models.TextField(blank=True, default="")
    majority_share = models.FloatField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "external_id"], condition=~Q(external_id=""), name="one_task_per_external_id"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "resolved", "in_adjudication", "void"]), name="task_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="resolved", resolved_at__isnull=False, label__isnull=False)
                | (~Q(state="resolved") & Q(resolved_at__isnull=True)),
                name="task_resolved_has_its_label",
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0.0, confidence__lte=1.0),
                name="task_confidence_in_range",
            ),
            models.CheckConstraint(
                condition=Q(confidence_low__isnull=True, confidence_high__isnull=True)
                | Q(
                    confidence_low__gte=0.0,
                    confidence_low__lte=F("confidence"),
                    confidence__lte=F("confidence_high"),
                    confidence_high__lte=1.0,
                ),
                name="task_confidence_in_its_interval",
            ),
            models.CheckConstraint(
                condition=Q(fit_number__isnull=True) | Q(fit_number__gte=1, confidence__isnull=False),
                name="task_fit_weighed_its_answers",
            ),
            models.CheckConstraint(condition=Q(priority__lte=9), name="task_priority_in_range"),
            models.CheckConstraint(condition=Q(band__in=Band.values), name="task_band_known"),
        ]
        indexes = [
            models.Index(fields=["job", "id"], name="task_by_job"),
            models.Index(
                fields=["job"],
                condition=Q(state__in=["open", "in_adjudication"], gold_question__isnull=True),
                name="task_unresolved",
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.external_id or self.pk}"


class Slot(models.Model):
    """A turn that nobody has taken yet. Claiming deletes the row; giving the turn back inserts it anew.

    The table is narrow and read by (job, lane, priority, random ``r``), so that a claim costs the same however long the
    queue is. Turns at tasks that their first answers left unsure stand in a part of the queue of their own, where sure
    workers look first. One ``ordinal`` per wanted answer: a trigger refuses work slots beyond the job's overlap.
    """

    class Lane(models.IntegerChoices):
        WORK = 0
        GOLD = 1

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="slots", db_index=False)
    lane = models.PositiveSmallIntegerField(choices=Lane.choices)
    priority = models.PositiveSmallIntegerField()
    r = models.FloatField(help_text="Random place in the queue: 0 to 1, and 1 to 2 where the task is unsure.")
    ordinal = models.PositiveSmallIntegerField(help_text="Which of the task's turns this is, from 1.")
    band = models.CharField(max_length=8, choices=Band.choices, default=Band.STANDARD, db_default=Band.STANDARD)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "ordinal"], name="one_slot_per_turn")]
        indexes = [models.Index(fields=["job", "lane", "priority", "r", "id"], name="slot_queue")]

    def __str__(self) -> str:
        return f"turn {self.ordinal} of task {self.task_id}"
