"""What a job is likely to cost, from its tasks and its policy as they stand now."""

from marketplace.models import Job
from marketplace.queries import current_schema_of
from marketplace.services.posting import Shape, shape_of
from qualification.statistics.estimates import Estimate, estimate_job


def estimate_of(job: Job) -> tuple[Shape, Estimate]:
    """How large ``job`` is, and what it will cost: three forecasts, and the most that it can."""
    shape = shape_of(job)
    estimate = estimate_job(
        tasks=shape.work_tasks,
        gold_tasks=shape.gold_tasks,
        overlap_min=job.overlap_min,
        overlap_max=job.overlap_max,
        confidence=job.confidence_basis_points / 10_000,
        # A question with one possible answer can be answered wrong by nobody; two is the least that can be forecast.
        classes=max(2, current_schema_of(job.pk).possible_answers),
        gold_share_basis_points=job.gold_share_basis_points,
        reward_minor=job.reward_minor,
        fee_minor=job.fee_minor,
    )
    return shape, estimate
