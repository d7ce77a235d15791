"""Expectation and maximisation in turns, with gold as an anchor: what all models that learn from answers share.

A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum likelihood from incomplete data via the EM algorithm", Journal of the
Royal Statistical Society B 39 (1977). Gold tasks keep their truth in every step, so that they teach how workers err, as
in X. Zhu, A. Goldberg, "Introduction to Semi-Supervised Learning" (2009), chapter 3.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from qualification.statistics.fusion.answers import (
    UNKNOWN,
    Answers,
    Floats,
    Indices,
    anchored,
    checked_gold,
    leaders,
    normalised,
    vote_shares,
)

MOST_STEPS: Final = 100
TOLERANCE: Final = 1e-4
"""A fit has converged when no probability of any task moves by more."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """All that a model needs to know of answers: expected counts.

    `cells` is workers × truths × classes said, or workers × (right, wrong) where a model needs no more. `classes` is
    how many tasks are expected of each class.
    """

    cells: Floats
    classes: Floats


class Parameters(Protocol):
    """What a model believes about workers and classes."""

    def scores(self, answers: Answers) -> Floats:
        """Tasks × classes: the logarithm of how likely a class and its answers are, up to a constant per task."""

    def predicted(self, worker: Indices, said: Indices) -> Floats:
        """For each pair, by truths: the probability that this worker says this class."""

    def confusion(self, worker: Indices) -> Floats:
        """For each worker, truths × classes said: probabilities, rows summing to 1."""


class Method(Protocol):
    """A model of how workers err, with its way to learn from expected counts."""

    @property
    def name(self) -> str:
        """The method's name, as reports give it."""

    def gather(self, answers: Answers, posterior: Floats, gold: Indices) -> Statistics:
        """The expected counts when tasks are believed to be what `posterior` says."""

    def estimate(self, statistics: Statistics) -> Parameters:
        """The parameters that follow from expected counts."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a method made of a job.

    `posterior` is tasks × classes, gold tasks certain. `statistics` are those that `parameters` come from, so that new
    answers can be added without the old. After `steps` steps the largest `change` of a probability was less than asked
    for, or not (`converged`). `log_likelihood` is that of all answers and gold in natural logarithms, up to the
    constant of the scores; for variational methods it has no meaning by itself.
    """

    method: Method
    posterior: Floats
    parameters: Parameters
    statistics: Statistics
    steps: int
    change: float
    converged: bool
    log_likelihood: float

    @property
    def labels(self) -> Indices:
        """The class in front of each task, the first one among equals."""
        return leaders(self.posterior)


def fit(
    method: Method,
    answers: Answers,
    *,
    gold: npt.ArrayLike | None = None,
    start: Floats | None = None,
    most_steps: int = MOST_STEPS,
    tolerance: float = TOLERANCE,
) -> Fit:
    """Fit a method to answers, starting from vote shares or from an earlier posterior (tasks × classes).

    `gold` holds a class or `UNKNOWN` for each task. A warm start may have fewer rows than there are tasks now: new
    tasks start from their votes. Raises ValueError for gold or a start of another shape.
    """
    truths = checked_gold(answers, gold)
    posterior = anchored(_started(answers, start), truths)
    change, steps = np.inf, 0
    while steps < most_steps and change >= tolerance:
        statistics = method.gather(answers, posterior, truths)
        parameters = method.estimate(statistics)
        following, log_likelihood = expected(parameters, answers, truths)
        posterior -= following  # in place: it is not needed any more
        change = float(max(posterior.max(initial=0.0), -posterior.min(initial=0.0)))
        posterior, steps = following, steps + 1
    return Fit(
        method=method,
        posterior=posterior,
        parameters=parameters,
        statistics=statistics,
        steps=steps,
        change=change,
        converged=change < tolerance,
        log_likelihood=log_likelihood,
    )


def expected(parameters: Parameters, answers: Answers, gold: Indices) -> tuple[Floats, float]:
    """The E step: what every task is believed to be, gold tasks certain, and the log-likelihood of answers and gold."""
    scores = parameters.scores(answers)
    known = np.flatnonzero(gold != UNKNOWN)
    of_gold = scores[known, gold[known]]
    posterior, evidence = normalised(scores)
    evidence[known] = of_gold
    return anchored(posterior, gold), float(evidence.sum())


def _started(answers: Answers, start: Floats | None) -> Floats:
    shares = vote_shares(answers.votes)
    if start is None:
        return shares
    if start.ndim != 2 or start.shape[0] > answers.tasks or start.shape[1] != answers.classes:
        raise ValueError(f"A start is at most {answers.tasks} tasks by {answers.classes} classes, not {start.shape}.")
    shares[: len(start)] = start
    return shares
