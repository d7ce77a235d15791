"""Lifting pay: who earned less for an hour than the floor where they live is paid the rest from their job's reserve."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from billing.models import LedgerAccount, LedgerEntry
from billing.services import ledger
from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.money import Money
from marketplace.models import Escalation, Job, PayFloor
from marketplace.services.escalations import lock_live, open_escalation, withdraw_all
from marketplace.services.pay_dues import PAY_FLOOR, accounts_of, dues_in, pay
from marketplace.services.posting import lock_job

logger = logging.getLogger(__name__)

Kind = LedgerAccount.Kind

LOOKS_BACK: Final = timedelta(hours=1)
"""How long after pay a job is reckoned at each sweep; what a longer standstill left, the nightly one does."""


def lift_pay(*, everywhere: bool = False) -> int:
    """Lift pay in each running job that holds a reserve, each in a transaction of its own; how many were lifted.

    What is owed is reckoned from all of a job's answers. So a job is passed by in which nobody was paid in the last
    hour, unless a floor was changed in it, or somebody waits for what the reserve lacks; ``everywhere`` passes by none.
    """
    running = Job.objects.filter(state__in=[Job.State.OPEN, Job.State.PAUSED]).order_by("launched_at", "id")
    ids = list(running.values_list("pk", flat=True))
    with_reserve = set(_accounts_of(Kind.PAY_RESERVE, ids).values_list("owner", flat=True))
    chosen = [job_id for job_id in ids if f"job:{job_id}" in with_reserve]
    if not everywhere:
        chosen = _where_something_changed(chosen, since=clock.now() - LOOKS_BACK)
    lifted = 0
    for job_id in chosen:
        try:
            if _is_due(job_id):
                lifted += lift_pay_in(job_id=job_id)
        except (Refused, DatabaseError):
            logger.exception("Pay in job %s could not be lifted to the floor.", job_id)
    return lifted


def _accounts_of(kind: LedgerAccount.Kind, job_ids: Iterable[UUID]) -> QuerySet[LedgerAccount]:
    return LedgerAccount.objects.filter(kind=kind, owner__in=[f"job:{job_id}" for job_id in job_ids])


def _where_something_changed(job_ids: Sequence[UUID], *, since: datetime) -> list[UUID]:
    # A floor may begin long after it was set.
    if PayFloor.objects.filter(Q(set_at__gte=since) | Q(valid_from__range=(since, clock.now()))).exists():
        return list(job_ids)
    waiting = Escalation.objects.filter(
        job__in=job_ids, kind=Escalation.Kind.PAY_FLOOR, state__in=Escalation.LIVE
    ).values_list("job", flat=True)
    last_paid = LedgerEntry.objects.filter(source=OuterRef("pk")).order_by("-id").values("posting__at")[:1]
    escrows = _accounts_of(Kind.JOB_ESCROW, job_ids).annotate(last_paid_at=Subquery(last_paid))
    paid = escrows.filter(last_paid_at__gte=since)
    changed = {*waiting, *(UUID(owner.removeprefix("job:")) for owner in paid.values_list("owner", flat=True))}
    return [job_id for job_id in job_ids if job_id in changed]


@transaction.atomic
def _is_due(job_id: UUID) -> bool:
    """Whether there is anything to do in a job. Mostly not, so this is reckoned before anything waits for its lock."""
    waiting = Escalation.objects.filter(job=job_id, kind=Escalation.Kind.PAY_FLOOR, state__in=Escalation.LIVE)
    return waiting.exists() or bool(dues_in(Job.objects.get(pk=job_id)))


@transaction.atomic
def lift_pay_in(*, job_id: UUID) -> int:
    """Pay each worker of a running job what they are owed, as far as its reserve goes; else it pauses.

    Returns how many were paid. Raises NotFound.
    """
    job = lock_job(job_id)
    if job.state in Job.ENDED:
        return 0
    waiting = lock_live(job=job, kinds=[Escalation.Kind.PAY_FLOOR])
    dues = dues_in(job)
    if dues:
        ledger.lock_accounts(accounts=accounts_of(job, dues), currency=job.currency)
    paid, missing = pay(job, dues)
    if missing:
        _stop(job, waiting, missing)
    else:
        withdraw_all(waiting, by=PAY_FLOOR, why="everybody has been paid up to the floor")
    return paid


def _stop(job: Job, waiting: Sequence[Escalation], missing: int) -> None:
    amount = Money(missing, job.currency)
    why = f"the reserve does not lift pay to the floor: {amount} are missing"
    if job.state == Job.State.OPEN:
        move(job, Job.State.PAUSED, by=PAY_FLOOR, why=why, details={"missing_minor": missing})
    told = {"missing_minor": missing, "currency": job.currency}
    if not waiting:
        open_escalation(
            kind=Escalation.Kind.PAY_FLOOR, by=PAY_FLOOR, why=why, job=job, subject=f"job:{job.pk}", details=told
        )
    for escalation in waiting:
        if escalation.details != told:
            escalation.details = told
            escalation.save(update_fields=["details"])
