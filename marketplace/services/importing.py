"""Importing tasks into a job: streamed, all or nothing, with what is wrong in which row."""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, get_args
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.errors import Invalid
from kernel.flow import WrongState
from kernel.rows import plan_anew
from kernel.services.audit import Actor, record
from kernel.services.media import use_pictures
from marketplace.models import Job, Prediction, Task
from marketplace.services.budgets import set_growth_aside
from marketplace.services.certificate_orders import require_labels_may_grow
from marketplace.services.import_csv import read_csv
from marketplace.services.import_faults import Faults, InvalidImport
from marketplace.services.import_rows import Row, RowForm
from marketplace.services.import_streams import Record, RowFault, read_json_array, read_json_lines
from marketplace.services.pay_floors import hold_to_floor
from marketplace.services.posting import lock_job
from marketplace.services.prediction_intake import Placed, PredictionIntake
from marketplace.services.shapes import shape_of
from marketplace.services.slots import offer_tasks
from qualification.items import media_of, pictures_of
from qualification.labels.errors import quoted
from qualification.labels.schema import LabelSchema as ParsedSchema
from qualification.models import LabelSchema
from qualification.services.gold import GoldRow, add_gold_questions

FileFormat = Literal["json", "jsonl", "csv"]

ROWS_AT_ONCE: Final = 2_000
CHARACTERS_AT_ONCE: Final = 4_000_000

