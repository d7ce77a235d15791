"""Scores: what moves them, what follows, and who is told when one falls."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from kernel import clock
from kernel.models import OutboxMessage
from kernel.services import outbox
from qualification.events import ScoreFellBelowFloor
from qualification.models import Score, ScoreEvidence, ScoreFall, Skill
from qualification.queries import UNMEASURED, reliabilities, reliability_of
from qualification.services.scoring import record_gold
from qualification.statistics import scoring as posterior
from tests.qualification.builders import a_finished_exam, a_skill, a_worker
from workforce.models import Worker

pytestmark = pytest.mark.django_db

FallsHeard = Callable[[], list[dict[str, object]]]


def gold(worker: Worker, skill: Skill, *, subject: str, correct: bool = True, floor: float | None = None) -> Score:
    return record_gold(worker_id=worker.pk, skill_id=skill.pk, correct=correct, subject=subject, floor=floor)


def test_hidden_gold_and_exam_move_the_same_score() -> None:
    worker, skill = a_worker(), a_skill()
    a_finished_exam(worker, skill, right=3)

    score = gold(worker, skill, subject="assignment:1")

    expected = posterior.Score(correct=4, wrong=1)
    assert (score.correct, score.wrong) == (4.0, 1.0)
    assert (score.estimate, score.lower_bound) == (expected.mean, expected.lower_bound())
    assert ScoreEvidence.objects.filter(score=score).count() == 5


def test_the_same_answer_counts_once() -> None:
    worker, skill = a_worker(), a_skill(bank=0)
    gold(worker, skill, subject="assignment:1")

    score = gold(worker, skill, subject="assignment:1", correct=False)

    assert (score.correct, score.wrong) == (1.0, 0.0)


def test_a_worker_has_a_score_in_each_skill() -> None:
    worker, first, second = a_worker(), a_skill(bank=0), a_skill(bank=0)
    gold(worker, first, subject="assignment:1")
    gold(worker, second, subject="assignment:2", correct=False)

    assert reliability_of(worker_id=worker.pk, skill_id=first.pk) == posterior.Score(correct=1).mean
    assert reliability_of(worker_id=worker.pk, skill_id=second.pk) == posterior.Score(wrong=1).mean


def test_who_was_never_measured_is_believed_by_the_prior() -> None:
    measured, newcomer, skill = a_worker(), a_worker(), a_skill(bank=0)
    score = gold(measured, skill, subject="assignment:1")

    known = reliabilities(worker_ids=[measured.pk, newcomer.pk], skill_id=skill.pk)

    assert known == {measured.pk: score.estimate, newcomer.pk: UNMEASURED.mean}


def test_reliabilities_take_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    workers, skill = [a_worker(), a_worker()], a_skill(bank=0)

    with django_assert_num_queries(1):
        reliabilities(worker_ids=[worker.pk for worker in workers], skill_id=skill.pk)


def test_evidence_is_never_changed() -> None:
    gold(a_worker(), a_skill(bank=0), subject="assignment:1")

    with pytest.raises(IntegrityError, match="are facts: UPDATE is refused"):
        ScoreEvidence.objects.update(correct=False)


def test_a_fall_below_the_floor_is_announced_once(falls_heard: FallsHeard) -> None:
    worker, skill = a_worker(), a_skill(bank=0)

    for number in range(3):
        gold(worker, skill, subject=f"assignment:{number}", correct=False, floor=0.2)

    after_first = posterior.Score(wrong=1).lower_bound()
    assert after_first < 0.2
    assert falls_heard() == [
        {
            "worker_id": str(worker.pk),
            "skill_id": str(skill.pk),
            "lower_bound": after_first,
            "floor": 0.2,
            "subject": "assignment:0",
        }
    ]


def test_a_second_fall_is_announced_after_the_score_has_risen(falls_heard: FallsHeard) -> None:
    worker, skill = a_worker(), a_skill(bank=0)
    gold(worker, skill, subject="fall", correct=False, floor=0.3)
    for number in range(5):
        gold(worker, skill, subject=f"rise:{number}", floor=0.3)
    assert Score.objects.get().lower_bound >= 0.3

    for number in range(8):
        gold(worker, skill, subject=f"fall:{number}", correct=False, floor=0.3)

    assert [fall["floor"] for fall in falls_heard()] == [0.3, 0.3]
    assert [fall.risen_at is None for fall in ScoreFall.objects.order_by("id")] == [False, True]


def test_each_floor_hears_of_its_own_fall(falls_heard: FallsHeard) -> None:
    worker, skill = a_worker(), a_skill(bank=0)

    gold(worker, skill, subject="assignment:1", correct=False, floor=0.9)
    gold(worker, skill, subject="assignment:2", correct=False, floor=0.9)
    gold(worker, skill, subject="assignment:3", correct=False, floor=0.8)

    told = [(fall["floor"], fall["subject"]) for fall in falls_heard()]
    assert told == [(0.9, "assignment:1"), (0.8, "assignment:3")]


@pytest.mark.parametrize("floor", [None, 0.0, 0.05])
def test_above_the_floor_or_without_one_nothing_is_announced(floor: float | None, falls_heard: FallsHeard) -> None:
    gold(a_worker(), a_skill(bank=0), subject="assignment:1", floor=floor)

    assert falls_heard() == []


@pytest.fixture
def falls_heard(monkeypatch: pytest.MonkeyPatch) -> FallsHeard:
    """What a listener to ScoreFellBelowFloor is owed, in order; the listener here stands in for an upper app's."""
    monkeypatch.setattr(outbox, "_subscriptions", {})

    def hear_of_fall(event: ScoreFellBelowFloor) -> None:
        """Nothing more is needed: what counts is that it is owed."""

    outbox.subscribe(ScoreFellBelowFloor, hear_of_fall)

    def heard() -> list[dict[str, object]]:
        owed = OutboxMessage.objects.filter(reaction="hear_of_fall").order_by("created_at")
        return [message.payload for message in owed]

    return heard


def test_the_evidence_is_dated_by_the_clock() -> None:
    worker, skill = a_worker(), a_skill(bank=0)

    with clock.ahead_by(timedelta(days=3)):
        score = gold(worker, skill, subject="assignment:1")

    assert ScoreEvidence.objects.get().at == score.updated_at > clock.now() + timedelta(days=2)
