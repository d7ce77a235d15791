"""Gold that was wrong: exams and scores end as if it had never been asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.models import AuditEvent, User
from kernel.services.audit import Actor
from qualification.models import Certification, Exam, ExamRemark, GoldQuestion, GoldRecall, Score, ScoreFall, Skill
from qualification.queries import explained_misses, scores_for_their_worker
from qualification.services.certifications import revoke_certification
from qualification.services.exams import finish_exam, mark_anew
from qualification.services.recalls import exams_that_asked, recall_question
from qualification.services.scoring import record_gold, withdraw_evidence
from tests.qualification.builders import (
    a_certification,
    a_finished_exam,
    a_skill,
    a_started_exam,
    a_user,
    a_worker,
    an_admin,
    answer_all,
    questions_of,
)
from workforce.models import Worker

pytestmark = pytest.mark.django_db

BY = Actor.system("test")


def an_operator() -> User:
    return a_user(is_staff=True)


def a_recall(question_id: Any) -> GoldRecall:
    return recall_question(gold_question_id=question_id, why="Two answers are right.", by=an_operator())


def recall_from(exam: Exam, position: int) -> GoldRecall:
    """Recall the question that stood there in an exam, and mark all exams that asked it anew."""
    recall = a_recall(questions_of(exam)[position - 1])
    for exam_id, worker_id in exams_that_asked(recall):
        mark_anew(exam_id=exam_id, worker_id=worker_id, recall=recall, by=BY)
    return recall


def sums(worker: Worker) -> tuple[float, float]:
    score = Score.objects.get(worker=worker)
    return score.correct, score.wrong


def measured(worker: Worker) -> tuple[Any, ...]:
    score = Score.objects.get(worker=worker)
    return score.correct, score.wrong, score.estimate, score.lower_bound, score.gold_on, score.bound_without_gold


def again(exam: Exam) -> Exam:
    return Exam.objects.get(pk=exam.pk)


def test_a_recall_needs_a_reason_and_a_question_that_there_is() -> None:
    question = GoldQuestion.objects.filter(skill=a_skill()).earliest("id")

    with pytest.raises(Invalid):
        recall_question(gold_question_id=question.pk, why=" ", by=an_operator())
    with pytest.raises(NotFound):
        recall_question(gold_question_id=a_skill().pk, why="Wrong.", by=an_operator())

    assert GoldRecall.objects.count() == 0
    assert GoldQuestion.objects.get(pk=question.pk).retired_at is None


def test_a_recall_retires_its_question_and_is_the_same_the_second_time() -> None:
    question = GoldQuestion.objects.filter(skill=a_skill()).earliest("id")

    first, second = a_recall(question.pk), a_recall(question.pk)

    assert first == second
    assert GoldQuestion.objects.get(pk=question.pk).retired_at == first.recalled_at
    assert AuditEvent.objects.filter(action="gold.recalled").count() == 1


def test_who_failed_only_by_it_has_passed_and_is_certified() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=7_500)
    exam = a_finished_exam(worker, skill, right=2)

    recall_from(exam, 4)
    assert (again(exam).state, sums(worker)) == ("failed", (2.0, 1.0))
    recall_from(exam, 3)

    assert (again(exam).state, again(exam).score_basis_points, sums(worker)) == ("passed", 10_000, (2.0, 0.0))
    assert Certification.objects.get(worker=worker).state == "granted"
    assert again(exam).finished_at == exam.finished_at


def test_where_an_admin_certifies_after_the_exam_they_are_asked() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=10_000, grants_by=Skill.Grant.BOTH)
    exam = a_finished_exam(worker, skill, right=3)

    recall_from(exam, 4)

    assert Certification.objects.get(worker=worker, exam=exam).state == "pending"


def test_who_passed_only_by_it_keeps_the_certification_and_not_the_score() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=7_500)
    exam = a_finished_exam(worker, skill, right=3)

    recall_from(exam, 1)

    remark = ExamRemark.objects.get(exam=exam)
    assert (remark.questions, remark.right, remark.score_basis_points) == (3, 2, 6_666)
    assert (again(exam).state, again(exam).score_basis_points, sums(worker)) == ("passed", 7_500, (2.0, 1.0))
    assert Certification.objects.get(worker=worker).state == "granted"


def test_who_has_been_certified_since_gets_no_second_certification() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=10_000, bank=12)
    failed = a_finished_exam(worker, skill, right=3)
    with clock.ahead_by(timedelta(days=2)):
        a_finished_exam(worker, skill, right=4, seed=2)

    recall_from(failed, 4)

    assert again(failed).state == "passed"
    assert Certification.objects.get(worker=worker, state="granted").exam != failed


def test_a_certification_that_would_be_over_by_now_is_not_given() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=10_000, valid_for=timedelta(days=30))
    exam = a_finished_exam(worker, skill, right=3)

    with clock.ahead_by(timedelta(days=30)):
        recall_from(exam, 4)

    assert again(exam).state == "passed"
    assert not Certification.objects.filter(worker=worker).exists()


def test_after_a_persons_no_a_person_is_asked_again() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=10_000)
    failed = a_finished_exam(worker, skill, right=3)
    with clock.ahead_by(timedelta(days=2)):
        exam = a_finished_exam(worker, skill, right=4, seed=2)
        granted = Certification.objects.get(exam=exam)
        revoke_certification(certification_id=granted.pk, reason="Others took it for them.", by=an_admin())

    recall_from(failed, 4)

    assert Certification.objects.get(worker=worker, exam=failed).state == "pending"


def test_an_exam_under_way_is_marked_without_it_and_need_not_answer_it() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=10_000)
    exam = a_started_exam(worker, skill)
    answer_all(exam, worker, right=3)

    recall_from(exam, 4)
    finish_exam(exam_id=exam.pk, worker=worker)

    assert (again(exam).state, sums(worker)) == ("passed", (3.0, 0.0))


def test_an_exam_of_which_nothing_is_left_keeps_its_outcome() -> None:
    worker, skill = a_worker(), a_skill(questions=1, pass_mark=10_000)
    exam = a_finished_exam(worker, skill, right=0)

    recall_from(exam, 1)

    assert ExamRemark.objects.get(exam=exam).score_basis_points is None
    assert (again(exam).state, sums(worker)) == ("failed", (0.0, 0.0))


def test_what_was_recalled_is_not_explained_as_a_miss() -> None:
    worker, skill = a_worker(), a_skill(questions=4, bank=13)
    exam = a_finished_exam(worker, skill, right=2)

    recall_from(exam, 3)

    assert [miss.position for miss in explained_misses(exam) or ()] == [4]


def test_a_score_is_what_it_would_be_had_the_gold_never_been() -> None:
    skill, without, with_it = a_skill(), a_worker(), a_worker()
    question = GoldQuestion.objects.filter(skill=skill).earliest("id")
    days = [(0, True), (0, False), (1, True), (2, False), (2, True), (3, False)]
    for number, (day, correct) in enumerate(days):
        with clock.ahead_by(timedelta(days=day, seconds=number)):
            for worker in (without, with_it):
                if worker == with_it or number not in (1, 4, 5):
                    subject = f"assignment:{number}"
                    record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=correct, subject=subject)
    assert measured(without) != measured(with_it)

    recall = a_recall(question.pk)
    for number in (1, 4, 5, 5):
        withdraw_evidence(recall=recall, worker_id=with_it.pk, skill_id=skill.pk, subject=f"assignment:{number}", by=BY)

    assert measured(without) == measured(with_it)


def test_an_answer_to_what_was_recalled_moves_nothing() -> None:
    skill, worker = a_skill(), a_worker()
    question = GoldQuestion.objects.filter(skill=skill).earliest("id")
    a_recall(question.pk)

    record_gold(
        worker_id=worker.pk,
        skill_id=skill.pk,
        gold_question_id=question.pk,
        correct=False,
        subject="assignment:1",
        floor=0.9,
    )

    assert sums(worker) == (0.0, 0.0)
    assert not ScoreFall.objects.exists()
    assert not scores_for_their_worker(worker.pk).exists()


def test_a_fall_that_would_not_have_been_is_lifted_and_one_that_would_have_been_is_not() -> None:
    skill, worker = a_skill(), a_worker()
    question = GoldQuestion.objects.filter(skill=skill).earliest("id")
    a_certification(worker, skill)

    def answer(subject: str, *, correct: bool, floor: float | None = None) -> None:
        record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=correct, subject=subject, floor=floor)

    answer("assignment:wrong", correct=False, floor=0.6)
    answer("assignment:deeper", correct=False, floor=0.45)
    assert ScoreFall.objects.filter(risen_at=None).count() == 2

    recall = a_recall(question.pk)
    withdraw_evidence(recall=recall, worker_id=worker.pk, skill_id=skill.pk, subject="assignment:deeper", by=BY)

    lifted, standing = ScoreFall.objects.get(floor=0.45), ScoreFall.objects.get(floor=0.6)
    assert (lifted.lifted_by, lifted.risen_at is None) == (recall, False)
    assert (standing.lifted_by, standing.risen_at) == (None, None)


def is_let_through(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except IntegrityError:
        return False
    return True


def test_the_database_lets_no_other_exam_pass_and_no_recall_change() -> None:
    worker, skill = a_worker(), a_skill(questions=4, pass_mark=10_000)
    exam = a_finished_exam(worker, skill, right=3)
    change = "UPDATE qualification_exam SET state = 'passed', score_basis_points = "

    assert not is_let_through(f"{change} 10000 WHERE id = '{exam.pk}'")
    recall_from(exam, 1)
    assert not is_let_through(f"{change} 10000 WHERE id = '{exam.pk}'")
    assert not is_let_through("UPDATE qualification_goldrecall SET why = 'x'")
    assert not is_let_through("DELETE FROM qualification_goldrecall")
    assert not is_let_through("UPDATE qualification_goldrecall SET state = 'replayed'")
