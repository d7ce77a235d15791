"""What a worker says when each class is true: from gold in exams and in work, with a bound, for admins alone."""

from uuid import uuid4

import pytest

from kernel.services.audit import Actor
from marketplace.services.allocation import claim_task
from qualification.models import Exam
from qualification.services.doubted_gold import doubt, keep
from qualification.services.gold import retire_gold_question
from qualification.statistics.scoring import Score
from tests.kernel.people import made_admin
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import ALWAYS_GOLD, NEVER_GOLD, a_worker, an_open_job, answer, owner_of
from tests.qualification.builders import a_skill, a_user, questions_of
from tests.qualification.builders import a_worker as an_unmeasured_worker

pytestmark = pytest.mark.django_db


def test_answers_to_gold_in_exams_and_in_work_stand_by_what_was_true() -> None:
    job = an_open_job(tasks=3, gold=3, overlap_min=1)
    worker = a_worker(job)  # by an exam of four questions about cats, all answered right
    for animal, chance in (("cat", ALWAYS_GOLD), ("dog", ALWAYS_GOLD), ("dog", NEVER_GOLD)):
        answer(claim_task(worker=worker, job_id=job.pk, chance=chance), animal)

    status, shown = an_admin().get("confusions/", worker=worker.pk, skill=job.skill_id)

    (matrix,) = shown["matrices"]
    cats, dogs = matrix["classes"]
    assert (status, matrix["choices"]) == (200, ["cat", "dog"])
    assert [(said["choice"], said["times"]) for said in cats["said"]] == [("cat", 5), ("dog", 1)]
    assert (cats["answers"], dogs["answers"]) == (6, 0)
    assert cats["right_at_least"] == Score(correct=5, wrong=1).lower_bound()
    assert [said["likely"] for said in cats["said"]] == [6.5 / 8, 1.5 / 8]
    assert [said["likely"] for said in dogs["said"]] == [0.25, 0.75]
    assert dogs["right_at_least"] == Score().lower_bound()


def test_gold_that_is_retired_tells_nothing_any_more() -> None:
    job = an_open_job(tasks=1, gold=1, overlap_min=1)
    worker = a_worker(job)
    turn = answer(claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD), "dog")
    question = turn.task.gold_question_id
    assert question is not None

    retire_gold_question(gold_question_id=question, why="It is a dog.", by=Actor.system("test"))

    shown = an_admin().get("confusions/", worker=worker.pk, skill=job.skill_id)[1]
    assert [row["answers"] for row in shown["matrices"][0]["classes"]] == [4, 0]


def test_gold_that_is_doubted_tells_nothing_until_a_person_has_kept_it() -> None:
    job = an_open_job(tasks=1, gold=1, overlap_min=1)
    worker = a_worker(job)
    turn = answer(claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD), "dog")
    asked = questions_of(Exam.objects.get(worker=worker))[0]
    question, by = turn.task.gold_question_id, Actor.system("test")
    assert question is not None

    def answers() -> int:
        shown = an_admin().get("confusions/", worker=worker.pk, skill=job.skill_id)[1]
        return int(shown["matrices"][0]["classes"][0]["answers"])

    doubt(gold_question_id=question, why="Good workers miss it.", by=by)
    assert answers() == 4
    doubt(gold_question_id=asked, why="Good workers miss it.", by=by)
    assert answers() == 3
    keep(gold_question_id=question, why="It is a cat.", by=by)
    keep(gold_question_id=asked, why="It is a cat.", by=by)
    assert answers() == 5


def test_without_gold_there_is_nothing_and_only_admins_and_auditors_read_it() -> None:
    worker, skill = an_unmeasured_worker(), a_skill()
    asked = {"worker": worker.pk, "skill": skill.pk}

    assert Person(made_admin(a_user(), "auditor")).get("confusions/", **asked)[1]["matrices"] == []
    job = an_open_job()
    for person in (Person(worker.user), Person(owner_of(job.client))):
        assert code_of(person.get("confusions/", **asked)) == (403, "not_allowed")
    assert code_of(an_admin().get("confusions/", worker=worker.pk)) == (400, "invalid")


@pytest.mark.parametrize("unknown", ["worker", "skill"])
def test_of_a_worker_or_a_skill_that_is_not_there_nothing_is_said(unknown: str) -> None:
    asked = {"worker": an_unmeasured_worker().pk, "skill": a_skill().pk, unknown: uuid4()}

    assert an_admin().get("confusions/", **asked) == (
        404,
        {"code": "not_found", "message": f"There is no such {unknown}."},
    )
