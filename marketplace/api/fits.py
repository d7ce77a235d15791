"""A job's fits over HTTP: which method weighs its answers, why, and how far its confidence can be believed."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_job
from marketplace.models import Fit


class FittedPartOut(Out):
    """What was learnt of one question with classes."""

    control = fields.TextField()
    choice = fields.TextField(
        source="label", help_text="Of a control with several choices, which one; empty where one is chosen."
    )
    classes = fields.ListField(child=fields.TextField(), help_text="Empty: left out, or not chosen.")
    method = fields.TextField(help_text="What weighs the answers.")
    because = fields.TextField(help_text="Why this one.")
    accuracy = fields.FloatField(help_text="How often an answer is right, by what is believed of its task.")
    discount = fields.FloatField(help_text="n answers count as n to the power of one minus this, up to `typical`.")
    vote_weight = fields.FloatField(help_text="How much shares of votes count beside what is known of workers.")
    floor = fields.FloatField(help_text="How much doubt stays, shared by all classes.")
    typical = fields.FloatField(help_text="How many answers a task had on average.")


class FitOut(Out):
    """What was learnt of a job from the answers that it had at one moment."""

    EXAMPLE = {
        "number": 4,
        "answers": 1210,
        "gold": 48,
        "workers": 21,
        "parts": [
            {
                "control": "digit",
                "choice": "",
                "classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
                "method": "one coin",
                "because": "gold speaks for nothing else",
                "accuracy": 0.93,
                "discount": 0.38,
                "vote_weight": 0.27,
                "floor": 0.02,
                "typical": 2.6,
            }
        ],
        "fitted_at": "2026-05-17T13:05:00Z",
    }
    number = fields.IntegerField(help_text="Counts the fits of the job; the latest weighs the answers that come.")
    answers = fields.IntegerField(help_text="How many it rests on.")
    gold = fields.IntegerField(help_text="Gold tasks among what was answered.")
    workers = fields.IntegerField()
    parts = FittedPartOut(many=True)
    fitted_at = fields.DateTimeField()


class FitsView(ApiView):
    """What was learnt of a job."""

    @operation("List fits of a job", answer=FitOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """By which method the answers of the job were weighed, from when on and why; the latest first.

        Before the first one answers weigh what their workers' scores say, and confidence is what crowds have on
        average.
        """
        job = find_job(job_id, permit=self.permit)
        return self.page(Fit.objects.filter(job=job), FitOut, order_by=("-number",), seen_as=_shown)


def _shown(fits: Any) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(fit, name) for name in ("number", "answers", "gold", "workers", "fitted_at")},
            "parts": [
                part | dict(zip(("discount", "vote_weight", "floor", "typical"), part["calibration"], strict=True))
                for part in fit.parts
            ],
        }
        for fit in fits
    ]
