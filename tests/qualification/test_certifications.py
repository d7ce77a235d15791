"""Certifications: who may grant, deny and revoke them, and how they end."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from qualification.models import Certification, Score, Skill
from qualification.queries import is_certified
from qualification.services import admission
from qualification.services.certifications import (
    ExamDecides,
    deny_certification,
    expire_due_certifications,
    grant_certification,
    request_certification,
    revoke_certification,
)
from tests.qualification.builders import a_certification, a_finished_exam, a_skill, a_worker, an_admin
from workforce.services.persons import OwnCase, PersonDecides

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def a_waiting_certification() -> Certification:
    return a_certification(a_worker(), a_skill(grants_by=Skill.Grant.BOTH))


def test_a_skill_by_both_waits_for_an_admin_after_the_exam() -> None:
    certification = a_waiting_certification()
    assert certification.state == "pending"
    assert not is_certified(worker_id=certification.worker_id, skill_id=certification.skill_id)

    admin = an_admin()
    granted = grant_certification(certification_id=certification.pk, by=admin)

    assert (granted.state, str(granted.decided_by_id)) == ("granted", admin.id)
    assert is_certified(worker_id=certification.worker_id, skill_id=certification.skill_id)


@pytest.mark.parametrize("grants_by", [Skill.Grant.BOTH, Skill.Grant.ADMIN])
def test_an_exam_cannot_be_taken_while_a_request_waits(grants_by: Skill.Grant) -> None:
    worker, skill = a_worker(), a_skill(grants_by=grants_by)
    a_certification(worker, skill)

    with pytest.raises(admission.CertificationPending):
        a_finished_exam(worker, skill, right=4)


def test_a_skill_by_admins_is_asked_for_once() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.ADMIN, questions=0, bank=0)

    first = request_certification(worker=worker, skill_id=skill.pk)
    second = request_certification(worker=worker, skill_id=skill.pk)

    assert (first, first.state, first.exam) == (second, "pending", None)


def test_a_skill_with_an_exam_is_not_granted_on_request() -> None:
    with pytest.raises(ExamDecides, match="Animals is certified through its exam"):
        request_certification(worker=a_worker(), skill_id=a_skill().pk)


def test_a_denied_certification_has_a_reason_and_may_be_tried_again_later() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.ADMIN, questions=0, bank=0)
    request = request_certification(worker=worker, skill_id=skill.pk)

    denied = deny_certification(certification_id=request.pk, reason="  Please send a sample first. ", by=an_admin())

    assert (denied.state, denied.reason, denied.granted_at) == ("denied", "Please send a sample first.", None)
    with pytest.raises(admission.RetryLater, match="Your certification for Animals was denied"):
        request_certification(worker=worker, skill_id=skill.pk)
    with clock.ahead_by(DAY):
        assert request_certification(worker=worker, skill_id=skill.pk).state == "pending"


@pytest.mark.parametrize("reason", ["", "   ", "\u200b"])
@pytest.mark.parametrize("verb", [deny_certification, revoke_certification])
def test_an_adverse_decision_needs_a_reason(verb: Any, reason: str) -> None:
    certification = a_waiting_certification()

    with pytest.raises(Invalid):
        verb(certification_id=certification.pk, reason=reason, by=an_admin())

    certification.refresh_from_db()
    assert certification.state == "pending"


def test_a_revoked_certification_no_longer_counts_and_keeps_the_score_of_that_moment() -> None:
    certification = a_certification(a_worker(), a_skill())

    revoked = revoke_certification(certification_id=certification.pk, reason="Answers were copied.", by=an_admin())

    score = Score.objects.get(worker=certification.worker)
    assert (revoked.state, revoked.reason) == ("revoked", "Answers were copied.")
    assert not is_certified(worker_id=certification.worker_id, skill_id=certification.skill_id)
    audited = AuditEvent.objects.get(action="certification.revoked")
    assert audited.details["score"] == {
        "correct": 4.0,
        "wrong": 0.0,
        "estimate": score.estimate,
        "lower_bound": score.lower_bound,
    }


def test_after_a_revocation_a_passed_exam_waits_for_an_admin() -> None:
    worker, skill = a_worker(), a_skill()
    first = a_certification(worker, skill)
    revoke_certification(certification_id=first.pk, reason="Answers were copied.", by=an_admin())

    with pytest.raises(admission.RetryLater, match="Your certification for Animals was revoked"):
        a_certification(worker, skill)
    with clock.ahead_by(DAY):
        second = a_certification(worker, skill)

    assert second.state == "pending"


def test_only_a_person_decides() -> None:
    certification = a_waiting_certification()

    with pytest.raises(PersonDecides):
        grant_certification(certification_id=certification.pk, by=Actor.system("robot"))


@pytest.mark.parametrize("verb", ["grant", "deny", "revoke"])
def test_nobody_decides_for_themselves(verb: Any) -> None:
    certification = a_waiting_certification()
    oneself = Actor("user", str(certification.worker.user_id))

    with pytest.raises(OwnCase):
        decide(verb, certification, by=oneself)


def test_the_database_lets_nobody_decide_for_themselves() -> None:
    certification = a_waiting_certification()

    with pytest.raises(IntegrityError, match="Nobody decides a certification of their own"):
        Certification.objects.filter(pk=certification.pk).update(decided_by=certification.worker.user_id)


@pytest.mark.parametrize(
    ("done", "then", "possible"),
    [
        ("grant", "grant", "expired, revoked"),
        ("grant", "deny", "expired, revoked"),
        ("deny", "grant", "it cannot change any more"),
        ("deny", "revoke", "it cannot change any more"),
    ],
)
def test_a_decision_stands(done: str, then: str, possible: str) -> None:
    certification = a_waiting_certification()
    decide(done, certification, by=an_admin())

    with pytest.raises(WrongState, match=possible):
        decide(then, certification, by=an_admin())


def decide(verb: str, certification: Certification, *, by: Actor) -> Certification:
    if verb == "grant":
        return grant_certification(certification_id=certification.pk, by=by)
    decided = {"deny": deny_certification, "revoke": revoke_certification}[verb]
    return decided(certification_id=certification.pk, reason="For a good reason.", by=by)


def test_a_certification_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound, match="There is no such certification"):
        grant_certification(certification_id=uuid4(), by=an_admin())


def test_a_certification_stops_counting_at_its_very_end_before_the_clock_comes_round() -> None:
    certification = a_certification(a_worker(), a_skill())
    assert certification.expires_at is not None
    left = certification.expires_at - clock.now()

    with clock.ahead_by(left - timedelta(seconds=5)):
        assert is_certified(worker_id=certification.worker_id, skill_id=certification.skill_id)
        assert expire_due_certifications() == 0
    with clock.ahead_by(left):
        assert not is_certified(worker_id=certification.worker_id, skill_id=certification.skill_id)
        assert expire_due_certifications() == 1
        assert expire_due_certifications() == 0

    certification.refresh_from_db()
    assert certification.state == "expired"


def test_a_renewal_that_waits_leaves_the_certification_as_it_is() -> None:
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.BOTH)
    first = a_certification(worker, skill)
    grant_certification(certification_id=first.pk, by=an_admin())

    with clock.ahead_by(350 * DAY):
        renewal = a_certification(worker, skill)
        assert is_certified(worker_id=worker.pk, skill_id=skill.pk)
        grant_certification(certification_id=renewal.pk, by=an_admin())

    assert [c.state for c in Certification.objects.order_by("requested_at")] == ["expired", "granted"]


def test_the_database_keeps_one_granted_certification() -> None:
    certification = a_certification(a_worker(), a_skill())

    with pytest.raises(IntegrityError, match="one_granted_certification_per_skill"):
        Certification.objects.create(
            worker=certification.worker, skill=certification.skill, state="granted", granted_at=clock.now()
        )
