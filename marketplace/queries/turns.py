"""The answers of a job as signals look at them: the last so many of a window, read once, in their order."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from marketplace.models import Assignment, Task
from marketplace.queries.versions import current_schema_of
from qualification.labels.kinds.pairs import SIDES
from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import LabelSchema
from qualification.queries import trusted_gold

MOST_ANSWERS: Final = 200_000
MOST_CELLS: Final = 4_000_000
"""Of a job with many choices fewer answers are read: what is computed is a table of answers by choices."""

READ_AT_ONCE: Final = 2_000
UNKNOWN: Final = -1

_TIMES: Final = ("task_id", "worker_id", "annotation__seconds")
_WORDS: Final = ("annotation__answer_key", "task__gold_question")


@dataclass
class TurnsRead:
    """Columns of one length, by the order of the claims; tasks and workers are places in ``gold`` and ``workers``.

    ``choices`` is empty where the job asks anything but one single choice, or which of two sides is better: then
    ``said`` is 0, and no gold is known.
    """

    choices: tuple[str, ...]
    task: "array[int]" = field(default_factory=lambda: array("i"))
    worker: "array[int]" = field(default_factory=lambda: array("i"))
    said: "array[int]" = field(default_factory=lambda: array("i"))
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    gold: "array[int]" = field(default_factory=lambda: array("i"))
    workers: list[UUID] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.task)


@dataclass(frozen=True, slots=True)
class Found:
    """A signal of a worker as the numbers of one look give it."""

    name: str
    worker_id: UUID
    partner_id: UUID | None
    score: float
    chance: float
    numbers: dict[str, float]
    choice: str

    @property
    def key(self) -> tuple[UUID, str]:
        """Whose it is, and which."""
        return self.worker_id, self.name


def read_turns(job_id: UUID, *, since: datetime, until: datetime) -> TurnsRead:
    """The last answers in time that were claimed and given in the window. What is right, gold tells that is trusted.

    At most `MOST_ANSWERS`, however large the job. An answer that is none of today's choices is left out.
    """
    places = _places_in(current_schema_of(job_id))
    read = TurnsRead(tuple(places.values()))
    turns = Assignment.objects.filter(
        job_id=job_id, claimed_at__gte=since, claimed_at__lt=until, submitted_at__lt=until, annotation__late=False
    ).order_by("-claimed_at", "-pk")
    rows = turns.values_list(*_TIMES, *(_WORDS if places else ()))[: min(MOST_ANSWERS, _most_of(read.choices))]
    number_of = {key: number for number, key in enumerate(places)}
    truths = _truths_of(job_id, number_of) if places else {}
    tasks: dict[UUID, int] = {}
    workers: dict[UUID, int] = {}
    for task_id, worker_id, seconds, *words in rows.iterator(chunk_size=READ_AT_ONCE):
        said = number_of.get(words[0], UNKNOWN) if words else 0
        if said == UNKNOWN:
            continue
        task = tasks.setdefault(task_id, len(tasks))
        if task == len(read.gold):
            read.gold.append(truths.get(words[1], UNKNOWN) if words else UNKNOWN)
        read.task.append(task)
        read.worker.append(workers.setdefault(worker_id, len(workers)))
        read.said.append(said)
        read.seconds.append(seconds)
    for column in (read.task, read.worker, read.said):
        column.reverse()
    read.seconds.reverse()
    read.workers = list(workers)
    return read


def _places_in(schema: LabelSchema) -> dict[str, str]:
    """The few answers that are possible, by key, and what each is called; none where there are more."""
    choice = schema.single_choice
    if choice is not None:
        return {Answer.of({choice.name: [label]}).key: label for label in choice.labels}
    only = schema.controls[0] if len(schema.controls) == 1 else None
    if only is None or only.tag != "Pairwise":
        return {}
    region = {"from_name": only.name, "to_name": only.to_name, "type": "pairwise"}
    return {validate_result(schema, [{**region, "value": {"selected": side}}]).key: side for side in SIDES}


def _truths_of(job_id: UUID, places: Mapping[str, int]) -> dict[UUID, int]:
    """The place of what is right, for each gold question of the job that is trusted."""
    asked = Task.objects.filter(job=job_id, gold_question__isnull=False).values("gold_question")
    known = trusted_gold().filter(pk__in=asked).values_list("pk", "answer_key")
    return {pk: places.get(key, UNKNOWN) for pk, key in known}


def _most_of(choices: tuple[str, ...]) -> int:
    return MOST_CELLS // max(len(choices), 1)
