"""A job's predictions over HTTP: brought in as one file, and what is known of the models that made them."""

from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.uploads import UploadView
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from marketplace.access import find_job
from marketplace.models import Predictor
from marketplace.services.import_faults import InvalidImport
from marketplace.services.predictions import PredictionReport, import_predictions

JSON_LINES: Final = "application/x-ndjson"
ONE: Final = (
    '{"external_id": "scan-1", "model": "digits", "model_version": "3", "score": 0.97, "result": '
    '[{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": ["7"]}}]}\n'
)


class PredictionsOut(Out):
    """What an import of predictions added to its job."""

    EXAMPLE = {"predictions": 1800}
    predictions = fields.IntegerField()


class PredictorOut(Out):
    """A model at one version, and what people's answers in this job have shown of it."""

    EXAMPLE = {
        "id": "2b0f6c1e-7d1a-4b69-8a1f-64b1f8d7c5aa",
        "model": "digits",
        "model_version": "3",
        "state": "accepting",
        "predictions": 1800,
        "audits": 180,
        "accepted": 1100,
        "right": 171,
        "wrong": 2,
        "confusion": {'{"digit":["7"]}': {'{"digit":["7"]}': 19, '{"digit":["1"]}': 1}},
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
    accepted = fields.IntegerField(help_text="How many of its predictions became labels without a person.")
    right = fields.IntegerField(help_text="Predictions that people, or gold, say are right.")
    wrong = fields.IntegerField(help_text="Predictions that people, or gold, say are wrong.")
    confusion = fields.ObjectField(help_text="Counts by the true answer, then by the predicted one.")
    threshold = fields.FloatField(allow_null=True, help_text="The score from which predictions are accepted.")
    error_bound = fields.FloatField(
        allow_null=True, help_text="What the share of errors among those surely does not exceed, as last found."
    )
    stopped_because = fields.TextField(help_text="Empty unless it was stopped.")
    created_at = fields.DateTimeField()


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


class PredictorsView(ApiView):
    """The models that predict in a job."""

    @operation("List predictors of a job", answer=PredictorOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Each model version with what people's answers say of it, and whether its predictions are accepted."""
        job = find_job(job_id, permit=self.permit)
        rows: Any = Predictor.objects.filter(job=job).annotate(
            audits=Count("predictions", filter=Q(predictions__is_audit=True)),
            accepted=Count("predictions__acceptance"),
            made=Count("predictions"),
        )
        return self.page(rows, PredictorOut, order_by=("created_at", "id"))
