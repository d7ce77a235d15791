"""How many rejections are too many: exact tails, and no more false alarms than promised however often one looks."""

import math
import random

import pytest

from qualification.statistics.rejections import excess_of_rejections


def test_the_tail_is_the_exact_binomial_one() -> None:
    by_hand = sum(math.comb(20, k) * 0.1**k * 0.9 ** (20 - k) for k in range(7, 21))

    excess = excess_of_rejections(rejected=7, answers=20, expected_rate=0.1, false_alarms=0.01)

    assert excess.tail == pytest.approx(by_hand, rel=1e-12)
    assert excess.believed_from == pytest.approx(0.01 * 6 / (math.pi**2 * 49), rel=1e-12)
    assert not excess.is_far_above
    assert excess_of_rejections(rejected=12, answers=20, expected_rate=0.1, false_alarms=0.01).is_far_above


def test_as_many_as_expected_or_fewer_are_never_too_many() -> None:
    for rejected in (0, 1, 2):
        excess = excess_of_rejections(rejected=rejected, answers=20, expected_rate=0.1, false_alarms=0.01)
        assert (excess.tail, excess.is_far_above) == (1.0, False)


def test_many_answers_are_weighed_in_time_and_without_underflow() -> None:
    excess = excess_of_rejections(rejected=60_000, answers=100_000, expected_rate=0.1, false_alarms=0.01)

    assert (excess.tail, excess.is_far_above) == (0.0, True)


def test_who_looks_after_every_rejection_raises_no_more_false_alarms_than_promised() -> None:
    chance, promised, runs = random.Random(7), 0.1, 2_000

    def raises_an_alarm() -> bool:
        rejected = 0
        for answers in range(1, 201):
            if chance.random() < 0.2:
                rejected += 1
                found = excess_of_rejections(
                    rejected=rejected, answers=answers, expected_rate=0.2, false_alarms=promised
                )
                if found.is_far_above:
                    return True
        return False

    assert sum(raises_an_alarm() for _ in range(runs)) <= promised * runs


@pytest.mark.parametrize(
    ("rejected", "answers", "rate"), [(3, 2, 0.1), (-1, 2, 0.1), (1, 2, 0.0), (1, 2, 1.0), (1, 2, float("nan"))]
)
def test_numbers_that_cannot_be_are_refused(rejected: int, answers: int, rate: float) -> None:
    with pytest.raises(ValueError, match=r"Rates lie between|cannot have been rejected"):
        excess_of_rejections(rejected=rejected, answers=answers, expected_rate=rate, false_alarms=0.01)
