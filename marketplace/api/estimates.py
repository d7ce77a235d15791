"""What a job is likely to cost, before it is launched."""

from dataclasses import asdict
from typing import Any, get_args
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_job
from marketplace.queries.money import available_minor
from marketplace.services.estimating import estimate_of, hourly_pay_of, inspections_of
from marketplace.services.fees import terms_for, terms_of
from marketplace.services.pay_floors import likely_reserve
from marketplace.services.working_times import Basis, expected_seconds
from qualification.statistics.estimates import Forecast


class ForecastOut(Out):
    """One way in which the job may go."""

    answers = fields.IntegerField(help_text="Answers that are paid for, hidden gold among them.")
    gold_answers = fields.IntegerField(help_text="Those of them that only measure.")
    escalations = fields.IntegerField(help_text="Tasks that a person must decide; none with `when_unsure` `resolve`.")
    cost_minor = fields.MoneyMinorField(help_text="Rewards and fees.")
    work_seconds = fields.IntegerField(
        allow_null=True, help_text="Working time of all workers together; null while nothing is known of time."
    )


class EstimateQuery(Query):
    """What to reckon with."""

    guess_seconds = fields.QueryIntegerField(
        required=False,
        min_value=1,
        max_value=86_400,
        help_text="How long you guess that one answer takes, in place of the job's guess. Measured times go before.",
    )


class TimeOut(Out):
    """How long an answer takes, and what that rests on."""

    basis = fields.ChoiceField(
        choices=list(get_args(Basis)),
        help_text="`own_answers` or `earlier_jobs` of the client with the same skill: measured. `guess`: guessed.",
    )
    answers = fields.IntegerField(help_text="How many were measured; 0 for a guess.")
    low_seconds = fields.FloatField(help_text="A quarter took less; half of a guess.")
    expected_seconds = fields.FloatField(help_text="The median.")
    high_seconds = fields.FloatField(help_text="A quarter took more; twice a guess.")


class HourlyPayOut(Out):
    """What an hour of accepted work pays: the lowest reward for slow answers, the usual, the highest for quick ones."""

    low_minor = fields.MoneyMinorField()
    expected_minor = fields.MoneyMinorField()
    high_minor = fields.MoneyMinorField()


class InspectionsOut(Out):
    """How many labels experts will look at for the certificate that was ordered. They cost nothing beyond the job."""

    low = fields.IntegerField(help_text="Where no label is wrong.")
    expected = fields.IntegerField(help_text="Where labels are wrong half as often as the job's confidence allows.")
    high = fields.IntegerField(help_text="Where they are wrong as often as it allows.")


def _a_forecast(answers: int, gold: int, escalations: int, cost: int, seconds: int) -> dict[str, int]:
    counts = {"answers": answers, "gold_answers": gold, "escalations": escalations}
    return {**counts, "cost_minor": cost, "work_seconds": seconds}


class EstimateOut(Out):
    """What a job is likely to cost, and the most that it can cost. Minor units of its currency."""

    EXAMPLE = {
        "currency": "USD",
        "tasks": 1700,
        "gold_tasks": 97,
        "low": _a_forecast(3735, 187, 0, 18675, 22410),
        "expected": _a_forecast(4506, 226, 9, 22530, 54072),
        "high": _a_forecast(6220, 311, 143, 31100, 149280),
        "worst_answers": 8937,
        "worst_cost_minor": 44685,
        "fee_basis_points": 2000,
        "fee_minimum_minor": 0,
        "time": {
            "basis": "guess",
            "answers": 0,
            "low_seconds": 6.0,
            "expected_seconds": 12.0,
            "high_seconds": 24.0,
        },
        "hourly_pay": {"low_minor": 600, "expected_minor": 1200, "high_minor": 2400},
        "reserve_minor": 4469,
        "inspections": {"low": 645, "expected": 960, "high": 1700},
        "available_minor": 30000,
        "missing_minor": 19154,
    }
    currency = fields.CurrencyField()
    tasks = fields.IntegerField()
    gold_tasks = fields.IntegerField()
    low = ForecastOut(help_text="An easy job: single answers right 95 times of 100.")
    expected = ForecastOut(help_text="A usual one after an exam: 85 of 100.")
    high = ForecastOut(help_text="A hard one: 70 of 100.")
    worst_answers = fields.IntegerField(help_text="Every task asked as often as it may be.")
    worst_cost_minor = fields.MoneyMinorField(help_text="What launching sets aside for it.")
    reserve_minor = fields.MoneyMinorField(
        help_text="What launching sets aside beside it, to lift pay to the floor; 0 without a floor and once launched."
    )
    fee_basis_points = fields.IntegerField(help_text="The share that the launch fixes, or has fixed.")
    fee_minimum_minor = fields.MoneyMinorField(help_text="The least fee for one accepted answer.")
    time = TimeOut(allow_null=True, help_text="Null while nothing was measured or guessed.")
    hourly_pay = HourlyPayOut(allow_null=True, help_text="Null while nothing is known of time.")
    inspections = InspectionsOut(allow_null=True, help_text="Null where no certificate is ordered.")
    available_minor = fields.MoneyMinorField(
        required=False, help_text="What the client may spend now. Only for who may see the client's money."
    )
    missing_minor = fields.MoneyMinorField(
        required=False, help_text="What is lacking for a launch; 0 when nothing is. Only with `available_minor`."
    )


class EstimateView(ApiView):
    """An estimate."""

    @operation("Estimate a job", query=EstimateQuery, answer=EstimateOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Three forecasts of what the job will cost, the most that it can cost, and whether the money for it is there.

        The forecasts assume workers who are all alike, with errors spread evenly; a real crowd differs. The most that
        it can cost is exact. Time is measured in this job, else in earlier ones of the client with the same skill, else
        what the client guesses; it runs from claim to answer.
        """
        asked = self.read_query()
        job = find_job(job_id, permit=self.permit)
        shape, estimate = estimate_of(job)
        available = available_minor(job.client, job.currency)
        reserve = 0 if job.launched_at else likely_reserve(job, shape).minor
        wanted = 0 if job.launched_at else estimate.worst_cost_minor + reserve
        time = expected_seconds(job, guess_seconds=asked.get("guess_seconds"))
        terms = terms_of(job) if job.launched_at else terms_for(job.client_id, job.currency)
        shown = {
            "currency": job.currency,
            "tasks": shape.work_tasks,
            "gold_tasks": shape.gold_tasks,
            "low": _shown(estimate.low, time.low_seconds if time else None),
            "expected": _shown(estimate.expected, time.expected_seconds if time else None),
            "high": _shown(estimate.high, time.high_seconds if time else None),
            "fee_basis_points": terms.basis_points,
            "fee_minimum_minor": terms.minimum_minor,
            "time": time,
            "hourly_pay": hourly_pay_of(shape, time) if time else None,
            "inspections": inspections_of(job, shape),
            "worst_answers": estimate.worst_answers,
            "worst_cost_minor": estimate.worst_cost_minor,
            "reserve_minor": reserve,
            "available_minor": available,
            "missing_minor": max(0, wanted - available),
        }
        return self.answer(EstimateOut(shown))


def _shown(forecast: Forecast, seconds: float | None) -> dict[str, Any]:
    work_seconds = None if seconds is None else round(forecast.answers * seconds)
    return {**asdict(forecast), "work_seconds": work_seconds}
