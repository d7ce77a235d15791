"""The end of a job: completed when all is decided, or cancelled; what it did not spend goes back to its client."""

import logging
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q

from billing.models import LedgerAccount
from billing.services import escrow, ledger, pay_reserve
from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.models import User
from kernel.money import Money
from kernel.services.audit import Actor
from kernel.services.outbox import announce
from marketplace.events import JobFinished
from marketplace.models import Assignment, Escalation, Job, Slot, Task
from marketplace.services import gold
from marketplace.services.budgets import held_by, owed_at_most
from marketplace.services.escalations import lock_live, withdraw_all
from marketplace.services.growth import awaits_last_look
from marketplace.services.pay_dues import accounts_of, dues_in, pay
from marketplace.services.posting import lock_job
from marketplace.services.settlement import due_now

logger = logging.getLogger(__name__)

Kind = LedgerAccount.Kind
COMPLETION: Final = Actor.system("completion")


@transaction.atomic
def cancel_job(*, job_id: UUID, by: User) -> Job:
    """End a job now: nothing can be claimed any more, and what it cannot come to pay goes back to the client at once.

    Turns that are active may still be finished, and are paid; answers that wait are decided as before.
    Raises NotFound or WrongState.
    """
    job = lock_job(job_id)
    actor = Actor.user(by)
    job.finished_at, job.awaits_since, job.held_up_because = clock.now(), None, ""
    fields = ["finished_at", "awaits_since", "held_up_because"]
    move(job, Job.State.CANCELLED, by=actor, why="cancelled by the client", fields=fields)
    # Tasks first, then slots: an answer in flight holds its task's lock and may just be asking for one more turn.
    unsettled = [Task.State.OPEN, Task.State.IN_ADJUDICATION]
    Task.objects.filter(job=job, state__in=unsettled).update(state=Task.State.VOID)
    Slot.objects.filter(job=job).delete()
    due_now(Q(job=job, lane=Slot.Lane.WORK, task__state=Task.State.VOID) | gold.due_with_void_tasks(job))
    waiting = lock_live(job=job, kinds=[Escalation.Kind.NO_CONSENSUS, Escalation.Kind.PAY_FLOOR])
    withdraw_all(waiting, by=actor, why="the job was cancelled")
    return_unspent(job)
    announce(JobFinished(job_id=str(job.pk), state=job.state))
    return job


def complete_finished_jobs() -> int:
    """Complete each job whose tasks are settled and answers decided; then clear up what ended jobs still hold.

    Each job in a transaction of its own, and one that cannot be ended now does not hold up the others; returns how many
    jobs were completed.
    """
    running = Job.objects.filter(state__in=[Job.State.OPEN, Job.State.PAUSED]).order_by("launched_at", "id")
    completed = sum(_each(_complete_if_finished, running.values_list("pk", flat=True)))
    _each(_clear_up, _ended_jobs_that_hold_money())
    return completed


def _each(end: Callable[[UUID], bool], job_ids: Iterable[UUID]) -> list[bool]:
    outcomes = []
    for job_id in job_ids:
        try:
            outcomes.append(end(job_id))
        except (Refused, DatabaseError):
            logger.exception("Job %s could not be ended, or not given back what it did not spend.", job_id)
    return outcomes


def _ended_jobs_that_hold_money() -> list[UUID]:
    """Those with money in escrow or in reserve, or with fees of answers that were paid after their end."""
    ended = Job.objects.filter(state__in=Job.ENDED, launched_at__isnull=False).values_list("pk", flat=True)
    owners = LedgerAccount.objects.filter(
        kind__in=[Kind.JOB_ESCROW, Kind.PAY_RESERVE, Kind.PLATFORM_FEES], owner__startswith="job:", balance_minor__gt=0
    )
    ids = {UUID(owner.removeprefix("job:")) for owner in owners.values_list("owner", flat=True)}
    return list(ended.filter(pk__in=ids).order_by("finished_at", "id"))


