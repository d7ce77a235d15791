"""Labeling functions of a job over HTTP: defined, retired, tried, and let vote together."""

from importlib import import_module
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from marketplace.access import find_job
from marketplace.api.job_steps import NothingIn
from marketplace.models import LabelingFunction
from marketplace.services.labeling_functions import (
    NoSingleChoice,
    NothingToSay,
    define_function,
    predict_by_functions,
    retire_function,
)

FUNCTION_ID = "7f1a9c3e-2b4d-4c6f-8a10-9e8d7c6b5a40"


class FunctionIn(In):
    """A rule of thumb that names a class for an item, or says nothing."""

    EXAMPLE = {
        "name": "meows",
        "rule": {"kind": "keyword", "field": "text", "words": ["meow", "purr"], "label": "cat"},
    }
    name = fields.LineField(max_length=100)
    rule = fields.ObjectField(
        help_text="Its `kind`, the `field` it looks at, and what belongs to the kind: `keyword` (`words`, `label`), "
        "`pattern` (an `expression` of RE2, `label`), `lookup` (`table`, from text to label), `score` (`at_least` or "
        "`at_most`, `label`; its field is a model and its version, such as `animals 3`, in predictions of that label)."
    )


class FunctionOut(Out):
    """A labeling function of a job."""

    EXAMPLE = {"id": FUNCTION_ID, **FunctionIn.EXAMPLE, "created_at": "2026-05-17T12:00:00Z"}
    id = fields.UUIDField()
    name = fields.LineField()
    rule = fields.ObjectField()
    created_at = fields.DateTimeField()


class FunctionReportOut(Out):
    """What one function is worth. Shares are of the tasks that it was tried on, 0 to 1."""

    id = fields.UUIDField()
    name = fields.LineField()
    coverage = fields.FloatField(help_text="It says something.")
    overlap = fields.FloatField(help_text="And another function does too.")
    conflict = fields.FloatField(help_text="And another says otherwise.")
    known = fields.IntegerField(help_text="Of how many tasks that it names people's label is known, and paid for.")
    accuracy = fields.FloatField(allow_null=True, help_text="How often it says the same as people there.")


class TrialOut(Out):
    """What the functions of a job say of its tasks."""

    EXAMPLE = {
        "tasks": 1000,
        "is_sample": True,
        "coverage": 0.61,
        "functions": [
            {
                "id": FUNCTION_ID,
                "name": "meows",
                "coverage": 0.2,
                "overlap": 0.05,
                "conflict": 0.01,
                "known": 40,
                "accuracy": 0.95,
            }
        ],
    }
    tasks = fields.IntegerField(help_text="How many were looked at; hidden gold is not among them.")
    is_sample = fields.BooleanField(help_text="Whether there are more: a large job is sampled at random.")
    coverage = fields.FloatField(help_text="The share of them of which any function says something.")
    functions = FunctionReportOut(many=True)


class FunctionRunOut(Out):
    """What one run of a job's functions came to."""

    EXAMPLE = {"predictions": 1240, "looked_at": 20000, "is_through": False}
    predictions = fields.IntegerField(help_text="How many it added: of tasks that functions say something of.")
    looked_at = fields.IntegerField(help_text="How many tasks that wait for their label and a prediction.")
    is_through = fields.BooleanField(help_text="Whether none is left behind them. Else ask again, to go on there.")


class FunctionsView(ApiView):
    """The labeling functions of a job."""

    @operation("List labeling functions of a job", answer=FunctionOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Those that are not retired, in the order in which they were defined."""
        job = find_job(job_id, permit=self.permit)
        rows = LabelingFunction.objects.filter(job=job, retired_at=None)
        return self.page(rows, FunctionOut, order_by=("created_at", "id"))

    @operation(
        "Define a labeling function",
        body=FunctionIn,
        answer=FunctionOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, Invalid, NoSingleChoice],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Adds a function to a draft or a job that runs: up to 50, which are never changed, only retired.

        For jobs that ask for one single choice. It votes when the functions are let predict.
        """
        find_job(job_id, permit=self.permit)
        function = define_function(job_id=job_id, by=self.actor, **self.read_body())
        return self.answer(FunctionOut(function), status=201)


class FunctionView(ApiView):
    """One labeling function."""

    @operation("Retire a labeling function", errors=[NotFound])
    def delete(self, request: Request, job_id: UUID, function_id: UUID) -> Response:
        """It says nothing more from the next time on that the functions are let predict."""
        find_job(job_id, permit=self.permit)
        retire_function(job_id=job_id, function_id=function_id, by=self.actor)
        return self.answer()


class TrialView(ApiView):
    """The labeling functions of a job, tried."""

    @operation("Try the labeling functions of a job", answer=TrialOut, errors=[NotFound, NoSingleChoice])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Coverage, overlap, conflict and accuracy of each, on up to 1,000 of the job's tasks.

        Accuracy is against what people say of tasks whose label is paid for; hidden gold has no part in it.
        """
        job = find_job(job_id, permit=self.permit)
        # What computes with NumPy is loaded by what computes, not by every process that serves.
        found = import_module("marketplace.services.function_votes").tried(job)
        shown = {"tasks": found.tasks, "is_sample": found.is_sample, "coverage": found.coverage}
        return self.answer(TrialOut({**shown, "functions": [_reported(*each) for each in found.reports]}))


class FunctionPredictionsView(ApiView):
    """What the labeling functions of a job predict."""

    @operation(
        "Predict by labeling functions",
        body=NothingIn,
        answer=FunctionRunOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, NoSingleChoice, NothingToSay],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Lets the functions together predict tasks that wait for their label, looking at up to 20,000 at a time.

        Each time goes on where the last one ended, also where that found nothing to say; after `is_through` it begins
        anew, with the tasks that have come meanwhile.

        They are one predictor, under the rules of all: audits, measured votes, thresholds. Its version stands for
        exactly these functions; once they are changed, the next time stops it and begins anew with another.
        """
        self.read_body()
        find_job(job_id, permit=self.permit)
        return self.answer(FunctionRunOut(predict_by_functions(job_id=job_id, by=self.actor)), status=201)


def _reported(function: LabelingFunction, report: Any) -> dict[str, Any]:
    return {
        "id": function.pk,
        "known": report.gold,
        **{name: getattr(report, name) for name in ("name", "coverage", "overlap", "conflict", "accuracy")},
    }
