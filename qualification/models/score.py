"""Scores: the measured quality of a worker in a skill, and everything that moved it."""

import uuid

from django.db import models
from django.db.models import F, Q

from kernel import clock
from qualification.models.skill import Skill


class Score(models.Model):
    """How good one worker is in one skill: right and wrong gold answers, and the Beta posterior that follows from them.

    ``estimate`` is the posterior's mean, ``lower_bound`` the value that the true quality exceeds almost surely.
    ``bound_without_gold`` is the lower bound without the hidden gold of the day ``gold_on`` (UTC), the last that had
    any: on that day it is all that may be noticed in what the worker is offered or refused.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+", db_index=False)
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="scores")
    correct = models.FloatField(default=0.0)
    wrong = models.FloatField(default=0.0)
    estimate = models.FloatField()
    lower_bound = models.FloatField()
    gold_on = models.DateField(null=True)
    bound_without_gold = models.FloatField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker", "skill"], name="one_score_per_skill"),
            models.CheckConstraint(
                condition=Q(gold_on__isnull=True, bound_without_gold__isnull=True)
                | Q(gold_on__isnull=False, bound_without_gold__gte=0.0, bound_without_gold__lte=1.0),
                name="score_gold_day_has_its_bound",
            ),
            models.CheckConstraint(
                condition=Q(correct__gte=0.0, correct__lte=1e9, wrong__gte=0.0, wrong__lte=1e9),
                name="score_evidence_in_range",
            ),
            models.CheckConstraint(
                condition=Q(lower_bound__gte=0.0, estimate__lte=1.0, lower_bound__lte=F("estimate")),
                name="score_bounds_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.estimate:.3f} (at least {self.lower_bound:.3f})"


class ScoreEvidence(models.Model):
    """One gold question that was answered right or wrong. Rows are facts: a trigger refuses to change them.

    ``subject`` names where it was answered (``exam:<id>:<position>``, ``assignment:<id>``); each counts once.
    """

    class Source(models.TextChoices):
        EXAM = "exam"
        HIDDEN_GOLD = "hidden_gold"

    id = models.BigAutoField(primary_key=True)
    score = models.ForeignKey(Score, on_delete=models.PROTECT, related_name="evidence", db_index=False)
    source = models.CharField(max_length=11, choices=Source.choices)
    correct = models.BooleanField()
    subject = models.CharField(max_length=100)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["score", "subject"], name="evidence_counts_once"),
            models.CheckConstraint(condition=Q(source__in=["exam", "hidden_gold"]), name="evidence_source_known"),
        ]
        indexes = [
            models.Index(fields=["score", "at", "id"], name="evidence_by_score"),
            models.Index(fields=["at"], condition=Q(correct=False), name="evidence_of_misses"),
        ]

    def __str__(self) -> str:
        return f"{'right' if self.correct else 'wrong'} in {self.subject}"


class ScoreFall(models.Model):
    """That a score's lower bound fell below the floor of some job, until it has risen to it again.

    One open row per floor: whoever waits for such falls is told once for each.
    """

    id = models.BigAutoField(primary_key=True)
    score = models.ForeignKey(Score, on_delete=models.PROTECT, related_name="falls", db_index=False)
    floor = models.FloatField()
    lower_bound = models.FloatField(help_text="The bound at the moment of the fall.")
    subject = models.CharField(max_length=100, help_text="The answer that brought it below.")
    at = models.DateTimeField(default=clock.now)
    risen_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(
        "qualification.GoldRecall",
        null=True,
        on_delete=models.PROTECT,
        related_name="lifted_falls",
        help_text="Without the gold that was recalled it would not have been.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["score", "floor"], condition=Q(risen_at__isnull=True), name="one_open_fall_per_floor"
            ),
            models.CheckConstraint(condition=Q(floor__gt=0.0, floor__lte=1.0), name="fall_floor_in_range"),
            models.CheckConstraint(condition=Q(lower_bound__lt=F("floor")), name="fall_is_below_its_floor"),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True) | Q(risen_at__isnull=False), name="fall_that_was_lifted_has_risen"
            ),
        ]
        indexes = [models.Index(fields=["score", "at", "id"], name="fall_by_score")]

    def __str__(self) -> str:
        return f"below {self.floor:.3f} since {self.at:%Y-%m-%d}"
