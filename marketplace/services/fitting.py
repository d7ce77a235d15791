"""Fitting: what is known of a job's workers is learnt anew from its answers, in the background, as they grow.

Answers are read and fitted outside of any transaction; what was learnt is written in a short one. A decision reads the
latest fit, whichever that is (`marketplace.services.beliefs`).
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import DatabaseError, IntegrityError, connection, transaction

from kernel import clock
from marketplace.models import Fit, FittedWorker, Job, Task
from marketplace.queries import schema_of
from marketplace.services.growth import FIRST_AT, GROWTH, GROWTH_AT_THE_END
from marketplace.services.known_merges import known_merges
from marketplace.services.shared_tasks import shared_tasks
from qualification.labels.habits import written_habits
from qualification.labels.learning import ControlHabits, habits_of, learn_habits, written_trials
from qualification.labels.results import Answer
from qualification.queries import TRUSTED_GOLD
from qualification.statistics.fitted import written_part
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices
from qualification.statistics.fusion.fitting import LearntPart, learn_part
from qualification.statistics.fusion.resembling import learn_resemblance
from qualification.statistics.parts import Part, parts_of
from qualification.statistics.resemblance import ResemblanceFit, written_resemblance
from qualification.statistics.steering import accuracy_of, surest

logger = logging.getLogger(__name__)

FITTER: Final = 0xF177E2  # the advisory lock that stands for "there is one who fits"

MOST_ANSWERS: Final = 1_000_000
"""The latest answers of a job that a fit looks at; each takes a few dozen bytes for each part."""

MOST_PARTS: Final = 64
"""Parts that are fitted, the first ones; all others are decided by scores."""

ROWS_AT_ONCE: Final = 5_000
FITTED_AT_ONCE: Final = 20


def fit_grown_jobs() -> int:
    """Fit running jobs whose answers have grown by a quarter since their last fit; how many were.

    One that fails does not hold up the others. A large job takes longer than the clock waits, so a sweep that finds
    another at it does nothing: it would only fit the same job beside it.
    """
    with alone(FITTER) as is_alone:
        if not is_alone:
            return 0
        with connection.cursor() as cursor:
            grown = {"growth": GROWTH, "at_the_end": GROWTH_AT_THE_END}
            cursor.execute(_GROWN, grown | {"first": FIRST_AT, "most": FITTED_AT_ONCE})
            ids = [row[0] for row in cursor.fetchall()]
        return sum(map(_fit_safely, ids))


def fit_anew(job_ids: Sequence[UUID]) -> bool:
    """Fit these jobs, though they have not grown; whether nobody else was at it, who might have read what was so."""
    with alone(FITTER) as is_alone:
        if is_alone:
            for job_id in job_ids:
                _fit_safely(job_id)
        return is_alone


@contextmanager
def alone(lock: int) -> Iterator[bool]:
    """Whether nobody else holds this lock; until the end nobody will. Held by the connection, not by a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        (is_alone,) = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


# Claims are counted by worker already; to count a job's answers would be to read them all. Where nobody has claimed
# since the latest fit not even those are read. A claim is seen a moment after its time, hence a minute more.
_GROWN: Final = """
WITH job AS MATERIALIZED (
    SELECT running.id, latest.claims, latest.fitted_at
    FROM marketplace_job running LEFT JOIN LATERAL (
        SELECT fit.claims, fit.fitted_at FROM marketplace_fit fit
        WHERE fit.job_id = running.id ORDER BY number DESC LIMIT 1
    ) latest ON true
    WHERE running.state IN ('open', 'paused') AND (latest.claims IS NULL OR EXISTS (
        SELECT FROM marketplace_assignment turn
        WHERE turn.job_id = running.id AND turn.claimed_at > latest.fitted_at - interval '1 minute'))
)
SELECT job.id
FROM job
JOIN LATERAL (
    SELECT coalesce(sum(took.claims), 0) AS claims FROM marketplace_participation took WHERE took.job_id = job.id
) now ON now.claims >= %(first)s
WHERE now.claims >= %(growth)s * coalesce(job.claims, 0)
    OR now.claims >= %(at_the_end)s * job.claims AND NOT EXISTS (
        SELECT FROM marketplace_task task WHERE task.job_id = job.id AND task.gold_question_id IS NULL
          AND task.state = 'open')
ORDER BY job.fitted_at NULLS FIRST, job.id LIMIT %(most)s
"""


