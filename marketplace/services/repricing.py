"""Prices that change while a job runs: for later claims only, with the difference set aside first."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from billing.services import escrow
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.models import User
from kernel.money import Money
from kernel.services.audit import Actor, record
from marketplace.models import Band, Job
from marketplace.services.budgets import set_aside_what_is_missing, set_growth_aside
from marketplace.services.pay_floors import reserve_for
from marketplace.services.posting import lock_job
from marketplace.services.pricing import AskedPrice, PriceList, completed, put_in_force, read_price_list
from marketplace.services.shapes import shape_of


@transaction.atomic
def reprice_job(*, job_id: UUID, reward_minor: int, prices: Sequence[AskedPrice] = (), by: User) -> Job:
    """Put a new price list in force: what is claimed from now on is paid by it, and what was claimed before is not.

    While the job runs, what its turns may now cost beyond what it holds is set aside in the same transaction; a list
    that is cheaper gives nothing back before the job ends. The fee stays on the terms of the launch. Raises NotFound,
    WrongState for a job that has ended, Invalid, InsufficientFunds, or PayBelowFloor and TimeUnknown for a running
    job that would pay less than before.
    """
    job = _lock_against_claims(job_id)
    if job.state in Job.ENDED:
        raise WrongState(f"Job {job.pk} is {job.state}; what it pays can no longer change.")
    before = read_price_list(job.pk, job.price_list)
    put_in_force(job, completed(reward_minor, prices))
    held = _hold(job, before) if job.launched_at else Money(0, job.currency)
    details = {"price_list": job.price_list, "reward_minor": job.reward_minor, "held_minor": held.minor}
    record(action="job.repriced", subject=job, by=Actor.user(by), details=details)
    return job


def _hold(job: Job, before: PriceList) -> Money:
    after = read_price_list(job.pk, job.price_list)
    if any(after.cheapest(band).reward_minor < before.cheapest(band).reward_minor for band in Band):
        # Else a launch at a fair price could be followed by any other. A raise is welcome even where it is not enough.
        reserve_for(job, shape_of(job))
    is_dearer = any(after.dearest(band).minor > before.dearest(band).minor for band in Band)
    return set_growth_aside(job) if is_dearer else set_aside_what_is_missing(job)


def _lock_against_claims(job_id: UUID) -> Job:
    # The full lock, and not the one that lets others refer to the row: a claim holds its job's key, so those that are
    # under way at the old prices end first, and those that come after look at the prices again (allocation).
    job = Job.objects.select_for_update(of=("self",)).select_related("client").filter(pk=job_id).first()
    if job is None:
        raise NotFound("job")
    return job


@transaction.atomic
def set_more_aside(*, job_id: UUID, amount_minor: int, by: User) -> Job:
    """Move so much more of the client's funds into the escrow of a job that runs: for dearer prices or more tasks.

    What is not needed comes back when the job ends. Raises NotFound, WrongState or InsufficientFunds.
    """
    job = lock_job(job_id)
    if job.state not in {Job.State.OPEN, Job.State.PAUSED}:
        raise WrongState(f"Job {job.pk} is {job.state}; money is set aside for jobs that run, and at their launch.")
    amount = Money(amount_minor, job.currency)
    escrow.hold_more(job_owner=job.billing_owner, client_owner=job.client.billing_owner, amount=amount)
    details = {"amount_minor": amount_minor, "currency": job.currency}
    record(action="job.money_set_aside", subject=job, by=Actor.user(by), details=details)
    return job
