"""Taking a rejection back, whoever does: the answer is paid, and an appeal against it has what it asked for."""

from collections.abc import Sequence

from django.db import transaction

from kernel import clock
from kernel.flow import move
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.models import Appeal, Assignment, Escalation, Rejection
from marketplace.services.escalations import lock_escalation
from marketplace.services.settlement import settle


def standing_rejection(assignment: Assignment) -> Rejection | None:
    """The rejection of a locked assignment, locked, unless there is none or it was taken back."""
    rejections = Rejection.objects.select_for_update(no_key=True, of=("self",)).filter(reversed_at__isnull=True)
    return rejections.filter(assignment=assignment).first()


def open_appeal(rejection: Rejection) -> Appeal | None:
    """The appeal that runs against a locked rejection, locked; None when there is none."""
    return Appeal.objects.select_for_update(no_key=True).filter(rejection=rejection, state=Appeal.State.OPEN).first()


@transaction.atomic
def take_back(assignments: Sequence[Assignment], *, by: User | None, actor: Actor, why: str) -> None:
    """Pay locked, rejected assignments from what is held for them, and end the appeals that run, all or none.

    They are in one currency. ``by`` is None when a rule decides and not a person.
    """
    for assignment in assignments:
        rejection = standing_rejection(assignment)
        assert rejection is not None, "What is rejected has a rejection that stands."
        _end(rejection, by=by, actor=actor, why=why)
    settle(assignments, by=actor, why=lambda _: f"rejection reversed: {why}")


def _end(rejection: Rejection, *, by: User | None, actor: Actor, why: str) -> None:
    rejection.reversed_at, rejection.reversed_by, rejection.reversal_why = clock.now(), by, why
    rejection.save(update_fields=["reversed_at", "reversed_by", "reversal_why"])
    appeal = open_appeal(rejection)
    if appeal is not None:
        escalation = lock_escalation(appeal.escalation_id)
        if escalation.state in Escalation.LIVE:
            move(escalation, Escalation.State.WITHDRAWN, by=actor, why=f"the rejection was taken back: {why}")
        end_appeal(appeal, to=Appeal.State.REVERSED, by=by, actor=actor, note=why)


def end_appeal(appeal: Appeal, *, to: Appeal.State, by: User | None, actor: Actor, note: str) -> None:
    """Move a locked appeal to its outcome."""
    appeal.decided_at, appeal.decided_by, appeal.note = clock.now(), by, note
    move(appeal, to, by=actor, why=note, fields=["decided_at", "decided_by", "note"])
