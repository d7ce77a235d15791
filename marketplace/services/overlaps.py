"""Overlap that is raised while a job runs: more answers where the first do not agree, with their price set aside."""

from uuid import UUID

from django.db import transaction

from kernel.errors import Invalid
from kernel.flow import WrongState
from kernel.models import User
from kernel.services.audit import Actor, record
from marketplace.models import Job
from marketplace.services.budgets import set_growth_aside
from marketplace.services.posting import MOST_ANSWERS, lock_job
from marketplace.services.shapes import shape_of
from marketplace.services.slots import offer_gold


@transaction.atomic
def raise_overlap(*, job_id: UUID, overlap_max: int, by: User) -> Job:
    """Let each task of a job be answered up to ``overlap_max`` times from now on.

    It is never lowered: turns beyond may have been promised to whoever is at them. While the job runs, what it may now
    come to cost is set aside in the same transaction, and gold is offered for longer. What a person is to decide
    already stays with that person. Raises NotFound, WrongState for a job that has ended, Invalid, or InsufficientFunds.
    """
    job = lock_job(job_id)
    if job.state in Job.ENDED:
        raise WrongState(f"Job {job.pk} is {job.state}; how often its tasks are answered can no longer change.")
    before = job.overlap_max
    if not before <= overlap_max <= MOST_ANSWERS:
        raise Invalid(f"overlap_max is {overlap_max}; it is {before} now, and can be raised up to {MOST_ANSWERS}.")
    job.overlap_max = overlap_max
    job.save(update_fields=["overlap_max"])
    details = {"before": before, "overlap_max": overlap_max}
    if job.launched_at is not None:
        offer_gold(job, shape_of(job))
        details["held_minor"] = set_growth_aside(job).minor
    record(action="job.overlap_raised", subject=job, by=Actor.user(by), details=details)
    return job
