"""Whether good workers miss a gold question more than their scores explain: a rule that rarely cries wolf."""

import random

import pytest

from qualification.statistics.doubts import FALSE_FLAGS, Answer, doubt_about
from qualification.statistics.scoring import Score

GOOD, MIDDLING = Score(correct=20, wrong=1), Score(correct=4, wrong=3)


def answers(score: Score, *, right: int, missed: int) -> list[Answer]:
    return [Answer(number < right, score) for number in range(right + missed)]


@pytest.mark.parametrize(
    ("given", "is_raised"),
    [
        (answers(GOOD, right=0, missed=2), False),
        (answers(GOOD, right=0, missed=5), True),
        (answers(GOOD, right=30, missed=5), False),
        (answers(GOOD, right=10, missed=16), True),
        (answers(MIDDLING, right=0, missed=40), False),
        ([], False),
    ],
)
def test_only_many_misses_by_workers_who_are_surely_good_raise_a_doubt(given: list[Answer], *, is_raised: bool) -> None:
    assert doubt_about(given).is_raised is is_raised


def test_what_workers_who_are_not_surely_good_say_is_left_out() -> None:
    mixed = answers(GOOD, right=1, missed=3) + answers(MIDDLING, right=0, missed=9)

    doubt = doubt_about(mixed)

    assert (doubt.answers, doubt.missed) == (4, 3)


def test_right_gold_looked_at_after_every_answer_is_doubted_less_often_than_allowed() -> None:
    chance, questions, flagged = random.Random(7), 600, 0
    for _ in range(questions):
        given: list[Answer] = []
        for _ in range(30):
            quality = chance.betavariate(12, 2)
            right = sum(chance.random() < quality for _ in range(15))
            given.append(Answer(chance.random() < quality, Score(correct=right, wrong=15 - right)))
            if doubt_about(given).is_raised:
                flagged += 1
                break

    assert flagged <= FALSE_FLAGS * questions
