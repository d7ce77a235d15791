"""What others ask of qualification: who is certified, who meets a job's requirements, how reliable answers are.

``unmet_requirements`` and ``reliabilities`` stand on the path of claims and answers: each is a single statement.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from math import floor
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from kernel import clock
from kernel.content_addresses import AddressOf
from kernel.rows import planned_cursor
from qualification.models import (
    Certification,
    Exam,
    ExamAnswer,
    GoldQuestion,
    GoldRecall,
    LabelSchema,
    Score,
    ScoreEvidence,
    Skill,
)
from qualification.statistics import scoring as posterior

EXPLAINS_FROM_BANK_TIMES: Final = 3
"""Misses are explained while the bank holds at least this many times the questions of one exam (ADR 0007)."""

UNMEASURED: Final = posterior.Score()
"""What is believed of a worker before the first gold answer."""

UnmetKind = Literal["not_certified", "expired", "score_too_low"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """That a worker is certified for a skill, and that the score's lower bound (0 to 1) is at least this."""

    skill_id: UUID
    min_lower_bound: float = 0.0


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that a worker does not meet, why, and in ``message`` what to do about it."""

    requirement: Requirement
    kind: UnmetKind
    skill_name: str
    message: str

    @property
    def skill_id(self) -> UUID:
        """The skill that is asked for."""
        return self.requirement.skill_id


@dataclass(frozen=True, slots=True)
class Miss:
    """A question that was missed: what was shown, what was answered, and why something else is right."""

    position: int
    item: dict[str, object]
    result: object
    reason: str


SETTLED_BOUND: Final = "CASE WHEN gold_on = %(today)s THEN bound_without_gold ELSE lower_bound END"
"""The lower bound in a row of scores as far as its worker may notice it: without the hidden gold of ``today``."""

_UNMET: Final = f"""
    SELECT asked.place, skill.name, skill.grants_by, latest.state, latest.expires_at,
           coalesce(score.bound, %(unmeasured)s),
           coalesce(latest.state = 'granted' AND (latest.expires_at IS NULL OR latest.expires_at > %(now)s), false)
    FROM unnest(%(skill_ids)s::uuid[], %(floors)s::float8[]) WITH ORDINALITY AS asked (skill_id, floor, place)
    JOIN qualification_skill skill ON skill.id = asked.skill_id
    LEFT JOIN LATERAL (
        SELECT state, expires_at FROM qualification_certification
        WHERE worker_id = %(worker_id)s AND skill_id = asked.skill_id
        ORDER BY (state = 'granted') DESC, requested_at DESC, id DESC LIMIT 1
    ) latest ON true
    LEFT JOIN LATERAL (
        SELECT {SETTLED_BOUND} AS bound
        FROM qualification_score WHERE worker_id = %(worker_id)s AND skill_id = asked.skill_id
    ) score ON true
    WHERE NOT coalesce(latest.state = 'granted' AND (latest.expires_at IS NULL OR latest.expires_at > %(now)s), false)
       OR coalesce(score.bound, %(unmeasured)s) < asked.floor
    ORDER BY asked.place
