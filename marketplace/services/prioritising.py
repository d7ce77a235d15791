"""The order of a job's tasks from what a client's model says of them: unsure ones first, and a batch that differs."""

from array import array
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final
from uuid import UUID

from django.db import transaction

from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.services.audit import Actor, record
from marketplace.models import Job, Prediction, Task
from marketplace.services.import_faults import Faults, InvalidImport
from marketplace.services.import_streams import Record, RowFault, batches_of_json_lines
from marketplace.services.posting import lock_job
from marketplace.services.priorities import set_priorities
from marketplace.services.task_names import NAMES, TaskNames
from qualification.labels.errors import listed, quoted

MOST_TASKS: Final = 50_000
MOST_NUMBERS: Final = 5_000_000
MOST_CLASSES: Final = 1_000
LARGEST_BATCH: Final = 500
ROWS_AT_ONCE: Final = 1_000
ROW_IS: Final = 'A row is an object such as {"external_id": "…", "scores": [0.9, 0.1], "embedding": [0.2, 1.5]}.'


@dataclass(frozen=True, slots=True)
class PriorityReport:
    """How many tasks were given a priority, and how many of them are in the batch that comes first."""

    tasks: int
    batch: int


@transaction.atomic
def prioritise_tasks(
    *, job_id: UUID, stream: BinaryIO, by: Actor, measure: str = "margin", diversity: str = "none", batch: int = 100
) -> PriorityReport:
    """Order the open tasks that ``stream`` names by how unsure a model is of them; those that it does not name stay.

    Each row has the probabilities of the classes and, unless ``diversity`` is none, an embedding. Audits, gold and
    tasks that are settled keep their places; a core set keeps away from those that have their label.
    Raises InvalidImport (then nothing changes), WrongState or NotFound.
    """
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound("job")
    _require_claims(job)
    # Much to read and to compute, so nobody waits for it: the lock is taken, and looked under, when all is known.
    priorities = _priorities(
        _read(job, stream, needs_embeddings=diversity != "none"), job, measure=measure, diversity=diversity, batch=batch
    )
    job = lock_job(job_id)
    _require_claims(job)
    movable = _movable(job)
    priorities = {task_id: priority for task_id, priority in priorities.items() if task_id in movable}
    set_priorities(priorities)
    report = PriorityReport(tasks=len(priorities), batch=min(batch, len(priorities)))
    details = {"tasks": report.tasks, "batch": report.batch, "measure": measure, "diversity": diversity}
    record(action="job.tasks_prioritised", subject=job, by=by, details=details)
    return report


def _require_claims(job: Job) -> None:
    if job.state in Job.ENDED:
        raise WrongState(f"Job {job.pk} is {job.state}; nothing in it is claimed any more.")


def _read(job: Job, stream: BinaryIO, *, needs_embeddings: bool) -> "_Table":
    faults, table = Faults(), _Table(needs_embeddings=needs_embeddings)
    for rows in batches_of_json_lines(stream, row_is=ROW_IS, size=ROWS_AT_ONCE, fault=faults.add):
        for row, task_id in zip(rows, TaskNames(job).find(rows), strict=True):
            message = task_id if isinstance(task_id, RowFault) else table.add(row, task_id)
            if message is not None:
                faults.add(message)
    faults.refuse_if_any()
    if not table.ids:
        raise InvalidImport("There are no tasks in the file; nothing was changed.")
    return table


