"""A job's answers as they came, by task, with its truth where gold, an inspection or an admin told it.

Gold that is doubted, retired or recalled tells none. Of a large job a random part is looked at.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from marketplace.models import Job
from marketplace.queries.fits import LATEST_FIT, fit_written, habits_written, model_vote, rates_written
from marketplace.queries.versions import current_schema_of
from qualification.labels.results import Answer
from qualification.queries import TRUSTED_GOLD, UNMEASURED
from qualification.statistics.automation.voter import candidates_of
from qualification.statistics.consensus import Vote
from qualification.statistics.fitted import JobFit
from qualification.statistics.whatif import Recorded

MOST_TURNS: Final = 60_000
"""Turns of a job up to which all its tasks are looked at that anybody had."""

MOST_WORK: Final = 20_000
MOST_GOLD: Final = 1_000
"""How many tasks at work, and at gold, are looked at in a job with more turns: those of the lowest ids, at random."""

LATELY: Final = 1_000
"""Of so many turns that were claimed last, the last answer is the job's last one."""

SURELY: Final = 1.96
"""Standard errors beyond which an estimate is off in one of 20 draws."""


@dataclass(frozen=True, slots=True)
class History:
    """Some tasks at work and at gold; and of all of them what really happened.

    ``tasks`` counts those at work that somebody answered, ``answers`` and ``gold_answers`` turns, ``hours`` are from
    the first claim to the last answer. Where only a part was looked at, ``looked_at`` of the answered tasks at work,
    the sums are estimates for the whole, and what is reckoned from them is off by the share ``error`` at most, in 95%
    of such draws; the other counts are those of the part.
    """

    work: list[Recorded]
    gold: list[Recorded]
    fit: JobFit
    tasks: int
    looked_at: int
    error: float
    answers: int
    gold_answers: int
    spent_minor: int
    hours: float
    right: int
    judged: int
    escalated: int


class _Looked(NamedTuple):
    """A task that was answered: how often, for how much in all, and whether its label is right, if that is known.

    ``turns`` are those whose answer is used; where none is, only what was spent counts.
    """

    task_id: UUID
    is_gold: bool
    truth: str | None
    turns: int
    spent_minor: int
    is_right: bool | None
    is_escalated: bool


