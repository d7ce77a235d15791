"""Scores: moved by every gold answer, in exams and hidden in work, under a lock, with the evidence kept.

A score's row is locked after everything else that a transaction locks but the ledger's accounts.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from kernel import clock
from kernel.rows import Statement, planned_cursor, update
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce
from qualification.events import ScoreFellBelowFloor
from qualification.models import Exam, GoldRecall, Score, ScoreEvidence, ScoreFall, WithdrawnEvidence
from qualification.statistics import scoring as posterior


@transaction.atomic(savepoint=False)
def record_gold(
    *,
    worker_id: UUID,
    skill_id: UUID,
    correct: bool,
    subject: str,
    gold_question_id: UUID | None = None,
    floor: float | None = None,
) -> Score:
    """Let one hidden gold answer move the worker's score; ``subject`` names it (``assignment:<id>``) and counts once.

    An answer to a ``gold_question_id`` that was recalled moves nothing.

    ``floor`` is the lowest bound that the job accepts: when the score's is below it, ScoreFellBelowFloor is announced,
    once until it has risen to that floor again.
    """
    score = _locked_score(worker_id=worker_id, skill_id=skill_id)
    counts = _add_evidence(score, ScoreEvidence.Source.HIDDEN_GOLD, {subject: correct}, asked=gold_question_id)
    if floor and counts:
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


def _add_evidence(
    score: Score, source: ScoreEvidence.Source, answers: Mapping[str, bool], *, asked: UUID | None = None
) -> bool:
    now = clock.now()
    fresh = _inserted(score, source, answers, at=now, asked=asked)
    if not fresh:
        return False
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
    return True


_POSTERIOR: Final = ("correct", "wrong", "estimate", "lower_bound")
_RISE: Final = """
UPDATE qualification_scorefall SET risen_at = %s WHERE score_id = %s AND risen_at IS NULL AND floor <= %s
"""
_INSERT: Final = """
INSERT INTO qualification_scoreevidence (score_id, source, correct, subject, at)
SELECT %s, %s, correct, subject, %s FROM unnest(%s::text[], %s::bool[]) answers (subject, correct)
WHERE NOT EXISTS (SELECT FROM qualification_goldrecall recall WHERE recall.gold_question_id = %s::uuid)
ON CONFLICT DO NOTHING RETURNING subject
"""


def _inserted(
    score: Score, source: ScoreEvidence.Source, answers: Mapping[str, bool], *, at: datetime, asked: UUID | None
) -> list[str]:
    """The subjects among ``answers`` that did not count before; none where the question asked was recalled."""
    with planned_cursor() as cursor:
        cursor.execute(_INSERT, [score.pk, source.value, at, list(answers), list(answers.values()), asked])
        return [subject for (subject,) in cursor.fetchall()]


def _without_gold_of(score: Score, day: date) -> posterior.Score:
    since = datetime.combine(day, time.min, UTC)
    gold = counting(score).filter(source=ScoreEvidence.Source.HIDDEN_GOLD, at__gte=since)
    right, all_of_them = gold.filter(correct=True).count(), gold.count()
    return posterior.Score(correct=score.correct - right, wrong=score.wrong - (all_of_them - right))


def counting(score: Score) -> QuerySet[ScoreEvidence]:
    """The evidence that a score rests on: all but what was withdrawn."""
    return ScoreEvidence.objects.filter(score=score, withdrawal__isnull=True)


def withdraw_evidence(*, recall: GoldRecall, worker_id: UUID, skill_id: UUID, subject: str, by: Actor) -> bool:
    """Let one piece of evidence count no more, and the score be what the rest makes; whether the estimate moved.

    A fall that would not have been without it is lifted where the score is not below its floor now either. What was
    withdrawn before, or never counted, changes nothing. In the caller's transaction.
    """
    score = Score.objects.select_for_update(no_key=True).filter(worker_id=worker_id, skill_id=skill_id).first()
    evidence = counting(score).filter(subject=subject).first() if score is not None else None
    if score is None or evidence is None:
        return False
    now, estimate_before = clock.now(), score.estimate
    WithdrawnEvidence.objects.create(evidence=evidence, recall=recall, at=now)
    _reckon_anew(score, at=now)
    _lift_falls(score, recall, at=now)
    record(
        action="score.evidence_withdrawn",
        subject=score,
        by=by,
        why=recall.why,
        details={"recall": str(recall.pk), "evidence": subject, "estimate": [estimate_before, score.estimate]},
    )
    return score.estimate != estimate_before


def _reckon_anew(score: Score, *, at: datetime) -> None:
    _follow_evidence(score, _sum_of(counting(score)))
    last_gold = counting(score).filter(source=ScoreEvidence.Source.HIDDEN_GOLD).order_by("-at").first()
    score.gold_on = score.bound_without_gold = None
    if last_gold is not None:
        score.gold_on = last_gold.at.astimezone(UTC).date()
        midnight = datetime.combine(score.gold_on, time.min, UTC)
        until_then = counting(score).filter(at__lt=midnight + timedelta(days=1))
        of_the_day = Q(source=ScoreEvidence.Source.HIDDEN_GOLD, at__gte=midnight)
        score.bound_without_gold = _sum_of(until_then.exclude(of_the_day)).lower_bound()
    score.updated_at = at
    score.save(update_fields=[*_POSTERIOR, "gold_on", "bound_without_gold", "updated_at"])


def _sum_of(evidence: QuerySet[ScoreEvidence]) -> posterior.Score:
    sums = evidence.aggregate(right=Count("pk", filter=Q(correct=True)), wrong=Count("pk", filter=Q(correct=False)))
    return posterior.Score(correct=float(sums["right"]), wrong=float(sums["wrong"]))


def _lift_falls(score: Score, recall: GoldRecall, *, at: datetime) -> None:
    """Falls are told of once, so one that has risen in between is lifted too: a person may still act upon it."""
    for fall in ScoreFall.objects.filter(score=score, floor__lte=score.lower_bound, lifted_by__isnull=True):
        cause = ScoreEvidence.objects.filter(score=score, subject=fall.subject).first()
        if cause is not None and _sum_of(counting(score).filter(pk__lte=cause.pk)).lower_bound() >= fall.floor:
            fall.lifted_by = recall
        fall.risen_at = fall.risen_at or at
        fall.save(update_fields=["lifted_by", "risen_at"])


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
