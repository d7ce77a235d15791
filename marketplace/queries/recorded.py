"""A job's answers as they came, by task, with its truth where gold, an inspection or an admin told it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from marketplace.models import Job
from qualification.labels.results import Answer
from qualification.queries import UNMEASURED
from qualification.statistics.consensus import Vote
from qualification.statistics.whatif import Recorded


@dataclass(frozen=True, slots=True)
class History:
    """Tasks at work and at gold, and what really happened: turns at gold, price and hours from first to last answer."""

    work: list[Recorded]
    gold: list[Recorded]
    gold_answers: int
    spent_minor: int
    hours: float
    right: int
    judged: int
    escalated: int


def history_of(job: Job) -> History:
    """What is recorded of ``job``: answers in time by their order, weighed by scores as they stand now."""
    votes: dict[UUID, list[Vote]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, [UNMEASURED.mean, job.skill_id, job.pk])
        for task_id, key, reliability in cursor.fetchall():
            votes[task_id].append(Vote(Answer.from_key(key), reliability))
        cursor.execute(_TASKS, [job.pk])
        tasks = cursor.fetchall()
        cursor.execute(_SPENT, [job.pk])
        spent, hours = cursor.fetchone()
    recorded = [(is_gold, Recorded(tuple(votes[task_id]), truth)) for task_id, is_gold, truth, _, _ in tasks]
    judged = [(truth, decided) for _, is_gold, truth, decided, _ in tasks if truth and decided and not is_gold]
    return History(
        work=[each for is_gold, each in recorded if not is_gold],
        gold=[each for is_gold, each in recorded if is_gold],
        gold_answers=sum(len(each.votes) for is_gold, each in recorded if is_gold),
        spent_minor=spent,
        hours=hours,
        right=sum(truth == decided for truth, decided in judged),
        judged=len(judged),
        escalated=sum(was_escalated for *_, was_escalated in tasks),
    )


_ANSWERS: Final = """
SELECT turn.task_id, answer.answer_key, coalesce(score.estimate, %s::float8)
FROM marketplace_assignment turn
JOIN marketplace_annotation answer ON answer.assignment_id = turn.id AND NOT answer.late
LEFT JOIN qualification_score score ON score.worker_id = turn.worker_id AND score.skill_id = %s
WHERE turn.job_id = %s ORDER BY answer.submitted_at, answer.id
"""
_TASKS: Final = """
SELECT task.id, task.gold_question_id IS NOT NULL,
       coalesce(question.answer_key, seen.found_key, CASE WHEN task.method = 'adjudication' THEN task.answer_key END),
       coalesce(seen.said_key, CASE WHEN task.method = 'consensus' THEN task.answer_key END),
       EXISTS (SELECT FROM marketplace_escalation asked WHERE asked.task_id = task.id AND asked.kind = 'no_consensus')
FROM marketplace_task task
LEFT JOIN qualification_goldquestion question ON question.id = task.gold_question_id
LEFT JOIN LATERAL (
    SELECT found_key, said_key FROM marketplace_inspection inspection
    WHERE inspection.task_id = task.id AND inspection.found_at IS NOT NULL ORDER BY found_at DESC, id LIMIT 1
) seen ON true
WHERE task.job_id = %s ORDER BY task.id
"""
_SPENT: Final = """
SELECT coalesce(sum(reward_minor + fee_minor), 0)::bigint,
       coalesce(extract(epoch FROM max(submitted_at) - min(claimed_at)) / 3600, 0)::float8
FROM marketplace_assignment WHERE job_id = %s AND submitted_at IS NOT NULL
"""
