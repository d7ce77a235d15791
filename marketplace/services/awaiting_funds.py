"""Jobs that were launched without the money for them: they start by themselves when it is there, the oldest first."""

import logging
from enum import Enum, auto
from uuid import UUID

from django.db import DatabaseError, transaction

from billing.events import CreditGranted, DisputeWon, FundingSettled, RefundFailed
from billing.services.ledger import InsufficientFunds
from kernel.errors import Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.services.audit import Actor, record
from marketplace.events import JobFinished
from marketplace.models import Job
from marketplace.services.clients import tell_owners
from marketplace.services.posting import lock_job, open_job
from marketplace.services.pricing import fix_fee

logger = logging.getLogger(__name__)

FUNDS = Actor.system("funds")


def start_funded_jobs() -> int:
    """Open each job that waits and whose worst case its client can now pay; returns how many were opened.

    Of a client's jobs in one currency the one that has waited longest goes first, and while it lacks money the others
    wait too: a large job would else be passed by small ones for ever. One that something else holds up is passed, and
    its client is told so once. Each is opened in a transaction of its own.
    """
    waiting = Job.objects.filter(state=Job.State.AWAITING_FUNDS).order_by("awaits_since", "id")
    started, lacking = 0, set[tuple[UUID, str]]()
    for job_id, client_id, currency in list(waiting.values_list("pk", "client_id", "currency")):
        if (client_id, currency) in lacking:
            continue
        try:
            outcome = _start(job_id)
        except DatabaseError:
            # It says nothing of the funds, so the others do not wait for it: the next sweep tries it again.
            logger.exception("Job %s waits for funds and could not be started.", job_id)
            continue
        started += outcome is Outcome.STARTED
        if outcome is Outcome.LACKS_FUNDS:
            lacking.add((client_id, currency))
    return started


def start_after_funds_came(event: FundingSettled | RefundFailed | DisputeWon | CreditGranted | JobFinished) -> None:
    """Something added to a client's funds. What else does, or is missed, the sweep finds."""
    start_funded_jobs()


@transaction.atomic
def recall_job(*, job_id: UUID, by: User) -> Job:
    """Make a job that waits for funds a draft again. Raises NotFound or WrongState."""
    job = lock_job(job_id)
    if job.state != Job.State.AWAITING_FUNDS:
        raise WrongState(f"Job {job.pk} is {job.state}; only the launch of a job that waits for funds can be recalled.")
    job.awaits_since, job.held_up_because = None, ""
    fields = ["awaits_since", "held_up_because"]
    move(job, Job.State.DRAFT, by=Actor.user(by), why="recalled by the client", fields=fields)
    return job


class Outcome(Enum):
    """What came of trying to start a job that waits."""

    STARTED = auto()
    LACKS_FUNDS = auto()
    HELD_UP = auto()
    WAITS_NO_MORE = auto()


@transaction.atomic
def _start(job_id: UUID) -> Outcome:
    job = lock_job(job_id)
    if job.state != Job.State.AWAITING_FUNDS:
        return Outcome.WAITS_NO_MORE
    try:
        with transaction.atomic():
            fix_fee(job)
            open_job(job, by=FUNDS, why="its funds have arrived")
    except InsufficientFunds:
        _hold_up(job, because="")
        return Outcome.LACKS_FUNDS
    except Refused as refusal:
        _hold_up(job, because=refusal.message)
        return Outcome.HELD_UP
    return Outcome.STARTED


def _hold_up(job: Job, *, because: str) -> None:
    """Keep what holds up a locked job beside its lack of funds, and owe its client's owners a mail when nothing did.

    What it says may change from one sweep to the next, with the times that are measured: that is no news.
    """
    before, job.held_up_because = job.held_up_because, because
    if before == because:
        return
    job.save(update_fields=["held_up_because"])
    record(action="job.held_up" if because else "job.held_up_no_more", subject=job, by=FUNDS, why=because)
    if because and not before:
        tell_owners(client_id=job.client_id, notice="job_held_up", detail=f"{job.title}: {because}")
