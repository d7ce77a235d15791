"""Exams: how they start, what they ask, how they end, and what they earn."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction

from kernel import clock
from kernel.errors import NotFound
from qualification.models import Certification, Exam, ExamAnswer, GoldQuestion, ScoreEvidence, Skill
from qualification.queries import explained_misses, is_certified
from qualification.services import admission
from qualification.services.exams import (
    AlreadyAnswered,
    ExamIncomplete,
    ExamOver,
    InvalidAnswer,
    abandon_overdue_exams,
    answer_exam_question,
    finish_exam,
    start_exam,
)
from qualification.services.gold import retire_gold_question
from tests.qualification.builders import (
    a_finished_exam,
    a_skill,
    a_started_exam,
    a_worker,
    an_admin,
    an_answer,
    answer_all,
    fill_bank,
    questions_of,
)
from workforce.services.standing import suspend_worker

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HALF_AN_HOUR = timedelta(minutes=30)


def test_a_passed_exam_grants_the_certification_for_a_year() -> None:
    worker, skill = a_worker(), a_skill()

    exam = a_finished_exam(worker, skill, right=3)

    certification = Certification.objects.get(exam=exam)
    assert (exam.state, exam.score_basis_points) == ("passed", 7_500)
    assert (certification.state, certification.decided_by_id) == ("granted", None)
    assert certification.granted_at is not None
    assert certification.expires_at == certification.granted_at + 365 * DAY
    assert is_certified(worker_id=worker.pk, skill_id=skill.pk)


def test_a_failed_exam_earns_nothing() -> None:
    worker, skill = a_worker(), a_skill()

    exam = a_finished_exam(worker, skill, right=2)

    assert (exam.state, exam.score_basis_points) == ("failed", 5_000)
    assert not Certification.objects.exists()


def test_right_and_wrong_exam_answers_both_move_the_score() -> None:
    worker, skill = a_worker(), a_skill()

    exam = a_finished_exam(worker, skill, right=3)

    evidence = ScoreEvidence.objects.order_by("id").values_list("source", "subject", "correct")
    assert list(evidence) == [("exam", f"exam:{exam.pk}:{position}", position <= 3) for position in (1, 2, 3, 4)]


def test_starting_again_gives_the_exam_that_is_under_way() -> None:
    worker, skill = a_worker(), a_skill()

    first, second = a_started_exam(worker, skill), a_started_exam(worker, skill, seed=2)

    assert first == second
    assert ExamAnswer.objects.count() == 4


def test_the_database_allows_one_exam_at_a_time() -> None:
    exam = a_started_exam(a_worker(), a_skill())

    with pytest.raises(IntegrityError, match="one_exam_at_a_time_per_skill"):
        Exam.objects.create(
            worker=exam.worker, skill=exam.skill, questions=4, pass_mark_basis_points=1, due_at=clock.now() + DAY
        )


def test_the_first_answer_stands() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())
    answer_exam_question(exam_id=exam.pk, worker=worker, position=1, result=an_answer("dog"))

    with pytest.raises(AlreadyAnswered, match=r"^Question 1 has been answered\. The first answer stands\.$"):
        answer_exam_question(exam_id=exam.pk, worker=worker, position=1, result=an_answer("cat"))

    assert ExamAnswer.objects.get(exam=exam, position=1).result == an_answer("dog")


def test_the_database_lets_the_first_answer_stand() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())
    answer_exam_question(exam_id=exam.pk, worker=worker, position=1, result=an_answer("dog"))

    with pytest.raises(IntegrityError, match="What an exam asked, was answered and came to stands: UPDATE is refused"):
        ExamAnswer.objects.filter(exam=exam, position=1).update(correct=True)


def test_an_answer_that_does_not_fit_the_schema_is_not_kept() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())

    with pytest.raises(InvalidAnswer) as refused:
        answer_exam_question(exam_id=exam.pk, worker=worker, position=1, result=an_answer("cow"))

    assert [error["path"] for error in refused.value.errors] == ["result[0].value.choices"]
    assert ExamAnswer.objects.filter(answered_at__isnull=False).count() == 0


def test_an_exam_has_no_question_beyond_its_last() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())

    with pytest.raises(NotFound, match="no such question in this exam"):
        answer_exam_question(exam_id=exam.pk, worker=worker, position=5, result=an_answer("cat"))


def test_nobody_sees_or_touches_the_exam_of_another() -> None:
    exam, other = a_started_exam(a_worker(), a_skill()), a_worker()

    with pytest.raises(NotFound):
        answer_exam_question(exam_id=exam.pk, worker=other, position=1, result=an_answer("cat"))
    with pytest.raises(NotFound):
        finish_exam(exam_id=exam.pk, worker=other)


def test_an_exam_with_open_questions_is_not_finished() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())
    for position in (1, 3):
        answer_exam_question(exam_id=exam.pk, worker=worker, position=position, result=an_answer("cat"))

    with pytest.raises(ExamIncomplete) as refused:
        finish_exam(exam_id=exam.pk, worker=worker)

    assert refused.value.details == {"open_positions": [2, 4]}


def test_finishing_twice_has_one_outcome() -> None:
    worker, skill = a_worker(), a_skill()
    exam = a_finished_exam(worker, skill, right=4)

    again = finish_exam(exam_id=exam.pk, worker=worker)

    assert (again.pk, again.state, again.finished_at) == (exam.pk, "passed", exam.finished_at)
    assert Certification.objects.count() == 1
    assert ScoreEvidence.objects.count() == 4


def test_an_exam_takes_answers_until_the_moment_it_is_due() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())
    just_before, at_once = exam.due_at - clock.now() - timedelta(seconds=5), exam.due_at - clock.now()

    with clock.ahead_by(just_before):
        answer_exam_question(exam_id=exam.pk, worker=worker, position=1, result=an_answer("cat"))
    with clock.ahead_by(at_once), pytest.raises(ExamOver):
        answer_exam_question(exam_id=exam.pk, worker=worker, position=2, result=an_answer("cat"))


@pytest.mark.parametrize("closed_by", ["the worker", "the clock", "the next start"])
def test_an_incomplete_exam_is_abandoned_when_its_time_is_over(closed_by: str) -> None:
    worker, skill = a_worker(), a_skill()
    exam = a_started_exam(worker, skill)
    answer_exam_question(exam_id=exam.pk, worker=worker, position=1, result=an_answer("cat"))

    with clock.ahead_by(HALF_AN_HOUR):
        close(exam, closed_by)

    exam.refresh_from_db()
    assert (exam.state, exam.finished_at, exam.score_basis_points) == ("abandoned", exam.due_at, None)
    assert not ScoreEvidence.objects.exists()


@pytest.mark.parametrize("closed_by", ["the worker", "the clock", "the next start"])
def test_a_complete_exam_is_marked_when_its_time_is_over(closed_by: str) -> None:
    worker, skill = a_worker(), a_skill()
    exam = a_started_exam(worker, skill)
    answer_all(exam, worker, right=4)

    with clock.ahead_by(HALF_AN_HOUR):
        close(exam, closed_by)

    exam.refresh_from_db()
    assert (exam.state, exam.finished_at) == ("passed", exam.due_at)
    assert is_certified(worker_id=worker.pk, skill_id=skill.pk)


def close(exam: Exam, closed_by: str) -> None:
    if closed_by == "the worker":
        finish_exam(exam_id=exam.pk, worker=exam.worker)
    elif closed_by == "the clock":
        assert abandon_overdue_exams() == 1
    else:
        with pytest.raises((admission.RetryLater, admission.AlreadyCertified)):
            start_exam(worker=exam.worker, skill_id=exam.skill_id)


def test_the_clock_leaves_running_and_finished_exams_alone() -> None:
    skill = a_skill()
    a_finished_exam(a_worker(), skill, right=4)
    a_started_exam(a_worker(), skill)

    assert abandon_overdue_exams() == 0


@pytest.mark.parametrize("ended", ["failed", "abandoned"])
def test_the_next_attempt_waits_for_the_retry_delay(ended: str) -> None:  # [B197]
    worker, skill = a_worker(), a_skill()
    if ended == "failed":
        exam = a_finished_exam(worker, skill, right=0)
    else:
        exam = a_started_exam(worker, skill)
        with clock.ahead_by(HALF_AN_HOUR):
            exam = finish_exam(exam_id=exam.pk, worker=worker)
    assert exam.finished_at is not None
    again_at = exam.finished_at + DAY

    with pytest.raises(admission.RetryLater) as refused:
        a_started_exam(worker, skill)
    with clock.ahead_by(again_at - clock.now() + timedelta(seconds=1)):
        a_started_exam(worker, skill)

    assert refused.value.message == (
        f"Your last exam in Animals was {ended}. You may try again from {again_at:%Y-%m-%d %H:%M} UTC on."
    )
    assert refused.value.details == {"retry_at": again_at.isoformat()}


def test_unpaid_questions_end_at_the_limit_and_begin_again_after_a_year() -> None:
    worker, skill = a_worker(), a_skill(unpaid_limit=8)
    first = a_finished_exam(worker, skill, right=0)
    with clock.ahead_by(2 * DAY):
        a_finished_exam(worker, skill, right=0)

    with clock.ahead_by(4 * DAY), pytest.raises(admission.UnpaidLimitReached) as refused:
        a_started_exam(worker, skill)
    with clock.ahead_by(365 * DAY):
        a_started_exam(worker, skill)

    assert refused.value.details == {"retry_at": (first.started_at + 365 * DAY).isoformat()}


def test_a_certified_worker_renews_only_near_the_end() -> None:
    worker, skill = a_worker(), a_skill()
    first = a_finished_exam(worker, skill, right=4)

    with pytest.raises(admission.AlreadyCertified):
        a_started_exam(worker, skill)
    with clock.ahead_by(340 * DAY):
        second = a_finished_exam(worker, skill, right=4)

    states = {c.exam_id: c.state for c in Certification.objects.all()}
    assert states == {first.pk: "expired", second.pk: "granted"}


def test_a_certification_that_does_not_expire_is_not_renewed() -> None:
    worker, skill = a_worker(), a_skill(valid_for=None)
    a_finished_exam(worker, skill, right=4)

    with clock.ahead_by(4_000 * DAY), pytest.raises(admission.AlreadyCertified, match="does not expire"):
        a_started_exam(worker, skill)


def test_no_exam_starts_from_a_bank_that_is_too_small() -> None:
    skill = a_skill(bank=4)
    retire_gold_question(gold_question_id=GoldQuestion.objects.all()[0].pk, why="wrong", by=an_admin())

    with pytest.raises(admission.ExamNotReady, match="asks 4 questions and its bank holds 3"):
        a_started_exam(a_worker(), skill)


def test_a_suspended_worker_takes_no_exam() -> None:
    worker, skill = a_worker(), a_skill()
    suspend_worker(worker_id=worker.pk, why="An incident is looked into.", by=an_admin())

    with pytest.raises(admission.WorkerMayNotWork, match="You are suspended"):
        a_started_exam(worker, skill)


def test_a_skill_that_admins_grant_may_have_no_exam() -> None:
    skill = a_skill(grants_by=Skill.Grant.ADMIN, questions=0, bank=0)

    with pytest.raises(admission.NoExam):
        a_started_exam(a_worker(), skill)


def test_the_same_seed_draws_the_same_questions_and_another_seed_others() -> None:
    first, second, third = (a_started_exam(a_worker(), a_skill(), seed=seed) for seed in (7, 7, 8))

    def places(exam: Exam) -> list[int]:
        bank = list(GoldQuestion.objects.filter(skill=exam.skill).order_by("id").values_list("pk", flat=True))
        return [bank.index(question_id) for question_id in questions_of(exam)]

    assert places(first) == places(second)
    assert places(first) != places(third)


def test_questions_are_used_evenly() -> None:
    skill = a_skill(bank=12)

    for seed in range(6):
        a_started_exam(a_worker(), skill, seed=seed)

    assert set(GoldQuestion.objects.values_list("times_drawn", flat=True)) == {2}


@pytest.mark.parametrize("bank", [5, 6, 8, 12])
def test_no_worker_meets_the_same_set_twice_in_a_row(bank: int) -> None:  # [B197]
    worker, skill = a_worker(), a_skill(bank=bank)

    sets = []
    for attempt in range(8):
        with clock.ahead_by(2 * attempt * DAY):
            sets.append(frozenset(questions_of(a_finished_exam(worker, skill, right=0, seed=attempt))))

    assert all(earlier != later for earlier, later in pairwise(sets))


def test_a_worker_meets_new_questions_while_there_are_any() -> None:
    worker, skill = a_worker(), a_skill(bank=12)

    met: set[object] = set()
    for attempt in range(3):
        with clock.ahead_by(2 * attempt * DAY):
            met |= set(questions_of(a_finished_exam(worker, skill, right=0, seed=attempt)))

    assert len(met) == 12


def test_hidden_gold_and_retired_questions_are_never_drawn() -> None:
    skill = a_skill(bank=12)
    retired = [question.pk for question in GoldQuestion.objects.all()[:8]]
    for question_id in retired:
        retire_gold_question(gold_question_id=question_id, why="ambiguous", by=an_admin())

    exam = a_started_exam(a_worker(), skill)

    assert not set(questions_of(exam)) & set(retired)


def test_misses_are_explained_while_the_bank_is_large() -> None:
    exam = a_finished_exam(a_worker(), a_skill(bank=12), right=3)

    (miss,) = explained_misses(exam) or []

    assert (miss.position, miss.result, miss.reason) == (4, an_answer("dog"), "Only cats meow.")


def test_misses_are_not_explained_from_a_small_bank() -> None:
    assert explained_misses(a_finished_exam(a_worker(), a_skill(bank=11), right=3)) is None


def test_nothing_is_explained_before_the_end_or_after_an_abandoned_exam() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())
    assert explained_misses(exam) is None

    with clock.ahead_by(HALF_AN_HOUR):
        assert explained_misses(finish_exam(exam_id=exam.pk, worker=worker)) is None


def test_the_outcome_of_an_exam_stands() -> None:
    exam = a_finished_exam(a_worker(), a_skill(), right=0)

    with pytest.raises(IntegrityError, match="stands: UPDATE is refused"):
        Exam.objects.filter(pk=exam.pk).update(state="passed", score_basis_points=10_000)


def test_a_pass_below_the_pass_mark_cannot_be_stored() -> None:
    exam = a_started_exam(a_worker(), a_skill())

    with pytest.raises(IntegrityError, match="exam_state_has_its_outcome"), transaction.atomic():
        Exam.objects.filter(pk=exam.pk).update(state="passed", score_basis_points=7_499, finished_at=clock.now())


def test_added_questions_join_the_draw() -> None:
    worker, skill = a_worker(), a_skill(bank=4)
    before = set(questions_of(a_finished_exam(worker, skill, right=0)))
    added = {question.pk for question in fill_bank(skill, 4)}

    with clock.ahead_by(2 * DAY):
        after = set(questions_of(a_started_exam(worker, skill)))

    assert (before & added, after) == (set(), added)
