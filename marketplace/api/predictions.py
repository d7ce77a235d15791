"""A job's predictions over HTTP: brought in as one file, and what is known of the models that made them."""

from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.uploads import UploadView
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.money import LARGEST_MINOR
from marketplace.access import find_job
from marketplace.models import Predictor
from marketplace.queries.automation import saving_of
from marketplace.services.import_faults import InvalidImport
from marketplace.services.predictions import PredictionReport, import_predictions
from marketplace.services.prioritising import LARGEST_BATCH, PriorityReport, prioritise_tasks

JSON_LINES: Final = "application/x-ndjson"
ONE: Final = (
    '{"external_id": "scan-1", "model": "digits", "model_version": "3", "score": 0.97, "result": '
    '[{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": ["7"]}}]}\n'
)


class PredictionsOut(Out):
    """What an import of predictions added to its job."""

    EXAMPLE = {"predictions": 1800}
    predictions = fields.IntegerField()


class ErrorRatesOut(Out):
    """How a model errs in one question with classes, as its vote is weighed."""

    control = fields.TextField()
    choice = fields.TextField(
        source="label", help_text="Of a control with several choices, which one; empty where one is chosen."
    )
    classes = fields.ListField(child=fields.TextField(), help_text="Empty: left out, or not chosen.")
    chances = fields.ListField(
        child=fields.ListField(child=fields.FloatField()),
        help_text="For each class, when it is the true one, how likely the model says each of them.",
    )


