"""Whether a worker may work in a job now: each rule by itself, as the refusal that it gives or None.

A claim raises the first; the list of open jobs shows them all.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db.models import BooleanField, Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from kernel.errors import Refused
from marketplace.models import Job, Requirement, Slot
from qualification import queries as qualification_queries
from qualification.models import Certification
from workforce.models import Worker

ALL_TAKEN: Final = (
    "No task of this job is free now: all are taken or done. One may come back when a reservation ends: try again in a "
    "few minutes."
)


class NotEligible(Refused):
    """This worker may not work in this job now; ``reason`` says which rule it is."""

    code = "not_eligible"

    def __init__(self, reason: str, message: str, job_id: UUID | None = None, **more: object) -> None:
        details: dict[str, object] = {"reason": reason, **more}
        if job_id is not None:
            details["job"] = str(job_id)
        super().__init__(message, details)
        self.reason = reason
        self.attempt = "own_job.reached_for" if reason == "own_job" else ""


def standing_refusal(worker: Worker) -> NotEligible | None:
    """Only who is active may claim."""
    if worker.state == Worker.State.ACTIVE:
        return None
    until = f" until {worker.paused_until:%Y-%m-%d %H:%M} UTC" if worker.paused_until else ""
    what_next = {
        Worker.State.PAUSED: f"You are paused{until} and cannot claim. What you earned stays yours.",
        Worker.State.SUSPENDED: "You are suspended and cannot claim. What you earned stays payable.",
        Worker.State.OFFBOARDED: "You have left the platform and cannot claim. What you earned stays payable.",
    }
    return NotEligible(f"worker_{worker.state}", what_next[Worker.State(worker.state)])


def state_refusal(job: Job) -> NotEligible | None:
    """Only an open job gives out tasks."""
    if job.state == Job.State.OPEN:
        return None
    if job.state == Job.State.PAUSED:
        return NotEligible("job_paused", "The client has paused this job. It may go on later.", job.pk)
    return NotEligible("job_ended", f"This job is {job.state}; there is no more work in it.", job.pk)


def tie_refusal(job: Job, *, is_tied: bool) -> NotEligible | None:
    """Nobody works for themselves."""
    message = "You act for this job's client, and nobody works for themselves."
    return NotEligible("own_job", message, job.pk) if is_tied else None


TIED: Final = """
    EXISTS (SELECT FROM marketplace_membership member JOIN workforce_worker self ON self.user_id = member.user_id
            WHERE member.client_id = marketplace_job.client_id AND self.id = %s)
    OR EXISTS (SELECT FROM marketplace_jobuserobjectpermission shared
               JOIN workforce_worker self ON self.user_id = shared.user_id
               WHERE shared.content_object_id = marketplace_job.id AND self.id = %s)
"""
"""Whether a worker, given twice, acts for the client of ``marketplace_job``, or was let onto this one job."""


def is_tied(*, worker_id: UUID) -> RawSQL:
    """For annotating jobs: whether the worker acts for the job's client, or was let onto this one job."""
    return RawSQL(TIED, (worker_id, worker_id), output_field=BooleanField())  # noqa: S611  (constant, and its values)


def likeliest_jobs(worker_id: UUID) -> QuerySet[Job]:
    """The open jobs: first those whose skills the worker has, of these those with a free turn, of these the oldest.

    So a claim, which looks at a few of them only, is not kept from the one that fits by many that never will.
    """
    certified = Certification.objects.filter(worker=worker_id, state=Certification.State.GRANTED).values("skill")
    lacking = Requirement.objects.filter(job=OuterRef("pk")).exclude(skill__in=certified)
    free = Slot.objects.filter(job=OuterRef("pk"), lane=Slot.Lane.WORK)
    open_jobs = Job.objects.filter(state=Job.State.OPEN)
    return open_jobs.order_by(Exists(lacking).asc(), Exists(free).desc(), "launched_at", "id")


@lru_cache(maxsize=1024)
def requirements_of(job_id: UUID) -> tuple[qualification_queries.Requirement, ...]:
    """What the job demands. Fixed when the job is posted, so each process reads it once."""
    rows = Requirement.objects.filter(job_id=job_id).order_by("id")
    return tuple(qualification_queries.Requirement(row.skill_id, row.min_lower_bound) for row in rows)


def skills_refusal(unmet: Sequence[qualification_queries.Unmet], job_id: UUID) -> NotEligible:
    """The first of the requirements that are not met, naming the skills of all."""
    first = unmet[0]
    return NotEligible(first.kind, first.message, job_id, skills=[str(u.skill_id) for u in unmet])


def cap_refusal(job: Job) -> NotEligible:
    """The worker has had as many assignments in the job as one worker may have."""
    cap = job.max_assignments_per_worker
    message = f"You have had the {cap} assignments that one worker may have in this job. Thank you."
    return NotEligible("cap_reached", message, job.pk)
