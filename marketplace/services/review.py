"""Review: the client accepts answers, or rejects them with a reason; a rejection can be reversed and is then paid."""

from typing import Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.services.audit import Actor
from kernel.text import clean_text
from marketplace.models import Assignment, Job, Rejection, Task
from marketplace.services import gold
from marketplace.services.breaker import evidence_for, require_unbroken, trip_if_due
from marketplace.services.expiry import lock_turn
from marketplace.services.posting import lock_job
from marketplace.services.reversal import standing_rejection, take_back
from marketplace.services.settlement import SETTLED_TOGETHER, settle, settle_all
from qualification.queries import is_recalled

SHORTEST_MESSAGE: Final = 20


class CannotReject(Refused):
    """This answer may not be rejected now."""

    code = "cannot_reject"


class OwnAnswer(Refused):
    """Nobody reviews their own answers."""

    code = "own_answer"


class TooLateToReverse(Refused):
    """The time in which the rejection could be reversed is over; its pay has gone back to the client."""

    code = "too_late_to_reverse"


@transaction.atomic
def accept_assignment(*, assignment_id: UUID, by: User) -> Assignment:
    """Accept a submitted answer and pay it; accepting again changes nothing.

    A rejected one is not accepted like this: its rejection is reversed, while its pay is still kept. Raises NotFound,
    OwnAnswer or WrongState.
    """
    assignment = lock_anothers(assignment_id, by)
    if assignment.state == Assignment.State.REJECTED:
        raise WrongState(f"Assignment {assignment.pk} is rejected. To pay it all the same, reverse the rejection.")
    if assignment.state != Assignment.State.ACCEPTED:
        settle([assignment], by=Actor.user(by), why=lambda _: "accepted in review")
    return assignment


def accept_all(*, job: Job, by: User) -> int:
    """Accept and pay every answer of ``job`` that waits for review, one's own aside, in transactions of a bounded size.

    Returns how many.
    """
    accepted = 0
    waiting = Assignment.objects.filter(job=job, state=Assignment.State.SUBMITTED).exclude(worker__user=by)
    while True:
        ids = list(waiting.order_by("claimed_at", "pk").values_list("pk", flat=True)[:SETTLED_TOGETHER])
        if not ids:
            return accepted
        accepted += settle_all(ids=ids, by=Actor.user(by), why="accepted in review")


@transaction.atomic
def reject_assignment(*, assignment_id: UUID, reason: str, message: str, by: User) -> Assignment:
    """Refuse to pay a submitted answer, for a listed reason and with a message of substance.

    Only once its task is resolved, so that there is something to hold it against. Its pay stays in escrow until
    ``reversible_until``. A rejection that goes too far against what is known is the last in its job until a person has
    looked at all of them (`marketplace.services.breaker`). Raises Invalid, CannotReject, RejectionsFrozen, OwnAnswer,
    NotFound or WrongState.
    """
    if reason not in Rejection.Reason.values:
        raise Invalid(f"{reason!r} is not a reason for rejecting. Possible: {', '.join(Rejection.Reason.values)}.")
    message = message_of_substance(message)
    job = lock_job_of(assignment_id)
    assignment = lock_anothers(assignment_id, by)
    _require_rejectable(assignment)
    require_unbroken(job)
    gold.let_go([assignment])
    now = clock.now()
    assignment.decided_at = now
    move(assignment, Assignment.State.REJECTED, by=Actor.user(by), why=f"{reason}: {message}", fields=["decided_at"])
    rejection = Rejection.objects.create(
        assignment=assignment,
        reason=reason,
        message=message,
        rejected_by=by,
        rejected_at=now,
        reversible_until=now + Rejection.REVERSIBLE_FOR,
        contradicts=evidence_for(assignment),
    )
    rejection.breaker = trip_if_due(job)
    assignment.rejection = rejection
    return assignment


def message_of_substance(message: str) -> str:
    """What a worker is told of their answer. Raises Invalid when it says too little."""
    message = clean_text(message, what="message", field="message", longest=2000)
    if len(message) < SHORTEST_MESSAGE:
        raise Invalid(f"The message tells the worker what was wrong, in at least {SHORTEST_MESSAGE} characters.")
    return message


def lock_job_of(assignment_id: UUID) -> Job:
    """The job of an assignment, locked, so that rejections in it are weighed one after the other."""
    job_id = Assignment.objects.filter(pk=assignment_id).values_list("job_id", flat=True).first()
    if job_id is None:
        raise NotFound("assignment")
    return lock_job(job_id)


def lock_anothers(assignment_id: UUID, by: User) -> Assignment:
    """An answer with its task, locked, that somebody reviews who did not give it. Raises NotFound or OwnAnswer."""
    assignment = lock_turn(assignment_id)
    if assignment.worker.user_id == by.pk:
        raise OwnAnswer("This answer is your own, and nobody reviews their own answers. Somebody else must.")
    return assignment


def _require_rejectable(assignment: Assignment) -> None:
    if assignment.task.gold_question_id is None and assignment.task.state != Task.State.RESOLVED:
        raise CannotReject(f"The task is {assignment.task.state}. An answer can be rejected once its task is resolved.")
    if is_recalled(assignment.task.gold_question_id):
        raise CannotReject("The right answer that this was held against was recalled: the answer is being paid.")
    if assignment.review_due_at is not None and assignment.review_due_at <= clock.now():
        raise CannotReject("The time for review is over, and silence accepts: this answer is being paid.")


@transaction.atomic
def reverse_rejection(*, assignment_id: UUID, why: str, by: User) -> Assignment:
    """Take a rejection back and pay the answer from what its job still holds for it; an appeal that runs ends.

    Raises WrongState when it is not rejected, TooLateToReverse after ``reversible_until`` unless an appeal runs,
    Invalid without a reason, or OwnAnswer.
    """
    why = clean_text(why, what="reason", field="why", longest=2000)
    assignment = lock_anothers(assignment_id, by)
    if assignment.state == Assignment.State.SUBMITTED:
        raise CannotReject("This answer is not rejected; it waits for review.")
    rejection = standing_rejection(assignment)
    if rejection is None:
        raise WrongState(f"Assignment {assignment.pk} is {assignment.state}. Only a rejection can be reversed.")
    if rejection.pay == Rejection.Pay.GONE_BACK:
        until = f"{rejection.reversible_until:%Y-%m-%d %H:%M} UTC"
        raise TooLateToReverse(f"The rejection could be reversed until {until}; its pay has gone back.")
    take_back([assignment], by=by, actor=Actor.user(by), why=why)
    return assignment