"""  # noqa: S608  (all of it ours)


def unmet_requirements(*, worker_id: UUID, requirements: Sequence[Requirement]) -> list[Unmet]:
    """Those of ``requirements`` (of one job or of many) that the worker does not meet now, in their order.

    A certification counts up to its ``expires_at``, whether or not the clock has moved it to expired yet; a worker who
    was never measured has the prior's score. Hidden gold counts from the next midnight (UTC) on: a refusal, or one that
    is no more, would tell which of the answers just given was gold.
    """
    if not requirements:
        return []
    now = clock.now()
    given: dict[str, Any] = {
        "worker_id": worker_id,
        "skill_ids": [requirement.skill_id for requirement in requirements],
        "floors": [float(requirement.min_lower_bound) for requirement in requirements],
        "unmeasured": UNMEASURED.lower_bound(),
        "now": now,
        "today": now.date(),
    }
    with planned_cursor() as cursor:
        cursor.execute(_UNMET, given)
        rows = cursor.fetchall()
    return [
        _unmet(requirements[place - 1], name, state, expires_at, lower_bound=bound, grants_by=by, certified=certified)
        for place, name, by, state, expires_at, bound, certified in rows
    ]


def is_certified(*, worker_id: UUID, skill_id: UUID) -> bool:
    """Whether the worker may work with the skill now."""
    counting = Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now())
    granted = Certification.objects.filter(worker_id=worker_id, skill_id=skill_id, state=Certification.State.GRANTED)
    return granted.filter(counting).exists()


def reliability_of(*, worker_id: UUID, skill_id: UUID) -> float:
    """How likely an answer of this worker in this skill is right (0 to 1): the score's estimate, or the prior's."""
    return reliabilities(worker_ids=[worker_id], skill_id=skill_id)[worker_id]


def reliabilities(*, worker_ids: Collection[UUID], skill_id: UUID) -> dict[UUID, float]:
    """``reliability_of`` for each of ``worker_ids``."""
    measured = Score.objects.filter(worker_id__in=worker_ids, skill_id=skill_id).values_list("worker_id", "estimate")
    return {**dict.fromkeys(worker_ids, UNMEASURED.mean), **dict(measured)}


def settled_bounds(*, worker_id: UUID, skill_ids: Collection[UUID]) -> dict[UUID, float]:
    """The lower bound of the worker's score in each skill as far as they may notice it: up to the last midnight."""
    with planned_cursor() as cursor:
        cursor.execute(_SETTLED, {"worker": worker_id, "skills": list(skill_ids), "today": clock.now().date()})
        return {**dict.fromkeys(skill_ids, UNMEASURED.lower_bound()), **dict(cursor.fetchall())}


_SETTLED: Final = f"""
    SELECT skill_id, {SETTLED_BOUND} FROM qualification_score
    WHERE worker_id = %(worker)s AND skill_id = ANY(%(skills)s::uuid[])
"""  # noqa: S608  (all of it ours)


def scores_for_their_worker(worker_id: UUID) -> QuerySet[Score]:
    """A worker's scores with what they rest on: right and wrong answers in exams, and in work up to the last midnight.

    Today's hidden gold is left out: a score that moved at once would tell which of the answers just given was gold. The
    counts are ``exam_correct``, ``exam_wrong``, ``work_correct`` and ``work_wrong``.
    """
    midnight = datetime.combine(clock.now().date(), time.min, UTC)
    counts = Q(evidence__withdrawal__isnull=True)
    exam = counts & Q(evidence__source=ScoreEvidence.Source.EXAM)
    work = counts & Q(evidence__source=ScoreEvidence.Source.HIDDEN_GOLD, evidence__at__lt=midnight)
    is_shown = Q(source=ScoreEvidence.Source.EXAM) | Q(at__lt=midnight)
    return (
        # A score that rests on today's gold alone would tell by being there.
        Score.objects.filter(
            Exists(ScoreEvidence.objects.filter(is_shown, score=OuterRef("pk"), withdrawal__isnull=True)),
            worker_id=worker_id,
        )
        .select_related("skill")
        .annotate(
            exam_correct=Count("evidence", filter=exam & Q(evidence__correct=True)),
            exam_wrong=Count("evidence", filter=exam & Q(evidence__correct=False)),
            work_correct=Count("evidence", filter=work & Q(evidence__correct=True)),
            work_wrong=Count("evidence", filter=work & Q(evidence__correct=False)),
        )
    )


def is_recalled(gold_question_id: UUID | None) -> bool:
    """Whether the question, if there is one, turned out to be wrong."""
    return gold_question_id is not None and GoldRecall.objects.filter(gold_question=gold_question_id).exists()


