"""Who may start an exam or ask for a certification now, and if not, why and from when on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kernel import clock
from kernel.errors import Refused
from qualification.models import Certification, Exam, Skill
from qualification.queries import exam_bank_of
from workforce.models import Worker

UNPAID_WINDOW: Final = timedelta(days=365)
"""Exam questions are counted against the skill's unpaid limit for this long."""

RENEWAL_OPENS_BEFORE_EXPIRY: Final = timedelta(days=30)
RENEWAL_SHARE_OF_VALIDITY: Final = 4
"""A certification may be renewed in its last 30 days, or its last quarter when that is shorter."""


class WorkerMayNotWork(Refused):
    """Suspended and offboarded workers take no exams."""

    code = "worker_may_not_work"


class NoExam(Refused):
    """The skill is certified without an exam."""

    code = "no_exam"


class ExamNotReady(Refused):
    """The item bank holds too few questions."""

    code = "exam_not_ready"


class CertificationPending(Refused):
    """An admin has the worker's request already."""

    code = "certification_pending"


class AlreadyCertified(Refused):
    """The certification still counts for so long that a new one is not due."""

    code = "already_certified"


class RetryLater(Refused):
    """The delay after a failed exam or a refusal is not over."""

    code = "retry_later"


class UnpaidLimitReached(Refused):
    """More unpaid questions than the skill allows would be asked."""

    code = "unpaid_limit_reached"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a worker may do about a skill now; ``code`` and ``message`` say why nothing, and from when on."""

    may_start_exam: bool
    may_ask_admin: bool
    code: str
    message: str
    unpaid_questions_asked: int
    unpaid_limit: int


def lock_worker(worker_id: UUID) -> Worker:
    """The worker, whose exams and certifications nobody else decides until the caller's transaction ends."""
    return Worker.objects.locked().get(pk=worker_id)


def refusal_to_start(*, worker: Worker, skill: Skill) -> Refused | None:
    """Why ``worker`` may not start the exam of ``skill`` now; None when they may."""
    if not skill.has_exam:
        return NoExam(f"{skill.name} has no exam. An admin certifies it: ask for the certification.")
    return (
        refusal_to_ask(worker=worker, skill=skill)
        or _refusal_by_unpaid_limit(worker=worker, skill=skill)
        or _refusal_by_bank(skill)
    )


def refusal_to_ask(*, worker: Worker, skill: Skill) -> Refused | None:
    """Why ``worker`` may not be certified anew for ``skill`` now, exam or not; None when they may."""
    if worker.state in (Worker.State.SUSPENDED, Worker.State.OFFBOARDED):
        return WorkerMayNotWork(f"You are {worker.state} and cannot be certified while that is so.")
    return _refusal_by_certifications(worker=worker, skill=skill) or _refusal_by_last_exam(worker=worker, skill=skill)


def prospect_of(*, worker: Worker, skill: Skill) -> Prospect:
    """What ``worker`` may do about ``skill`` now."""
    by_exam = refusal_to_start(worker=worker, skill=skill)
    may_ask = skill.grants_by == Skill.Grant.ADMIN and refusal_to_ask(worker=worker, skill=skill) is None
    refusal = None if may_ask else by_exam
    return Prospect(
        may_start_exam=by_exam is None,
        may_ask_admin=may_ask,
        code=refusal.code if refusal else "",
        message=refusal.message if refusal else "",
        unpaid_questions_asked=sum(questions for _, questions in _exams_within_a_year(worker.pk, skill.pk)),
        unpaid_limit=skill.unpaid_limit,
    )


def _refusal_by_certifications(*, worker: Worker, skill: Skill) -> Refused | None:
    certifications = Certification.objects.filter(worker=worker, skill=skill)
    if certifications.filter(state=Certification.State.PENDING).exists():
        return CertificationPending(f"Your certification for {skill.name} waits for an admin. There is nothing to do.")
    granted = certifications.filter(state=Certification.State.GRANTED).first()
    if granted is not None and (refusal := _refusal_to_renew(granted, skill)) is not None:
        return refusal
    last = certifications.order_by("-requested_at", "-id").first()
    if last is None or last.state not in Certification.ADVERSE or last.ended_at is None:
        return None
    what_is_so = f"Your certification for {skill.name} was {last.state}."
    return _refusal_until(last.ended_at + skill.retry_after, what_is_so)


def _refusal_to_renew(granted: Certification, skill: Skill) -> Refused | None:
    if granted.expires_at is None or granted.granted_at is None:
        return AlreadyCertified(f"You are certified for {skill.name}, and that does not expire.")
    share = (granted.expires_at - granted.granted_at) / RENEWAL_SHARE_OF_VALIDITY
    opens_at = granted.expires_at - min(RENEWAL_OPENS_BEFORE_EXPIRY, share)
    if opens_at <= clock.now():
        return None
    return AlreadyCertified(
        f"You are certified for {skill.name} until {_spoken(granted.expires_at)}. "
        f"You may renew it from {_spoken(opens_at)} on.",
        {"retry_at": opens_at.isoformat()},
    )


def _refusal_by_last_exam(*, worker: Worker, skill: Skill) -> Refused | None:
    exams = Exam.objects.filter(worker=worker, skill=skill).select_related("skill")
    last = exams.order_by("-started_at", "-id").first()
    if last is None or last.retry_at is None:
        return None
    return _refusal_until(last.retry_at, f"Your last exam in {skill.name} was {last.state}.")


def _refusal_until(retry_at: datetime, what_is_so: str) -> Refused | None:
    if retry_at <= clock.now():
        return None
    message = f"{what_is_so} You may try again from {_spoken(retry_at)} on."
    return RetryLater(message, {"retry_at": retry_at.isoformat()})


def _refusal_by_unpaid_limit(*, worker: Worker, skill: Skill) -> Refused | None:
    exams = _exams_within_a_year(worker.pk, skill.pk)
    asked = sum(questions for _, questions in exams)
    if asked + skill.exam_questions <= skill.unpaid_limit:
        return None
    still_asked, retry_at = asked, clock.now()
    for started_at, questions in exams:  # the oldest first: when enough of them are a year old, there is room again
        if still_asked + skill.exam_questions <= skill.unpaid_limit:
            break
        still_asked, retry_at = still_asked - questions, started_at + UNPAID_WINDOW
    return UnpaidLimitReached(
        f"You were asked {asked} unpaid questions in {skill.name} within a year; the limit is "
        f"{skill.unpaid_limit}, and the exam has {skill.exam_questions}. "
        f"You may try again from {_spoken(retry_at)} on.",
        {"retry_at": retry_at.isoformat()},
    )


def _refusal_by_bank(skill: Skill) -> Refused | None:
    bank = exam_bank_of(skill).count()
    if bank >= skill.exam_questions:
        return None
    return ExamNotReady(
        f"The exam in {skill.name} asks {skill.exam_questions} questions and its bank holds {bank}. "
        "An admin has to add some; please come back later."
    )


def _exams_within_a_year(worker_id: UUID, skill_id: UUID) -> list[tuple[datetime, int]]:
    exams = Exam.objects.filter(worker_id=worker_id, skill_id=skill_id, started_at__gt=clock.now() - UNPAID_WINDOW)
    return list(exams.order_by("started_at", "id").values_list("started_at", "questions"))


def _spoken(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
