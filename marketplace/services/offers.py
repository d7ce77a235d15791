"""What open jobs offer one worker, and what stands in the way: the rules of a claim, asked without claiming."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from marketplace.access import offered_to
from marketplace.models import Band, Job, JobVersion, Participation, Price, Requirement, Slot
from marketplace.queries import Presentation, presentation_of
from marketplace.services import eligibility
from marketplace.services.eligibility import NotEligible
from marketplace.services.pricing import price_list_of
from qualification.queries import Requirement as Demand
from qualification.queries import Unmet, settled_bounds, unmet_requirements
from workforce.models import Worker


@dataclass(frozen=True, slots=True)
class Demanded:
    """A requirement of a job, and what the worker lacks for it, if anything."""

    requirement: Requirement
    unmet: Unmet | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A job as one worker sees it. Without ``refusals`` a claim may succeed; it may still find no turn left.

    ``prices`` are those of a claim now, for this very worker.
    """

    job: Job
    presentation: Presentation
    demanded: list[Demanded]
    claims: int
    refusals: list[NotEligible]
    prices: dict[Band, Price]


def offered_jobs(worker: Worker) -> QuerySet[Job]:
    """The jobs that a worker may look at: those that are open or paused, and those that they have worked in."""
    versions = JobVersion.objects.filter(job=OuterRef("pk")).order_by("-number")
    return (
        Job.objects.filter(offered_to(worker))
        .select_related("client")
        .annotate(
            version_id=Subquery(versions.values("pk")[:1]),
            is_tied=eligibility.is_tied(worker_id=worker.pk),
            has_free_turn=Exists(Slot.objects.filter(job=OuterRef("pk"), lane=Slot.Lane.WORK)),
        )
    )


def offers_to(worker: Worker, jobs: Sequence[Job]) -> list[Offer]:
    """What each of these ``offered_jobs`` is to the worker, in their order, by a fixed number of queries."""
    claims = dict(Participation.objects.filter(worker=worker, job__in=jobs).values_list("job_id", "claims"))
    demanded = _demanded(worker, jobs)
    bounds = settled_bounds(worker_id=worker.pk, skill_ids={job.skill_id for job in jobs})
    return [
        _offer(
            worker,
            job,
            demanded=demanded[job.pk],
            claims=claims.get(job.pk, 0),
            prices=_prices(job, bounds[job.skill_id]),
        )
        for job in jobs
    ]


def _prices(job: Job, bound: float) -> dict[Band, Price]:
    prices = price_list_of(job.pk, job.price_list)
    return {band: prices.price_of(band, bound=bound) for band in Band}


def _demanded(worker: Worker, jobs: Sequence[Job]) -> dict[UUID, list[Demanded]]:
    rows = list(Requirement.objects.filter(job__in=jobs).select_related("skill").order_by("id"))
    demands = [Demand(row.skill_id, row.min_lower_bound) for row in rows]
    # Two jobs may demand the same of the same skill: what is unmet is told by what was asked, not by for whom.
    lacking = {unmet.requirement: unmet for unmet in unmet_requirements(worker_id=worker.pk, requirements=demands)}
    by_job: dict[UUID, list[Demanded]] = defaultdict(list)
    for row, demand in zip(rows, demands, strict=True):
        by_job[row.job_id].append(Demanded(row, lacking.get(demand)))
    return by_job


def _offer(worker: Worker, job: Job, *, demanded: list[Demanded], claims: int, prices: dict[Band, Price]) -> Offer:
    refusals = [refusal for refusal in _refusals(worker, job, demanded, claims) if refusal is not None]
    presentation = presentation_of(job.version_id)  # type: ignore[attr-defined]  # annotated
    return Offer(job, presentation, demanded, claims, refusals, prices)


def _refusals(worker: Worker, job: Job, demanded: list[Demanded], claims: int) -> Iterable[NotEligible | None]:
    yield eligibility.standing_refusal(worker)
    yield eligibility.state_refusal(job)
    yield eligibility.tie_refusal(job, is_tied=job.is_tied)  # type: ignore[attr-defined]  # annotated
    for each in demanded:
        if each.unmet is not None:
            yield eligibility.skills_refusal([each.unmet], job.pk)
    cap = job.max_assignments_per_worker
    if cap is not None and claims >= cap:
        yield eligibility.cap_refusal(job)
    if job.state == Job.State.OPEN and not job.has_free_turn:  # type: ignore[attr-defined]  # annotated
        yield NotEligible("all_taken", eligibility.ALL_TAKEN, job.pk)
