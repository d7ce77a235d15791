"""Scores: moved by every gold answer, in exams and hidden in work, under a lock, with the evidence kept.

A score's row is locked after everything else that a transaction locks but the ledger's accounts.
"""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.services.outbox import announce
from qualification.events import ScoreFellBelowFloor
from qualification.models import Exam, Score, ScoreEvidence, ScoreFall
from qualification.statistics import scoring as posterior


@transaction.atomic
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
    known = ScoreEvidence.objects.filter(score=score, subject__in=answers).values_list("subject", flat=True)
    fresh = {subject: correct for subject, correct in answers.items() if subject not in set(known)}
    if not fresh:
        return
    now = clock.now()
    ScoreEvidence.objects.bulk_create(
        ScoreEvidence(score=score, source=source, correct=correct, subject=subject, at=now)
        for subject, correct in fresh.items()
    )
    evidence = posterior.Score(correct=score.correct, wrong=score.wrong)
    for correct in fresh.values():
        evidence = evidence.after(correct=correct)
    _follow_evidence(score, evidence)
    score.updated_at = now
    score.save(update_fields=["correct", "wrong", "estimate", "lower_bound", "updated_at"])
    ScoreFall.objects.filter(score=score, risen_at__isnull=True, floor__lte=score.lower_bound).update(risen_at=now)


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
