"""Jobs that were launched without the money for them: they start by themselves when it is there, the oldest first."""

import logging
from uuid import UUID

from django.db import DatabaseError, transaction

from billing.events import CreditGranted, DisputeWon, FundingSettled, RefundFailed
from billing.services.ledger import InsufficientFunds
from kernel.errors import Refused
from kernel.flow import WrongState, move
from kernel.models import User
from kernel.services.audit import Actor
from marketplace.events import JobFinished
from marketplace.models import Job
from marketplace.services.posting import lock_job, open_job
from marketplace.services.pricing import fix_fee

logger = logging.getLogger(__name__)

FUNDS = Actor.system("funds")


def start_funded_jobs() -> int:
    """Open each job that waits and whose worst case its client can now pay; returns how many were opened.

    Of a client's jobs in one currency the one that has waited longest goes first, and while it lacks money the others
    wait too: a large job would else be passed by small ones for ever. Each is opened in a transaction of its own.
    """
    waiting = Job.objects.filter(state=Job.State.AWAITING_FUNDS).order_by("awaits_since", "id")
    started, lacking = 0, set[tuple[UUID, str]]()
    for job_id, client_id, currency in list(waiting.values_list("pk", "client_id", "currency")):
        if (client_id, currency) in lacking:
            continue
        try:
            started += _start(job_id)
        except InsufficientFunds:
            lacking.add((client_id, currency))
        except Refused as refusal:
            # Something else than money stands in its way: the others need not wait for that.
            logger.info("Job %s waits for funds, and could not be started: %s", job_id, refusal.message)
        except DatabaseError:
            logger.exception("Job %s waits for funds and could not be started.", job_id)
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
    job.awaits_since = None
    move(job, Job.State.DRAFT, by=Actor.user(by), why="recalled by the client", fields=["awaits_since"])
    return job


@transaction.atomic
def _start(job_id: UUID) -> bool:
    job = lock_job(job_id)
    if job.state != Job.State.AWAITING_FUNDS:
        return False
    fix_fee(job)
    open_job(job, by=FUNDS, why="its funds have arrived")
    return True