@dataclass(slots=True)
class _Table:
    """The numbers of the rows so far, one task after the other."""

    needs_embeddings: bool
    ids: dict[UUID, int] = field(default_factory=dict)
    scores: "array[float]" = field(default_factory=lambda: array("d"))
    embeddings: "array[float]" = field(default_factory=lambda: array("d"))
    sizes: tuple[int, int] = (0, 0)

    def add(self, row: Record, task_id: UUID) -> RowFault | None:
        """Keep a row's numbers, or say why they cannot be used."""
        values = row.values
        unknown = sorted(values.keys() - {*NAMES, "scores", "embedding"})
        if unknown:
            known = listed([*NAMES, "scores", "embedding"])
            return RowFault(row.row, unknown[0], f"There is no {quoted(unknown[0])} in a row. It has: {known}.")
        scores, embedding = _numbers(values.get("scores")), _numbers(values.get("embedding"))
        if scores is None or not 2 <= len(scores) <= MOST_CLASSES or min(scores) < 0 or sum(scores) <= 0:
            message = "The scores are a list with the probability of each class, at least two, none below 0."
            return RowFault(row.row, "scores", message)
        if self.needs_embeddings and not embedding:
            return RowFault(row.row, "embedding", "A diverse batch needs an embedding, a list of numbers.")
        sizes = len(scores), len(embedding or ()) if self.needs_embeddings else 0
        if task_id in self.ids or (self.ids and sizes != self.sizes):
            message = "The task is named twice." if task_id in self.ids else "All rows have as many numbers each."
            return RowFault(row.row, "", message)
        if len(self.ids) >= MOST_TASKS or (len(self.ids) + 1) * sum(sizes) > MOST_NUMBERS:
            raise InvalidImport(f"At most {MOST_TASKS:,} tasks and {MOST_NUMBERS:,} numbers are ordered at once.")
        self.ids[task_id], self.sizes = row.row, sizes
        self.scores.extend(scores)
        self.embeddings.extend(embedding or () if self.needs_embeddings else ())
        return None


def _priorities(table: _Table, job: Job, *, measure: str, diversity: str, batch: int) -> dict[UUID, int]:
    # NumPy is loaded by who asks for this, not by every web process.
    import numpy as np  # noqa: PLC0415

    from qualification.statistics.selection.batches import Diversity, pick_batch  # noqa: PLC0415
    from qualification.statistics.selection.order import priorities_of  # noqa: PLC0415
    from qualification.statistics.selection.uncertainty import Measure, uncertainty  # noqa: PLC0415

    movable, ids = _movable(job), list(table.ids)
    kept = [place for place, pk in enumerate(ids) if pk in movable]
    if not kept:
        return {}
    probabilities = np.array(table.scores).reshape(len(ids), -1)[kept]
    embeddings = np.array(table.embeddings).reshape(len(ids), -1)[kept] if table.needs_embeddings else None
    unsure = uncertainty(probabilities, measure=Measure(measure))
    # The same file gives the same order, whoever sends it and however often.
    generator = np.random.default_rng(job.pk.int)
    labelled = _labelled(table, ids, job) if table.needs_embeddings else None
    chosen = pick_batch(
        unsure, embeddings, size=batch, diversity=Diversity(diversity), generator=generator, labelled=labelled
    )
    found = priorities_of(unsure, chosen)
    return {ids[place]: int(priority) for place, priority in zip(kept, found, strict=True)}


def _movable(job: Job) -> set[UUID]:
    """The tasks whose place a client may change: open work that no audit of a model has put first."""
    audits = Prediction.objects.filter(predictor__job=job, is_audit=True).values("task")
    tasks = Task.objects.filter(job=job, state=Task.State.OPEN, gold_question__isnull=True).exclude(pk__in=audits)
    return set(tasks.values_list("pk", flat=True))


def _labelled(table: _Table, ids: list[UUID], job: Job) -> Any:
    """The embeddings of tasks in the file that have their label: what is like them need not be asked soon."""
    import numpy as np  # noqa: PLC0415

    resolved = Task.objects.filter(job=job, state=Task.State.RESOLVED, gold_question__isnull=True)
    known = set(resolved.values_list("pk", flat=True))
    places = [place for place, pk in enumerate(ids) if pk in known]
    return np.array(table.embeddings).reshape(len(ids), -1)[places]


def _numbers(value: object) -> list[float] | None:
    if not isinstance(value, list):
        return None
    are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
    return [float(each) for each in value] if are_numbers and all(abs(each) < 1e12 for each in value) else None
