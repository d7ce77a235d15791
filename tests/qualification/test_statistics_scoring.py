"""Scores: what gold answers prove about a worker, and the Beta distribution behind it against SciPy's."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from qualification.statistics.beta import beta_cdf, beta_quantile
from qualification.statistics.scoring import Score


def test_a_newcomer_is_taken_for_an_average_worker_of_whom_little_is_sure() -> None:
    assert Score().mean == 0.75
    assert Score().lower_bound() == pytest.approx(0.2285, abs=1e-4)


@pytest.mark.parametrize(
    ("correct", "mean", "lower_bound"),
    [(20, 0.9773, 0.9136), (19, 0.9318, 0.8283), (16, 0.7955, 0.6428), (10, 0.5227, 0.3498)],
)
def test_the_score_after_an_exam_of_twenty_questions(correct: int, mean: float, lower_bound: float) -> None:
    score = Score(correct=correct, wrong=20 - correct)

    assert score.mean == pytest.approx(mean, abs=1e-4)
    assert score.lower_bound() == pytest.approx(lower_bound, abs=1e-4)


def test_gold_answers_move_the_score_one_by_one() -> None:
    score = Score().after(correct=True).after(correct=True).after(correct=False)

    assert score == Score(correct=2, wrong=1)
    assert score.mean == 3.5 / 5


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_right_answer_raises_and_a_wrong_one_lowers_both_numbers(correct: int, wrong: int) -> None:
    score = Score(correct=correct, wrong=wrong)
    better, worse = score.after(correct=True), score.after(correct=False)

    assert worse.mean < score.mean < better.mean
    assert worse.lower_bound() < score.lower_bound() < better.lower_bound()
    assert 0.0 < score.lower_bound() < score.mean < 1.0


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.5, 0.98))
def test_who_wants_to_be_surer_gets_a_lower_bound(correct: int, wrong: int, level: float) -> None:
    score = Score(correct=correct, wrong=wrong)

    assert score.lower_bound(level + 0.01) < score.lower_bound(level)


def test_the_lower_bound_is_passed_as_often_as_it_says() -> None:
    chance = random.Random(7)
    below = 0
    for _ in range(2_000):
        truth = chance.betavariate(1.5, 0.5)
        correct = sum(chance.random() < truth for _ in range(20))
        below += truth < Score(correct=correct, wrong=20 - correct).lower_bound(0.9)

    assert below / 2_000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("count", [-1.0, math.nan, math.inf], ids=["B019-negative", "B025-nan", "B007-infinite"])
def test_a_count_of_answers_is_a_count(count: float) -> None:
    with pytest.raises(ValueError, match="A score counts answers"):
        Score(correct=count)
    with pytest.raises(ValueError, match="A score counts answers"):
        Score(wrong=count)


@pytest.mark.parametrize("level", [0.0, 1.0, 1.0000001, -0.1, math.nan], ids=str)
def test_a_level_is_a_probability_b034(level: float) -> None:
    with pytest.raises(ValueError, match="A level is a number between 0 and 1"):
        Score().lower_bound(level)


SHAPES = st.floats(0.5, 5_000)


@given(st.floats(0.0, 1.0), SHAPES, SHAPES)
def test_the_beta_distribution_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


@given(st.floats(0.001, 0.999), SHAPES, SHAPES)
def test_the_beta_quantile_agrees_with_scipy(p: float, a: float, b: float) -> None:
    assert beta_quantile(p, a, b) == pytest.approx(special.betaincinv(a, b, p), abs=1e-9)
