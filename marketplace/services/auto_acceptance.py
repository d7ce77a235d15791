"""Predictions that become labels without a person: surely enough right by audits, and nobody at the task yet."""

from typing import Any, Final
from uuid import UUID

from django.db import connection

from kernel import clock
from kernel.flow import move
from kernel.services.audit import Actor
from marketplace.models import AutoAcceptance, Prediction, Predictor, Slot, Task
from qualification.statistics.automation.bound import Audits, share_right

ACCEPTED_AT_ONCE: Final = 500


def accept_predictions(predictor: Predictor, *, audits: Audits, by: Actor) -> int:
    """Resolve tasks by the predictions that reach the predictor's threshold; its row and its job's are locked.

    Never an audit, never a task that somebody is at or has answered, and not where another predictor that may accept
    says otherwise. The free turns of such tasks vanish; what was held for them comes back when the job ends.
    """
    accepted = 0
    for prediction in _acceptable(predictor):
        task = Task.objects.select_for_update(no_key=True).get(pk=prediction.task_id)
        if task.state != Task.State.OPEN or not _take_its_turns(task.pk, predictor):
            continue
        _resolve(task, prediction, predictor, audits=audits, by=by)
        accepted += 1
    return accepted


def _acceptable(predictor: Predictor) -> list[Prediction]:
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"predictor": predictor.pk, "job": predictor.job_id, "threshold": predictor.threshold}
        cursor.execute(_ACCEPTABLE, given | {"most": ACCEPTED_AT_ONCE})
        ids = [row[0] for row in cursor.fetchall()]
    return list(Prediction.objects.filter(pk__in=ids).order_by("task_id"))


_ACCEPTABLE: Final = """
SELECT prediction.id FROM marketplace_prediction prediction JOIN marketplace_task task ON task.id = prediction.task_id
WHERE prediction.predictor_id = %(predictor)s AND prediction.score >= %(threshold)s AND NOT prediction.is_audit
  AND task.state = 'open' AND task.gold_question_id IS NULL
  AND NOT EXISTS (
      SELECT FROM marketplace_assignment turn
      WHERE turn.task_id = task.id AND (turn.ordinal IS NOT NULL OR turn.state = 'accepted'))
  AND NOT EXISTS (
      SELECT FROM marketplace_prediction other JOIN marketplace_predictor its ON its.id = other.predictor_id
      WHERE other.task_id = task.id AND its.state = 'accepting' AND other.score >= its.threshold
        AND other.answer_key <> prediction.answer_key)
ORDER BY prediction.task_id LIMIT %(most)s
"""


def _take_its_turns(task_id: UUID, predictor: Predictor) -> bool:
    """Take all free turns at a locked task away, unless somebody is at one or just claiming it; whether it was done.

    A claim holds its slot's lock until it commits, so either it is skipped here and misses in the count, or the claim
    was committed before and its assignment is seen.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM marketplace_slot WHERE task_id = %s ORDER BY id FOR UPDATE SKIP LOCKED", [task_id]
        )
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT FROM marketplace_assignment
                WHERE task_id = %s AND (ordinal IS NOT NULL OR state = 'accepted'))
            """,
            [task_id],
        )
        (is_begun,) = cursor.fetchone()
    if is_begun or len(ids) < predictor.job.overlap_min:
        return False
    Slot.objects.filter(pk__in=ids).delete()
    return True


def _resolve(task: Task, prediction: Prediction, predictor: Predictor, *, audits: Audits, by: Actor) -> None:
    assert predictor.threshold is not None and predictor.error_bound is not None
    now = clock.now()
    AutoAcceptance.objects.create(
        task=task, prediction=prediction, threshold=predictor.threshold, error_bound=predictor.error_bound, at=now
    )
    task.label, task.answer_key = prediction.result, prediction.answer_key
    task.confidence, task.confidence_low, task.confidence_high = share_right(audits)
    task.method, task.resolved_at = Task.Method.PREDICTION, now
    move(
        task,
        Task.State.RESOLVED,
        by=by,
        why="a prediction is surely enough right",
        fields=["label", "answer_key", "confidence", "confidence_low", "confidence_high", "method", "resolved_at"],
        details={"predictor": str(predictor.pk), "score": prediction.score},
    )
