"""Appeals: a worker asks for another look at a rejection; the pay is held, and a missed deadline decides for them."""

import logging
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.rows import insert
from kernel.services.audit import Actor, telling
from kernel.text import clean_text
from marketplace.models import Appeal, Assignment, Escalation
from marketplace.services.escalations import (
    NotYours,
    lock_escalation,
    mark_decided,
    open_escalation,
    require_mine_or_free,
)
from marketplace.services.expiry import lock_turn
from marketplace.services.reversal import end_appeal, open_appeal, standing_rejection, take_back
from marketplace.services.review import SHORTEST_MESSAGE
from workforce.models import Worker

logger = logging.getLogger(__name__)

DECISIONS: Final = ("uphold", "reverse")
APPEAL_CLOCK: Final = Actor.system("appeal_clock")
DECIDED_AT_ONCE: Final = 500
_MISSED: Final = "nobody decided about the appeal in time, which decides for the worker"


class CannotAppeal(Refused):
    """There is nothing to appeal against, or not any more."""

    code = "cannot_appeal"


class AppealOverdue(Refused):
    """The time to uphold the rejection is over; the answer is being paid."""

    code = "appeal_overdue"


@transaction.atomic
def appeal(*, assignment_id: UUID, text: str, worker: Worker) -> Assignment:
    """Let a worker say, once, why their answer should be paid after all; until somebody decides its pay is held.

    Raises Invalid, NotFound, or CannotAppeal when nothing is rejected, it was appealed before, or time is up.
    """
    text = clean_text(text, what="appeal", field="text", longest=2000)
    if len(text) < SHORTEST_MESSAGE:
        raise Invalid(f"The appeal says why the answer is right, in at least {SHORTEST_MESSAGE} characters.")
    assignment = lock_turn(assignment_id, worker)
    rejection = standing_rejection(assignment)
    if rejection is None:
        raise CannotAppeal(f"Assignment {assignment.pk} is {assignment.state}. Only a rejection can be appealed.")
    if Appeal.objects.filter(rejection=rejection).exists():
        raise CannotAppeal("This rejection was appealed before, and can be appealed once.")
    if clock.now() >= rejection.reversible_until:
        until = f"{rejection.reversible_until:%Y-%m-%d %H:%M} UTC"
        raise CannotAppeal(f"The rejection could be appealed until {until}; its pay has gone back.")
    by = Actor("user", str(worker.user_id))
    escalation = open_escalation(
        kind=Escalation.Kind.APPEAL,
        by=by,
        why="a worker appeals against a rejection",
        job=assignment.job,
        worker_id=worker.pk,
        subject=f"assignment:{assignment.pk}",
        details={"reason": rejection.reason},
    )
    asked = Appeal(
        rejection=rejection,
        escalation=escalation,
        text=text,
        appealed_at=escalation.opened_at,
        due_at=escalation.due_at,
    )
    insert(asked, beside=telling(action="appeal.open", subject=asked, by=by, to_state=Appeal.State.OPEN))
    rejection.appeal = asked
    assignment.rejection = rejection
    return assignment


@transaction.atomic
def decide_appeal(*, escalation_id: UUID, decision: str, note: str, by: User) -> Escalation:
    """``uphold`` a rejection, so that its pay goes back to the client, or ``reverse`` it, so that it is paid.

    The worker is shown the note. Raises Invalid, NotFound, NotYours, WrongState, or AppealOverdue for who would uphold
    it after the deadline.
    """
    if decision not in DECISIONS:
        raise Invalid(f"{decision!r} is not a decision. Possible: {', '.join(DECISIONS)}.")
    note = clean_text(note, what="note", field="note", longest=2000)
    asked = Appeal.objects.select_related("rejection").filter(escalation=escalation_id).first()
    if asked is None:
        raise NotFound("appeal")
    assignment = lock_turn(asked.rejection.assignment_id)
    rejection = standing_rejection(assignment)
    escalation = lock_escalation(escalation_id)
    _require_impartial(asked, escalation, by)
    if rejection is None or (running := open_appeal(rejection)) is None:
        raise WrongState(f"The appeal is decided; escalation {escalation.pk} is {escalation.state}.")
    if decision == "uphold" and clock.now() >= running.due_at:
        raise AppealOverdue("The deadline has passed, and a missed deadline decides for the worker.")
    mark_decided(escalation, by=by, decision=decision, note=note)
    if decision == "reverse":
        take_back([assignment], by=by, actor=Actor.user(by), why=note)
    else:
        end_appeal(running, to=Appeal.State.UPHELD, by=by, actor=Actor.user(by), note=note)
    return escalation


def _require_impartial(asked: Appeal, escalation: Escalation, by: User) -> None:
    require_mine_or_free(escalation, by)
    if asked.rejection.rejected_by_id == by.pk:
        raise NotYours("You rejected this answer, and nobody decides about their own rejection. Another admin must.")


def decide_overdue_appeals() -> int:
    """Decide for the worker each appeal whose deadline has passed, each in a transaction of its own; how many.

    One that cannot be paid now is logged and does not hold up the others.
    """
    overdue = Appeal.objects.filter(state=Appeal.State.OPEN, due_at__lte=clock.now()).order_by("due_at", "id")
    decided = 0
    for appeal_id in list(overdue.values_list("pk", flat=True)[:DECIDED_AT_ONCE]):
        try:
            decided += _decide_if_overdue(appeal_id)
        except (Refused, DatabaseError):
            logger.exception("Appeal %s is overdue and could not be decided.", appeal_id)
    return decided


@transaction.atomic
def _decide_if_overdue(appeal_id: UUID) -> bool:
    asked = Appeal.objects.select_related("rejection").get(pk=appeal_id)
    assignment = lock_turn(asked.rejection.assignment_id)
    rejection = standing_rejection(assignment)
    if rejection is None or open_appeal(rejection) is None:
        return False
    escalation = lock_escalation(asked.escalation_id)
    move(escalation, Escalation.State.WITHDRAWN, by=APPEAL_CLOCK, why=_MISSED)
    take_back([assignment], by=None, actor=APPEAL_CLOCK, why=_MISSED)
    return True
