"""Certifications: requested, granted by the score or by an admin, denied, revoked by an admin, expired by the clock.

Every verb here first locks the worker's row, so what one worker may do with one skill is decided one thing at a time.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.flow import move
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce
from kernel.text import clean_text
from qualification.events import CertificationExpired, CertificationGranted, CertificationRevoked
from qualification.models import Certification, Exam, Score, Skill
from qualification.services import admission
from workforce.models import Worker
from workforce.services.persons import refuse_own_case, refuse_rules

EXAM: Final = Actor.system("exam")
CERTIFICATION_CLOCK: Final = Actor.system("certification_clock")
LONGEST_REASON: Final = 1_000


class ExamDecides(Refused):
    """The skill is granted through its exam, not on request."""

    code = "exam_decides"


@transaction.atomic
def request_certification(*, worker: Worker, skill_id: UUID) -> Certification:
    """Ask an admin for a skill that admins grant. While a request waits, asking again gives the same one."""
    skill = Skill.objects.filter(pk=skill_id).first()
    if skill is None:
        raise NotFound("skill")
    if skill.grants_by != Skill.Grant.ADMIN:
        raise ExamDecides(f"{skill.name} is certified through its exam. Start the exam instead.")
    worker = admission.lock_worker(worker.pk)
    waiting = _of(worker, skill).filter(state=Certification.State.PENDING).first()
    if waiting is not None:
        return waiting
    refusal = admission.refusal_to_ask(worker=worker, skill=skill)
    if refusal is not None:
        raise refusal
    return _open(worker=worker, skill=skill, exam=None, by=Actor("user", str(worker.user_id)))


def open_after_exam(*, exam: Exam) -> Certification:
    """What passing ``exam`` is worth: granted where the score decides, else a request that waits for an admin.

    After a person has revoked or denied the last one, a person is asked again, whatever the skill's rule. The caller
    holds the worker's lock, in the transaction in which the exam was passed.
    """
    waiting = _of(exam.worker, exam.skill).filter(state=Certification.State.PENDING).first()
    if waiting is not None:
        return waiting
    last = _of(exam.worker, exam.skill).order_by("-requested_at", "-id").first()
    certification = _open(worker=exam.worker, skill=exam.skill, exam=exam, by=EXAM)
    a_person_said_no = last is not None and last.state in Certification.ADVERSE
    if exam.skill.grants_by == Skill.Grant.SCORE and not a_person_said_no:
        _grant(certification, by=EXAM, why=f"Exam passed with {exam.score_basis_points} of 10000.")
    return certification


def open_after_remark(*, exam: Exam) -> Certification | None:
    """What an ``exam`` is worth that was failed and has passed after all: what passing it was, if that still counts.

    None where the worker has another certification, or waits for one, or this one would be over by now. The caller
    holds the worker's lock.
    """
    assert exam.finished_at is not None
    valid_for, live = exam.skill.certificate_valid_for, [Certification.State.PENDING, Certification.State.GRANTED]
    is_over = valid_for is not None and exam.finished_at + valid_for <= clock.now()
    if is_over or _of(exam.worker, exam.skill).filter(state__in=live).exists():
        return None
    return open_after_exam(exam=exam)


@transaction.atomic
def ask_again(*, worker_id: UUID, skill_id: UUID, revoked_at: datetime, by: Actor) -> Certification | None:
    """Put a certification that was revoked at that time, for a score that has been corrected, before an admin again.

    None where it was not the worker's last: they have asked anew, or were certified, since.
    """
    admission.lock_worker(worker_id)
    rows = Certification.objects.select_related("worker", "skill").filter(worker_id=worker_id, skill_id=skill_id)
    last = rows.order_by("-requested_at", "-id").first()
    if last is None or last.ended_at is None or last.granted_at is None or last.state != Certification.State.REVOKED:
        return None
    if not last.granted_at <= revoked_at <= last.ended_at:
        return None
    return _open(worker=last.worker, skill=last.skill, exam=None, by=by)


@transaction.atomic
def grant_certification(*, certification_id: UUID, by: Actor) -> Certification:
    """Grant a certification that waits for an admin; it replaces the one that it renews."""
    certification = _locked(certification_id)
    certification.decided_by_id = _person_who_decides(certification, by)
    _grant(certification, by=by, why="Granted by an admin.")
    return certification


@transaction.atomic
def deny_certification(*, certification_id: UUID, reason: str, by: Actor) -> Certification:
    """Deny a certification that waits for an admin. The worker reads ``reason``."""
    certification = _locked(certification_id)
    _end_by_a_person(certification, Certification.State.DENIED, reason=reason, by=by)
    return certification


@transaction.atomic
def revoke_certification(*, certification_id: UUID, reason: str, by: Actor) -> Certification:
    """Take a granted certification away. The worker reads ``reason``; the score of that moment is kept beside it."""
    certification = _locked(certification_id)
    _end_by_a_person(certification, Certification.State.REVOKED, reason=reason, by=by)
    announce(CertificationRevoked(**_named(certification)))
    return certification


def expire_due_certifications() -> int:
    """Let every certification whose time is over expire, each in its own transaction; how many there were."""
    due = Certification.objects.filter(state=Certification.State.GRANTED, expires_at__lte=clock.now())
    return sum(_expire(pk) for pk in list(due.order_by("expires_at", "id").values_list("pk", flat=True)))


@transaction.atomic
def _expire(certification_id: UUID) -> bool:
    certification = _locked(certification_id)
    if certification.state != Certification.State.GRANTED:  # renewed or revoked while this waited for the lock
        return False
    certification.ended_at = clock.now()
    by, why = CERTIFICATION_CLOCK, "Its time is over."
    move(certification, Certification.State.EXPIRED, by=by, why=why, fields=["ended_at"])
    announce(CertificationExpired(**_named(certification)))
    return True


def _of(worker: Worker, skill: Skill) -> QuerySet[Certification]:
    return Certification.objects.filter(worker=worker, skill=skill)


def _locked(certification_id: UUID) -> Certification:
    """The certification as it stands once the worker's row is locked: first the worker, then what is theirs."""
    worker_id = Certification.objects.filter(pk=certification_id).values_list("worker_id", flat=True).first()
    if worker_id is None:
        raise NotFound("certification")
    admission.lock_worker(worker_id)
    rows = Certification.objects.select_related("worker", "skill").select_for_update(no_key=True, of=("self",))
    return rows.get(pk=certification_id)


