"""What a recall of gold has come to so far."""

from collections.abc import Sequence
from typing import Any

from marketplace.models import Assignment, Reweighing, Task
from qualification.models import GoldQuestion, GoldRecall


def recall_in_numbers(recall: GoldRecall) -> dict[str, Any]:
    """A recall with what was taken back for it, and what is still to be paid."""
    shown = ("gold_question_id", "state", "why", "recalled_at", "replayed_at")
    remarks = recall.remarks.select_related("exam")
    unpaid = Assignment.objects.filter(
        task__gold_question=recall.gold_question_id, state__in=[Assignment.State.SUBMITTED, Assignment.State.REJECTED]
    )
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
    return [_shown(task, task.gold_question) for task in tasks if task.gold_question is not None]


def _shown(task: Task, question: GoldQuestion) -> dict[str, Any]:
    recall = GoldRecall.objects.filter(gold_question=question).first()
    return {
        "id": question.pk,
        "external_id": task.external_id or None,
        "item": task.item,
        "result": question.result,
        "reason": question.reason,
        "band": task.band,
        "recall": recall_in_numbers(recall) if recall is not None else None,
    }
