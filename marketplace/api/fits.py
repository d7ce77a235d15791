"""A job's fits over HTTP: which method weighs its answers, why, and how far its confidence can be believed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_job
from marketplace.models import Fit, Reweighing


class TriedMethodOut(Out):
    """What was found of a method that might have weighed the answers."""

    method = fields.TextField()
    right_on_gold = fields.FloatField(
        allow_null=True, help_text="The share of gold that it gets right without knowing; null without gold."
    )
    told_better = fields.FloatField(
        allow_null=True,
        help_text="How much better it tells answers that were held out than one accuracy per worker does, as a mean "
        "difference of logarithms. Looked at once no task is asked for any more, else null.",
    )
    told_error = fields.FloatField(allow_null=True, help_text="The standard error of that.")
    against = fields.TextField(help_text="Why held-out answers do not let it lead; empty where they would.")


class FittedPartOut(Out):
    """What was learnt of one question with classes."""

    control = fields.TextField()
    choice = fields.TextField(
        source="label", help_text="Of a control with several choices, which one; empty where one is chosen."
    )
    classes = fields.ListField(child=fields.TextField(), help_text="Empty: left out, or not chosen.")
    method = fields.TextField(help_text="What weighs the answers.")
    because = fields.TextField(help_text="Why this one.")
    tried = TriedMethodOut(many=True, help_text="All on trial, majority vote among them. Empty in fits of old.")
    accuracy = fields.FloatField(help_text="How often an answer is right, by what is believed of its task.")
    discount = fields.FloatField(help_text="n answers count as n to the power of one minus this, up to `typical`.")
    vote_weight = fields.FloatField(help_text="How much shares of votes count beside what is known of workers.")
    floor = fields.FloatField(help_text="How much doubt stays, shared by all classes.")
    typical = fields.FloatField(help_text="How many answers a task had on average.")


class ResemblanceOut(Out):
    """How likely merged answers are right, as a logistic curve over how alike they are (docs/quality.md)."""

    level = fields.FloatField(help_text="Log odds where two answers are as alike as an answer to gold has to be.")
    slope = fields.FloatField(help_text="What likeness adds, as a difference of log odds.")
    growth = fields.FloatField(help_text="What the logarithm of the number of answers over two adds.")
    tasks = fields.IntegerField(help_text="Tasks of known truth that taught it, beside what crowds have in common.")


class HabitsOut(Out):
    """Whether what was learnt of each worker weighs their answers to one question that is no choice."""

    control = fields.TextField()
    is_used = fields.BooleanField(help_text="False: answers weigh what their workers' scores say.")
    tried = fields.IntegerField(help_text="Tasks whose answers were merged either way, by what other tasks taught.")
    by_gold = fields.BooleanField(help_text="Their truth was known; else an answer that was left out stood for it.")
    gain = fields.FloatField(help_text="How much nearer merged answers came to it, as likeness from 0 to 1.")


class SecondLookOut(Out):
    """What became of settled tasks that were weighed again by what a fit knew; of most nothing, as nothing changed."""

    done_at = fields.DateTimeField(allow_null=True, help_text="Null while it is under way.")
    confirmed = fields.IntegerField(help_text="Tasks that kept their label, with another confidence or interval.")
    relabelled = fields.IntegerField(help_text="That have another label.")
    asked = fields.IntegerField(help_text="That were no longer sure enough, and are asked once more.")
    reopened = fields.IntegerField(help_text="That were no longer sure enough, and wait for a person.")
    resolved = fields.IntegerField(help_text="That waited for a person, and are sure enough now.")


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
                "tried": [
                    {
                        "method": "one coin",
                        "right_on_gold": 0.958,
                        "told_better": None,
                        "told_error": None,
                        "against": "",
                    },
                    {
                        "method": "majority vote",
                        "right_on_gold": 0.917,
                        "told_better": None,
                        "told_error": None,
                        "against": "",
                    },
                ],
                "accuracy": 0.93,
                "discount": 0.38,
                "vote_weight": 0.27,
                "floor": 0.02,
                "typical": 2.6,
            }
        ],
        "resemblance": None,
        "habits": [],
        "fitted_at": "2026-05-17T13:05:00Z",
        "second_look": {
            "done_at": "2026-05-17T13:05:08Z",
            "confirmed": 112,
            "relabelled": 1,
            "asked": 14,
            "reopened": 3,
            "resolved": 2,
        },
    }
    number = fields.IntegerField(help_text="Counts the fits of the job; the latest weighs the answers that come.")
    answers = fields.IntegerField(help_text="How many it rests on.")
    gold = fields.IntegerField(help_text="Tasks among them whose truth is known: gold, and what was inspected.")
    workers = fields.IntegerField()
    parts = FittedPartOut(many=True)
    resemblance = ResemblanceOut(allow_null=True, help_text="Null where only choices are asked for.")
    habits = HabitsOut(many=True, help_text="Empty where only choices are asked for.")
    fitted_at = fields.DateTimeField()
    second_look = SecondLookOut(
        allow_null=True, help_text="At the tasks that were settled by then; null where there was none."
    )


class FitsView(ApiView):
    """What was learnt of a job."""

    @operation("List fits of a job", answer=FitOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """By which method the answers of the job were weighed, from when on and why; the latest first.

        Before the first one answers weigh what their workers' scores say, and confidence is what crowds have on
        average.
        """
        job = find_job(job_id, permit=self.permit)
        fits = Fit.objects.filter(job=job).select_related("second_look")
        return self.page(fits, FitOut, order_by=("-number",), seen_as=_shown)


def _shown(fits: Any) -> list[dict[str, Any]]:
    weighed = Reweighing.objects.filter(fit__in=[fit.pk for fit in fits]).values_list("fit", "outcome")
    became = {(fit_id, outcome): tasks for fit_id, outcome, tasks in weighed.annotate(tasks=Count("pk"))}
    return [
        {
            **{name: getattr(fit, name) for name in ("number", "answers", "gold", "workers", "habits", "fitted_at")},
            "parts": [
                {"tried": []}
                | part
                | dict(zip(("discount", "vote_weight", "floor", "typical"), part["calibration"], strict=True))
                for part in fit.parts
            ],
            "resemblance": _resemblance_of(fit),
            "second_look": _look_of(fit, became),
        }
        for fit in fits
    ]


def _look_of(fit: Fit, became: Mapping[tuple[UUID, str], int]) -> dict[str, Any] | None:
    if not hasattr(fit, "second_look"):
        return None
    outcomes = ("confirmed", "relabelled", "asked", "reopened", "resolved")
    return {"done_at": fit.second_look.done_at, **{each: became.get((fit.pk, each), 0) for each in outcomes}}


def _resemblance_of(fit: Fit) -> dict[str, Any] | None:
    if fit.resemblance is None:
        return None
    curve = dict(zip(("level", "slope", "growth"), fit.resemblance["curve"], strict=True))
    return {**curve, "tasks": fit.resemblance["tasks"]}
