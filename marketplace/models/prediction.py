"""Predictions: what a client's models say of its tasks, what people found of that, and what was accepted of it."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from kernel.flow import Flow
from marketplace.models.job import Job
from marketplace.models.task import Task


class Predictor(models.Model):
    """A client's model at one version, as it predicts in one job, and how often it was right there.

    ``right`` and ``wrong`` count its checks; ``confusion`` has them by truth, then by what was said, as answer keys.
    ``error_rates`` is what its vote is weighed by in each part that is asked for (`automation.voter`), null before.
    ``looked_until`` is the last task that labeling functions have looked at in the round that they are at.
    ``thresholds`` are the scores that may become its ``threshold``, the score from which predictions are accepted
    without a person while the bound of their error holds; they are chosen once, before anybody knows what is right.
    """

    class State(models.TextChoices):
        MEASURING = "measuring"
        ACCEPTING = "accepting"
        STOPPED = "stopped"

    FLOW = Flow(
        {
            State.MEASURING: {State.ACCEPTING, State.STOPPED},
            State.ACCEPTING: {State.MEASURING, State.STOPPED},
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="predictors", db_index=False)
    name = models.CharField(max_length=100, blank=True, default="")
    version = models.CharField(max_length=100)
    state = models.CharField(max_length=9, choices=State.choices, default=State.MEASURING)
    right = models.PositiveIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)
    confusion = models.JSONField(default=dict)
    error_rates = models.JSONField(null=True)
    looked_until = models.UUIDField(null=True)
    thresholds = models.JSONField(default=list)
    threshold = models.FloatField(null=True)
    error_bound = models.FloatField(null=True)
    accepting_since = models.DateTimeField(null=True)
    stopped_because = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "name", "version"], name="one_predictor_per_version"),
            models.CheckConstraint(
                condition=Q(state="measuring", threshold__isnull=True, stopped_because="")
                | Q(
                    state="accepting",
                    threshold__isnull=False,
                    error_bound__isnull=False,
                    accepting_since__isnull=False,
                    stopped_because="",
                )
                | (Q(state="stopped", threshold__isnull=True) & ~Q(stopped_because="")),
                name="predictor_state_has_its_reason",
            ),
            models.CheckConstraint(
                condition=Q(error_bound__isnull=True) | Q(error_bound__gte=0.0, error_bound__lte=1.0),
                name="predictor_bound_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class Prediction(models.Model):
    """What a predictor says of one task: a result in Label Studio's form and its own score. It is never paid.

    Rows are facts: a trigger refuses to change them. An ``is_audit`` was drawn, as its task was first predicted, to be
    answered by people alone, whatever its score. No worker is shown any of this.
    """

    id = models.BigAutoField(primary_key=True)
    predictor = models.ForeignKey(Predictor, on_delete=models.PROTECT, related_name="predictions", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="predictions")
    score = models.FloatField(help_text="How sure the model says it is, 0 to 1.")
    result = models.JSONField()
    answer_key = models.TextField()
    is_audit = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["predictor", "task"], name="one_prediction_per_version"),
            models.CheckConstraint(condition=Q(score__gte=0.0, score__lte=1.0), name="prediction_score_in_range"),
        ]

    def __str__(self) -> str:
        return f"prediction {self.pk} of task {self.task_id}"


class PredictionCheck(models.Model):
    """That a prediction was compared with a truth that people gave without seeing it. Rows are facts.

    ``gold``: the task's right answer was known. ``audit``: people alone labelled a task drawn for it. ``work``: most
    people who answered the task say so, whatever became its label.
    """

    class Source(models.TextChoices):
        GOLD = "gold"
        AUDIT = "audit"
        WORK = "work"

    prediction = models.OneToOneField(Prediction, primary_key=True, on_delete=models.PROTECT, related_name="checked")
    source = models.CharField(max_length=5, choices=Source.choices)
    truth_key = models.TextField()
    is_right = models.BooleanField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(source__in=["gold", "audit", "work"]), name="check_source_known")
        ]

    def __str__(self) -> str:
        return f"prediction {self.prediction_id} was {'right' if self.is_right else 'wrong'}"


class AutoAcceptance(models.Model):
    """That a prediction became its task's label without a person, and the bound that allowed it. Rows are facts."""

    task = models.OneToOneField(Task, primary_key=True, on_delete=models.PROTECT, related_name="auto_acceptance")
    prediction = models.OneToOneField(Prediction, on_delete=models.PROTECT, related_name="acceptance")
    threshold = models.FloatField()
    error_bound = models.FloatField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(error_bound__gte=0.0, error_bound__lte=1.0, threshold__gte=0.0),
                name="auto_acceptance_has_its_bound",
            )
        ]

    def __str__(self) -> str:
        return f"task {self.task_id} by prediction {self.prediction_id}"
