"""A job's answers as they came, by task, with its truth where gold, an inspection or an admin told it.

Gold that is doubted, retired or recalled tells none.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from marketplace.models import Job
from marketplace.queries.fits import LATEST_FIT, fit_written, habits_written, rates_written
from qualification.labels.results import Answer
from qualification.queries import TRUSTED_GOLD, UNMEASURED
from qualification.statistics.consensus import Vote
from qualification.statistics.fitted import JobFit
from qualification.statistics.whatif import Recorded


@dataclass(frozen=True, slots=True)
class History:
    """Some tasks at work and at gold; and of all of them what really happened.

    ``tasks`` counts those at work that somebody answered, ``answers`` and ``gold_answers`` turns, ``hours`` are from
    the first claim to the last answer.
    """

    work: list[Recorded]
    gold: list[Recorded]
    fit: JobFit
    tasks: int
    answers: int
    gold_answers: int
    spent_minor: int
    hours: float
    right: int
    judged: int
    escalated: int


def history_of(job: Job, *, most: int) -> History:
    """What is recorded of ``job``: answers that are used, by their order, weighed by fit and scores as they stand now.

    Of more than ``most`` tasks at work, or at gold, those of the lowest ids, which are random.
    """
    given: dict[str, Any] = {"job": job.pk, "most": most, "unmeasured": UNMEASURED.mean, "skill": job.skill_id}
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, given)
        tasks: list[tuple[UUID, bool, str | None]] = cursor.fetchall()
        cursor.execute(_FIT, given)
        fit_id, learnt = cursor.fetchone() or (None, None)
        fit = fit_written(learnt)
        cursor.execute(_ANSWERS, given | {"tasks": [task_id for task_id, *_ in tasks], "fit": fit_id})
        votes: dict[UUID, list[Vote]] = defaultdict(list)
        for task_id, key, reliability, rates, habits in cursor.fetchall():
            vote = Vote(
                Answer.from_key(key), reliability, rates=rates_written(rates, fit), habits=habits_written(habits)
            )
            votes[task_id].append(vote)
        cursor.execute(_HAPPENED, given)
        answers, gold_answers, answered, right, judged, escalated = cursor.fetchone()
        cursor.execute(_SPENT, [job.pk])
        spent, hours = cursor.fetchone()
    recorded = [(is_gold, Recorded(tuple(votes[task_id]), truth)) for task_id, is_gold, truth in tasks]
    return History(
        work=[each for is_gold, each in recorded if not is_gold],
        gold=[each for is_gold, each in recorded if is_gold],
        fit=fit,
        tasks=answered,
        answers=answers,
        gold_answers=gold_answers,
        spent_minor=spent,
        hours=hours,
        right=right,
        judged=judged,
        escalated=escalated,
    )


_TURNS: Final = """
SELECT count(*) FROM marketplace_assignment turn
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
WHERE turn.task_id = task.id AND turn.ordinal IS NOT NULL
"""
_TASKS: Final = f"""
FROM marketplace_task task
LEFT JOIN {TRUSTED_GOLD} trusted ON trusted.id = task.gold_question_id
LEFT JOIN LATERAL (
    SELECT found_key, said_key FROM marketplace_inspection inspection
    WHERE inspection.task_id = task.id AND inspection.found_at IS NOT NULL ORDER BY found_at DESC, id LIMIT 1
) seen ON true
CROSS JOIN LATERAL (
    SELECT coalesce(
        trusted.answer_key, seen.found_key, CASE WHEN task.method = 'adjudication' THEN task.answer_key END
    ) AS truth, coalesce(seen.said_key, CASE WHEN task.method = 'consensus' THEN task.answer_key END) AS decided
) known
"""  # noqa: S608  (all of it ours)
_SAMPLE: Final = f"""
(SELECT task.id, false, known.truth {_TASKS} WHERE task.job_id = %(job)s AND task.gold_question_id IS NULL
   AND ({_TURNS} AND turn.ordinal IS NOT NULL) > 0 ORDER BY task.id LIMIT %(most)s)
UNION ALL
(SELECT task.id, true, known.truth {_TASKS} WHERE task.job_id = %(job)s AND task.gold_question_id IS NOT NULL
   AND ({_TURNS} AND turn.ordinal IS NOT NULL) > 0 ORDER BY task.id LIMIT %(most)s)
"""
_FIT: Final = f"SELECT id, learnt::text FROM ({LATEST_FIT}) latest"  # noqa: S608  (all of it ours)
_ANSWERS: Final = """
SELECT turn.task_id, answer.answer_key, coalesce(score.estimate, %(unmeasured)s::float8), known.rates::text,
       known.habits::text
FROM marketplace_assignment turn
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %(skill)s
LEFT JOIN marketplace_fittedworker known ON known.worker_id = turn.worker_id AND known.fit_id = %(fit)s::uuid
WHERE turn.task_id = ANY(%(tasks)s) AND turn.ordinal IS NOT NULL ORDER BY answer.submitted_at, answer.id
"""
_HAPPENED: Final = f"""
SELECT coalesce(sum(turns) FILTER (WHERE gold_question_id IS NULL), 0)::bigint,
       coalesce(sum(turns) FILTER (WHERE gold_question_id IS NOT NULL), 0)::bigint,
       count(*) FILTER (WHERE turns > 0 AND gold_question_id IS NULL),
       count(*) FILTER (WHERE truth = decided AND gold_question_id IS NULL),
       count(*) FILTER (WHERE truth <> '' AND decided <> '' AND gold_question_id IS NULL),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM marketplace_escalation asked WHERE asked.task_id = each.id AND asked.kind = 'no_consensus'))
FROM (SELECT task.id, task.gold_question_id, known.*, ({_TURNS}) AS turns {_TASKS} WHERE task.job_id = %(job)s) each
"""  # noqa: S608  (all of it ours)
_SPENT: Final = """
SELECT coalesce(sum(reward_minor + fee_minor), 0)::bigint,
       coalesce(extract(epoch FROM max(submitted_at) - min(claimed_at)) / 3600, 0)::float8
FROM marketplace_assignment WHERE job_id = %s AND submitted_at IS NOT NULL
"""
