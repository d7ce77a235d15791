"""Many threads at one exam, one certification, one score: exact outcomes, no deadlock."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from kernel import clock
from kernel.errors import Refused
from qualification.models import Certification, Exam, ExamAnswer, GoldQuestion, LabelSchema, Score, ScoreEvidence, Skill
from qualification.services.certifications import grant_certification, request_certification, revoke_certification
from qualification.services.exams import abandon_overdue_exams, answer_exam_question, finish_exam, start_exam
from qualification.services.schemas import register_schema
from qualification.services.scoring import record_gold
from qualification.statistics import scoring as posterior
from tests.concurrency.crowd import at_once
from tests.qualification.builders import (
    ANIMALS,
    a_certification,
    a_skill,
    a_started_exam,
    a_worker,
    an_admin,
    an_answer,
    answer_all,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def told(outcomes: list[Any]) -> list[Any]:
    """The outcomes, a refusal as its code; anything else that was raised fails the test."""
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, Refused):
            raise outcome
    return [outcome.code if isinstance(outcome, Refused) else outcome for outcome in outcomes]


def test_32_tabs_start_one_exam() -> None:
    worker, skill = a_worker(), a_skill()

    exams = at_once([lambda: start_exam(worker=worker, skill_id=skill.pk).pk] * 32)

    assert len(set(exams)) == Exam.objects.count() == 1
    assert ExamAnswer.objects.count() == 4


def test_32_workers_draw_from_one_bank_without_deadlock() -> None:
    skill = a_skill(bank=12)
    workers = [a_worker() for _ in range(32)]

    told(at_once([partial(start_exam, worker=worker, skill_id=skill.pk) for worker in workers]))

    assert Exam.objects.count() == 32
    assert sum(GoldQuestion.objects.values_list("times_drawn", flat=True)) == 32 * 4


def test_16_tabs_answer_one_question_once() -> None:
    worker = a_worker()
    exam = a_started_exam(worker, a_skill())

    answer_first = partial(answer_exam_question, exam_id=exam.pk, worker=worker, position=1)
    outcomes = told(at_once([partial(answer_first, result=an_answer(animal)) for animal in ["cat", "dog"] * 8]))

    assert Counter(map(str, outcomes)) == {"already_answered": 15, f"question 1 of exam {exam.pk}": 1}


def test_16_tabs_finish_one_exam_with_one_outcome_while_the_clock_closes_it() -> None:
    worker, skill = a_worker(), a_skill()
    exam = a_started_exam(worker, skill)
    answer_all(exam, worker, right=4)

    with clock.ahead_by(timedelta(minutes=31)):
        told(at_once([lambda: finish_exam(exam_id=exam.pk, worker=worker).state] * 15 + [abandon_overdue_exams]))

    assert Exam.objects.get().state == "passed"
    assert Certification.objects.count() == 1
    assert ScoreEvidence.objects.count() == 4


def test_16_requests_are_one() -> None:  # [B163]
    worker, skill = a_worker(), a_skill(grants_by=Skill.Grant.ADMIN, questions=0, bank=0)

    certifications = at_once([lambda: request_certification(worker=worker, skill_id=skill.pk).pk] * 16)

    assert len(set(certifications)) == Certification.objects.count() == 1


def test_grant_and_revoke_at_the_same_instant_follow_each_other() -> None:  # [B163]
    certification = a_certification(a_worker(), a_skill(grants_by=Skill.Grant.BOTH))
    first, second = an_admin(), an_admin()

    outcomes = told(
        at_once(
            [
                lambda: grant_certification(certification_id=certification.pk, by=first).state,
                lambda: revoke_certification(certification_id=certification.pk, reason="No.", by=second).state,
            ]
        )
    )

    certification.refresh_from_db()
    assert (outcomes, certification.state) in [
        (["granted", "revoked"], "revoked"),
        (["granted", "wrong_state"], "granted"),
    ]


def test_32_threads_of_gold_lose_nothing() -> None:
    worker, skill = a_worker(), a_skill(bank=0)
    subjects = [f"assignment:{number}" for number in range(64)]
    random.Random(1).shuffle(subjects)

    def answers(thread: int) -> Callable[[], None]:
        def run() -> None:
            for subject in (subjects[2 * thread], subjects[2 * thread + 1], subjects[0]):
                correct = int(subject.split(":")[1]) % 4 != 0
                record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=correct, subject=subject, floor=0.5)

        return run

    told(at_once([answers(thread) for thread in range(32)]))

    score, expected = Score.objects.get(), posterior.Score(correct=48, wrong=16)
    assert (score.correct, score.wrong) == (48.0, 16.0)
    assert (score.estimate, score.lower_bound) == (expected.mean, expected.lower_bound())
    assert ScoreEvidence.objects.count() == 64


def test_an_exam_and_hidden_gold_move_one_score_together() -> None:
    worker, skill = a_worker(), a_skill()
    exam = a_started_exam(worker, skill)
    answer_all(exam, worker, right=3)

    record_right = partial(record_gold, worker_id=worker.pk, skill_id=skill.pk, correct=True)
    finish = partial(finish_exam, exam_id=exam.pk, worker=worker)
    told(at_once([finish, *[partial(record_right, subject=f"assignment:{number}") for number in range(15)]]))

    score = Score.objects.get()
    assert (score.correct, score.wrong) == (18.0, 1.0)


def test_16_clients_register_one_schema() -> None:
    ids = at_once([lambda: register_schema(xml=ANIMALS).pk] * 16)

    assert len(set(ids)) == LabelSchema.objects.count() == 1
