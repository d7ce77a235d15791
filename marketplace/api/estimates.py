"""What a job is likely to cost, before it is launched."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_job
from marketplace.queries.money import available_minor
from marketplace.services.estimating import estimate_of


class ForecastOut(Out):
    """One way in which the job may go."""

    answers = fields.IntegerField(help_text="Answers that are paid for, hidden gold among them.")
    gold_answers = fields.IntegerField(help_text="Those of them that only measure.")
    escalations = fields.IntegerField(help_text="Tasks that a person must decide.")
    cost_minor = fields.MoneyMinorField(help_text="Rewards and fees.")


class EstimateOut(Out):
    """What a job is likely to cost, and the most that it can cost. Minor units of its currency."""

    EXAMPLE = {
        "currency": "USD",
        "tasks": 1700,
        "gold_tasks": 97,
        "low": {"answers": 3735, "gold_answers": 187, "escalations": 0, "cost_minor": 18675},
        "expected": {"answers": 4506, "gold_answers": 226, "escalations": 9, "cost_minor": 22530},
        "high": {"answers": 6220, "gold_answers": 311, "escalations": 143, "cost_minor": 31100},
        "worst_answers": 8937,
        "worst_cost_minor": 44685,
        "available_minor": 30000,
        "missing_minor": 14685,
    }
    currency = fields.CurrencyField()
    tasks = fields.IntegerField()
    gold_tasks = fields.IntegerField()
    low = ForecastOut(help_text="An easy job: single answers right 95 times of 100.")
    expected = ForecastOut(help_text="A usual one after an exam: 85 of 100.")
    high = ForecastOut(help_text="A hard one: 70 of 100.")
    worst_answers = fields.IntegerField(help_text="Every task asked as often as it may be.")
    worst_cost_minor = fields.MoneyMinorField(help_text="What launching sets aside.")
    available_minor = fields.MoneyMinorField(
        required=False, help_text="What the client may spend now. Only for who may see the client's money."
    )
    missing_minor = fields.MoneyMinorField(
        required=False, help_text="What is lacking for a launch; 0 when nothing is. Only with `available_minor`."
    )


class EstimateView(ApiView):
    """An estimate."""

    @operation("Estimate a job", answer=EstimateOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Three forecasts of what the job will cost, the most that it can cost, and whether the money for it is there.

        The forecasts assume workers who are all alike, with errors spread evenly; a real crowd differs. The most that
        it can cost is exact.
        """
        job = find_job(job_id, permit=self.permit)
        shape, estimate = estimate_of(job)
        available = available_minor(job.client, job.currency)
        held = shape.worst_case.minor if job.launched_at else 0
        missing = max(0, estimate.worst_cost_minor - held - available)
        shown = {
            "currency": job.currency,
            "tasks": shape.work_tasks,
            "gold_tasks": shape.gold_tasks,
            "low": estimate.low,
            "expected": estimate.expected,
            "high": estimate.high,
            "worst_answers": estimate.worst_answers,
            "worst_cost_minor": estimate.worst_cost_minor,
            "available_minor": available,
            "missing_minor": missing,
        }
        return self.answer(EstimateOut(shown))
