"""Exams: gold questions taken to earn a certification, and the answers given in them."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from qualification.models.gold import GoldQuestion
from qualification.models.skill import Skill


class Exam(models.Model):
    """One attempt of one worker at one skill's exam. Questions and pass mark are those of the moment it started.

    It ends when the worker finishes it or at ``due_at``: with every question answered it is marked, else abandoned. One
    that failed passes after all where, without questions that were recalled, it would have.
    """

    class State(models.TextChoices):
        STARTED = "started"
        PASSED = "passed"
        FAILED = "failed"
        ABANDONED = "abandoned"

    FLOW = Flow(
        {State.STARTED: {State.PASSED, State.FAILED, State.ABANDONED}, State.FAILED: {State.PASSED}},
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+", db_index=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="exams", db_index=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTED)
    questions = models.PositiveSmallIntegerField()
    pass_mark_basis_points = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    score_basis_points = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["worker", "skill"], condition=Q(state="started"), name="one_exam_at_a_time_per_skill"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["started", "passed", "failed", "abandoned"]), name="exam_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="started", finished_at__isnull=True, score_basis_points__isnull=True)
                | Q(state="abandoned", finished_at__isnull=False, score_basis_points__isnull=True)
                | Q(
                    state="passed",
                    finished_at__isnull=False,
                    score_basis_points__gte=F("pass_mark_basis_points"),
                    score_basis_points__lte=10_000,
                )
                | Q(state="failed", finished_at__isnull=False, score_basis_points__lt=F("pass_mark_basis_points")),
                name="exam_state_has_its_outcome",
            ),
            models.CheckConstraint(condition=Q(questions__gte=1), name="exam_asks_something"),
            models.CheckConstraint(condition=Q(due_at__gt=F("started_at")), name="exam_is_due_after_its_start"),
        ]
        indexes = [
            models.Index(fields=["worker", "skill", "started_at", "id"], name="exam_by_worker"),
            models.Index(fields=["due_at", "id"], condition=Q(state="started"), name="exam_due"),
        ]

    def __str__(self) -> str:
        return f"exam {self.pk}"

    @property
    def retry_at(self) -> datetime | None:
        """When the next attempt may start, if this one failed or, its questions seen all the same, was abandoned."""
        if self.finished_at is None or self.state not in (self.State.FAILED, self.State.ABANDONED):
            return None
        return self.finished_at + self.skill.retry_after


class ExamAnswer(models.Model):
    """One question of one exam, at its position from 1, with the answer to it. The first answer stands (a trigger)."""

    id = models.BigAutoField(primary_key=True)
    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="answers", db_index=False)
    gold_question = models.ForeignKey(GoldQuestion, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    result = models.JSONField(null=True)
    correct = models.BooleanField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exam", "position"], name="one_question_per_position"),
            models.UniqueConstraint(fields=["exam", "gold_question"], name="one_position_per_question"),
            models.CheckConstraint(
                condition=Q(result__isnull=True, correct__isnull=True, answered_at__isnull=True)
                | Q(result__isnull=False, correct__isnull=False, answered_at__isnull=False),
                name="exam_answer_is_whole",
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="exam_position_from_one"),
        ]

    def __str__(self) -> str:
        return f"question {self.position} of exam {self.exam_id}"

    @property
    def is_answered(self) -> bool:
        """Whether it has its answer."""
        return self.answered_at is not None