def _fit_safely(job_id: UUID) -> bool:
    try:
        return fit_job(job_id=job_id) is not None
    except (DatabaseError, ValueError, ArithmeticError):
        logger.exception("Job %s could not be fitted.", job_id)
        return False


def fit_job(*, job_id: UUID) -> Fit | None:
    """Learn from the answers of a job as it stands; none where there is nothing to learn from, or another was first.

    The same answers give the same fit, in whatever order they came. While nothing is asked, as at the end, the method
    is chosen by held-out answers too (docs/adr/0051).
    """
    began, job = clock.now(), Job.objects.get(pk=job_id)
    number = (Fit.objects.filter(job=job).order_by("-number").values_list("number", flat=True).first() or 0) + 1
    schema = schema_of(job.versions.latest("number").pk)
    parts = parts_of(schema)
    claims = sum(job.participations.values_list("claims", flat=True))
    given = _Given.of(job, parts[:MOST_PARTS])
    if given is None:
        return None
    habits: tuple[ControlHabits, ...] = ()
    resemblance: ResemblanceFit | None = None
    if not schema.asks_only_choices:
        habits = learn_habits(schema, shared_tasks(job), most=max(job.overlap_max, 2))
        resemblance = learn_resemblance(known_merges(job, schema, habits))
    is_last = not job.tasks.filter(gold_question=None, state=Task.State.OPEN).exists()
    learnt = [given.learn(place, parts=len(parts), is_last=is_last) for place in range(len(given.parts))]
    fit = Fit(
        job=job,
        number=number,
        parts=[written_part(part, each.fitted, each.tried) for part, each in zip(given.parts, learnt, strict=True)],
        resemblance=None if resemblance is None else written_resemblance(resemblance),
        habits=written_trials(habits),
        answers=len(given.task),
        gold=given.gold_tasks,
        workers=len(given.workers),
        claims=claims,
        fitted_at=began,
    )
    return fit if _keep(fit, given, learnt, habits) else None


def _keep(fit: Fit, given: "_Given", learnt: Sequence[LearntPart], habits: Sequence[ControlHabits]) -> bool:
    """Write a fit with its workers, those of the fit before being of no use any more; whether no other was first."""
    try:
        with transaction.atomic():
            fit.save(force_insert=True)
            FittedWorker.objects.filter(fit__job=fit.job_id).delete()
            rows = (
                FittedWorker(
                    fit=fit,
                    worker_id=worker,
                    rates=[each.rates[place] for each in learnt],
                    habits=written_habits(habits_of(habits, str(worker))),
                    is_sure=is_sure,
                )
                for place, (worker, is_sure) in enumerate(zip(given.workers, given.surest(learnt), strict=True))
            )
            FittedWorker.objects.bulk_create(rows, batch_size=500)
    except IntegrityError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class _Given:
    """A job's answers as indices: who said what of which task, by part; and the truth of each task, by part."""

    parts: tuple[Part, ...]
    workers: list[UUID]
    task: Indices
    worker: Indices
    said: Indices
    truth: Indices
    gold_tasks: int

    @classmethod
    def of(cls, job: Job, parts: tuple[Part, ...]) -> "_Given | None":
        """None where there is no answer that gives the classes that there are now."""
        rows: list[tuple[UUID, UUID, tuple[int, ...]]] = []
        truths: dict[UUID, tuple[int, ...]] = {}
        classes_of = lru_cache(maxsize=10_000)(lambda key: _classes_in(parts, key))
        for task_id, worker_id, key, right_key in _answers_of(job):
            said = classes_of(key)
            if said is None:
                continue
            rows.append((task_id, worker_id, said))
            if right_key is not None and (truth := classes_of(right_key)) is not None:
                truths[task_id] = truth
        if not rows:
            return None
        tasks, workers = sorted({row[0] for row in rows}), sorted({row[1] for row in rows})
        place_of_task = {task: place for place, task in enumerate(tasks)}
        place_of_worker = {worker: place for place, worker in enumerate(workers)}
        unknown = (UNKNOWN,) * len(parts)
        return cls(
            parts=parts,
            workers=workers,
            task=np.array([place_of_task[row[0]] for row in rows], dtype=np.int32),
            worker=np.array([place_of_worker[row[1]] for row in rows], dtype=np.int32),
            said=np.array([row[2] for row in rows], dtype=np.int32),
            truth=np.array([truths.get(task, unknown) for task in tasks], dtype=np.int32),
            gold_tasks=len(truths),
        )

    def learn(self, place: int, *, parts: int, is_last: bool) -> LearntPart:
        """Fit one part of so many."""
        answers = Answers.of(
            task=self.task,
            worker=self.worker,
            said=self.said[:, place],
            tasks=len(self.truth),
            workers=len(self.workers),
            classes=len(self.parts[place].classes),
        )
        # In the order in which `Answers` has them; they are read latest first.
        recency = np.lexsort((self.said[:, place], self.worker, self.task)).astype(np.int32)
        return learn_part(answers, gold=self.truth[:, place], parts=parts, recency=recency, is_last=is_last)

    def surest(self, learnt: Sequence[LearntPart]) -> list[bool]:
        """Who is asked first where a task stays unsure: by how often they are right, on average over the parts.

        Nobody, where nothing that is asked has classes.
        """
        if not learnt:
            return [False] * len(self.workers)
        by_worker = zip(
            *((accuracy_of(rates, part.fitted.shares) for rates in part.rates) for part in learnt), strict=True
        )
        known = [[accuracy for accuracy in accuracies if accuracy is not None] for accuracies in by_worker]
        answers = np.bincount(self.worker, minlength=len(self.workers)).tolist()
        return surest([fmean(each) if each else None for each in known], answers)