_COPY: Final = """
COPY marketplace_task (id, job_id, external_id, item, priority, band, gold_question_id, created_at,
                       state, answer_key, method, majority_key) FROM STDIN
"""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import added to its job: tasks that are work, tasks that are hidden gold, and predictions of both."""

    tasks: int
    gold: int
    predictions: int = 0


@transaction.atomic
def import_tasks(
    *,
    job_id: UUID,
    stream: BinaryIO,
    format: FileFormat,  # noqa: A002  (callers and the API know it by this word)
    by: Actor,
) -> ImportReport:
    """Add the tasks in ``stream`` to a job, all or none; docs/importing.md has the formats.

    A job that runs offers them at once, with their worst case set aside in the same transaction. The job stays locked
    while ``stream`` is read, so what comes from a network is put into a file before. Memory does not grow with the
    file. Raises InvalidImport, WrongState when the job takes none any more, InsufficientFunds, NotFound, or, for work
    in a band of which a job that runs had none, PayBelowFloor and TimeUnknown as its launch would have.
    """
    job = lock_job(job_id)
    if job.state not in Job.TAKES_TASKS:
        raise WrongState(f"Job {job.pk} is {job.state}; tasks are imported into a draft, or into a job that runs.")
    require_labels_may_grow(job)
    launched = shape_of(job) if job.launched_at is not None else None
    label_schema = job.versions.select_related("label_schema").latest("number").label_schema
    intake = _Intake(job=job, label_schema=label_schema, by=by)
    for found in _read(stream, format, label_schema.checked):
        intake.take(found)
    report = intake.finish()
    plan_anew(Task, added=report.tasks + report.gold)
    plan_anew(Prediction, added=report.predictions)
    details: dict[str, object] = {"tasks": report.tasks, "gold": report.gold, "format": format}
    if report.predictions:
        details["predictions"] = report.predictions
    if launched is not None:
        grown = shape_of(job)
        if fresh := grown.bands_of_work - launched.bands_of_work:
            hold_to_floor(job, grown, among=fresh)
        offer_tasks(job, grown, created_at=intake.created_at)
        details["held_minor"] = set_growth_aside(job).minor
    record(action="job.tasks_imported", subject=job, by=by, details=details)
    return report


def _read(stream: BinaryIO, file_format: FileFormat, schema: ParsedSchema) -> Iterator[Row | RowFault]:
    form = RowForm(schema)
    for found in _records(stream, file_format, schema):
        if isinstance(found, RowFault):
            yield found
            continue
        row = form.read(found)
        if isinstance(row, Row):
            yield row
        else:
            yield from row


def _records(stream: BinaryIO, file_format: FileFormat, schema: ParsedSchema) -> Iterator[Record | RowFault]:
    if file_format == "json":
        return read_json_array(stream)
    if file_format == "jsonl":
        return read_json_lines(stream)
    if file_format == "csv":
        return read_csv(stream, fields=schema.fields_needed)
    raise Invalid(f"{quoted(file_format)} is no format of imports. Possible: {', '.join(get_args(FileFormat))}.")


class _Intake:
    """Rows on their way into the task table, a batch at a time, and the faults found so far."""

    def __init__(self, *, job: Job, label_schema: LabelSchema, by: Actor) -> None:
        self._job, self._label_schema, self._by = job, label_schema, by
        self._pictures = pictures_of(label_schema.checked)
        self.created_at = clock.now()
        self._batch: list[Row] = []
        self._characters = 0
        self._faults = Faults()
        self._predictions = PredictionIntake(job=job)
        self._tasks = self._gold = 0
        # Which row gave which external id: 16 bytes a row, where the ids themselves would take ten times as much.
        self._hashes, self._rows_of_hashes = array("q"), array("q")

    def take(self, found: Row | RowFault) -> None:
        """Keep a row for the next batch, or a fault for the answer. Raises InvalidImport at the last fault shown."""
        if isinstance(found, RowFault):
            self._faults.add(found)
            return
        self._batch.append(found)
        self._characters += sum(len(str(value)) for value in found.item.values())
        if len(self._batch) >= ROWS_AT_ONCE or self._characters >= CHARACTERS_AT_ONCE:
            self._write()

    def finish(self) -> ImportReport:
        """Write what is left. Raises InvalidImport when anything was wrong."""
        self._write()
        self._faults.refuse_if_any()
        if not self._tasks + self._gold:
            raise InvalidImport("There are no tasks in the file; nothing was imported.")
        return ImportReport(tasks=self._tasks, gold=self._gold, predictions=self._predictions.taken)

    def _write(self) -> None:
        rows, self._batch, self._characters = self._without_unknown_media(self._batch), [], 0
        if not rows:
            return
        try:
            self._insert(rows)
        except IntegrityError:
            self._insert(self._without_repeated_ids(rows))

    @transaction.atomic
    def _insert(self, rows: Sequence[Row]) -> None:
        gold_ids = self._add_gold([row for row in rows if row.gold])
        task_ids = {row.number: uuid4() for row in rows}
        with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in rows:
                item = json.dumps(row.item, ensure_ascii=False)
                gold_id = gold_ids.get(row.number)
                ids = (task_ids[row.number], self._job.pk, row.external_id)
                mine = (*ids, item, row.priority, row.band.value, gold_id, self.created_at)
                copy.write_row((*mine, Task.State.OPEN.value, "", "", ""))
        placed = [Placed(row.number, task_ids[row.number], one) for row in rows for one in row.predictions]
        self._faults.add(*self._predictions.take(placed))
        self._tasks += len(rows) - len(gold_ids)
        self._gold += len(gold_ids)
        named = [row for row in rows if row.external_id]
        self._hashes.extend(hash(row.external_id) for row in named)
        self._rows_of_hashes.extend(row.number for row in named)

    def _add_gold(self, rows: Sequence[Row]) -> dict[int, UUID]:
        if not rows:
            return {}
        questions = add_gold_questions(
            skill=self._job.skill,
            label_schema=self._label_schema,
            rows=[GoldRow(item=row.item, result=row.gold.result, reason=row.gold.reason) for row in rows if row.gold],
            by=self._by,
        )
        return {row.number: question.pk for row, question in zip(rows, questions, strict=True)}

    def _without_repeated_ids(self, rows: Sequence[Row]) -> list[Row]:
        ids = [row.external_id for row in rows if row.external_id]
        tasks = Task.objects.filter(job=self._job, external_id__in=ids)
        taken = {external_id: self._row_of(external_id) for external_id in tasks.values_list("external_id", flat=True)}
        fresh: list[Row] = []
        for row in rows:
            if row.external_id not in taken:
                fresh.append(row)
                if row.external_id:
                    taken[row.external_id] = f"row {row.number} of this file"
                continue
            message = f"The external_id {quoted(row.external_id)} is taken by {taken[row.external_id]}."
            self._faults.add(RowFault(row.number, "external_id", message))
        return fresh

    def _without_unknown_media(self, rows: list[Row]) -> list[Row]:
        named = {row.number: media_of(row.item, self._pictures) for row in rows} if self._pictures else {}
        asked = {media_id for fields in named.values() for media_id in fields.values()}
        unknown = use_pictures(owner=self._job.media_owner, ids=asked) if asked else set()
        if not unknown:
            return rows
        for row in rows:
            for field, media_id in named[row.number].items():
                if media_id in unknown:
                    message = f"Media {media_id} is no picture of this job that can be shown. Upload it to this job."
                    self._faults.add(RowFault(row.number, field, message))
        return [row for row in rows if not unknown.intersection(named[row.number].values())]

    def _row_of(self, external_id: str) -> str:
        try:
            return f"row {self._rows_of_hashes[self._hashes.index(hash(external_id))]} of this file"
        except ValueError:
            return "a task that the job has already"
