"""Qualification over HTTP: who may do what, what they read of it, and what they never read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from kernel import clock
from kernel.models import User
from kernel.scopes import SCOPES
from kernel.services.access import create_api_key
from kernel.services.audit import Actor
from qualification.models import Certification, GoldQuestion, Skill
from qualification.services.scoring import record_gold
from qualification.statistics import scoring as posterior
from tests.kernel.people import made_admin
from tests.qualification.builders import (
    ANIMALS,
    a_certification,
    a_finished_exam,
    a_skill,
    a_started_exam,
    a_user,
    a_worker,
    an_answer,
)
from workforce.services.standing import offboard_worker

pytestmark = pytest.mark.django_db

API = "/api/v1"
DAY = timedelta(days=1)
SKILL: Mapping[str, Any] = {
    "slug": "animals",
    "name": "Animals",
    "grants_by": "score",
    "exam": {
        "questions": 2,
        "pass_mark_basis_points": 5000,
        "time_limit_seconds": 600,
        "retry_after_seconds": 3600,
        "unpaid_limit": 20,
    },
    "certificate_valid_seconds": 86400,
}


class Caller:
    """Somebody who is signed in by an API key."""

    def __init__(self, user: User) -> None:
        expires_at = clock.now() + DAY
        by = Actor.user(user)
        self.token = create_api_key(user=user, name="test", scopes=SCOPES, expires_at=expires_at, by=by)[1]

    def get(self, path: str) -> tuple[int, Any]:
        answer = Client().get(f"{API}{path}", headers={"Authorization": f"Bearer {self.token}"})
        return answer.status_code, answer.json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        answer = Client().post(f"{API}{path}", body or {}, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()


def an_admin_calling() -> Caller:
    return Caller(a_user(is_staff=True))


def a_gold_body(skill_id: str, *texts: str) -> Mapping[str, Any]:
    questions = [{"item": {"text": text}, "result": an_answer("cat"), "reason": "Only cats meow."} for text in texts]
    return {"skill": skill_id, "label_schema": ANIMALS, "questions": questions}


def test_from_a_new_skill_to_a_certification() -> None:
    admin, worker = an_admin_calling(), a_worker()
    caller = Caller(worker.user)
    _, skill = admin.post("/skills/", SKILL)
    admin.post("/gold-questions/", a_gold_body(skill["id"], "Meow.", "Purr.", "Mew."))

    status, exam = caller.post("/exams/", {"skill": skill["id"]})
    assert (status, exam["state"], exam["question_count"]) == (201, "started", 2)
    for question in exam["questions"]:
        answer = {"position": question["position"], "result": an_answer("cat")}
        assert caller.post(f"/exams/{exam['id']}/answers/", answer)[0] == 201
    status, finished = caller.post(f"/exams/{exam['id']}/finish/")
    _, certifications = caller.get("/certifications/")

    assert (status, finished["state"], finished["score_basis_points"]) == (200, "passed", 10_000)
    assert [(c["skill"], c["state"], c["exam"]) for c in certifications["results"]] == [
        (skill["id"], "granted", exam["id"])
    ]


def test_a_skill_is_made_by_admins_and_read_by_all_who_are_signed_in() -> None:
    status, made = an_admin_calling().post("/skills/", SKILL)
    stranger = Caller(a_user())

    assert status == 201
    assert made == {"id": made["id"], "description": "", **SKILL}
    assert stranger.get(f"/skills/{made['id']}/") == (200, made)
    assert stranger.get("/skills/") == (200, {"results": [made], "next_cursor": None})
    assert stranger.post("/skills/", SKILL)[0] == 403
    assert Client().get(f"{API}/skills/").status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "Two Words"}, "slug"),
        ({"grants_by": "luck"}, "grants_by"),
        ({"certificate_valid_seconds": -1}, "certificate_valid_seconds"),
        ({"certificate_valid_seconds": 10**12}, "certificate_valid_seconds"),
        ({"exam": {**SKILL["exam"], "questions": True}}, "exam.questions"),
        ({"exam": {**SKILL["exam"], "pass_mark_basis_points": 10_001}}, "exam.pass_mark_basis_points"),
        ({"exam": {**SKILL["exam"], "unpaid_limit": 1}}, "exam.unpaid_limit"),
        ({"exam": {**SKILL["exam"], "free": 1}}, "exam.free"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
    ],
)
def test_rules_that_make_no_skill_are_refused_by_field(change: Mapping[str, Any], field: str) -> None:
    status, answer = an_admin_calling().post("/skills/", {**SKILL, **change})

    assert (status, [error["field"] for error in answer["errors"]]) == (400, [field])
    assert not Skill.objects.exists()


def test_the_same_key_makes_a_skill_once() -> None:
    admin = an_admin_calling()

    first, second = admin.post("/skills/", SKILL, key="one"), admin.post("/skills/", SKILL, key="one")

    assert first == second
    assert admin.post("/skills/", SKILL)[1]["code"] == "skill_exists"


def test_a_label_schema_is_checked_without_being_kept() -> None:
    caller = Caller(a_user())

    status, checked = caller.post("/label-schemas/check/", {"xml": ANIMALS})
    refused = caller.post("/label-schemas/check/", {"xml": "<View>\n\n<Brush/></View>"})

    assert (status, checked["needs"], [part["tag"] for part in checked["parts"]]) == (
        200,
        {"text": "Text"},
        ["Text", "Choices"],
    )
    assert (refused[0], refused[1]["code"], [error["line"] for error in refused[1]["errors"]]) == (
        400,
        "invalid_schema",
        [3],
    )


@pytest.mark.parametrize("xml", ["<!DOCTYPE x [<!ENTITY a 'b'>]><View/>", "<View>" * 20_000, "", 7, None, ["<View/>"]])
def test_hostile_or_empty_schemas_are_refused(xml: object) -> None:
    assert Caller(a_user()).post("/label-schemas/check/", {"xml": xml})[0] == 400


def test_a_label_schema_is_found_by_its_id() -> None:
    skill = a_skill()
    schema = GoldQuestion.objects.filter(skill=skill)[0].label_schema

    status, shown = Caller(a_user()).get(f"/label-schemas/{schema.pk}/")

    assert (status, shown["id"], shown["xml"]) == (200, str(schema.pk), ANIMALS)
    assert Caller(a_user()).get(f"/label-schemas/{uuid4()}/")[0] == 404


def test_gold_is_for_admins_only() -> None:
    skill = a_skill()
    gold = GoldQuestion.objects.filter(skill=skill)[0]

    for caller in (Caller(a_user()), Caller(a_worker().user)):
        assert caller.get("/gold-questions/")[0] == 403
        assert caller.post("/gold-questions/", a_gold_body(str(skill.pk), "Meow."))[0] == 403
        assert caller.post(f"/gold-questions/{gold.pk}/retire/", {"reason": "No."})[0] == 403


def test_gold_is_added_whole_or_not_at_all() -> None:
    admin, skill = an_admin_calling(), a_skill(bank=0)
    body = a_gold_body(str(skill.pk), "Meow.", "Purr.", "Meow.")

    status, answer = admin.post("/gold-questions/", body)

    assert (status, answer["code"]) == (400, "invalid_gold")
    assert answer["errors"] == [{"row": 3, "message": "This item is in the exam's bank already, or stands here twice."}]
    assert not GoldQuestion.objects.exists()


def test_admins_list_gold_by_skill_and_retire_it() -> None:
    admin, skill, _ = an_admin_calling(), a_skill(bank=3), a_skill(bank=2)
    _, listed = admin.get(f"/gold-questions/?skill={skill.pk}&for_exam=true&retired=false")
    first = listed["results"][0]

    status, retired = admin.post(f"/gold-questions/{first['id']}/retire/", {"reason": "Two answers are right."})
    _, left = admin.get(f"/gold-questions/?skill={skill.pk}&retired=false")

    assert len(listed["results"]) == 3
    assert (status, retired["id"], retired["retired_at"] is not None) == (200, first["id"], True)
    assert len(left["results"]) == 2


def test_an_exam_shows_tasks_and_nothing_about_their_answers() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())

    _, shown = Caller(worker.user).get(f"/exams/{exam.pk}/")

    assert set(shown) == {
        "id",
        "skill",
        "state",
        "question_count",
        "pass_mark_basis_points",
        "started_at",
        "due_at",
        "finished_at",
        "score_basis_points",
        "retry_at",
        "questions",
        "label_schemas",
        "misses",
    }
    assert [set(question) for question in shown["questions"]] == [{"position", "item", "label_schema", "answered"}] * 4
    assert [set(question["item"]) for question in shown["questions"]] == [{"text"}] * 4
    assert [schema["xml"] for schema in shown["label_schemas"]] == [ANIMALS]
    assert shown["misses"] is None


def test_an_answer_does_not_tell_whether_it_is_right() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())
    caller = Caller(worker.user)

    answers = [
        caller.post(f"/exams/{exam.pk}/answers/", {"position": position, "result": an_answer(animal)})
        for position, animal in ((1, "cat"), (2, "dog"))
    ]
    again = caller.post(f"/exams/{exam.pk}/answers/", {"position": 1, "result": an_answer("cat")})
    _, shown = caller.get(f"/exams/{exam.pk}/")

    assert [(status, set(answer)) for status, answer in answers] == [(201, {"position", "answered_at"})] * 2
    assert (again[0], again[1]["code"]) == (409, "already_answered")
    assert [question["answered"] for question in shown["questions"]] == [True, True, False, False]


@pytest.mark.parametrize(
    "result", [None, "cat", {}, [[]], [{"from_name": "animal"}], an_answer("cow"), an_answer("cat") * 2]
)
def test_an_answer_that_means_nothing_is_refused(result: object) -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())

    status, _ = Caller(worker.user).post(f"/exams/{exam.pk}/answers/", {"position": 1, "result": result})

    assert status == 400


def test_a_finished_exam_explains_its_misses_and_shows_no_question_again() -> None:
    worker = a_worker()
    exam = a_finished_exam(worker, a_skill(bank=12), right=2)

    _, shown = Caller(worker.user).get(f"/exams/{exam.pk}/")

    assert (shown["state"], shown["score_basis_points"], shown["questions"], shown["label_schemas"]) == (
        "failed",
        5_000,
        [],
        [],
    )
    assert [(miss["position"], miss["reason"]) for miss in shown["misses"]] == [
        (3, "Only cats meow."),
        (4, "Only cats meow."),
    ]
    assert shown["retry_at"] is not None


def test_a_small_bank_explains_nothing() -> None:
    worker = a_worker()
    exam = a_finished_exam(worker, a_skill(bank=11), right=2)

    _, shown = Caller(worker.user).get(f"/exams/{exam.pk}/")

    assert (shown["state"], shown["misses"]) == ("failed", None)


def test_the_exam_of_another_is_not_there() -> None:
    exam, other = a_started_exam(a_worker(), a_skill()), Caller(a_worker().user)

    answer = {"position": 1, "result": an_answer("cat")}
    assert other.get(f"/exams/{exam.pk}/")[0] == 404
    assert other.post(f"/exams/{exam.pk}/answers/", answer)[0] == 404
    assert other.post(f"/exams/{exam.pk}/finish/")[0] == 404
    assert other.get("/exams/") == (200, {"results": [], "next_cursor": None})


def test_only_workers_take_exams() -> None:
    skill = a_skill()

    status, answer = Caller(a_user()).post("/exams/", {"skill": str(skill.pk)})

    assert (status, answer["message"]) == (
        403,
        "Only a worker may do this. Apply to become one at /api/v1/applications/.",
    )


def test_the_prospect_says_what_is_possible_and_from_when_on() -> None:
    worker, skill = a_worker(), a_skill(unpaid_limit=40)
    caller = Caller(worker.user)
    before = caller.get(f"/skills/{skill.pk}/prospect/")
    exam = a_finished_exam(worker, skill, right=0)
    assert exam.retry_at is not None

    after = caller.get(f"/skills/{skill.pk}/prospect/")

    possible = {"may_start_exam": True, "may_ask_admin": False, "code": "", "message": "", "unpaid_limit": 40}
    assert before == (200, {**possible, "unpaid_questions_asked": 0})
    assert after == (
        200,
        {
            "may_start_exam": False,
            "may_ask_admin": False,
            "code": "retry_later",
            "message": "Your last exam in Animals was failed. "
            f"You may try again from {exam.retry_at:%Y-%m-%d %H:%M} UTC on.",
            "unpaid_questions_asked": 4,
            "unpaid_limit": 40,
        },
    )


def test_a_certification_is_asked_for_granted_and_revoked() -> None:
    admin, worker = an_admin_calling(), a_worker()
    caller, skill = Caller(worker.user), a_skill(grants_by=Skill.Grant.ADMIN, questions=0, bank=0)
    _, asked = caller.post("/certifications/", {"skill": str(skill.pk)})

    steps = [
        admin.post(f"/certifications/{asked['id']}/grant/"),
        admin.post(f"/certifications/{asked['id']}/deny/", {"reason": "Too late."}),
        admin.post(f"/certifications/{asked['id']}/revoke/", {"reason": "Answers were copied."}),
    ]

    assert [(status, answer.get("state") or answer["code"]) for status, answer in steps] == [
        (200, "granted"),
        (409, "wrong_state"),
        (200, "revoked"),
    ]
    assert caller.get(f"/certifications/{asked['id']}/")[1]["reason"] == "Answers were copied."


def test_workers_see_their_own_certifications_and_decide_none() -> None:
    mine, others = a_certification(a_worker(), a_skill()), a_certification(a_worker(), a_skill())
    caller, admin = Caller(mine.worker.user), an_admin_calling()

    _, own = caller.get("/certifications/")
    _, every = admin.get("/certifications/")
    _, one = admin.get(f"/certifications/?worker={others.worker_id}&state=granted&skill={others.skill_id}")

    assert [c["id"] for c in own["results"]] == [str(mine.pk)]
    assert [c["id"] for c in every["results"]] == [str(others.pk), str(mine.pk)]
    assert [c["id"] for c in one["results"]] == [str(others.pk)]
    assert caller.get(f"/certifications/{others.pk}/")[0] == 404
    assert caller.get(f"/certifications/?worker={others.worker_id}")[1]["results"] == []
    assert caller.post(f"/certifications/{others.pk}/grant/")[0] == 403
    assert Caller(a_user()).get("/certifications/")[1]["results"] == []


def test_an_admin_who_worked_once_does_not_decide_for_themselves() -> None:
    certification = a_certification(a_worker(), a_skill(grants_by=Skill.Grant.BOTH))
    user = certification.worker.user
    offboard_worker(worker_id=certification.worker_id, why="Joins the staff.", by=Actor.user(a_user(is_staff=True)))
    made_admin(user, "certification")

    status, answer = Caller(user).post(f"/certifications/{certification.pk}/grant/")

    assert (status, answer["code"]) == (409, "own_case")
    assert Certification.objects.get().state == "pending"


def test_a_score_shows_hidden_gold_to_its_worker_only_from_midnight_on() -> None:
    worker, skill = a_worker(), a_skill()
    a_finished_exam(worker, skill, right=3)
    record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=True, subject="assignment:1")
    counts = {"skill": str(skill.pk), "exam_correct": 3, "exam_wrong": 1, "work_wrong": 0}

    with_exam, with_work = posterior.Score(correct=3, wrong=1), posterior.Score(correct=4, wrong=1)
    _, today = Caller(worker.user).get("/scores/me/")
    with clock.ahead_by(DAY):
        _, tomorrow = Caller(worker.user).get("/scores/me/")

    bounds = {"estimate": with_exam.mean, "lower_bound": with_exam.lower_bound()}
    assert today["results"] == [{**counts, "work_correct": 0, **bounds}]
    bounds = {"estimate": with_work.mean, "lower_bound": with_work.lower_bound()}
    assert tomorrow["results"] == [{**counts, "work_correct": 1, **bounds}]


def test_admins_see_scores_as_they_stand_and_workers_only_their_own() -> None:
    worker, skill = a_worker(), a_skill(bank=0)
    score = record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=True, subject="assignment:1")

    _, seen = an_admin_calling().get(f"/scores/?worker={worker.pk}&skill={skill.pk}")

    assert [(s["worker"], s["correct"], s["lower_bound"]) for s in seen["results"]] == [
        (str(worker.pk), 1.0, score.lower_bound)
    ]
    assert Caller(worker.user).get("/scores/")[0] == 403
    assert Caller(a_worker().user).get("/scores/me/")[1]["results"] == []
