"""Skills, label schemas and gold over HTTP: who makes them, who reads them, and what is refused."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from qualification.models import GoldQuestion, Skill
from tests.qualification.builders import ANIMALS, a_skill, a_user, a_worker, an_answer
from tests.qualification.callers import API, Caller, an_admin_calling

pytestmark = pytest.mark.django_db

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
