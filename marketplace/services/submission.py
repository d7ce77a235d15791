"""Submitting: the answer is checked against the version its worker saw, kept, and weighed at once."""

import random
from datetime import datetime
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import Invalid, Refused
from kernel.flow import WrongState, move
from kernel.rows import Statement, insert
from kernel.services.audit import Actor
from marketplace.models import Annotation, Assignment, Task
from marketplace.queries import schema_of
from marketplace.services import gold
from marketplace.services.expiry import end_turn, lock_turn
from marketplace.services.resolution import resolve_task
from marketplace.services.slots import CHANCE
from qualification.labels.errors import ResultError
from qualification.labels.results import Answer, to_result, validate_result
from workforce.models import Worker


class ReservationExpired(Refused):
    """The answer came too late: it is kept as evidence, but neither paid nor used."""

    code = "reservation_expired"
    keeps_facts = True


class InvalidAnswer(Invalid):
    """The answer does not fit the label schema."""

    code = "invalid_answer"


def submit_annotation(
    *, assignment_id: UUID, worker: Worker, result: object, chance: random.Random = CHANCE
) -> Assignment:
    """Hand in the answer of an active assignment, in Label Studio's result JSON, and weigh it.

    The same answer sent again gets the same assignment. Raises InvalidAnswer (nothing changes), WrongState (the
    assignment has ended), NotFound, or ReservationExpired: then the answer is kept as late evidence although it is
    refused.
    """
    with transaction.atomic():
        assignment = lock_turn(assignment_id, worker)
        answer = _checked(assignment, result)
        if assignment.state == Assignment.State.ACTIVE and clock.now() < assignment.expires_at:
            _submit(assignment, answer, by=Actor("user", str(worker.user_id)), chance=chance)
            return assignment
        if _is_same_answer_again(assignment, answer):
            return assignment
        if assignment.state not in {Assignment.State.ACTIVE, Assignment.State.EXPIRED}:
            raise WrongState(f"Assignment {assignment.pk} is {assignment.state} and takes no further answer.")
        _keep_late_answer(assignment, answer)
    raise ReservationExpired(
        f"The reservation ended at {assignment.expires_at:%Y-%m-%d %H:%M:%S} UTC. The answer is kept as evidence, but "
        "it is neither paid nor used. Claim another task.",
        {"assignment": str(assignment.pk), "expired_at": assignment.expires_at.isoformat()},
    )


def _checked(assignment: Assignment, result: object) -> Answer:
    schema = schema_of(assignment.version_id)
    # What the task shows matters to offsets and ids only; choices are checked without reading it.
    item = None if schema.asks_only_choices else Task.objects.values_list("item", flat=True).get(pk=assignment.task_id)
    try:
        return validate_result(schema, result, item)
    except ResultError as error:
        raise InvalidAnswer(str(error)) from error


def _is_same_answer_again(assignment: Assignment, answer: Answer) -> bool:
    answered = {Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED}
    return assignment.state in answered and assignment.annotation.answer_key == answer.key


def _submit(assignment: Assignment, answer: Answer, *, by: Actor, chance: random.Random) -> None:
    now, job, task = clock.now(), assignment.job, assignment.task
    is_gold = task.gold_question_id is not None
    prospect = gold.prospect_of(assignment, answer_key=answer.key, chance=chance) if is_gold else None
    is_due_at_once = prospect is not None and prospect.is_due_at_once
    assignment.submitted_at, assignment.review_due_at = now, now if is_due_at_once else now + job.review_window
    move(assignment, Assignment.State.SUBMITTED, by=by, why="answered", fields=["submitted_at", "review_due_at"])
    _keep(assignment, answer, at=now, late=False, beside=prospect.waiting(assignment) if prospect else None)
    if prospect is None:
        resolve_task(task=task, job=job, answered_in=assignment, chance=chance)
    elif prospect.decides:
        # Three statements, as many as an answer takes that decides its task; the others are counted by a sweep.
        gold.count_gold(assignment, is_right=prospect.is_right)


def _keep_late_answer(assignment: Assignment, answer: Answer) -> None:
    if assignment.state == Assignment.State.ACTIVE:
        end_turn(
            assignment,
            to=Assignment.State.EXPIRED,
            by=Actor.system("reservation_clock"),
            why="answered after it ran out",
        )
    if not Annotation.objects.filter(assignment=assignment).exists():
        _keep(assignment, answer, at=clock.now(), late=True)


def _keep(assignment: Assignment, answer: Answer, *, at: datetime, late: bool, beside: Statement | None = None) -> None:
    annotation = Annotation(
        assignment=assignment,
        result=to_result(schema_of(assignment.version_id), answer),
        answer_key=answer.key,
        seconds=max(0.0, (at - assignment.claimed_at).total_seconds()),
        late=late,
        submitted_at=at,
    )
    insert(annotation, beside=beside)
