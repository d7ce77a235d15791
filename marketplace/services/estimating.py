"""What a job is likely to cost, from its tasks and its policy as they stand now."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from marketplace.models import Job
from marketplace.queries import current_schema_of
from marketplace.services.certificate_orders import Inspections, inspections_expected
from marketplace.services.shapes import BandShape, Shape, shape_of
from marketplace.services.working_times import WorkingTime
from qualification.statistics.estimates import Estimate, Forecast, estimate_job


@dataclass(frozen=True, slots=True)
class HourlyPay:
    """What an hour of accepted work pays, in whole minor units: worst paid, usual, best paid."""

    low_minor: int
    expected_minor: int
    high_minor: int


def hourly_pay_of(shape: Shape, time: WorkingTime) -> HourlyPay:
    """What workers may expect by the hour: the lowest reward for slow answers, the usual for usual ones, and so on."""
    bands = [band for band in shape.bands if band.work_tasks] or shape.bands
    tasks = sum(band.work_tasks for band in bands) or len(bands)
    usual = sum(shape.prices.price_of(band.band, bound=0.0).reward_minor * (band.work_tasks or 1) for band in bands)
    lowest = min(shape.prices.cheapest(band.band).reward_minor for band in bands)
    highest = max(shape.prices.best_paid(band.band).reward_minor for band in bands)

    def hourly(reward_minor: float, seconds: float) -> int:
        return int(reward_minor * 3600 / max(1.0, seconds))

    return HourlyPay(
        hourly(lowest, time.high_seconds),
        hourly(usual / tasks, time.expected_seconds),
        hourly(highest, time.low_seconds),
    )


def estimate_of(job: Job) -> tuple[Shape, Estimate]:
    """How large ``job`` is, and what it will cost: three forecasts, and the most that it can.

    The cheap forecast is at the lowest prices, the dear one at the highest, and the usual one at those of whoever is
    just let in.
    """
    shape = shape_of(job)
    # A question with one possible answer can be answered wrong by nobody; two is the least that can be forecast.
    classes = max(2, current_schema_of(job.pk).possible_answers)
    return shape, _sum(_band_estimate(job, band, shape, classes) for band in shape.bands)


def inspections_of(job: Job, shape: Shape) -> Inspections | None:
    """How many inspections the certificate will take that was ordered last of ``job``; None where none was."""
    order = job.certificate_orders.order_by("-ordered_at", "-pk").first()
    if order is None:
        return None
    return inspections_expected(
        order=order,
        tasks=shape.work_tasks,
        schema=current_schema_of(job.pk),
        confidence=job.confidence_basis_points / 10_000,
    )


def _band_estimate(job: Job, band: BandShape, shape: Shape, classes: int) -> Estimate:
    cheapest, usual = shape.prices.cheapest(band.band), shape.prices.price_of(band.band, bound=0.0)

    def at(price_minor: int) -> Estimate:
        return estimate_job(
            tasks=band.work_tasks,
            gold_tasks=band.gold_tasks,
            overlap_min=job.overlap_min,
            overlap_max=job.overlap_max,
            confidence=job.confidence_basis_points / 10_000,
            classes=classes,
            gold_share_basis_points=job.gold_share_basis_points,
            reward_minor=price_minor,
            fee_minor=0,
        )

    low, expected, high = at(cheapest.total.minor), at(usual.total.minor), at(band.dearest.minor)
    cases = low.low, expected.expected, high.high
    if job.when_unsure == Job.WhenUnsure.RESOLVE:  # what stays unsure gets its label in front, and no person
        cheap, likely, dear = (replace(each, escalations=0) for each in cases)
    else:
        cheap, likely, dear = cases
    return Estimate(cheap, likely, dear, high.worst_answers, high.worst_cost_minor)


def _sum(estimates: Iterable[Estimate]) -> Estimate:
    def forecast(one: Forecast, other: Forecast) -> Forecast:
        return Forecast(
            one.answers + other.answers,
            one.gold_answers + other.gold_answers,
            one.escalations + other.escalations,
            one.cost_minor + other.cost_minor,
        )

    def both(one: Estimate, other: Estimate) -> Estimate:
        return Estimate(
            forecast(one.low, other.low),
            forecast(one.expected, other.expected),
            forecast(one.high, other.high),
            one.worst_answers + other.worst_answers,
            one.worst_cost_minor + other.worst_cost_minor,
        )

    return reduce(both, estimates)
