"""Escalations and the audit trail over HTTP: for admins, who decide nothing that is their own."""

from typing import Any

import pytest

from kernel.services.audit import Actor
from marketplace.models import Escalation, Job
from marketplace.services.escalations import open_escalation
from qualification.models import Certification
from tests.kernel.people import made_admin
from tests.marketplace.api_people import Person, an_admin, code_of, somebody
from tests.marketplace.builders import a_submitted_answer, a_worker, an_open_job, owner_of, the_escalation
from tests.qualification.builders import a_certification, a_skill, a_user, an_answer
from tests.qualification.builders import a_worker as an_uncertified_worker
from workforce.models import Worker

pytestmark = pytest.mark.django_db

NO_ESCALATION = (404, {"code": "not_found", "message": "There is no such escalation."})


def a_disagreement(job: Job | None = None) -> Escalation:
    job = job or an_open_job(overlap_min=2, overlap_max=2)
    first = a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    return the_escalation(first.task_id)


def a_fallen_score() -> tuple[Escalation, Certification]:
    worker, skill = an_uncertified_worker(), a_skill()
    certification = a_certification(worker, skill)
    escalation = open_escalation(
        kind=Escalation.Kind.DECERTIFICATION,
        by=Actor.system("scoring"),
        why="the score fell",
        worker_id=worker.pk,
        subject=f"skill:{skill.pk}",
        details={"lower_bound": 0.4, "floor": 0.7},
    )
    return escalation, certification


def a_failed_payout(worker: Worker) -> Escalation:
    return open_escalation(
        kind=Escalation.Kind.FAILED_PAYOUT,
        by=Actor.system("payouts"),
        why="the account was closed",
        worker_id=worker.pk,
        subject="payout:5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d",
        details={"amount_minor": 500, "currency": "USD"},
    )


def decision_at(escalation: Escalation) -> str:
    return f"escalations/{escalation.pk}/decision/"


def test_escalations_are_for_admins_alone() -> None:
    escalation = a_disagreement()
    assert escalation.job

    for person in (somebody(), Person(owner_of(escalation.job.client)), Person(a_worker(escalation.job).user)):
        assert code_of(person.get("escalations/")) == (403, "not_allowed")
        assert code_of(person.get(f"escalations/{escalation.pk}/")) == (403, "not_allowed")
        for step in ("claim", "release", "decision"):
            assert code_of(person.post(f"escalations/{escalation.pk}/{step}/")) == (403, "not_allowed")
        assert code_of(person.get("audit-events/")) == (403, "not_allowed")


def test_they_are_listed_by_when_they_are_due_and_found_by_kind_state_and_owner() -> None:
    disagreement, (fallen, _), failed = a_disagreement(), a_fallen_score(), a_failed_payout(an_uncertified_worker())
    admin = an_admin()
    admin.post(f"escalations/{fallen.pk}/claim/")

    def ids(**query: object) -> list[str]:
        return [row["id"] for row in admin.every("escalations/", limit=2, **query)]

    assert ids() == [str(failed.pk), str(disagreement.pk), str(fallen.pk)]
    assert ids(kind="no_consensus") == ids(job=disagreement.job_id) == [str(disagreement.pk)]
    assert ids(state="claimed") == ids(mine="true") == [str(fallen.pk)]
    assert an_admin().every("escalations/", mine="true") == []


def test_a_disagreement_shows_task_and_answers_and_nobody_by_name() -> None:
    escalation = a_disagreement()
    assert escalation.task

    status, shown = an_admin().get(f"escalations/{escalation.pk}/")

    turns = list(escalation.task.assignments.order_by("submitted_at").select_related("worker"))
    assert (status, set(shown["matter"])) == (
        200,
        {"item", "instructions", "label_schema", "confidence", "confidence_low", "confidence_high", "answers"},
    )
    assert [(row["assignment"], row["result"]) for row in shown["matter"]["answers"]] == [
        (str(turns[0].pk), an_answer("cat")),
        (str(turns[1].pk), an_answer("dog")),
    ]
    assert set(shown["matter"]["answers"][0]) == {
        "assignment",
        "version",
        "result",
        "seconds",
        "submitted_at",
        "differs",
    }
    assert not any(str(turn.worker_id) in str(shown) for turn in turns)
    assert an_admin().get("escalations/00000000-0000-4000-8000-000000000000/") == NO_ESCALATION


