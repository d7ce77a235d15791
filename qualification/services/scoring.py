"""Scores: moved by every gold answer, in exams and hidden in work, under a lock, with the evidence kept.

A score's row is locked after everything else that a transaction locks but the ledger's accounts.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.rows import Statement, planned_cursor, update
from kernel.services.outbox import announce
from qualification.events import ScoreFellBelowFloor
from qualification.models import Exam, Score, ScoreEvidence, ScoreFall
from qualification.statistics import scoring as posterior


@transaction.atomic(savepoint=False)
def record_gold(*, worker_id: UUID, skill_id: UUID, correct: bool, subject: str, floor: float | None = None) -> Score:
    """Let one hidden gold answer move the worker's score; ``subject`` names it (``assignment:<id>``) and counts once.

    ``floor`` is the lowest bound that the job accepts: when the score's is below it, ScoreFellBelowFloor is announced,
    once until it has risen to that floor again.
    """
    score = _locked_score(worker_id=worker_id, skill_id=skill_id)
    _add_evidence(score, ScoreEvidence.Source.HIDDEN_GOLD, {subject: correct})
    if floor:
        _watch_floor(score, floor=floor, subject=subject)
    return score


def record_exam(*, exam: Exam, marks: Mapping[int, bool]) -> Score:
    """Let the answers of a marked exam, right or wrong by position, move the score. In the exam's transaction."""
    score = _locked_score(worker_id=exam.worker_id, skill_id=exam.skill_id)
    answers = {f"exam:{exam.pk}:{position}": correct for position, correct in marks.items()}
    _add_evidence(score, ScoreEvidence.Source.EXAM, answers)
    return score


def _locked_score(*, worker_id: UUID, skill_id: UUID) -> Score:
    rows = Score.objects.select_for_update(no_key=True).filter(worker_id=worker_id, skill_id=skill_id)
    score = rows.first()
    if score is None:
        fresh = Score(worker_id=worker_id, skill_id=skill_id)
        _follow_evidence(fresh, posterior.Score())
        Score.objects.bulk_create([fresh], ignore_conflicts=True)  # somebody else's first answer may have been quicker
        score = rows.get()
    return score


def _add_evidence(score: Score, source: ScoreEvidence.Source, answers: Mapping[str, bool]) -> None:
    now = clock.now()
    fresh = _inserted(score, source, answers, at=now)
    if not fresh:
        return
    today = now.date()
    if source == ScoreEvidence.Source.HIDDEN_GOLD and score.gold_on != today:
        score.gold_on, score.bound_without_gold = today, score.lower_bound
    evidence = posterior.Score(correct=score.correct, wrong=score.wrong)
    for subject in fresh:
        evidence = evidence.after(correct=answers[subject])
    _follow_evidence(score, evidence)
    if source == ScoreEvidence.Source.EXAM and score.gold_on == today:
        score.bound_without_gold = _without_gold_of(score, today).lower_bound()
    score.updated_at = now
    risen = Statement(_RISE, [now, score.pk, score.lower_bound])
    update(score, [*_POSTERIOR, "gold_on", "bound_without_gold", "updated_at"], beside=risen)


_POSTERIOR: Final = ("correct", "wrong", "estimate", "lower_bound")
_RISE: Final = """
UPDATE qualification_scorefall SET risen_at = %s WHERE score_id = %s AND risen_at IS NULL AND floor <= %s
"""
_INSERT: Final = """
INSERT INTO qualification_scoreevidence (score_id, source, correct, subject, at)
SELECT %s, %s, correct, subject, %s FROM unnest(%s::text[], %s::bool[]) answers (subject, correct)
ON CONFLICT DO NOTHING RETURNING subject
"""


def _inserted(score: Score, source: ScoreEvidence.Source, answers: Mapping[str, bool], *, at: datetime) -> list[str]:
    """The subjects among ``answers`` that did not count before."""
    with planned_cursor() as cursor:
        cursor.execute(_INSERT, [score.pk, source.value, at, list(answers), list(answers.values())])
        return [subject for (subject,) in cursor.fetchall()]


def _without_gold_of(score: Score, day: date) -> posterior.Score:
    since = datetime.combine(day, time.min, UTC)
    gold = ScoreEvidence.objects.filter(score=score, source=ScoreEvidence.Source.HIDDEN_GOLD, at__gte=since)
    right, all_of_them = gold.filter(correct=True).count(), gold.count()
    return posterior.Score(correct=score.correct - right, wrong=score.wrong - (all_of_them - right))


def _follow_evidence(score: Score, evidence: posterior.Score) -> None:
    score.correct, score.wrong = evidence.correct, evidence.wrong
    score.estimate, score.lower_bound = evidence.mean, evidence.lower_bound()


def _watch_floor(score: Score, *, floor: float, subject: str) -> None:
    falls = ScoreFall.objects.filter(score=score, floor=floor, risen_at__isnull=True)
    if score.lower_bound >= floor or falls.exists():
        return
    ScoreFall.objects.create(score=score, floor=floor, lower_bound=score.lower_bound, subject=subject)
    announce(
        ScoreFellBelowFloor(
            worker_id=str(score.worker_id),
            skill_id=str(score.skill_id),
            lower_bound=score.lower_bound,
            floor=floor,
            subject=subject,
        )
    )
