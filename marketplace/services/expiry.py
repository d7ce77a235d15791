"""Reservations that end without an answer: given back by the worker, or run out."""

import logging
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction

from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.flow import move
from kernel.rows import Columns, planned_cursor
from kernel.services.audit import Actor
from marketplace.models import Assignment, Job, Task
from marketplace.services.slots import open_slot
from workforce.models import Worker

logger = logging.getLogger(__name__)

EXPIRED_AT_ONCE = 500


def lock_turn(assignment_id: UUID, worker: Worker | None = None) -> Assignment:
    """The assignment with its task, both locked, task first, and its job. NotFound, also when it is not ``worker``'s.

    Of the task what answers do not touch, its item, is not loaded.
    """
    owner = worker.pk if worker is not None else None
    with planned_cursor() as cursor:
        cursor.execute(_LOCK_TURN, [assignment_id, owner, owner])
        values = cursor.fetchone()
    if values is None:
        raise NotFound("assignment")
    assignment = _TURN.row(values[: len(_TURN)])
    assignment.task = _TASK.row(values[len(_TURN) : -len(_JOB)])
    assignment.job = assignment.task.job = _JOB.row(values[-len(_JOB) :])
    return assignment


_TURN: Final = Columns(Assignment, "turn")
_TASK: Final = Columns(
    Task, "task", only=("id", "job_id", "state", "priority", "band", "gold_question_id", "answer_key")
)
_JOB: Final = Columns(Job, "job")
# Rows are locked in the order in which they are named last: the task first, as everywhere.
_LOCK_TURN: Final = f"""
SELECT {_TURN.selected}, {_TASK.selected}, {_JOB.selected}
FROM marketplace_assignment turn
JOIN marketplace_task task ON task.id = turn.task_id
JOIN marketplace_job job ON job.id = turn.job_id
WHERE turn.id = %s AND (%s::uuid IS NULL OR turn.worker_id = %s)
FOR NO KEY UPDATE OF task, turn
"""  # noqa: S608  (all of it ours)


@transaction.atomic
def return_assignment(*, assignment_id: UUID, worker: Worker) -> Assignment:
    """Give an active assignment back; its slot is free at once, for others. Raises NotFound or WrongState."""
    assignment = lock_turn(assignment_id, worker)
    end_turn(
        assignment, to=Assignment.State.RETURNED, by=Actor("user", str(worker.user_id)), why="returned by the worker"
    )
    return assignment


@transaction.atomic
def expire_if_overdue(*, assignment_id: UUID) -> bool:
    """End an active assignment whose time is up (at ``expires_at`` exactly it is up); whether it was."""
    assignment = lock_turn(assignment_id)
    if assignment.state != Assignment.State.ACTIVE or clock.now() < assignment.expires_at:
        return False
    end_turn(assignment, to=Assignment.State.EXPIRED, by=Actor.system("reservation_clock"), why="reservation ran out")
    return True


def expire_overdue_assignments() -> int:
    """End all reservations whose time is up, each in a transaction of its own; how many there were.

    One that cannot be ended now is logged and does not hold up the others.
    """
    overdue = Assignment.objects.filter(state=Assignment.State.ACTIVE, expires_at__lte=clock.now())
    expired = 0
    for assignment_id in list(overdue.order_by("expires_at", "pk").values_list("pk", flat=True)[:EXPIRED_AT_ONCE]):
        try:
            expired += expire_if_overdue(assignment_id=assignment_id)
        except (Refused, DatabaseError):
            logger.exception("The reservation of assignment %s is over and could not be ended.", assignment_id)
    return expired


def end_turn(assignment: Assignment, *, to: Assignment.State, by: Actor, why: str) -> None:
    """Move a locked active assignment to returned or expired, and offer its turn again."""
    ordinal = assignment.ordinal
    assignment.ordinal = None
    move(assignment, to, by=by, why=why, fields=["ordinal"])
    assert ordinal is not None
    open_slot(task=assignment.task, ordinal=ordinal)
