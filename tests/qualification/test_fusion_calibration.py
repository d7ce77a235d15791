"""Confidence: what gold says of it, what is believed without gold, and how sure either is."""

import numpy as np
import pytest

from qualification.statistics.fusion.answers import UNKNOWN, Floats
from qualification.statistics.fusion.calibration import (
    calibrated,
    calibration_error,
    fit_calibration,
)
from qualification.statistics.fusion.fuse import fuse
from qualification.statistics.fusion.heldout import GoldView
from qualification.statistics.fusion.online import Belief, Calibration
from qualification.statistics.fusion.priors import LEARNT, VOTES, WEIGHTED, Prior
from tests.qualification.crowds import Crowd, a_crowd, a_mixed_crowd, matrices_of


def a_view(*, confidence: float, right: float, gold: int, answers: int = 5) -> GoldView:
    """Gold of two classes where the model always says the first with the same confidence, and is right so often."""
    truth = (np.arange(gold) >= round(right * gold)).astype(np.int32)
    posterior = np.tile([confidence, 1 - confidence], (gold, 1))
    votes = np.tile([float(answers - 1), 1.0], (gold, 1))
    return GoldView(
        posterior=posterior, votes=votes, truth=truth, task=np.arange(gold, dtype=np.int32), weight=np.ones(gold)
    )


def shown(view: GoldView, prior: Prior) -> float:
    fitted = fit_calibration(view, prior)
    return float(calibrated(fitted.calibration, view.posterior, view.votes)[0, 0])


def a_crowd_that_errs_together(*, tasks: int = 500, seed: int = 6) -> Crowd:
    """One task in five misleads: there, nearly all say the wrong class."""
    plain = a_crowd(matrices=matrices_of(np.full(25, 0.85), 2), tasks=tasks, overlap=7, seed=seed)
    truth = plain.truth.copy()
    misleading = np.random.default_rng(seed).random(tasks) < 0.2
    truth[misleading] = 1 - truth[misleading]
    return Crowd(answers=plain.answers, truth=truth, matrices=plain.matrices)


@pytest.mark.parametrize("prior", [LEARNT, WEIGHTED])
def test_with_much_gold_the_confidence_is_the_share_that_is_right(prior: Prior) -> None:
    view = a_view(confidence=0.9999, right=0.8, gold=500)

    assert shown(view, prior) == pytest.approx(0.8, abs=0.03)


def test_little_gold_moves_the_confidence_little() -> None:
    nothing = fit_calibration(a_view(confidence=0.99, right=1.0, gold=0), LEARNT)
    shifts = [abs(shown(a_view(confidence=0.99, right=0.6, gold=gold), LEARNT) - 0.6) for gold in (2, 10, 50, 250)]

    assert nothing.gold == 0
    assert nothing.calibration.discount == pytest.approx(0.75, abs=0.01)
    assert shifts == sorted(shifts, reverse=True)
    assert shifts[0] > 0.15
    assert shifts[-1] < 0.06


def test_without_gold_no_crowd_is_believed_as_far_as_its_model() -> None:
    posterior, votes = np.array([[0.99999, 0.00001]]), np.array([[5.0, 0.0]])
    fitted = fit_calibration(a_view(confidence=0.9, right=1.0, gold=0), LEARNT)

    assert 0.9 < calibrated(fitted.calibration, posterior, votes)[0, 0] < 0.99


def test_tasks_where_everybody_errs_bring_the_shown_confidence_down_to_what_is_so() -> None:
    crowd = a_crowd_that_errs_together()
    gold = crowd.gold(0.2)
    left = gold == UNKNOWN
    fused = fuse(crowd.answers, gold=gold)
    right = fused.labels[left] == crowd.truth[left]
    believed = fused.selection.chosen.fit.posterior[left].max(axis=1)

    assert believed.mean() > right.mean() + 0.12
    assert fused.confidence[left].mean() == pytest.approx(right.mean(), abs=0.06)
    assert calibration_error(fused.confidence[left], right) < calibration_error(believed, right) / 2


def test_gold_is_certain_and_the_rest_is_not() -> None:
    crowd = a_mixed_crowd(tasks=200)
    gold = crowd.gold(0.1)
    fused = fuse(crowd.answers, gold=gold)

    assert (fused.confidence[gold != UNKNOWN] == 1.0).all()
    assert fused.confidence[gold == UNKNOWN].max() < 1.0
    assert fused.posterior.sum(axis=1) == pytest.approx(np.ones(200))


def test_an_interval_holds_the_confidence_and_narrows_with_gold() -> None:
    def bounds(gold: int) -> tuple[float, float, float]:
        view = a_view(confidence=0.999, right=0.8, gold=gold)
        fitted = fit_calibration(view, LEARNT)
        low, high = fitted.interval(view.posterior[:1], view.votes[:1])
        middle = calibrated(fitted.calibration, view.posterior[:1], view.votes[:1])[0, 0]
        return float(low[0]), float(middle), float(high[0])

    few, many = bounds(10), bounds(400)
    assert few[0] < few[1] < few[2] < 1
    assert many[0] < many[1] < many[2]
    assert many[2] - many[0] < (few[2] - few[0]) / 2


def test_gold_in_pieces_counts_as_what_it_is() -> None:
    whole = a_view(confidence=0.99, right=0.7, gold=40)
    pieces = GoldView(
        posterior=np.repeat(whole.posterior, 3, axis=0),
        votes=np.repeat(whole.votes, 3, axis=0),
        truth=np.repeat(whole.truth, 3),
        task=np.repeat(whole.task, 3),
        weight=np.full(120, 1 / 3),
    )

    one, other = fit_calibration(whole, LEARNT).calibration, fit_calibration(pieces, LEARNT).calibration
    assert (one.discount, one.vote_weight, one.floor) == pytest.approx((other.discount, other.vote_weight, other.floor))


def test_vote_shares_are_sharpened() -> None:
    fitted = fit_calibration(a_view(confidence=0.5, right=1.0, gold=0), VOTES)
    alike: Floats = np.array([[0.5, 0.5]])

    assert calibrated(fitted.calibration, alike, np.array([[4.0, 1.0]]))[0, 0] == pytest.approx(0.9, abs=0.05)


def test_a_request_and_a_whole_job_are_shown_the_same_confidence() -> None:
    calibration = Calibration(discount=0.6, vote_weight=0.4, floor=0.03)
    posterior, votes = np.array([[0.7, 0.2, 0.1], [0.001, 0.998, 0.001]]), np.array([[2.0, 1.0, 0.0], [0.0, 6.0, 1.0]])
    whole = calibrated(calibration, posterior, votes)

    for row, chances, counts in zip(whole, posterior, votes, strict=True):
        belief = Belief(tuple(np.log(chances).tolist()), tuple(int(count) for count in counts))
        assert calibration.believed(belief) == pytest.approx(tuple(row.tolist()))


def test_the_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    confidence = np.array([0.95] * 10 + [0.65] * 10)
    right = np.array([True] * 8 + [False] * 2 + [True] * 7 + [False] * 3)

    assert calibration_error(confidence, right) == pytest.approx((0.15 + 0.05) / 2)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0.0
