"""Known merges: merged answers of a job whose truth gold or a person told, to learn how likely such merges are right.

Merging is slow beside reading, so only so many tasks are merged, and of each no more answers than tasks usually have.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from marketplace.models import Job
from qualification.labels.learning import ControlHabits, fold_of, habits_of
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.queries import TRUSTED_GOLD, UNMEASURED
from qualification.statistics.believing import is_right_but_for_choices, merge_votes
from qualification.statistics.consensus import Vote
from qualification.statistics.fusion.resembling import Merged

MOST_TASKS: Final = 200
MOST_ANSWERS: Final = 12
"""Of one task. Gold has more than work: its first ones are merged, as many as decide about work after one another."""

MOST_CHARACTERS: Final = 20_000_000
"""Of all answers; those of a usual job come to a tenth. Answers with hundreds of shapes would fill the memory, and take
the time of all jobs' fits."""


class _Said(NamedTuple):
    task_id: UUID
    is_gold: bool
    truth: str
    worker_id: UUID
    answer_key: str
    reliability: float


def known_merges(job: Job, schema: LabelSchema, habits: Sequence[ControlHabits] = ()) -> list[Merged]:
    """Gold after each of its first answers, and tasks that a person decided; with whether merging was right.

    They are merged by what other tasks taught of their workers' habits: those that they taught themselves suit them.
    That a person saw just those that were little alike does no harm: what is learnt is how likely answers so much alike
    are right.
    """
    given: dict[str, Any] = {"job": job.pk, "skill": job.skill_id, "unmeasured": UNMEASURED.mean}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, given | {"tasks": MOST_TASKS, "answers": MOST_ANSWERS, "characters": MOST_CHARACTERS})
        rows = [_Said(*row) for row in cursor.fetchall()]
    found: list[Merged] = []
    for _, of_task in groupby(rows, key=lambda row: row.task_id):
        said = list(of_task)
        if len(said) < 2:  # the others were too long
            continue
        most = max(min(job.overlap_max, len(said)), 2) if said[0].is_gold else len(said)
        least = min(max(job.overlap_min, 2), most) if said[0].is_gold else most
        sizes = range(least, most + 1)
        votes = [_vote(each, habits) for each in said]
        truth = Answer.from_key(said[0].truth)
        found += [_merged(votes[:size], truth, schema, weight=1 / len(sizes)) for size in sizes]
    return found


def _vote(said: _Said, habits: Sequence[ControlHabits]) -> Vote:
    own = habits_of(habits, str(said.worker_id), without=fold_of(said.task_id))
    return Vote(Answer.from_key(said.answer_key), said.reliability, habits=own)


def _merged(votes: list[Vote], truth: Answer, schema: LabelSchema, *, weight: float) -> Merged:
    merged = merge_votes(schema, votes)
    return Merged(merged.closeness, len(votes), is_right_but_for_choices(merged.answer, truth, schema), weight)


_KNOWN: Final = f"""
WITH known AS (
    SELECT task.id, trusted.id IS NOT NULL AS is_gold, coalesce(trusted.answer_key, task.answer_key) AS truth
    FROM marketplace_task task
    LEFT JOIN {TRUSTED_GOLD} trusted ON trusted.id = task.gold_question_id
    WHERE task.job_id = %(job)s AND (
        trusted.id IS NOT NULL
        OR task.gold_question_id IS NULL AND task.state = 'resolved' AND task.method = 'adjudication')
      AND (SELECT count(*) FROM marketplace_assignment turn
           JOIN marketplace_annotation said ON said.assignment_id = turn.id
           WHERE turn.task_id = task.id AND turn.ordinal IS NOT NULL AND turn.state <> 'rejected') >= 2
    ORDER BY is_gold DESC, task.resolved_at DESC NULLS LAST, task.id LIMIT %(tasks)s
)
SELECT id, is_gold, truth, worker_id, answer_key, estimate FROM (
SELECT known.id, known.is_gold, known.truth, said.worker_id, said.answer_key,
       coalesce(said.estimate, %(unmeasured)s::float8) AS estimate, said.submitted_at, said.id AS answer_id,
       sum(octet_length(said.answer_key)) OVER (ORDER BY known.id, said.submitted_at, said.id) AS characters
FROM known CROSS JOIN LATERAL (
    SELECT turn.worker_id, answer.answer_key, score.estimate, answer.submitted_at, answer.id
    FROM marketplace_assignment turn
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %(skill)s
    WHERE turn.task_id = known.id AND turn.ordinal IS NOT NULL AND turn.state <> 'rejected'
    ORDER BY answer.submitted_at, answer.id LIMIT %(answers)s
) said
) told
WHERE characters <= %(characters)s
ORDER BY id, submitted_at, answer_id
"""  # noqa: S608  (all of it ours)
