"""A job's tasks over HTTP: brought in as one file, and read with their labels; the estimate, and the results."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from billing.services.ledger import InsufficientFunds
from kernel.api import fields
from kernel.api.media import MEDIA_ID
from kernel.api.operations import operation
from kernel.api.serializers import Out, Query
from kernel.api.uploads import UploadView
from kernel.api.views import ApiView
from kernel.content_addresses import REFERENCE
from kernel.errors import NotFound
from kernel.flow import WrongState
from marketplace.access import find_job
from marketplace.api.client_money import LineOut
from marketplace.api.unseen_funds import funds_unseen_by_guests
from marketplace.models import Band, Task
from marketplace.queries.money import explained, job_statement
from marketplace.queries.progress import work_tasks_of
from marketplace.services.import_faults import InvalidImport
from marketplace.services.importing import FileFormat, ImportReport, import_tasks
from marketplace.services.pay_floors import PayBelowFloor, TimeUnknown
from marketplace.services.results import download_results

FORMATS: Final[dict[str, FileFormat]] = {
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "text/csv": "csv",
}
UPLOADS: Final = {
    "application/json": f'[{{"external_id": "scan-1", "item": {{"image": "{REFERENCE}{MEDIA_ID}"}}}}]',
    "application/x-ndjson": f'{{"external_id": "scan-1", "item": {{"image": "{REFERENCE}{MEDIA_ID}"}}}}\n'
    f'{{"item": {{"image": "{REFERENCE}{MEDIA_ID}"}}, "gold_answer": "7", "gold_reason": "A crossed seven."}}\n',
    "text/csv": f"external_id,image\nscan-1,{REFERENCE}{MEDIA_ID}\n",
}
TASK_ID = "9d8c7b6a-5948-4372-a615-0f1e2d3c4b5a"
RESULT = [{"from_name": "digit", "to_name": "image", "type": "choices", "value": {"choices": ["7"]}}]


class ImportOut(Out):
    """What an import added to its job."""

    EXAMPLE = {"tasks": 1700, "gold": 97, "predictions": 0}
    tasks = fields.IntegerField(help_text="Tasks that are work.")
    gold = fields.IntegerField(help_text="Tasks whose right answer was given: hidden gold.")
    predictions = fields.IntegerField(help_text="Predictions that came with them.")


class TaskQuery(Query):
    """Which tasks."""

    state = fields.ChoiceField(choices=Task.State.choices, required=False)
    external_id = fields.LineField(required=False, max_length=200)


class TaskOut(Out):
    """A task, as those see it who posted it. A label is shown once it is paid for."""

    EXAMPLE = {
        "id": TASK_ID,
        "external_id": "scan-1",
        "item": {"image": f"{REFERENCE}{MEDIA_ID}"},
        "priority": 5,
        "band": "standard",
        "state": "resolved",
        "label": RESULT,
        "confidence": 0.972,
        "confidence_low": 0.941,
        "confidence_high": 0.985,
        "method": "consensus",
        "withheld": False,
        "created_at": "2026-05-17T12:00:00Z",
        "resolved_at": "2026-05-17T13:05:00Z",
    }
    id = fields.UUIDField()
    external_id = fields.LineField(allow_null=True)
    item = fields.ObjectField()
    priority = fields.IntegerField(help_text="0 is claimed first, 9 last.")
    band = fields.ChoiceField(choices=Band.choices, help_text="How hard it is; prices may go by it.")
    state = fields.ChoiceField(choices=Task.State.choices)
    confidence = fields.FloatField(allow_null=True, help_text="How likely the label is right, 0 to 1.")
    confidence_low = fields.FloatField(allow_null=True, help_text="At 95%, what that is at least; null if unknown.")
    confidence_high = fields.FloatField(allow_null=True, help_text="And at most.")
    method = fields.ChoiceField(choices=Task.Method.choices, allow_null=True)
    withheld = fields.BooleanField(help_text="Whether there is a label that is not paid for yet.")
    created_at = fields.DateTimeField()
    resolved_at = fields.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        label = fields.JSONField(allow_null=True, help_text="Label Studio's result JSON.")
        return {**super().get_fields(), "label": label}  # a serializer has an attribute `label` of its own


class TasksView(UploadView):
    """A job's tasks."""

    upload_types = tuple(FORMATS)

    @operation("List tasks of a job", query=TaskQuery, answer=TaskOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """The tasks that are work, in the order of their ids; hidden gold is not among them."""
        job = find_job(job_id, permit=self.permit)
        rows = work_tasks_of(job).filter(**self.read_query())
        return self.page(rows, TaskOut, order_by=("id",), seen_as=_shown)

    def before_upload(self, job_id: UUID) -> None:
        find_job(job_id, permit=self.permit)

    @operation(
        "Import tasks",
        uploads=UPLOADS,
        answer=ImportOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, InsufficientFunds, PayBelowFloor, TimeUnknown, InvalidImport],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Adds tasks to a draft, or to a job that runs, all of the file or none of it.

        The file is a JSON array, JSON Lines or CSV, of up to 1 GiB.

        A row has an `item` with exactly the fields that the label schema shows, and may have an `external_id` (once per
        job), a `priority` (0 first, 9 last), a difficulty `band` (easy, standard, hard), `predictions` of models and,
        to be hidden gold, `gold_answer` and `gold_reason`. In CSV the columns are the item's fields and these names,
        without `predictions`. A refusal names
        up to 50 faults, each with row and column.
        """
        find_job(job_id, permit=self.permit)  # once more: a large file takes its time
        with funds_unseen_by_guests(job_id=job_id, user=self.user):
            report: ImportReport = import_tasks(
                job_id=job_id,
                stream=self.read_upload(),  # type: ignore[arg-type]  # a spooled file is read like any
                format=FORMATS[self.upload_type],
                by=self.actor,
            )
        return self.answer(ImportOut(report), status=201)


class ResultsView(ApiView):
    """What a client takes away."""

    @operation(
        "Download results",
        answer=OpenApiResponse(
            OpenApiTypes.BINARY,
            description="JSON Lines, one line for each task, as a file.",
            examples=[OpenApiExample("One line", value='{"task": "…", "label": […], "answers": […]}\n')],
        ),
        media_type="application/x-ndjson",
        errors=[NotFound],
    )
    def get(self, request: Request, job_id: UUID) -> StreamingHttpResponse:
        """Each task with its label, how sure it is, majority vote beside it, and every answer by pseudonym.

        Times and prices stand with the answers. What is not paid for yet is withheld. The file is made while it is
        read, so it may be of any size.
        """
        job = find_job(job_id, permit=self.permit)
        answer = StreamingHttpResponse(download_results(job=job, by=self.actor), content_type="application/x-ndjson")
        answer["Content-Disposition"] = f'attachment; filename="results-{job.pk}.jsonl"'
        return answer


class JobStatementView(ApiView):
    """Why a job's money moved."""

    @operation("Show a job's statement", answer=LineOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Every movement of what the job holds, the latest first: set aside, paid answer by answer, given back."""
        job = find_job(job_id, permit=self.permit)
        return self.page(job_statement(job), LineOut, order_by=("-id",), seen_as=explained)


def _shown(tasks: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            **{
                name: getattr(task, name)
                for name in ("id", "item", "priority", "band", "state", "created_at", "resolved_at")
            },
            "external_id": task.external_id or None,
            "label": task.label if task.is_paid_for else None,
            **{
                name: getattr(task, name) if task.is_paid_for else None
                for name in ("confidence", "confidence_low", "confidence_high")
            },
            "method": (task.method or None) if task.is_paid_for else None,
            "withheld": task.label is not None and not task.is_paid_for,
        }
        for task in tasks
    ]