TRUSTED_GOLD: Final = """(
    SELECT asked.id, asked.answer_key FROM qualification_goldquestion asked
    WHERE asked.retired_at IS NULL AND asked.doubted_at IS NULL
)"""
"""`trusted_gold` as a table of SQL."""


def trusted_gold() -> QuerySet[GoldQuestion]:
    """The gold whose answer is held to be right now: neither under review nor retired, which a recall does too.

    Whatever takes gold for the truth asks here: it alone is asked, and it alone teaches how workers and models err and
    how sure a label is. Who answered is judged by any gold, until a person recalls it (ADR 0052).
    """
    return GoldQuestion.objects.filter(retired_at__isnull=True, doubted_at__isnull=True)


def exam_bank_of(skill: Skill) -> QuerySet[GoldQuestion]:
    """The questions that an exam in ``skill`` may ask now."""
    return trusted_gold().filter(skill=skill, for_exam=True)


def questions_under_way(exam: Exam) -> list[ExamAnswer]:
    """The questions of an exam by position, while it takes answers; none afterwards."""
    if exam.state != Exam.State.STARTED or exam.due_at <= clock.now():
        return []
    asked = ExamAnswer.objects.filter(exam=exam).select_related("gold_question__label_schema")
    return list(asked.order_by("position"))


def schemas_under_way(exam: Exam) -> list[LabelSchema]:
    """The label schemas that the questions of an exam are asked with, while it takes answers."""
    return list({asked.gold_question.label_schema for asked in questions_under_way(exam)})


def explained_misses(exam: Exam, address_of: AddressOf | None = None) -> list[Miss] | None:
    """What a worker may learn from the questions missed in a marked exam, by position.

    None when nothing is explained: the exam is not marked, or answers passed on would spoil so small a bank.
    """
    if exam.score_basis_points is None:
        return None
    if exam_bank_of(exam.skill).count() < EXPLAINS_FROM_BANK_TIMES * exam.questions:
        return None
    wrong = ExamAnswer.objects.filter(exam=exam, correct=False, gold_question__recall__isnull=True)
    wrong = wrong.select_related("gold_question__label_schema")
    return [
        Miss(answer.position, answer.gold_question.shown_item(address_of), answer.result, answer.gold_question.reason)
        for answer in wrong.order_by("position")
    ]


_HOW: Final[dict[str, str]] = {
    Skill.Grant.SCORE: "Take its exam.",
    Skill.Grant.ADMIN: "Ask for the certification; an admin decides.",
    Skill.Grant.BOTH: "Take its exam; an admin decides then.",
}
"""How one is certified, by who grants it."""


def _unmet(
    requirement: Requirement,
    skill_name: str,
    state: str | None,
    expires_at: datetime | None,
    *,
    lower_bound: float,
    grants_by: str,
    certified: bool,
) -> Unmet:
    kind: UnmetKind
    if certified:
        kind = "score_too_low"
        # Rounded down: nobody needs more of it.
        message = (
            f"Your score in {skill_name} is surely at least {floor(lower_bound * 100) / 100:.2f}; this work asks for "
            f"{requirement.min_lower_bound:g}. It rises with right answers in other work that needs {skill_name}."
        )
    elif state in (Certification.State.GRANTED, Certification.State.EXPIRED) and expires_at is not None:
        kind = "expired"
        message = f"Your certification for {skill_name} expired on {expires_at:%Y-%m-%d}. {_HOW[grants_by]}"
    elif state == Certification.State.PENDING:
        kind = "not_certified"
        message = f"Your certification for {skill_name} waits for an admin."
    elif state in Certification.ADVERSE:
        kind = "not_certified"
        message = f"Your certification for {skill_name} was {state}. Its reason stands with your certifications."
    else:
        kind = "not_certified"
        message = f"You are not certified for {skill_name}. {_HOW[grants_by]}"
    return Unmet(requirement=requirement, kind=kind, skill_name=skill_name, message=message)
