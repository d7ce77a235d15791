"""What a recall of gold has come to so far."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Q

from marketplace.models import Assignment, Rejection, Reweighing, Task
from qualification.models import GoldQuestion, GoldRecall

REJECTED_AS_WRONG: Final = Q(
    state=Assignment.State.REJECTED,
    rejection__reversed_at__isnull=True,
    rejection__reason__in=[Rejection.Reason.WRONG, Rejection.Reason.INSTRUCTIONS, Rejection.Reason.RANDOM],
)
"""Rejected for what was held to be right. What is empty or copied is so whatever is right."""


def recall_in_numbers(recall: GoldRecall) -> dict[str, Any]:
    """A recall with what was taken back for it, and what is still to be paid."""
    shown = ("id", "gold_question_id", "state", "why", "recalled_at", "replayed_at")
    remarks = recall.remarks.select_related("exam")
    answered = Assignment.objects.filter(task__gold_question=recall.gold_question_id)
    unpaid = answered.filter(Q(state=Assignment.State.SUBMITTED) | REJECTED_AS_WRONG)
    weighed = Reweighing.objects.filter(recall=recall)
    return {
        **{name: getattr(recall, name) for name in shown},
        "answers_withdrawn": recall.withdrawn.count(),
        "exams_marked_anew": remarks.count(),
        "exams_passed": remarks.filter(exam__state="passed").count(),
        "unpaid_answers": unpaid.count(),
        "labels_looked_at": weighed.count(),
        "labels_changed": weighed.filter(outcome=Reweighing.Outcome.RELABELLED).count(),
        "labels_reopened": weighed.filter(outcome=Reweighing.Outcome.REOPENED).count(),
    }


def gold_in_full(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """The gold questions of these tasks as whoever brought them in sees them, with their recalls."""
    recalls = {
        each.gold_question_id: each
        for each in GoldRecall.objects.filter(gold_question__in=[task.gold_question_id for task in tasks])
    }
    asked = [(task, task.gold_question) for task in tasks if task.gold_question is not None]
    return [_shown(task, question, recalls.get(question.pk)) for task, question in asked]


def _shown(task: Task, question: GoldQuestion, recall: GoldRecall | None) -> dict[str, Any]:
    return {
        "id": question.pk,
        "external_id": task.external_id or None,
        "item": task.item,
        "result": question.result,
        "reason": question.reason,
        "band": task.band,
        "recall": recall_in_numbers(recall) if recall is not None else None,
    }
