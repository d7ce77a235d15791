"""Answers to hidden gold that wait to be accepted, each with the piece of work whose timetable it keeps."""

from django.db import models
from django.db.models import Q

from marketplace.models.assignment import Assignment
from marketplace.models.task import Task


class WaitingGold(models.Model):
    """An answer to hidden gold that is not accepted yet, so that its worker cannot know it by when it will be.

    ``agrees`` says whether it would be the label, were it work. ``pace`` is a task of the same job that waits as this
    answer would: one that agrees is accepted when one of the pace's is, another by silence. ``counted_at`` is when the
    score was moved by it; null for a moment only. The row goes when it is decided, or known when that will be.
    """

    assignment = models.OneToOneField(
        Assignment, primary_key=True, on_delete=models.PROTECT, related_name="waiting_gold"
    )
    agrees = models.BooleanField()
    pace = models.ForeignKey(Task, null=True, on_delete=models.PROTECT, related_name="+")
    counted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "waiting gold"
        indexes = [
            models.Index(
                fields=["counted_at", "assignment"],
                condition=Q(counted_at__isnull=True) | Q(pace__isnull=True, agrees=True),
                name="waiting_gold_to_tend",
            )
        ]

    def __str__(self) -> str:
        return f"assignment {self.assignment_id}, which waits with task {self.pace_id}"