def test_one_admin_at_a_time_decides() -> None:
    escalation = a_disagreement()
    first, second, at = an_admin(), an_admin(), f"escalations/{escalation.pk}/"
    decision = {"result": an_answer("dog"), "note": "It barks."}

    assert first.post(f"{at}claim/")[1]["state"] == "claimed"
    assert code_of(second.post(f"{at}claim/")) == (409, "wrong_state")
    assert code_of(second.post(f"{at}release/")) == (409, "not_yours_to_decide")
    assert code_of(second.post(f"{at}decision/", decision)) == (409, "not_yours_to_decide")
    assert first.post(f"{at}release/")[1]["claimed_by"] is None
    status, decided = second.post(f"{at}decision/", decision)
    assert second.user
    assert (status, decided["state"], decided["decided_by"]) == (201, "decided", str(second.user.pk))
    assert (decided["decision"], decided["note"]) == ("resolved", "It barks.")
    assert code_of(first.post(f"{at}decision/", decision)) == (409, "wrong_state")


@pytest.mark.parametrize(
    "decision",
    [
        {"decision": "keep", "note": "Fine."},
        {"result": [], "decision": "keep", "note": "Fine."},
        {"note": "Fine."},
    ],
)
def test_a_disagreement_is_decided_with_an_answer(decision: dict[str, Any]) -> None:
    escalation = a_disagreement()

    status, refusal = an_admin().post(decision_at(escalation), decision)

    assert (status, refusal["errors"][0]["field"]) == (400, "result")
    assert code_of(an_admin().post(decision_at(escalation), {"result": an_answer("horse")})) == (400, "invalid_answer")
    escalation.refresh_from_db()
    assert escalation.state == "open"


@pytest.mark.parametrize(("decision", "state"), [("keep", "granted"), ("revoke", "revoked")])
def test_a_fallen_score_shows_what_it_rests_on_and_a_person_decides(decision: str, state: str) -> None:
    escalation, certification = a_fallen_score()
    admin = an_admin()

    _, shown = admin.get(f"escalations/{escalation.pk}/")
    wordless = admin.post(decision_at(escalation), {"decision": decision})
    unfit = admin.post(decision_at(escalation), {"decision": "noted", "note": "Seen."})
    status, decided = admin.post(decision_at(escalation), {"decision": decision, "note": "Four of four in the exam."})

    matter = shown["matter"]
    assert (matter["worker"], matter["skill_name"]) == (str(escalation.worker_id), "Animals")
    assert (matter["fell_to"], matter["floor"], matter["certification"]["state"]) == (0.4, 0.7, "granted")
    assert [(row["source"], row["correct"]) for row in matter["evidence"]] == [("exam", True)] * 4
    assert code_of(wordless) == code_of(unfit) == (400, "invalid")
    assert (status, decided["decision"]) == (201, decision)
    certification.refresh_from_db()
    assert certification.state == state


def test_a_failed_payout_is_noted() -> None:
    escalation = a_failed_payout(an_uncertified_worker())
    admin = an_admin()

    status, shown = admin.get(f"escalations/{escalation.pk}/")
    decided = admin.post(decision_at(escalation), {"decision": "noted", "note": "The account was closed; they know."})

    assert (status, shown["matter"]) == (
        200,
        {"payout": "5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d", "amount_minor": 500, "currency": "USD"},
    )
    assert (decided[0], decided[1]["state"], decided[1]["decision"]) == (201, "decided", "noted")


def test_nobody_decides_what_they_are_a_party_to() -> None:
    job = an_open_job(overlap_min=2, overlap_max=2)
    escalation, owner = a_disagreement(job), owner_of(job.client)
    made_admin(owner, "escalations")

    refused = Person(owner).post(decision_at(escalation), {"result": an_answer("cat"), "note": "It is."})

    assert code_of(refused) == (409, "not_yours_to_decide")


def test_a_decision_sent_twice_under_one_key_is_made_once() -> None:
    escalation, admin = a_disagreement(), an_admin()
    decision = {"result": an_answer("dog"), "note": "It barks."}

    first = admin.post(decision_at(escalation), decision, key="d1")

    assert first[0] == 201
    assert admin.post(decision_at(escalation), decision, key="d1") == first


def test_the_audit_trail_is_found_by_subject_action_and_actor() -> None:
    job = an_open_job()
    owner, admin = owner_of(job.client), an_admin()
    a_user()

    (opened,) = admin.every("audit-events/", subject=job.pk, action="job.open")

    assert opened | {"id": 0, "at": "", "tx": 0} == {
        "id": 0,
        "at": "",
        "tx": 0,
        "actor_kind": "user",
        "actor": str(owner.pk),
        "action": "job.open",
        "subject_type": "marketplace.job",
        "subject": str(job.pk),
        "from_state": "draft",
        "to_state": "open",
        "why": "launched",
        "details": {"held_minor": 36, "currency": "USD", "tasks": 1},
    }
    rows = admin.every("audit-events/", actor=owner.pk, limit=2)
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert {row["action"] for row in admin.every("audit-events/", subject=job.pk)} == {
        "job.posted",
        "job.tasks_imported",
        "job.open",
    }
    assert code_of(admin.get("audit-events/", why="x")) == (400, "invalid")
