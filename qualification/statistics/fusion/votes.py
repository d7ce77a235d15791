"""Majority vote and votes weighted by gold; and one accuracy per worker by EM, which is where weighing ends up."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qualification.statistics.fusion.answers import (
    UNKNOWN,
    Answers,
    Floats,
    Indices,
    vote_shares,
)
from qualification.statistics.fusion.em import Fit, Parameters, Statistics, fit
from qualification.statistics.fusion.matrices import matrix_counts

SHRINKING: Final = 4.0
"""Answers by which a worker's accuracy is drawn to the job's."""

PRIOR_RIGHT: Final = 3.0
PRIOR_WRONG: Final = 1.0
"""The job's accuracy before any answer, counted in answers: 0.75, as for scores."""

ABOVE_CHANCE: Final = 0.01
MOST_ACCURATE: Final = 0.99
"""The bounds of docs/adr/0006: no vote is read as its contrary, and none decides alone against several."""


@dataclass(frozen=True, eq=False)
class CoinParameters:
    """One accuracy per worker, 0 to 1; errors fall on all other classes alike, and all classes are as likely before."""

    accuracy: Floats
    classes: int

    def scores(self, answers: Answers) -> Floats:
        """See `em.Parameters`: each answer adds its worker's log-odds to the class it names."""
        weights = np.log(self.accuracy * max(self.classes - 1, 1) / (1 - self.accuracy))
        cells = answers.task.astype(np.int64) * self.classes + answers.said
        totals = np.bincount(cells, weights[answers.worker], minlength=answers.tasks * self.classes)
        return np.asarray(totals.reshape(answers.tasks, self.classes), dtype=np.float64)

    def predicted(self, worker: Indices, said: Indices) -> Floats:
        """See `em.Parameters`."""
        right = self.accuracy[worker]
        chances = np.repeat(((1 - right) / max(self.classes - 1, 1))[:, None], self.classes, axis=1)
        chances[np.arange(len(said)), said] = right if self.classes > 1 else 1.0
        return np.asarray(chances, dtype=np.float64)

    def confusion(self, worker: Indices) -> Floats:
        """See `em.Parameters`."""
        each = np.arange(self.classes, dtype=np.int32)
        pairs = self.predicted(np.repeat(worker, self.classes), np.tile(each, len(worker)))
        return pairs.reshape(len(worker), self.classes, self.classes).transpose(0, 2, 1)


@dataclass(frozen=True)
class OneCoin:
    """One accuracy per worker, drawn to the job's.

    The homogeneous form of Dawid and Skene (1979), in H. Li, B. Yu, "Error rate bounds and iterative weighted majority
    voting for crowdsourcing" (2014), with a Beta prior. What a task without gold says of a worker counts
    `consensus_weight` of what gold does: 1 is plain EM, 0 learns from gold alone (K. Nigam et al., "Text
    classification from labeled and unlabeled documents using EM", Machine Learning 39 (2000), 5.2).
    """

    consensus_weight: float = 1.0
    name: str = "one coin"

    def gather(self, answers: Answers, posterior: Floats, gold: Indices) -> Statistics:
        """See `em.Method`."""
        weight = np.where(gold[answers.task] == UNKNOWN, self.consensus_weight, 1.0)
        right = np.bincount(answers.worker, posterior[answers.task, answers.said] * weight, minlength=answers.workers)
        given = np.bincount(answers.worker, weight, minlength=answers.workers)
        return Statistics(cells=np.stack([right, given - right], axis=1), classes=posterior.sum(axis=0))

    def estimate(self, statistics: Statistics) -> Parameters:
        """See `em.Method`."""
        right, wrong = statistics.cells.T
        return coin(right, wrong, classes=len(statistics.classes))


@dataclass(frozen=True)
class Majority:
    """Majority vote, as a model that says nothing of anybody in particular: all workers have one matrix in common."""

    name: str = "majority vote"

    def gather(self, answers: Answers, posterior: Floats, gold: Indices) -> Statistics:
        """See `em.Method`; the matrix is all workers' together."""
        counts = matrix_counts(answers, posterior)
        return Statistics(cells=counts.cells.sum(axis=0, keepdims=True), classes=counts.classes)

    def estimate(self, statistics: Statistics) -> Parameters:
        """See `em.Method`."""
        cells = statistics.cells[0] + 1 / len(statistics.classes)
        return PooledParameters(cells / cells.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class PooledParameters:
    """One matrix, truths × classes said, for all workers alike. Tasks are scored by their vote shares."""

    matrix: Floats

    def scores(self, answers: Answers) -> Floats:
        """See `em.Parameters`: logarithms of vote shares, a class without votes having next to none."""
        return np.asarray(np.log(np.maximum(vote_shares(answers.votes), 1e-12)), dtype=np.float64)

    def predicted(self, worker: Indices, said: Indices) -> Floats:
        """See `em.Parameters`."""
        return np.asarray(self.matrix.T[said], dtype=np.float64)

    def confusion(self, worker: Indices) -> Floats:
        """See `em.Parameters`."""
        return np.asarray(np.repeat(self.matrix[None], len(worker), axis=0), dtype=np.float64)


@dataclass(frozen=True)
class GoldWeighted(OneCoin):
    """Votes weighted by what gold alone says of each worker; without gold all weigh the same: majority vote."""

    consensus_weight: float = 0.0
    name: str = "votes weighted by gold"


def majority(answers: Answers, *, gold: npt.ArrayLike | None = None) -> Fit:
    """Vote shares as posterior; the class that stands first wins a tie, as in `consensus.majority_vote`."""
    return fit(Majority(), answers, gold=gold)


def weighted_majority(answers: Answers, *, gold: npt.ArrayLike | None = None) -> Fit:
    """Each vote weighs the log-odds of its worker's accuracy on gold.

    S. Nitzan, J. Paroush, "Optimal decision rules in uncertain dichotomous choice situations", International Economic
    Review 23 (1982): no other weights are right more often when workers err independently.
    """
    return fit(GoldWeighted(), answers, gold=gold)


def coin(right: Floats, wrong: Floats, *, classes: int) -> CoinParameters:
    """Accuracies from expected counts of right and wrong answers, drawn to the job's and kept within bounds."""
    job = (right.sum() + PRIOR_RIGHT) / (right.sum() + wrong.sum() + PRIOR_RIGHT + PRIOR_WRONG)
    accuracy = (right + SHRINKING * job) / (right + wrong + SHRINKING)
    floor = 1 / classes + ABOVE_CHANCE * (1 - 1 / classes)
    return CoinParameters(accuracy=np.clip(accuracy, min(floor, MOST_ACCURATE), MOST_ACCURATE), classes=classes)
