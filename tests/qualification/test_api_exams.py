"""Exams, certifications and scores over HTTP: who may do what, what they read of it, and what they never read."""

import pytest

from kernel import clock
from kernel.services.audit import Actor
from qualification.models import Certification, Skill
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
from tests.qualification.callers import DAY, Caller, an_admin_calling
from workforce.services.standing import offboard_worker

pytestmark = pytest.mark.django_db


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
    counts = {"skill": str(skill.pk), "skill_name": "Animals", "exam_correct": 3, "exam_wrong": 1, "work_wrong": 0}

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
