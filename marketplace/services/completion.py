"""The end of a job: completed when all is decided, or cancelled; what it did not spend goes back to its client."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum

from billing.models import LedgerAccount
from billing.services import escrow, ledger
from kernel import clock
from kernel.flow import move
from kernel.models import User
from kernel.money import Money
from kernel.services.audit import Actor
from kernel.services.outbox import announce
from marketplace.events import JobFinished
from marketplace.models import Assignment, Escalation, Job, Slot, Task
from marketplace.services.posting import lock_job
from marketplace.services.settlement import due_now

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
    job.finished_at = clock.now()
    move(job, Job.State.CANCELLED, by=actor, why="cancelled by the client", fields=["finished_at"])
    # Tasks first, then slots: an answer in flight holds its task's lock and may just be asking for one more turn.
    unsettled = [Task.State.OPEN, Task.State.IN_ADJUDICATION]
    Task.objects.filter(job=job, state__in=unsettled).update(state=Task.State.VOID)
    Slot.objects.filter(job=job).delete()
    due_now(Q(job=job, task__state=Task.State.VOID))
    for escalation in Escalation.objects.select_for_update(no_key=True, of=("self",)).filter(
        job=job, kind=Escalation.Kind.NO_CONSENSUS, state__in=[Escalation.State.OPEN, Escalation.State.CLAIMED]
    ):
        move(escalation, Escalation.State.WITHDRAWN, by=actor, why="the job was cancelled")
    return_unspent(job)
    announce(JobFinished(job_id=str(job.pk), state=job.state))
    return job


def complete_finished_jobs() -> int:
    """Complete each job whose tasks are settled and answers decided; then give back what ended jobs still hold.

    Each job in a transaction of its own; returns how many jobs were completed.
    """
    running = Job.objects.filter(state__in=[Job.State.OPEN, Job.State.PAUSED]).order_by("launched_at", "id")
    completed = sum(_complete_if_finished(job_id) for job_id in running.values_list("pk", flat=True))
    for job_id in _ended_jobs_that_hold_money():
        _return_unspent_of(job_id)
    return completed


def _ended_jobs_that_hold_money() -> list[UUID]:
    ended = Job.objects.filter(state__in=Job.ENDED, launched_at__isnull=False).values_list("pk", flat=True)
    owners = LedgerAccount.objects.filter(kind=Kind.JOB_ESCROW, balance_minor__gt=0)
    ids = [UUID(owner.removeprefix("job:")) for owner in owners.order_by("id").values_list("owner", flat=True)]
    return list(ended.filter(pk__in=ids).order_by("finished_at", "id"))


@transaction.atomic
def _complete_if_finished(job_id: UUID) -> bool:
    if not _is_finished(job_id):
        return False
    job = lock_job(job_id)
    if job.state not in {Job.State.OPEN, Job.State.PAUSED} or not _is_finished(job_id):
        return False
    job.finished_at = clock.now()
    move(job, Job.State.COMPLETED, by=COMPLETION, why="every task is settled", fields=["finished_at"])
    _end_gold(job)
    return_unspent(job)
    announce(JobFinished(job_id=str(job.pk), state=job.state))
    return True


def _end_gold(job: Job) -> None:
    Task.objects.filter(job=job, gold_question__isnull=False, state=Task.State.OPEN).update(state=Task.State.VOID)
    Slot.objects.filter(job=job).delete()
    due_now(Q(job=job, task__gold_question__isnull=False))


def _is_finished(job_id: UUID) -> bool:
    unresolved = Task.objects.filter(
        job_id=job_id, gold_question__isnull=True, state__in=[Task.State.OPEN, Task.State.IN_ADJUDICATION]
    )
    undecided = Assignment.objects.filter(
        job_id=job_id, state__in=[Assignment.State.ACTIVE, Assignment.State.SUBMITTED], task__gold_question__isnull=True
    )
    return not unresolved.exists() and not undecided.exists()


@transaction.atomic
def _return_unspent_of(job_id: UUID) -> None:
    return_unspent(lock_job(job_id))


def return_unspent(job: Job) -> None:
    """Give the client back what a locked, ended job holds beyond what it may still have to pay, and sweep its fees."""
    if job.launched_at is None:
        return
    ledger.lock_accounts(accounts=_accounts_of(job), currency=job.currency)
    held = ledger.balance(kind=Kind.JOB_ESCROW, owner=job.billing_owner, currency=job.currency)
    unspent = held - owed_at_most(job)
    # What is held only ever falls once a job has ended, so that it tells one such moment from another.
    moment = f"{job.pk}:{held.minor}"
    if unspent.minor > 0:
        client_owner = job.client.billing_owner
        escrow.release(job_owner=job.billing_owner, client_owner=client_owner, amount=unspent, key=f"release:{moment}")
    escrow.sweep_fees(job_owner=job.billing_owner, currency=job.currency)


def _accounts_of(job: Job) -> list[ledger.AccountKey]:
    return [
        ledger.AccountKey(Kind.JOB_ESCROW, job.billing_owner),
        ledger.AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner),
        ledger.AccountKey(Kind.PLATFORM_FEES, job.billing_owner),
        ledger.AccountKey(Kind.PLATFORM_FEES, escrow.PLATFORM),
    ]


def owed_at_most(job: Job) -> Money:
    """What the turns that were taken may still cost: active, submitted, or rejected and still reversible."""
    open_turns = Q(state__in=[Assignment.State.ACTIVE, Assignment.State.SUBMITTED])
    reversible = Q(state=Assignment.State.REJECTED, rejection__reversible_until__gt=clock.now())
    owed = Assignment.objects.filter(open_turns | reversible, job=job).aggregate(
        minor=Sum(F("reward_minor") + F("fee_minor"))
    )
    return Money(owed["minor"] or 0, job.currency)
