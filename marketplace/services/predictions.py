"""Predictions of a client's models for tasks that a job has already: streamed, all or none, with faults by row."""

import random
from dataclasses import dataclass
from typing import BinaryIO, Final
from uuid import UUID

from django.db import transaction

from kernel.flow import WrongState
from kernel.rows import plan_anew
from kernel.services.audit import Actor, record
from marketplace.models import Job, Prediction
from marketplace.services.import_faults import Faults, InvalidImport
from marketplace.services.import_streams import Record, RowFault, batches_of_json_lines
from marketplace.services.posting import lock_job
from marketplace.services.prediction_intake import Placed, PredictionIntake
from marketplace.services.prediction_rows import GivenPrediction, PredictionForm
from marketplace.services.slots import CHANCE
from marketplace.services.task_names import NAMES, TaskNames

ROWS_AT_ONCE: Final = 1_000
ROW_IS: Final = (
    'A prediction is an object such as {"external_id": "…", "model_version": "…", "score": …, "result": […]}.'
)


@dataclass(frozen=True, slots=True)
class PredictionReport:
    """How many predictions an import added to its job."""

    predictions: int


@transaction.atomic
def import_predictions(
    *, job_id: UUID, stream: BinaryIO, by: Actor, chance: random.Random = CHANCE
) -> PredictionReport:
    """Add the predictions in ``stream``, JSON Lines, to a job that has not ended: all or none.

    Each names its task, and is checked like an answer. The job stays locked while ``stream`` is read. Raises
    InvalidImport, WrongState or NotFound.
    """
    job = lock_job(job_id)
    if job.state in Job.ENDED:
        raise WrongState(f"Job {job.pk} is {job.state}; predictions are of no use to it any more.")
    form = PredictionForm(job.versions.select_related("label_schema").latest("number").label_schema.checked)
    reading = _Reading(form, Faults(), PredictionIntake(job=job, chance=chance), TaskNames(job))
    for rows in batches_of_json_lines(stream, row_is=ROW_IS, size=ROWS_AT_ONCE, fault=reading.faults.add):
        reading.take(rows)
    reading.faults.refuse_if_any()
    if not reading.intake.taken:
        raise InvalidImport("There are no predictions in the file; nothing was imported.")
    plan_anew(Prediction, added=reading.intake.taken)
    record(action="job.predictions_imported", subject=job, by=by, details={"predictions": reading.intake.taken})
    return PredictionReport(predictions=reading.intake.taken)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One file on its way: how its rows are read, what was wrong with them, and where they go."""

    form: PredictionForm
    faults: Faults
    intake: PredictionIntake
    names: TaskNames

    def take(self, rows: list[Record]) -> None:
        """Check these rows and keep their predictions. Raises InvalidImport at the last fault shown."""
        named = self.names.find(rows)
        ids = [task_id for task_id in named if isinstance(task_id, UUID)]
        items = self.names.items(ids) if self.form.needs_items else {}
        placed = []
        for row, task_id in zip(rows, named, strict=True):
            if isinstance(task_id, RowFault):
                self.faults.add(task_id)
                continue
            said = {name: value for name, value in row.values.items() if name not in NAMES}
            given = self.form.read(said, items.get(task_id))
            if isinstance(given, GivenPrediction):
                placed.append(Placed(row.row, task_id, given))
            else:
                self.faults.add(*(RowFault(row.row, column, message) for column, message in given))
        self.faults.add(*self.intake.take(placed))