def _open(*, worker: Worker, skill: Skill, exam: Exam | None, by: Actor) -> Certification:
    certification = Certification.objects.create(worker=worker, skill=skill, exam=exam)
    record(action="certification.requested", subject=certification, by=by, to_state=certification.state)
    return certification


def _grant(certification: Certification, *, by: Actor, why: str) -> None:
    now = clock.now()
    renewed = _of(certification.worker, certification.skill).filter(state=Certification.State.GRANTED).first()
    if renewed is not None and certification.state == Certification.State.PENDING:
        renewed.ended_at = now
        move(renewed, Certification.State.EXPIRED, by=by, why="Renewed.", fields=["ended_at"])
    valid_for = certification.skill.certificate_valid_for
    certification.granted_at, certification.expires_at = now, None if valid_for is None else now + valid_for
    fields = ["granted_at", "expires_at", "decided_by"]
    move(certification, Certification.State.GRANTED, by=by, why=why, fields=fields)
    announce(CertificationGranted(**_named(certification)))


def _end_by_a_person(certification: Certification, to: Certification.State, *, reason: str, by: Actor) -> None:
    reason = clean_text(reason, what="reason", longest=LONGEST_REASON, field="reason")
    certification.decided_by_id = _person_who_decides(certification, by)
    certification.reason, certification.ended_at = reason, clock.now()
    fields = ["decided_by", "reason", "ended_at"]
    move(certification, to, by=by, why=certification.reason, fields=fields, details={"score": _score_of(certification)})


def _person_who_decides(certification: Certification, by: Actor) -> UUID:
    refuse_rules(by=by, what="decide about a certification")
    refuse_own_case(by=by, user_id=certification.worker.user_id)
    return UUID(by.id)


def _score_of(certification: Certification) -> dict[str, float] | None:
    score = Score.objects.filter(worker_id=certification.worker_id, skill_id=certification.skill_id).first()
    if score is None:
        return None
    return {name: getattr(score, name) for name in ("correct", "wrong", "estimate", "lower_bound")}


def _named(certification: Certification) -> dict[str, str]:
    return {
        "certification_id": str(certification.pk),
        "worker_id": str(certification.worker_id),
        "skill_id": str(certification.skill_id),
    }