class PredictorOut(Out):
    """A model at one version, and what people's answers in this job have shown of it."""

    EXAMPLE = {
        "id": "2b0f6c1e-7d1a-4b69-8a1f-64b1f8d7c5aa",
        "model": "digits",
        "model_version": "3",
        "state": "accepting",
        "predictions": 1800,
        "audits": 180,
        "audits_answered": 178,
        "audits_wrong": 2,
        "accepted": 1100,
        "right": 171,
        "wrong": 2,
        "confusion": {
            '{"digit":["1"]}': {'{"digit":["1"]}': 152, '{"digit":["7"]}': 1},
            '{"digit":["7"]}': {'{"digit":["7"]}': 19, '{"digit":["1"]}': 1},
        },
        "error_rates": [
            {
                "control": "digit",
                "choice": "",
                "classes": ["1", "7"],
                "chances": [[0.971415, 0.028585], [0.059392, 0.940608]],
            }
        ],
        "threshold": 0.91,
        "error_bound": 0.044,
        "stopped_because": "",
        "created_at": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    model = fields.LineField(source="name")
    model_version = fields.LineField(source="version")
    state = fields.ChoiceField(
        choices=Predictor.State.choices,
        help_text="Whether its predictions may be accepted: not yet or not now, yes, or never again.",
    )
    predictions = fields.IntegerField(source="made")
    audits = fields.IntegerField(help_text="How many of its tasks are audits, which people alone label.")
    audits_answered = fields.IntegerField(
        help_text="How many of these people have labelled: nothing is accepted before all of them are."
    )
    audits_wrong = fields.IntegerField(help_text="In how many of those people say otherwise; the bound rests on these.")
    accepted = fields.IntegerField(help_text="How many of its predictions became labels without a person.")
    right = fields.IntegerField(help_text="Predictions that people, or gold, say are right.")
    wrong = fields.IntegerField(help_text="Predictions that people, or gold, say are wrong.")
    confusion = fields.ObjectField(help_text="Counts by the true answer, then by the predicted one.")
    error_rates = ErrorRatesOut(
        many=True,
        allow_null=True,
        help_text="What its vote is weighed by, in questions of up to 20 classes; null before its first check.",
    )
    threshold = fields.FloatField(allow_null=True, help_text="The score from which predictions are accepted.")
    error_bound = fields.FloatField(
        allow_null=True,
        help_text="What the share of errors among those surely does not exceed, as last found; null until one held.",
    )
    stopped_because = fields.TextField(help_text="Empty unless it was stopped.")
    created_at = fields.DateTimeField()


class PriorityQuery(Query):
    """By what to call a model unsure, and whether the batch that comes first is to be diverse."""

    measure = fields.ChoiceField(choices=["least_confidence", "margin", "entropy"], required=False)
    diversity = fields.ChoiceField(choices=["none", "clusters", "core_set"], required=False)
    batch = fields.QueryIntegerField(min_value=1, max_value=LARGEST_BATCH, required=False)


class PrioritiesOut(Out):
    """What was ordered."""

    EXAMPLE = {"tasks": 900, "batch": 100}
    tasks = fields.IntegerField(help_text="Open tasks that have a new priority.")
    batch = fields.IntegerField(help_text="Those of them that come first.")


class AutomationQuery(Query):
    """What automating cost you, in minor units of the job's currency."""

    automation_cost_minor = fields.QueryIntegerField(min_value=0, max_value=10**12, required=False)


class AutomationOut(Out):
    """Return on automation: labels saved × label cost − (automation cost + monitoring cost)."""

    EXAMPLE = {
        "currency": "USD",
        "labels_saved": 1100,
        "labels_by_people": 700,
        "spent_minor": 7700,
        "saved_minor": 12100,
        "automation_cost_minor": 3000,
        "monitoring_cost_minor": 1980,
        "return_minor": 7120,
    }
    currency = fields.CurrencyField()
    labels_saved = fields.IntegerField(help_text="Tasks whose label a prediction became.")
    labels_by_people = fields.IntegerField()
    spent_minor = fields.MoneyMinorField(help_text="What people's accepted answers to those cost so far.")
    saved_minor = fields.MoneyMinorField(
        allow_null=True, help_text="What the labels saved would have cost at that, rounded down."
    )
    automation_cost_minor = fields.MoneyMinorField(help_text="As you gave it.")
    monitoring_cost_minor = fields.MoneyMinorField(help_text="What people's accepted answers to audits cost.")
    return_minor = fields.MoneyMinorField(
        min_value=-LARGEST_MINOR, allow_null=True, help_text="Below 0 where automation has not paid."
    )


class PrioritiesView(UploadView):
    """The order of a job's tasks."""

    upload_types = (JSON_LINES,)
    largest_body_bytes = 128 * 1024 * 1024

    def before_upload(self, job_id: UUID) -> None:
        find_job(job_id, permit=self.permit)

    @operation(
        "Prioritise tasks",
        uploads={JSON_LINES: '{"external_id": "scan-1", "scores": [0.6, 0.4], "embedding": [0.1, 2.5]}\n'},
        query=PriorityQuery,
        answer=PrioritiesOut,
        errors=[NotFound, WrongState, InvalidImport],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Orders open tasks by how unsure your model is of them: a batch at priority 1, the others from 2 to 9.

        A row of JSON Lines names its task, and gives the `scores` of the classes and, for a diverse batch, an
        `embedding`. By `margin`, without `diversity` and with a `batch` of 100 unless you say otherwise. Audits come
        first as before. Sent again, it gives the same order.
        """
        asked = self.read_query()
        find_job(job_id, permit=self.permit)  # once more: a large file takes its time
        report: PriorityReport = prioritise_tasks(
            job_id=job_id,
            stream=self.read_upload(),  # type: ignore[arg-type]  # a spooled file is read like any
            by=self.actor,
            **asked,
        )
        return self.answer(PrioritiesOut(report))


class AutomationView(ApiView):
    """What automation was worth to a job."""

    @operation("Show a job's return on automation", query=AutomationQuery, answer=AutomationOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Labels saved × label cost − (automation cost + monitoring cost), exact, from what the job has paid so far.

        A label costs what people's accepted answers have cost by label here. Audits count as monitoring, although their
        labels are yours too.
        """
        job = find_job(job_id, permit=self.permit)
        saving = saving_of(job, **self.read_query())
        shown = {name: getattr(saving, name) for name in AutomationOut.EXAMPLE if name != "currency"}
        return self.answer(AutomationOut({"currency": job.currency, **shown}))


class PredictionsView(UploadView):
    """Predictions of a job's tasks."""

    upload_types = (JSON_LINES,)

    def before_upload(self, job_id: UUID) -> None:
        find_job(job_id, permit=self.permit)

    @operation(
        "Import predictions",
        uploads={JSON_LINES: ONE},
        answer=PredictionsOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, InvalidImport],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Adds predictions of tasks that the job has, all of the file or none of it. JSON Lines, of up to 1 GiB.

        A row names its task by `external_id` or by our own id as `task`, the `model_version` and maybe the `model`, a
        `score` from 0 to 1, and the `result` in Label Studio's form. Each version predicts a task once, before its
        label is known. No worker is shown any of it.
        """
        find_job(job_id, permit=self.permit)  # once more: a large file takes its time
        report: PredictionReport = import_predictions(
            job_id=job_id,
            stream=self.read_upload(),  # type: ignore[arg-type]  # a spooled file is read like any
            by=self.actor,
        )
        return self.answer(PredictionsOut(report), status=201)


_IS_AUDIT: Final = Q(predictions__is_audit=True)


class PredictorsView(ApiView):
    """The models that predict in a job."""

    @operation("List predictors of a job", answer=PredictorOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Each model version with what people's answers say of it, and whether its predictions are accepted."""
        job = find_job(job_id, permit=self.permit)
        rows: Any = Predictor.objects.filter(job=job).annotate(
            audits=Count("predictions", filter=_IS_AUDIT),
            audits_answered=Count("predictions", filter=_IS_AUDIT & Q(predictions__checked__isnull=False)),
            audits_wrong=Count("predictions", filter=_IS_AUDIT & Q(predictions__checked__is_right=False)),
            accepted=Count("predictions__acceptance"),
            made=Count("predictions"),
        )
        return self.page(rows, PredictorOut, order_by=("created_at", "id"))