def history_of(job: Job, *, most: int, answers: int = 100) -> History:
    """What is recorded of ``job``: answers that are used, by their order, weighed by fit and scores as they stand now.

    Of more than ``most`` tasks at work, or at gold, those of the lowest ids, which are random; of each its first
    ``answers``, and the predictions that vote on it.
    """
    given: dict[str, Any] = {"job": job.pk, "work": MOST_WORK, "gold": MOST_GOLD, "lately": LATELY}
    turns = sum(job.participations.values_list("claims", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_LOOKED.format(frame=_LOWEST if turns > MOST_TURNS else _BEGUN), given)
        looked = [_Looked(*row) for row in cursor.fetchall()]
        whole_work = whole_gold = part_work = part_gold = 1
        if turns > MOST_TURNS:
            cursor.execute(_SIZES, given)
            whole_work, whole_gold = cursor.fetchone()
            part_work, part_gold = min(whole_work, MOST_WORK), min(whole_gold, MOST_GOLD)
        cursor.execute(_HOURS, given)
        (hours,) = cursor.fetchone()
    work = [each for each in looked if each.turns and not each.is_gold]
    gold = [each for each in looked if each.turns and each.is_gold]
    times, gold_times = whole_work / max(part_work, 1), whole_gold / max(part_gold, 1)
    fit, recorded = _recorded(job, [*work[:most], *gold[:most]], answers)
    known = [each for each in work if each.is_right is not None]
    spent = sum(each.spent_minor * (gold_times if each.is_gold else times) for each in looked)
    return History(
        work=recorded[: len(work[:most])],
        gold=recorded[len(work[:most]) :],
        fit=fit,
        tasks=round(len(work) * times),
        looked_at=len(work),
        error=_error(work, part=part_work, whole=whole_work),
        answers=round(sum(each.turns for each in work) * times),
        gold_answers=round(sum(each.turns for each in gold) * gold_times),
        spent_minor=round(spent),
        hours=hours,
        right=sum(each.is_right is True for each in known),
        judged=len(known),
        escalated=sum(each.is_escalated for each in work),
    )


def _error(work: Sequence[_Looked], *, part: int, whole: int) -> float:
    """How far, as a share, a cost is off that is reckoned from how many tasks were answered, and what a turn cost.

    By the linearised variance of such a product of means, of draws without replacement: W. G. Cochran, "Sampling
    Techniques", 3rd edition (1977), chapters 2 and 6. Tasks that nobody has answered count with 0.
    """
    if part == whole or not work:
        return 0.0
    answered, turns = len(work) / part, sum(one.turns for one in work) / part
    spent = sum(one.spent_minor for one in work) / part
    influences = [1 / answered + one.spent_minor / spent - one.turns / turns - 1 for one in work]
    variance = (sum(each**2 for each in influences) + (part - len(work))) / part
    return SURELY * sqrt(variance / part * (1 - part / whole))


def _recorded(job: Job, looked: Sequence[_Looked], answers: int) -> tuple[JobFit, list[Recorded]]:
    """The latest fit of the job, and what was said of each of these tasks."""
    candidates = candidates_of(current_schema_of(job.pk))
    given: dict[str, Any] = {"job": job.pk, "unmeasured": UNMEASURED.mean, "skill": job.skill_id}
    given |= {"tasks": [each.task_id for each in looked], "answers": answers}
    votes: dict[UUID, list[Vote]] = defaultdict(list)
    predicted: dict[UUID, list[Vote]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_FIT, given)
        fit_id, learnt = cursor.fetchone() or (None, None)
        fit = fit_written(learnt)
        cursor.execute(_ANSWERS, given | {"fit": fit_id})
        for task_id, key, reliability, rates, habits in cursor.fetchall():
            vote = Vote(
                Answer.from_key(key), reliability, rates=rates_written(rates, fit), habits=habits_written(habits)
            )
            votes[task_id].append(vote)
        cursor.execute(_PREDICTIONS, given)
        for task_id, key, right, wrong, rates in cursor.fetchall():
            model = model_vote(key, right=right, wrong=wrong, error_rates=rates, candidates=candidates)
            predicted[task_id] += [model] if model is not None else []
    return fit, [Recorded(tuple(votes[each.task_id]), each.truth, tuple(predicted[each.task_id])) for each in looked]


_BEGUN: Final = """
SELECT DISTINCT turn.task_id AS id FROM marketplace_assignment turn WHERE turn.job_id = %(job)s
"""
_LOWEST: Final = """
(SELECT id FROM marketplace_task WHERE job_id = %(job)s AND gold_question_id IS NULL ORDER BY id LIMIT %(work)s)
UNION ALL
(SELECT id FROM marketplace_task WHERE job_id = %(job)s AND gold_question_id IS NOT NULL ORDER BY id LIMIT %(gold)s)
"""
_SIZES: Final = """
SELECT count(*) FILTER (WHERE gold_question_id IS NULL), count(*) FILTER (WHERE gold_question_id IS NOT NULL)
FROM marketplace_task WHERE job_id = %(job)s
"""
# Whatever is asked of a task is asked by itself, so that no more is read than those that are looked at.
_LOOKED: Final = f"""
SELECT task.id, task.gold_question_id IS NOT NULL, known.truth, had.turns, had.spent,
       CASE WHEN known.truth <> '' AND known.decided <> '' THEN known.truth = known.decided END,
       EXISTS (SELECT FROM marketplace_escalation asked WHERE asked.task_id = task.id AND asked.kind = 'no_consensus')
FROM ({{frame}}) frame
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE turn.ordinal IS NOT NULL) AS turns,
           coalesce(sum(turn.reward_minor + turn.fee_minor), 0)::bigint AS spent
    FROM marketplace_assignment turn WHERE turn.task_id = frame.id AND turn.submitted_at IS NOT NULL
) had
CROSS JOIN LATERAL (
    SELECT id, gold_question_id, method, answer_key FROM marketplace_task WHERE id = frame.id OFFSET 0
) task
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
WHERE had.spent > 0 ORDER BY task.id
"""  # noqa: S608  (all of it ours)
_FIT: Final = f"SELECT id, learnt::text FROM ({LATEST_FIT}) latest"  # noqa: S608  (all of it ours)
_ANSWERS: Final = """
SELECT asked.id, said.answer_key, coalesce(score.estimate, %(unmeasured)s::float8), known.rates::text,
       known.habits::text
FROM unnest(%(tasks)s::uuid[]) asked (id)
CROSS JOIN LATERAL (
    SELECT turn.worker_id, answer.answer_key, answer.submitted_at, answer.id FROM marketplace_assignment turn
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    WHERE turn.task_id = asked.id AND turn.ordinal IS NOT NULL
    ORDER BY answer.submitted_at, answer.id LIMIT %(answers)s
) said
LEFT JOIN qualification_score score ON score.worker_id = said.worker_id AND score.skill_id = %(skill)s
LEFT JOIN marketplace_fittedworker known ON known.worker_id = said.worker_id AND known.fit_id = %(fit)s::uuid
ORDER BY said.submitted_at, said.id
"""
# As the running job has it (`marketplace.services.beliefs`): an audit is decided by people alone.
_PREDICTIONS: Final = """
SELECT prediction.task_id, prediction.answer_key, predictor."right", predictor.wrong, predictor.error_rates::text
FROM marketplace_prediction prediction JOIN marketplace_predictor predictor ON predictor.id = prediction.predictor_id
WHERE prediction.task_id = ANY(%(tasks)s::uuid[]) AND NOT prediction.is_audit AND predictor.state <> 'stopped'
ORDER BY prediction.id
"""
_HOURS: Final = """
SELECT coalesce(extract(epoch FROM
    (SELECT max(lately.submitted_at) FROM (
        SELECT turn.submitted_at FROM marketplace_assignment turn
        WHERE turn.job_id = %(job)s AND turn.submitted_at IS NOT NULL
        ORDER BY turn.claimed_at DESC, turn.id DESC LIMIT %(lately)s) lately)
    - (SELECT turn.claimed_at FROM marketplace_assignment turn
       WHERE turn.job_id = %(job)s AND turn.submitted_at IS NOT NULL ORDER BY turn.claimed_at, turn.id LIMIT 1)
    ) / 3600, 0)::float8
"""
