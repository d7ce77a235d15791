"""A confusion matrix for each worker: Dawid–Skene by maximum likelihood, with informative priors, and variationally."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import digamma

from qualification.statistics.fusion.answers import Answers, Floats, Indices, sums_of_columns
from qualification.statistics.fusion.em import Parameters, Statistics

SMALLEST: Final = 0.01
"""Maximum likelihood would make what never happened impossible; a hundredth of an answer keeps logarithms finite."""

STRENGTH: Final = 6.0
"""Answers that a prior row weighs. With as many of their own per class, workers are half believed to be themselves."""

PLAIN_SHARE: Final = 0.3
"""What a class's common row owes to the plain one, in answers: this share of what an average class of the job has. A
rare class whose right answers are few is otherwise taken for whatever is unclear, and draws all unclear tasks to
it."""

OWN_SKILL: Final = 4.0
"""Answers by which a worker's own accuracy is drawn to the job's before it shapes their prior."""


@dataclass(frozen=True, eq=False)
class MatrixParameters:
    """Workers × truths × classes said: `logs` weigh answers, `means` predict them; `log_classes` weighs classes."""

    logs: Floats
    means: Floats
    log_classes: Floats

    def scores(self, answers: Answers) -> Floats:
        """See `em.Parameters`: one sparse product."""
        by_cell = np.ascontiguousarray(self.logs.transpose(0, 2, 1)).reshape(-1, answers.classes)
        scores = np.asarray(answers.incidence @ by_cell, dtype=np.float64)
        scores += self.log_classes
        return scores

    def predicted(self, worker: Indices, said: Indices) -> Floats:
        """See `em.Parameters`."""
        return np.asarray(self.means[worker, :, said], dtype=np.float64)

    def confusion(self, worker: Indices) -> Floats:
        """See `em.Parameters`."""
        return np.asarray(self.means[worker], dtype=np.float64)


@dataclass(frozen=True)
class DawidSkene:
    """A matrix for each worker by maximum likelihood.

    A. P. Dawid, A. M. Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", Applied
    Statistics 28 (1979). At its best with many answers per worker and class; with few it fits noise.
    """

    name: str = "Dawid-Skene"

    def gather(self, answers: Answers, posterior: Floats, gold: Indices) -> Statistics:
        """See `em.Method`."""
        return matrix_counts(answers, posterior)

    def estimate(self, statistics: Statistics) -> Parameters:
        """See `em.Method`."""
        means = _rows(statistics.cells + SMALLEST)
        return MatrixParameters(np.log(means), means, np.log(_shares(statistics.classes + SMALLEST)))


@dataclass(frozen=True)
class InformedDawidSkene:
    """A matrix for each worker, drawn to the matrix that all workers have in common: the maximum a posteriori.

    The prior is estimated from the same answers (empirical Bayes), as in S. Paun et al., "Comparing Bayesian models of
    annotation", TACL 6 (2018), where hierarchical models were best. A worker with few answers is like everybody.
    """

    strength: float = STRENGTH
    name: str = "Dawid-Skene with priors"

    def gather(self, answers: Answers, posterior: Floats, gold: Indices) -> Statistics:
        """See `em.Method`."""
        return matrix_counts(answers, posterior)

    def estimate(self, statistics: Statistics) -> Parameters:
        """See `em.Method`."""
        means = _rows(statistics.cells + self.strength * common_matrix(statistics.cells))
        return MatrixParameters(np.log(means), means, np.log(_shares(statistics.classes + 1)))


@dataclass(frozen=True)
class Ibcc:
    """A distribution over matrices for each worker, by variational Bayes; the prior is the common one at their own
    skill.

    H.-C. Kim, Z. Ghahramani, "Bayesian classifier combination", AISTATS (2012); E. Simpson, S. Roberts, I. Psorakis, A.
    Smith, "Dynamic Bayesian combination of multiple imperfect classifiers" (2013) for the variational form. What is
    known of a worker from few answers weighs less than its mean would.
    """

    strength: float = STRENGTH
    own_skill: float = OWN_SKILL
    name: str = "IBCC"

    def gather(self, answers: Answers, posterior: Floats, gold: Indices) -> Statistics:
        """See `em.Method`."""
        return matrix_counts(answers, posterior)

    def estimate(self, statistics: Statistics) -> Parameters:
        """See `em.Method`."""
        cells = statistics.cells + self.strength * skilled_matrices(statistics.cells, own_skill=self.own_skill)
        classes = statistics.classes + 1
        logs = digamma(cells) - digamma(cells.sum(axis=2, keepdims=True))
        return MatrixParameters(logs, _rows(cells), digamma(classes) - digamma(classes.sum()))


def matrix_counts(answers: Answers, posterior: Floats) -> Statistics:
    """How often each worker is expected to have said each class of each truth: one sparse product."""
    by_cell = answers.incidence.T @ posterior
    cells = by_cell.reshape(answers.workers, answers.classes, answers.classes).transpose(0, 2, 1)
    return Statistics(cells=np.ascontiguousarray(cells), classes=sums_of_columns(posterior))


def common_matrix(cells: Floats) -> Floats:
    """Truths × classes said: what workers say on average, each row drawn to the plain one.

    The plain row is right as often as the job's answers are and errs on all other classes alike.
    """
    together = cells.sum(axis=0)
    classes = len(together)
    right, all_answers = float(np.trace(together)), float(together.sum())
    accuracy = (right + 1) / (all_answers + 4 / 3)
    plain = np.full((classes, classes), (1 - accuracy) / max(classes - 1, 1))
    np.fill_diagonal(plain, accuracy if classes > 1 else 1.0)
    weight = PLAIN_SHARE * all_answers / classes + 1
    return np.asarray((together + weight * plain) / (together.sum(axis=1, keepdims=True) + weight), dtype=np.float64)


def skilled_matrices(cells: Floats, *, own_skill: float) -> Floats:
    """Workers × truths × classes said: the common matrix, the odds of being right multiplied by the worker's own skill.

    A worker's skill is the odds of their being right against those that the common matrix expects on the classes they
    met, both drawn to the job's accuracy by `own_skill` answers. Errors keep the common shape.
    """
    common = common_matrix(cells)
    classes = len(common)
    if classes == 1:
        return np.ones_like(cells)
    diagonal = np.diag(common)
    met = cells.sum(axis=2)
    accuracy = float(np.trace(cells.sum(axis=0)) + 1) / float(cells.sum() + 4 / 3)
    answers, right = met.sum(axis=1), np.trace(cells, axis1=1, axis2=2)
    odds = _odds(right, answers, accuracy, own_skill) / _odds(met @ diagonal, answers, accuracy, own_skill)
    own = odds[:, None] * (diagonal / (1 - diagonal))
    own /= 1 + own
    errors = common * (1 - np.eye(classes))
    errors /= errors.sum(axis=1, keepdims=True)
    matrices = (1 - own)[:, :, None] * errors
    matrices[:, np.arange(classes), np.arange(classes)] = own
    return np.asarray(matrices, dtype=np.float64)


def _odds(right: Floats, answers: Floats, accuracy: float, weight: float) -> Floats:
    return np.asarray((right + weight * accuracy) / (answers - right + weight * (1 - accuracy)), dtype=np.float64)


def _rows(cells: Floats) -> Floats:
    return np.asarray(cells / cells.sum(axis=2, keepdims=True), dtype=np.float64)


def _shares(classes: Floats) -> Floats:
    return np.asarray(classes / classes.sum(), dtype=np.float64)
