"""Recalls: gold that was wrong, and what no longer counts because of it."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.flow import Flow
from qualification.models.exam import Exam
from qualification.models.gold import GoldQuestion
from qualification.models.score import ScoreEvidence


class GoldRecall(models.Model):
    """That a gold question was wrong, who says so and why. From then on no answer to it counts.

    It is replayed in the background: until ``evidence_withdrawn_at`` its answers are taken out of scores and exams, and
    until ``replayed_at`` what followed from them is put right.
    """

    class State(models.TextChoices):
        REPLAYING = "replaying"
        REPLAYED = "replayed"

    FLOW = Flow({State.REPLAYING: {State.REPLAYED}})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gold_question = models.OneToOneField(GoldQuestion, on_delete=models.PROTECT, related_name="recall")
    state = models.CharField(max_length=10, choices=State.choices, default=State.REPLAYING)
    why = models.TextField()
    recalled_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")
    recalled_at = models.DateTimeField(default=clock.now)
    evidence_withdrawn_at = models.DateTimeField(null=True)
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["replaying", "replayed"]), name="recall_state_known"),
            models.CheckConstraint(
                condition=Q(state="replaying", replayed_at__isnull=True)
                | Q(state="replayed", replayed_at__isnull=False, evidence_withdrawn_at__isnull=False),
                name="recall_state_has_its_times",
            ),
            models.CheckConstraint(condition=~Q(why=""), name="recall_has_a_reason"),
        ]
        indexes = [
            models.Index(fields=["recalled_at", "id"], condition=Q(state="replaying"), name="recall_to_replay"),
        ]

    def __str__(self) -> str:
        return f"recall of gold question {self.gold_question_id}"


class WithdrawnEvidence(models.Model):
    """That a piece of evidence no longer counts, because its gold was recalled. Rows are facts."""

    evidence = models.OneToOneField(
        ScoreEvidence, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )
    recall = models.ForeignKey(GoldRecall, on_delete=models.PROTECT, related_name="withdrawn")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "withdrawn evidence"

    def __str__(self) -> str:
        return f"evidence {self.evidence_id} no longer counts"


class ExamRemark(models.Model):
    """How an exam that was over comes out without the questions that were recalled up to then. Rows are facts.

    ``score_basis_points`` is null where no question is left to mark it by.
    """

    id = models.BigAutoField(primary_key=True)
    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="remarks", db_index=False)
    recall = models.ForeignKey(GoldRecall, on_delete=models.PROTECT, related_name="remarks")
    questions = models.PositiveSmallIntegerField(help_text="How many are left.")
    right = models.PositiveSmallIntegerField()
    score_basis_points = models.PositiveSmallIntegerField(null=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exam", "recall"], name="one_remark_per_recall"),
            models.CheckConstraint(condition=Q(right__lte=F("questions")), name="remark_counts_in_order"),
            models.CheckConstraint(
                condition=Q(questions=0, score_basis_points__isnull=True)
                | Q(questions__gte=1, score_basis_points__lte=10_000),
                name="remark_has_its_score",
            ),
        ]

    def __str__(self) -> str:
        return f"exam {self.exam_id} without what was recalled: {self.right} of {self.questions}"