def _classes_in(parts: Sequence[Part], key: str) -> tuple[int, ...] | None:
    """What an answer says of each part; none where it gives a class that the schema does not have any more."""
    answer = Answer.from_key(key)
    try:
        return tuple(part.said_in(answer) for part in parts)
    except ValueError:
        return None


def _answers_of(job: Job) -> Iterator[tuple[UUID, UUID, str, str | None]]:
    """The latest answers in time, a piece at a time: task, worker, answer, and the right one where that is known.

    Gold knows it, and an expert who inspected the task for a certificate.
    """
    before: tuple[Any, ...] = ()
    left = MOST_ANSWERS
    while left > 0:
        with connection.cursor() as cursor:
            given = {"job": job.pk, "most": min(ROWS_AT_ONCE, left), "at": before[0] if before else None}
            cursor.execute(_ANSWERS, given | {"id": before[1] if before else None})
            rows = cursor.fetchall()
        yield from (row[2:] for row in rows)
        if len(rows) < ROWS_AT_ONCE:
            return
        before, left = rows[-1][:2], left - len(rows)


# An answer that takes up no turn is late, or softly rejected; one that is rejected, or to recalled gold, is used for
# nothing either. Of gold that is doubted or retired nobody knows what is right: its answers are as those to work.
_ANSWERS: Final = f"""
SELECT turn.claimed_at, turn.id, turn.task_id, turn.worker_id, answer.answer_key,
       coalesce(trusted.answer_key, seen.found_key)
FROM marketplace_assignment turn
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
JOIN marketplace_task task ON task.id = turn.task_id
LEFT JOIN {TRUSTED_GOLD} trusted ON trusted.id = task.gold_question_id
LEFT JOIN LATERAL (
    SELECT inspection.found_key FROM marketplace_inspection inspection
    WHERE inspection.task_id = task.id AND inspection.found_at IS NOT NULL
    ORDER BY inspection.found_at DESC, inspection.id LIMIT 1
) seen ON true
WHERE turn.job_id = %(job)s AND turn.ordinal IS NOT NULL AND turn.state <> 'rejected'
  AND NOT EXISTS (SELECT FROM qualification_goldrecall recall WHERE recall.gold_question_id = task.gold_question_id)
  AND (%(at)s::timestamptz IS NULL OR (turn.claimed_at, turn.id) < (%(at)s::timestamptz, %(id)s::uuid))
ORDER BY turn.claimed_at DESC, turn.id DESC LIMIT %(most)s
"""  # noqa: S608  (all of it ours)
