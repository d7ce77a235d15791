"""Reweighing: what became of labels that were weighed again, after a recall of gold or a later fit of their job."""

from django.db import models
from django.db.models import Q

from kernel import clock
from marketplace.models.fit import Fit
from marketplace.models.task import Task


class MovedScore(models.Model):
    """That a recall moved a worker's score, until the tasks that they answered in that skill have been looked at again.

    Up to the turn claimed at ``after_claimed_at`` with the id ``after_id`` they have been.
    """

    id = models.BigAutoField(primary_key=True)
    recall = models.ForeignKey("qualification.GoldRecall", on_delete=models.PROTECT, related_name="+")
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+", db_index=False)
    skill = models.ForeignKey("qualification.Skill", on_delete=models.PROTECT, related_name="+", db_index=False)
    after_claimed_at = models.DateTimeField(null=True)
    after_id = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recall", "worker", "skill"], name="one_moved_score_per_recall"),
            models.CheckConstraint(
                condition=Q(after_claimed_at__isnull=True, after_id__isnull=True)
                | Q(after_claimed_at__isnull=False, after_id__isnull=False),
                name="moved_score_place_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"score of worker {self.worker_id}, moved by recall {self.recall_id}"


class Reweighing(models.Model):
    """What became of a task when its answers were weighed again by what is believed of their workers now.

    Because of a ``recall`` of gold, or of a later ``fit`` of the job. Keys are of the label before and of the answer in
    front after. Rows are facts.
    """

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", "the same label, as sure as it now is"
        RELABELLED = "relabelled", "another label"
        ASKED = "asked", "no longer sure enough: one more answer is asked for"
        REOPENED = "reopened", "no longer sure enough: a person decides"
        RESOLVED = "resolved", "sure enough now: no person need decide"
        UNSURE = "unsure", "a person decides, as before"
        CERTIFIED = "certified", "the label stands, because it is part of what a certificate promises"

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="reweighings")
    recall = models.ForeignKey("qualification.GoldRecall", null=True, on_delete=models.PROTECT, related_name="+")
    fit = models.ForeignKey(Fit, null=True, on_delete=models.PROTECT, related_name="reweighings")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    from_key = models.TextField(blank=True)
    to_key = models.TextField()
    from_confidence = models.FloatField(null=True)
    to_confidence = models.FloatField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "recall"], name="one_reweighing_per_recall"),
            models.UniqueConstraint(fields=["task", "fit"], name="one_reweighing_per_fit"),
            models.CheckConstraint(
                condition=Q(to_confidence__gte=0.0, to_confidence__lte=1.0), name="reweighing_confidence_in_range"
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=["confirmed", "relabelled", "asked", "reopened", "resolved", "unsure", "certified"]
                ),
                name="reweighing_outcome_known",
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.task_id}: {self.outcome}"