@transaction.atomic
def _complete_if_finished(job_id: UUID) -> bool:
    if not _is_worked_off(job_id) or awaits_last_look(job_id):
        return False
    job = lock_job(job_id)
    if job.state not in {Job.State.OPEN, Job.State.PAUSED} or not _is_worked_off(job_id):
        return False
    # Gold is waited for like work: a turn that is still undecided when its job has ended could be nothing else.
    if Assignment.objects.filter(job=job, state=Assignment.State.SUBMITTED).exists():
        if not gold.waits_for_silence(job):
            due_now(Q(job=job, lane=Slot.Lane.GOLD))
        return False
    job.finished_at = clock.now()
    move(job, Job.State.COMPLETED, by=COMPLETION, why="every task is settled", fields=["finished_at"])
    _end_gold(job)
    short_of_pay = lock_live(job=job, kinds=[Escalation.Kind.PAY_FLOOR])
    withdraw_all(short_of_pay, by=COMPLETION, why="the job is completed, and its reserve is not filled any more")
    return_unspent(job)
    announce(JobFinished(job_id=str(job.pk), state=job.state))
    return True


def _end_gold(job: Job) -> None:
    Task.objects.filter(job=job, gold_question__isnull=False, state=Task.State.OPEN).update(state=Task.State.VOID)
    Slot.objects.filter(job=job).delete()


def _is_worked_off(job_id: UUID) -> bool:
    """Whether all work is decided and nobody is at anything, so that gold at most waits to be accepted."""
    unresolved = Task.objects.filter(
        job_id=job_id, gold_question__isnull=True, state__in=[Task.State.OPEN, Task.State.IN_ADJUDICATION]
    )
    # State by state: each has an index of its own, which is small however many answers the job has.
    active = Assignment.objects.filter(job_id=job_id, state=Assignment.State.ACTIVE)
    undecided = Assignment.objects.filter(job_id=job_id, state=Assignment.State.SUBMITTED, lane=Slot.Lane.WORK)
    return not any(rows.exists() for rows in (unresolved, active, undecided))


@transaction.atomic
def _clear_up(job_id: UUID) -> bool:
    """Return what an ended job did not spend; whether there was anything. Mostly not, so it looks before it locks."""
    job = Job.objects.get(pk=job_id)
    fees = ledger.balance(kind=Kind.PLATFORM_FEES, owner=job.billing_owner, currency=job.currency)
    owed = owed_at_most(job)
    if not fees.minor and held_by(job) == owed and (owed.minor or not _reserved(job).minor):
        return False
    return_unspent(lock_job(job_id))
    return True


def return_unspent(job: Job) -> None:
    """Give the client back what a locked, ended job holds beyond what it may still have to pay, and sweep its fees.

    The reserve for pay goes first to whom it is for. What is left of it stays as long as a turn may still be paid:
    else who ends a job before its answers are accepted would pay for them below the floor.
    """
    if job.launched_at is None:
        return
    # Asked before what is due: what is paid between the two is lifted the next time, and the reserve waits for it.
    is_all_paid = not owed_at_most(job).minor
    dues = dues_in(job) if _reserved(job).minor else []
    ledger.lock_accounts(accounts=_accounts_of(job) + accounts_of(job, dues), currency=job.currency)
    pay(job, dues)
    if is_all_paid:
        _end_reserve(job)
    client_owner = job.client.billing_owner
    escrow.release_all_but(job_owner=job.billing_owner, client_owner=client_owner, keep=owed_at_most(job))
    escrow.sweep_fees(job_owner=job.billing_owner, currency=job.currency)


def _end_reserve(job: Job) -> None:
    reserved = _reserved(job)
    if reserved.minor:
        owners = {"job_owner": job.billing_owner, "client_owner": job.client.billing_owner}
        pay_reserve.release_reserve(**owners, amount=reserved, key=f"reserve_released:{job.pk}")


def _reserved(job: Job) -> Money:
    return pay_reserve.left_in_reserve(job_owner=job.billing_owner, currency=job.currency)


def _accounts_of(job: Job) -> list[ledger.AccountKey]:
    return [
        ledger.AccountKey(Kind.JOB_ESCROW, job.billing_owner),
        ledger.AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner),
        ledger.AccountKey(Kind.PLATFORM_FEES, job.billing_owner),
        ledger.AccountKey(Kind.PLATFORM_FEES, escrow.PLATFORM),
    ]
