"""Shared tasks: those of a job that several workers answered, to learn how each of them answers.

Comparing shapes is slow beside reading, so of a large job the tasks that tell most are taken: gold, then the latest.
"""

from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from marketplace.models import Job
from marketplace.services.known_merges import MOST_ANSWERS, MOST_CHARACTERS
from qualification.labels.learning import Said, SharedTask, fold_of
from qualification.labels.results import Answer
from qualification.queries import TRUSTED_GOLD, UNMEASURED
from qualification.statistics.believing import weight_of

MOST_TASKS: Final = 400


class _Row(NamedTuple):
    task_id: UUID
    truth: str | None
    worker_id: UUID
    answer_key: str
    reliability: float


def shared_tasks(job: Job) -> list[SharedTask]:
    """Tasks with two answers or more, and gold, with what is right where gold or a person told it; by ascending id."""
    given: dict[str, Any] = {"job": job.pk, "skill": job.skill_id, "unmeasured": UNMEASURED.mean}
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, given | {"tasks": MOST_TASKS, "answers": MOST_ANSWERS, "characters": MOST_CHARACTERS})
        rows = [_Row(*row) for row in cursor.fetchall()]
    by_task = [list(of_task) for _, of_task in groupby(rows, key=lambda row: row.task_id)]
    return [_shared(told) for told in by_task if len(told) > 1 or told[0].truth]


def _shared(told: list[_Row]) -> SharedTask:
    said = (Said(str(each.worker_id), Answer.from_key(each.answer_key), weight_of(each.reliability)) for each in told)
    truth = told[0].truth
    return SharedTask(fold_of(told[0].task_id), tuple(said), Answer.from_key(truth) if truth else None)


# Gold that is doubted, retired or recalled tells nothing: what is right of it is not known. Gold that nobody answered
# must not take the place of tasks that somebody did.
_SHARED: Final = f"""
WITH shared AS (
    SELECT task.id, CASE WHEN trusted.id IS NOT NULL THEN trusted.answer_key
                         WHEN task.method = 'adjudication' THEN task.answer_key END AS truth
    FROM marketplace_task task
    LEFT JOIN {TRUSTED_GOLD} trusted ON trusted.id = task.gold_question_id
    WHERE task.job_id = %(job)s AND (
        trusted.id IS NOT NULL AND EXISTS (
            SELECT FROM marketplace_assignment turn WHERE turn.task_id = task.id AND turn.submitted_at IS NOT NULL)
        OR task.gold_question_id IS NULL AND task.state IN ('resolved', 'in_adjudication'))
    ORDER BY trusted.id IS NULL, task.resolved_at DESC NULLS LAST, task.id LIMIT %(tasks)s
)
SELECT id, truth, worker_id, answer_key, estimate FROM (
SELECT shared.id, shared.truth, said.worker_id, said.answer_key,
       coalesce(said.estimate, %(unmeasured)s::float8) AS estimate, said.submitted_at, said.id AS answer_id,
       sum(octet_length(said.answer_key)) OVER (ORDER BY shared.id, said.submitted_at, said.id) AS characters
FROM shared CROSS JOIN LATERAL (
    SELECT turn.worker_id, answer.answer_key, score.estimate, answer.submitted_at, answer.id
    FROM marketplace_assignment turn
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %(skill)s
    WHERE turn.task_id = shared.id AND turn.ordinal IS NOT NULL AND turn.state <> 'rejected'
    ORDER BY answer.submitted_at, answer.id LIMIT %(answers)s
) said
) told
WHERE characters <= %(characters)s
ORDER BY id, submitted_at, answer_id
"""  # noqa: S608  (all of it ours)
