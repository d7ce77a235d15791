"""Interrupted work: a turn that is taken away in the middle ends, and its time is paid, once and at most its reward.

What takes turns away: a worker who is suspended or offboarded, and media that are withdrawn while somebody looks at
them. A pause, a cancelled job and a revoked certification do not: what is claimed may be finished.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from billing.services import escrow, ledger
from billing.services.ledger import AccountKey, InsufficientFunds, Kind
from kernel import clock
from kernel.flow import move
from kernel.models import Media
from kernel.money import share_rounded_up
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Interruption, Job, Task
from marketplace.services.budgets import set_aside_what_is_missing
from marketplace.services.escalations import open_escalation
from marketplace.services.expiry import lock_turn
from marketplace.services.posting import lock_job
from marketplace.services.slots import open_slot
from marketplace.services.working_times import expected_seconds
from workforce.events import WorkerOffboarded, WorkerSuspended
from workforce.models import Worker

INTERRUPTION: Final = Actor.system("interruption")


def interrupt_ended_worker(event: WorkerSuspended | WorkerOffboarded) -> None:
    """Whoever may not work any more holds no turn: it ends at the moment at which their standing did."""
    worker = Worker.objects.get(pk=event.worker_id)
    held = Assignment.objects.filter(worker=worker, state=Assignment.State.ACTIVE).first()
    if held is not None and worker.state in {Worker.State.SUSPENDED, Worker.State.OFFBOARDED}:
        interrupt(assignment_id=held.pk, why=f"the worker is {worker.state}", at=worker.standing_since)


def interrupt_turns_that_show(*, job: Job, media: Media) -> int:
    """End the active turns at tasks of ``job`` whose item shows ``media``, which nobody is shown any more; how many."""
    active = Assignment.objects.filter(job=job, state=Assignment.State.ACTIVE).select_related("task").order_by("pk")
    shown = [turn.pk for turn in active if f"media:{media.pk}" in turn.task.item.values()]
    return sum(interrupt(assignment_id=pk, why="what the task shows was withdrawn") for pk in shown)


@transaction.atomic
def interrupt(*, assignment_id: UUID, why: str, at: datetime | None = None) -> bool:
    """Cut an active turn short ``at`` a moment, now unless given, and pay its time; whether it was active still.

    Its turn is offered again when the job's escrow, or else its client's funds, cover it; when they do not, and nobody
    is at the task or could be, a person decides it.
    """
    job = lock_job(Assignment.objects.only("job_id").get(pk=assignment_id).job_id)
    assignment = lock_turn(assignment_id)
    if assignment.state != Assignment.State.ACTIVE:
        return False
    interruption = _reckoned(assignment, job, why=why, at=at or clock.now())
    ordinal, assignment.ordinal = assignment.ordinal, None
    assert ordinal is not None
    details = {"amount_minor": interruption.amount_minor, "seconds": interruption.seconds}
    move(assignment, Assignment.State.CUT_SHORT, by=INTERRUPTION, why=why, fields=["ordinal"], details=details)
    interruption.save(force_insert=True)
    owners = {"job_owner": job.billing_owner, "worker_owner": f"worker:{assignment.worker_id}"}
    # Named before the first posting, since what is missing then may come from the client's funds.
    accounts = [
        AccountKey(Kind.JOB_ESCROW, job.billing_owner),
        AccountKey(Kind.CLIENT_FUNDS, job.client.billing_owner),
        AccountKey(Kind.WORKER_EARNINGS, owners["worker_owner"]),
    ]
    ledger.lock_accounts(accounts=accounts, currency=job.currency)
    escrow.pay_for_time(
        **owners, amount=interruption.amount, key=f"interruption:{assignment.pk}", subject=f"assignment:{assignment.pk}"
    )
    if job.state in {Job.State.OPEN, Job.State.PAUSED} and assignment.task.state == Task.State.OPEN:
        _offer_again(assignment, job, ordinal)
    return True


def _reckoned(assignment: Assignment, job: Job, *, why: str, at: datetime) -> Interruption:
    time = expected_seconds(job)
    expected = time.expected_seconds if time is not None and time.expected_seconds > 0 else job.reservation_seconds
    seconds = max(0.0, (at - assignment.claimed_at).total_seconds())
    share = share_rounded_up(assignment.reward_minor, round(seconds * 1_000), max(1, round(expected * 1_000)))
    return Interruption(
        assignment=assignment,
        seconds=seconds,
        expected_seconds=expected,
        amount_minor=max(1, min(assignment.reward_minor, share)),
        currency=assignment.currency,
        why=why,
        interrupted_at=at,
    )


def _offer_again(assignment: Assignment, job: Job, ordinal: int) -> None:
    try:
        with transaction.atomic():
            open_slot(task=assignment.task, ordinal=ordinal)
            set_aside_what_is_missing(job)
    except InsufficientFunds:
        assignment.ordinal = ordinal  # the turn is spent
        assignment.save(update_fields=["ordinal"])
        _hand_over(assignment.task)


def _hand_over(task: Task) -> None:
    """Put a locked task before a person, unless it is gold or somebody is, or can be, at it."""
    at_it = Assignment.objects.filter(task=task, state=Assignment.State.ACTIVE)
    if task.gold_question_id is not None or task.slots.exists() or at_it.exists():
        return
    why = "a turn was cut short, and there is no money to offer it again"
    move(task, Task.State.IN_ADJUDICATION, by=INTERRUPTION, why=why)
    open_escalation(kind=Escalation.Kind.NO_CONSENSUS, by=INTERRUPTION, why=why, job=task.job, task=task)
