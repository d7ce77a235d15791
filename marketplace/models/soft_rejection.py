"""Soft rejections: answers that are paid and not used."""

from django.db import models

from kernel import clock
from marketplace.models.assignment import Assignment


class SoftRejection(models.Model):
    """That an answer, which is paid, counts for no label, and why. Rows are facts.

    Its assignment is accepted and takes up none of its task's turns, so that another answer can be asked for in its
    place.
    """

    class Reason(models.TextChoices):
        WRONG = "wrong", "The answer is wrong"
        INSTRUCTIONS = "instructions", "The instructions were not followed"
        UNCLEAR = "unclear", "The instructions could be understood like this, and meant something else"
        ITEM = "item", "What the task shows cannot be judged as it was"

    assignment = models.OneToOneField(
        Assignment, primary_key=True, on_delete=models.PROTECT, related_name="soft_rejection"
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)
    message = models.TextField()
    rejected_by = models.ForeignKey("kernel.User", on_delete=models.PROTECT, related_name="+")
    rejected_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"soft rejection of assignment {self.assignment_id}"
