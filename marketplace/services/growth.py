"""Growth: by how much a job grows until it is fitted anew, and what waits for its last fit and the look after it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Max

from kernel import clock
from marketplace.models import Fit, Job, SecondLook
from marketplace.services.reweighing import may_be_looked_at_again

FIRST_AT: Final = 100
"""Claims from which on a job is fitted."""

GROWTH: Final = 1.25
"""A job is fitted anew when it has been claimed so much more often than at its last fit."""

GROWTH_AT_THE_END: Final = 1.01
"""Once all tasks are settled a job is fitted a last time, unless fewer answers than that have come since."""

END_WAITS: Final = timedelta(minutes=10)
"""No job's end waits longer for its last look, whatever holds that up."""


def awaits_last_look(job_id: UUID) -> bool:
    """Whether the end of a job whose tasks are settled has to wait for a last fit, or for its look at them."""
    job = Job.objects.get(pk=job_id)
    if not may_be_looked_at_again(job):
        return False
    latest = Fit.objects.filter(job=job).order_by("-number").first()
    is_through = latest is None or SecondLook.objects.filter(fit=latest, done_at__isnull=False).exists()
    if is_through and not _is_grown(job, latest):
        return False
    settled_at = job.tasks.filter(gold_question=None).aggregate(last=Max("resolved_at"))["last"]
    return settled_at is not None and clock.now() < settled_at + END_WAITS


def _is_grown(job: Job, latest: Fit | None) -> bool:
    claims = sum(job.participations.values_list("claims", flat=True))
    return claims >= FIRST_AT and claims >= GROWTH_AT_THE_END * (latest.claims if latest else 0)
