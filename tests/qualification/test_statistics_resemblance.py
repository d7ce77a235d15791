"""From likeness to the probability of being right: what it is before gold, and what gold makes of it."""

import math
import random

import pytest

from qualification.statistics.fusion.resembling import Merged, learn_resemblance
from qualification.statistics.resemblance import (
    UNTAUGHT,
    Alike,
    Resemblance,
    ResemblanceFit,
    closeness_of,
    read_resemblance,
    written_resemblance,
)

CURVE = Resemblance(level=-1.5, slope=2.5, growth=1.0)


def crowd(tasks: int, *, seed: int = 3) -> list[Merged]:
    """Merged answers that are right as often as the curve says."""
    chance = random.Random(seed)
    found = []
    for _ in range(tasks):
        closeness, answers = chance.uniform(-2, 3), chance.randint(2, 5)
        found.append(Merged(closeness, answers, chance.random() < CURVE.chance(closeness, answers)))
    return found


def test_without_gold_it_is_what_crowds_have_in_common() -> None:
    assert learn_resemblance([]) == UNTAUGHT
    assert UNTAUGHT.curve.chance(0.0, 2) == pytest.approx(1 / (1 + math.exp(0.6)))
    assert read_resemblance(None) == UNTAUGHT


def test_much_gold_teaches_what_is_so_and_narrows_the_interval() -> None:
    few, many = learn_resemblance(crowd(10)), learn_resemblance(crowd(4000))

    assert many.tasks == 4000
    assert (many.curve.level, many.curve.slope, many.curve.growth) == pytest.approx((-1.5, 2.5, 1.0), abs=0.2)

    def width(fit: ResemblanceFit) -> float:
        chances = [each.chance(0.5, 3) for each in fit.spread]
        return max(chances) - min(chances)

    assert width(UNTAUGHT) > width(few) > 5 * width(many)


def test_another_answer_is_worth_what_the_curve_says_of_one_more() -> None:
    alike = Alike(likeness=0.9, right_from=0.8, reliability=0.7)
    two, three, four = (CURVE.chance(alike.closeness, answers) for answers in (2, 3, 4))

    def gain(left: int) -> float:
        return CURVE.gain(alike, chance=two, answers=2, left=left)

    assert gain(0) == 0.0
    assert gain(1) == pytest.approx(three - two)
    assert gain(2) == pytest.approx(max(three - two, (four - two) / 2))


def test_where_two_differ_another_is_worth_as_much_as_it_is_likely_to_agree_with_one_of_them() -> None:
    differ = Alike(likeness=0.0, right_from=0.8, reliability=0.8)
    two = CURVE.chance(differ.closeness, 2)
    then = Alike(likeness=1.8 / 3, right_from=0.8, reliability=0.8)

    gain = CURVE.gain(differ, chance=two, answers=2, left=1)

    assert gain == pytest.approx(CURVE.chance(then.closeness, 3) - two)
    assert gain > 10 * (CURVE.chance(differ.closeness, 3) - two)  # what one more that agrees with none would add


def test_the_same_gold_teaches_the_same_in_whatever_order() -> None:
    gold = crowd(50)

    first, second = learn_resemblance(gold), learn_resemblance(gold[::-1])

    assert written_resemblance(first) == written_resemblance(second)
    assert written_resemblance(read_resemblance(written_resemblance(first))) == written_resemblance(first)


def test_confidence_never_falls_with_likeness_or_answers_whatever_gold_says() -> None:
    odd = [Merged(closeness, 2, closeness < 0) for closeness in (-3.0, -2.0, 2.0, 3.0)] * 30
    curve = learn_resemblance(odd).curve

    by_likeness = [[curve.chance(closeness / 4, answers) for closeness in range(-8, 9)] for answers in (2, 3, 9)]

    assert by_likeness == [sorted(chances) for chances in by_likeness] == sorted(by_likeness)


def test_a_task_counts_once_however_many_pieces_it_has() -> None:
    whole = [Merged(0.5, 2, is_right) for is_right in (True, False, True)]
    pieces = [Merged(each.closeness, each.answers, each.is_right, weight=0.25) for each in whole for _ in range(4)]

    assert written_resemblance(learn_resemblance(pieces)) == written_resemblance(learn_resemblance(whole))


@pytest.mark.parametrize(
    ("likeness", "right_from", "closeness"),
    [
        (0.8, 0.8, 0.0),
        (0.9, 0.95, 0.0),
        (0.5, 1.0, 0.0),
        (1.0, 1.0, math.log(5)),
        (1.0, 0.9, math.log(51 * 0.12 / 0.92)),
    ],
)
def test_closeness_is_how_far_likeness_is_beyond_what_gold_asks(
    likeness: float, right_from: float, closeness: float
) -> None:
    assert closeness_of(likeness, right_from=right_from) == pytest.approx(closeness)
