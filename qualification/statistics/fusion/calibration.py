"""Confidence that holds: fitted on gold that was not told, drawn to what crowds are like where there is little."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from qualification.statistics.fusion.answers import Flags, Floats, normalised
from qualification.statistics.fusion.heldout import GoldView
from qualification.statistics.fusion.online import LEAST_LOGARITHM, Calibration, calibration_at
from qualification.statistics.fusion.priors import POINTS_KEPT, Prior

POINTS: Final = (13, 11, 7)
REACH: Final = 2.4
"""Points of the grid on each axis, and how many standard deviations it goes to either side."""

MOST_GOLD: Final = 4_000
"""Pieces of gold that are looked at; more would not move what they say."""


@dataclass(frozen=True, eq=False)
class FittedCalibration:
    """The calibration, and how sure it is: points of a grid (rows of three numbers) with the weight that gold gives
    them.

    `gold` is how many pieces of gold it rests on.
    """

    calibration: Calibration
    points: Floats
    weights: Floats
    gold: int

    def spread(self) -> tuple[Calibration, ...]:
        """A few calibrations, as likely as one another, that stand for all points: each gets as many as it weighs.

        Systematic resampling, G. Kitagawa, *Journal of Computational and Graphical Statistics* 5 (1996).
        """
        reached = np.cumsum(self.weights) / self.weights.sum()
        picked = np.searchsorted(reached, (np.arange(POINTS_KEPT) + 0.5) / POINTS_KEPT)
        return tuple(_calibration(self.points[place]) for place in picked)

    def interval(self, posterior: Floats, votes: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
        """For each task, the bounds between which the confidence in its leader lies with probability `level`."""
        leader = calibrated(self.calibration, posterior, votes).argmax(axis=1)
        heavy = np.flatnonzero(self.weights > self.weights.max() * 1e-3)
        rows = np.arange(len(leader))
        confidences = np.stack(
            [calibrated(_calibration(self.points[point]), posterior, votes)[rows, leader] for point in heavy]
        )
        order = np.argsort(confidences, axis=0)
        reached = np.cumsum(self.weights[heavy][order], axis=0)
        reached /= reached[-1]
        low = (reached >= (1 - level) / 2).argmax(axis=0)
        high = (reached >= (1 + level) / 2).argmax(axis=0)
        ascending: Floats = np.take_along_axis(confidences, order, axis=0)
        return ascending[low, rows], ascending[high, rows]


def calibrated(calibration: Calibration, posterior: Floats, votes: Floats) -> Floats:
    """Tasks × classes: `Calibration.believed` for many tasks. What is certain already (gold) does not stay so here."""
    answers = votes.sum(axis=1, keepdims=True)
    scores = _logarithms(posterior) * np.maximum(answers, 1) ** -calibration.discount
    scores += calibration.vote_weight * _log_shares(votes)
    believed, _ = normalised(scores)
    believed *= 1 - calibration.floor
    believed += calibration.floor / votes.shape[1]
    return believed


def fit_calibration(view: GoldView, prior: Prior) -> FittedCalibration:
    """The mean of the three numbers given gold and prior, on a grid that is drawn twice, the second time where it
    matters.

    Each gold task counts once, however many pieces it has. Without gold it is the prior's mean.
    """
    kept = slice(None, None, max(1, -(-len(view.truth) // MOST_GOLD)))
    view = GoldView(view.posterior[kept], view.votes[kept], view.truth[kept], view.task[kept], view.weight[kept])
    middle, spread = np.array(prior.means), np.array(prior.deviations)
    for _ in range(2):
        axes = [m + s * np.linspace(-REACH, REACH, n) for m, s, n in zip(middle, spread, POINTS, strict=True)]
        log_weights = _log_likelihoods(view, axes) + _log_priors(axes, prior)
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        middle = weights.ravel() @ points
        steps = np.array([axis[1] - axis[0] for axis in axes])
        spread = np.maximum(np.sqrt(weights.ravel() @ (points - middle) ** 2), steps / 2)
    return FittedCalibration(_calibration(middle), points, weights.ravel(), len(view.truth))


def calibration_error(confidence: Floats, right: Flags, *, bins: int = 10) -> float:
    """The mean gap, 0 to 1, between confidence and share of right labels, over equally wide bins weighted by their
    tasks.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI
    (2015). It is never 0 on few tasks: labels drawn at exactly the confidence shown give some error too.
    """
    place = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(place, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / max(len(confidence), 1))


def _log_likelihoods(view: GoldView, axes: list[Floats]) -> Floats:
    """The log-likelihood of gold at each point of the grid."""
    classes = view.votes.shape[1]
    rows = np.arange(len(view.truth))
    logs, shares = _logarithms(view.posterior), _log_shares(view.votes)
    answers = np.maximum(view.votes.sum(axis=1, keepdims=True), 1)
    floors = 1 / (1 + np.exp(-axes[2]))[:, None]
    found = np.empty(tuple(len(axis) for axis in axes))
    for i, discount in enumerate(axes[0]):
        discounted = logs * answers**-discount
        for j, vote_weight in enumerate(np.exp(axes[1])):
            believed, _ = normalised(discounted + vote_weight * shares)
            of_truth = believed[rows, view.truth]
            found[i, j] = np.log((1 - floors) * of_truth + floors / classes) @ view.weight
    return found


def _log_priors(axes: list[Floats], prior: Prior) -> Floats:
    away = [
        -0.5 * ((axis - mean) / deviation) ** 2
        for axis, mean, deviation in zip(axes, prior.means, prior.deviations, strict=True)
    ]
    return np.asarray(away[0][:, None, None] + away[1][:, None] + away[2], dtype=np.float64)


def _calibration(point: Floats) -> Calibration:
    return calibration_at(*(float(number) for number in point))


def _logarithms(posterior: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(np.log(posterior), LEAST_LOGARITHM), dtype=np.float64)


def _log_shares(votes: Floats) -> Floats:
    classes = votes.shape[1]
    return np.asarray(np.log((votes + 1 / classes) / (votes.sum(axis=1, keepdims=True) + 1)), dtype=np.float64)
