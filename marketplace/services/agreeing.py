"""How far a job's workers agree: by question, label, pair of workers, cohort, day and week."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import accumulate, islice
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
from django.db import connection

from kernel.crypto import pseudonyms
from marketplace.models import Job
from marketplace.queries import current_schema_of
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.statistics.agreed import Agreed, agreed_by_label, agreed_by_pair, agreed_on, questions_of
from qualification.statistics.agreement import Metric
from qualification.statistics.likeness import Given

By = Literal["control", "label", "pair", "cohort", "day", "week"]

Numbers = Literal["interval", "ratio"]

MOST_TASKS: Final = 2_000
MOST_PAIRS: Final = 20_000
"""How many tasks are looked at, and how many pairs of answers they may come to, of choices."""

COSTLIER: Final = 10
"""How much longer it takes to compare what is drawn or written."""

LONGEST_DRAWN: Final = 1_000_000
"""Characters of such answers, after which no more tasks are taken."""

MOST_PARTS: Final = 60
"""Of labels, pairs of workers, cohorts, days or weeks, for each question; of time the latest."""

MOST_IN_ALL: Final = 300
"""Parts of all questions together, in the order of the schema: each takes hundreds of draws."""

SEED: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How far answers to one question agree, of all that there are or of a part: what is None is no part of it.

    ``workers`` are pseudonyms; a ``cohort`` is everybody whose first answer in the job came in that month; ``since`` is
    the day, or the Monday of the week, of the last answer to a task.
    """

    control: str
    says: str | None = None
    workers: tuple[str, ...] = ()
    cohort: date | None = None
    since: date | None = None
    agreed: Agreed


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """``tasks`` with two answers or more were looked at: all of them, or a random sample."""

    by: By
    tasks: int
    is_sample: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Answered:
    given: Given
    at: datetime


def agreement_of(*, job: Job, by: By, numbers: Numbers = "interval") -> AgreementReport:
    """How far answers to the job's work agree; gold and late answers aside. Workers stand in it by pseudonym.

    `numbers` are taken apart by difference, or by ratio where the schema lets none be below 0.
    """
    schema = current_schema_of(job.pk)
    most = _most_tasks(job, schema)
    answered, began = _answers_of(job, most)
    found = len({one.given.task for one in answered})
    looked_at = answered if schema.asks_only_choices else _within(answered, LONGEST_DRAWN)
    tasks = len({one.given.task for one in looked_at})
    parts = tuple(islice(_parts(schema, looked_at, began, by, Metric(numbers)), MOST_IN_ALL)) if tasks else ()
    return AgreementReport(by, tasks, found == most or tasks < found, parts)


def _within(answered: list[_Answered], characters: int) -> list[_Answered]:
    """The answers, which are in order of their tasks, to the first tasks with so many characters in all."""
    lengths = accumulate(len(one.given.answer.key) for one in answered)
    over = next((one.given.task for one, length in zip(answered, lengths, strict=True) if length > characters), None)
    return [one for one in answered if over is None or one.given.task < over]


def _parts(
    schema: LabelSchema, answered: list[_Answered], began: Mapping[str, date], by: By, numbers: Metric
) -> Iterator[Part]:
    generator = np.random.default_rng(SEED)
    everything = [one.given for one in answered]
    for control in questions_of(schema):
        agreed_in = partial(agreed_on, schema, control, generator=generator, numbers=numbers)
        if by == "control":
            yield Part(control=control.name, agreed=agreed_in(everything))
        elif by == "label":
            found = agreed_by_label(schema, control, everything, most=MOST_PARTS, generator=generator)
            for label, agreed in found.items():
                yield Part(control=control.name, says=label, agreed=agreed)
        elif by == "pair":
            pairs = agreed_by_pair(schema, control, everything, most=MOST_PARTS, generator=generator)
            for pair, agreed in pairs.items():
                yield Part(control=control.name, workers=pair, agreed=agreed)
        elif by == "cohort":
            for month, own in _latest(_by_cohort(answered, began)):
                yield Part(control=control.name, cohort=month, agreed=agreed_in(own))
        else:
            for start, own in _latest(_by_time(answered, days=1 if by == "day" else 7)):
                yield Part(control=control.name, since=start, agreed=agreed_in(own))


def _by_time(answered: list[_Answered], *, days: int) -> Mapping[date, list[Given]]:
    last: dict[str, datetime] = {}
    for one in answered:
        last[one.given.task] = max(one.at, last.get(one.given.task, one.at))
    since: dict[date, list[Given]] = defaultdict(list)
    for one in answered:
        day = last[one.given.task].astimezone(UTC).date()
        since[day - timedelta(days=day.weekday() % days)].append(one.given)
    return since


def _by_cohort(answered: Iterable[_Answered], began: Mapping[str, date]) -> Mapping[date, list[Given]]:
    cohorts: dict[date, list[Given]] = defaultdict(list)
    for one in answered:
        cohorts[began[one.given.worker].replace(day=1)].append(one.given)
    return cohorts


def _latest(parts: Mapping[date, list[Given]]) -> list[tuple[date, list[Given]]]:
    return sorted(parts.items())[-MOST_PARTS:]


def _most_tasks(job: Job, schema: LabelSchema) -> int:
    pairs = MOST_PAIRS if schema.asks_only_choices else MOST_PAIRS // COSTLIER
    return max(10, min(MOST_TASKS, 2 * pairs // max(2, job.overlap_max * (job.overlap_max - 1))))


def _answers_of(job: Job, most: int) -> tuple[list[_Answered], dict[str, date]]:
    """The answers to the tasks with the lowest ids, which are random, and when each worker began in the job."""
    called = pseudonyms(scope=str(job.client_id))
    given: dict[str, Any] = {"job": job.pk, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, given)
        rows: list[tuple[UUID, UUID, str, datetime]] = cursor.fetchall()
        workers = {worker_id: called(worker_id) for _, worker_id, _, _ in rows}
        cursor.execute(_BEGAN, given | {"workers": list(workers)})
        began = {workers[worker_id]: at.astimezone(UTC).date() for worker_id, at in cursor.fetchall()}
    answers = [
        _Answered(Given(str(task_id), workers[worker_id], Answer.from_key(key)), at)
        for task_id, worker_id, key, at in rows
    ]
    return answers, began


# An answer that takes up no turn is late, or softly rejected.
_ANSWERS: Final = """
SELECT turn.task_id, turn.worker_id, answer.answer_key, answer.submitted_at
FROM (
    SELECT task.id FROM marketplace_task task
    WHERE task.job_id = %(job)s AND task.gold_question_id IS NULL AND (
        SELECT count(*) FROM marketplace_assignment turn
        JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
        WHERE turn.task_id = task.id AND turn.ordinal IS NOT NULL) >= 2
    ORDER BY task.id LIMIT %(most)s
) task
JOIN marketplace_assignment turn ON turn.task_id = task.id AND turn.ordinal IS NOT NULL
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
ORDER BY turn.task_id, turn.worker_id
"""
_BEGAN: Final = """
SELECT worker_id, min(submitted_at) FROM marketplace_assignment
WHERE job_id = %(job)s AND submitted_at IS NOT NULL AND worker_id = ANY(%(workers)s) GROUP BY worker_id
"""
