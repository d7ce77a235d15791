"""Settlement: an answer is accepted and paid from its job's escrow, at the price of its claim, once."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q

from billing.services import escrow
from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.services.audit import Actor
from marketplace.models import Assignment
from marketplace.queries import says_the_same
from marketplace.services import gold

logger = logging.getLogger(__name__)

SETTLED_TOGETHER: Final = 100
SWEEP_LASTS: Final = timedelta(minutes=30)
"""All that a sweep pays bears the instant of its beginning, and months are closed an hour after their end."""

REVIEW_CLOCK: Final = Actor.system("review_clock")
_WITH_ITS_PACE: Final = "as work answered beside it"


@transaction.atomic
def settle(
    assignments: Sequence[Assignment], *, by: Actor, why: Callable[[Assignment], str], at: datetime | None = None
) -> int:
    """Accept locked assignments and pay them: rewards to the workers, fees to the platform, from escrow; all or none.

    They are in one currency. Gold that keeps pace with them is accepted and paid with them. ``at`` is the instant that
    all of it bears, now unless given. Returns how many were accepted. Raises WrongState for one that cannot be.
    """
    payments = accept(assignments, by=by, why=why, at=at)
    escrow.pay_all(payments=payments)
    return len(payments)


def accept(
    assignments: Sequence[Assignment], *, by: Actor, why: Callable[[Assignment], str], at: datetime | None = None
) -> list[escrow.Payment]:
    """Accept locked assignments as ``settle`` does, for whoever pays them in the same transaction: what is to be paid.

    The ledger's accounts are locked last of all, so what locks anything else goes between.
    """
    # One instant, for statements too: what is done more or less for gold would be read off the milliseconds between.
    at = at or clock.now()
    following = gold.keeping_pace_with(assignments, by=by, at=at)
    together = sorted([*assignments, *following], key=lambda assignment: assignment.pk)
    gold.let_go(together)
    asked = {assignment.pk for assignment in assignments}
    for assignment in together:
        assignment.decided_at = at
        actor, reason = (by, why(assignment)) if assignment.pk in asked else (REVIEW_CLOCK, _WITH_ITS_PACE)
        move(assignment, Assignment.State.ACCEPTED, by=actor, why=reason, fields=["decided_at"])
    return [_payment_of(assignment) for assignment in together]


def _payment_of(assignment: Assignment) -> escrow.Payment:
    return escrow.Payment(
        job_owner=f"job:{assignment.job_id}",
        worker_owner=f"worker:{assignment.worker_id}",
        reward=assignment.reward,
        fee=assignment.fee,
        key=f"pay:{assignment.pk}",
        subject=f"assignment:{assignment.pk}",
        at=assignment.decided_at,
    )


def due_now(assignments: Q) -> None:
    """Let the review clock of these submitted assignments run out now: the next sweep accepts and pays them.

    Answers are paid by the sweep and not where they are resolved, because each payment locks the job's escrow: a job's
    submits would all wait for one another.
    """
    now = clock.now()
    waiting = Q(state=Assignment.State.SUBMITTED, review_due_at__gt=now)
    # Locked by ascending id, as by everybody who locks several; what is waited for is looked at again.
    chosen = Assignment.objects.filter(waiting, pk__in=Assignment.objects.filter(assignments, waiting).values("pk"))
    locked = chosen.select_for_update(no_key=True).order_by("pk")
    Assignment.objects.filter(pk__in=locked.values("pk")).update(review_due_at=now)


def accept_due_assignments() -> int:
    """Accept and pay every answer whose review clock has run out: resolved as answered, or the client was silent.

    A job whose answers cannot be paid now is logged and does not hold up the pay in others. What a long sweep leaves is
    the next one's. Returns how many were paid.
    """
    settled, unpayable, at = 0, set[UUID](), clock.now()
    while True:
        due = Assignment.objects.filter(state=Assignment.State.SUBMITTED, review_due_at__lte=at)
        due = due.exclude(job__in=unpayable).order_by("review_due_at", "pk")
        rows = list(due.values_list("job_id", "pk")[:SETTLED_TOGETHER])
        for job_id, of_one_job in groupby(sorted(rows), key=lambda row: row[0]):
            try:
                settled += settle_all(ids=[pk for _, pk in of_one_job], by=REVIEW_CLOCK, due_at=at)
            except (Refused, DatabaseError):
                logger.exception("Answers that are due in job %s could not be paid.", job_id)
                unpayable.add(job_id)
        if len(rows) < SETTLED_TOGETHER or clock.now() - at > SWEEP_LASTS:
            return settled


@transaction.atomic
def settle_all(*, ids: Iterable[UUID], by: Actor, due_at: datetime | None = None, why: str = "") -> int:
    """Accept and pay those of these assignments that are submitted once their locks are held, and what goes with them.

    With ``due_at`` only those that were due then, at that instant. Returns how many were accepted.
    """
    rows = Assignment.objects.select_for_update(no_key=True, of=("self",)).filter(
        pk__in=list(ids), state=Assignment.State.SUBMITTED
    )
    if due_at is not None:
        rows = rows.filter(review_due_at__lte=due_at)
    assignments = list(rows.select_related("annotation", "task", "job").order_by("pk"))
    return settle(assignments, by=by, why=lambda assignment: why or _why_due(assignment), at=due_at)


def _why_due(assignment: Assignment) -> str:
    label_key = assignment.task.answer_key
    if label_key and says_the_same(assignment.version_id, assignment.annotation.answer_key, label_key):
        return "the task was resolved as answered"
    return "the review clock ran out"
