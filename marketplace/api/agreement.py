"""How far a job's workers agree, over HTTP."""

from importlib import import_module
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_job

DIVISIONS: Final = ("control", "label", "pair", "cohort", "day", "week")
LEVELS: Final = ("nominal", "ordinal", "interval", "ratio")
NUMBERS: Final = ("interval", "ratio")
MEASURES: Final = ("percent", "alpha", "ac1", "fleiss", "kappa", "likeness")


class AgreementQuery(Query):
    """How to divide the answers, and how to compare numbers."""

    by = fields.ChoiceField(choices=DIVISIONS, required=False, help_text="`control` unless given.")
    numbers = fields.ChoiceField(
        choices=NUMBERS,
        required=False,
        help_text="How alpha takes numbers apart: `interval`, by difference, unless given; `ratio`, where 0 is none of "
        "something, so that 1 and 2 are further apart than 10 and 11. Of numbers whose `min` is 0 or more, no others.",
    )


class MeasureOut(Out):
    """A measure with the bounds between which it lies in 95% of draws of the tasks."""

    value = fields.FloatField()
    low = fields.FloatField()
    high = fields.FloatField()


def _measure(**told: Any) -> MeasureOut:
    return MeasureOut(allow_null=True, **told)


class PartOut(Out):
    """How far answers to one question agree: all of them, or those of one part."""

    control = fields.LineField(help_text="The question, by its name in the label schema.")
    says = fields.TextField(allow_null=True, help_text="The label, by label.")
    workers = fields.ListField(child=fields.LineField(), help_text="Two pseudonyms, by pair; else empty.")
    cohort = fields.DateField(
        allow_null=True, help_text="By cohort: the month in which its workers gave their first answer in the job."
    )
    since = fields.DateField(allow_null=True, help_text="The day, or the Monday of the week, of a task's last answer.")
    tasks = fields.IntegerField(
        help_text="With two answers or more. From fewer than some twenty bounds are too narrow; of one task they say "
        "nothing."
    )
    answers = fields.IntegerField(help_text="To those.")
    level = fields.ChoiceField(
        choices=LEVELS, allow_null=True, help_text="How alpha takes values apart; null for what is no class."
    )
    percent = _measure(help_text="How often two answers are equal.")
    alpha = _measure(help_text="Krippendorff's, which takes chance off: 1 is always, 0 as often as by chance.")
    ac1 = _measure(help_text="Gwet's, for where nearly all is of one class.")
    fleiss = _measure(help_text="Fleiss' kappa, of more than two workers: chance is what all said together.")
    kappa = _measure(help_text="Cohen's, of two workers: chance is each one's own habits.")
    likeness = _measure(help_text="How alike two answers are, from 0 to 1: of what is no single choice.")


def _a_measure(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


class AgreementOut(Out):
    """How far the workers of a job agree."""

    EXAMPLE = {
        "by": "control",
        "tasks": 1700,
        "is_sample": False,
        "parts": [
            {
                "control": "digit",
                "says": None,
                "workers": [],
                "cohort": None,
                "since": None,
                "tasks": 1700,
                "answers": 4300,
                "level": "nominal",
                "percent": _a_measure(0.91, 0.9, 0.92),
                "alpha": _a_measure(0.9, 0.89, 0.91),
                "ac1": _a_measure(0.9, 0.89, 0.91),
                "fleiss": _a_measure(0.9, 0.89, 0.91),
                "kappa": None,
                "likeness": None,
            }
        ],
    }
    by = fields.ChoiceField(choices=DIVISIONS)
    tasks = fields.IntegerField(help_text="Tasks with two answers or more that were looked at.")
    is_sample = fields.BooleanField(help_text="Whether there may be more: a large job is sampled at random.")
    parts = PartOut(many=True)


class AgreementView(ApiView):
    """Agreement in a job."""

    @operation("Show how far workers agree", query=AgreementQuery, answer=AgreementOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """How far answers agree, question by question, with bootstrap intervals; hidden gold is not among them.

        By label, by pair of workers (by pseudonym, those that share the most tasks), by cohort, by day or week. For
        choices and comparisons of two percent, Krippendorff's alpha, Gwet's AC1 and, of more than two workers, Fleiss'
        kappa; for ratings ordinal and for numbers interval or ratio alpha; for what is drawn or written the mean
        likeness of two answers.
        What is not defined is null.
        """
        asked = self.read_query()
        job = find_job(job_id, permit=self.permit)
        # What computes with NumPy is loaded by what computes, not by every process that serves.
        agreeing = import_module("marketplace.services.agreeing")
        found = agreeing.agreement_of(job=job, by=asked.get("by", "control"), numbers=asked.get("numbers", "interval"))
        shown = {"by": found.by, "tasks": found.tasks, "is_sample": found.is_sample}
        return self.answer(AgreementOut({**shown, "parts": [_shown(part) for part in found.parts]}))


def _shown(part: Any) -> dict[str, Any]:
    return {
        **{name: getattr(part, name) for name in ("control", "says", "workers", "cohort", "since")},
        **{name: getattr(part.agreed, name) for name in ("tasks", "answers", "level")},
        **{name: _interval(getattr(part.agreed, name)) for name in MEASURES},
    }


def _interval(found: Any) -> dict[str, float] | None:
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}
