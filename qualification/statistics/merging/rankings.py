"""Strengths from comparisons: Bradley–Terry, and with the reliability of whoever compared."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MOST_STEPS = 500
ROUNDS = 100
DRAWS = 0.1
"""So much of a win each way is added to every pair: without it who never lost would be infinitely strong."""

PRIOR_RIGHT, PRIOR_WRONG = 4.0, 1.0
"""A worker is thought of, before they answered, as right in four of five comparisons."""


def strengths_of(wins: Floats) -> Floats:
    """Log strengths, of mean 0, from how often (or with how much weight) the row won against the column.

    P(i beats j) = s(i) / (s(i) + s(j)). By D. R. Hunter's MM algorithm, "MM algorithms for generalized Bradley-Terry
    models", Annals of Statistics 32 (2004), after R. A. Bradley and M. E. Terry, Biometrika 39 (1952).
    """
    size = len(wins)
    if size < 2:
        return np.zeros(size)
    wins = wins + DRAWS * (1 - np.eye(size))
    met, won = wins + wins.T, wins.sum(axis=1)
    strength = np.ones(size)
    for _ in range(MOST_STEPS):
        before = strength
        strength = won / (met / (strength[:, None] + strength[None, :])).sum(axis=1)
        strength /= np.exp(np.mean(np.log(strength)))
        if np.max(np.abs(np.log(strength / before))) < 1e-10:
            break
    return np.log(strength)


@dataclass(frozen=True, eq=False)
class Compared:
    """Log strengths of the things that were compared, and how often each worker says what the strengths say."""

    strengths: Floats
    reliability: Floats


def crowd_strengths(*, winner: Indices, loser: Indices, worker: Indices, things: int, workers: int) -> Compared:
    """Bradley–Terry where each worker says what the strengths say with a reliability of their own, else the contrary.

    By EM: how much each comparison was meant, then strengths from comparisons counted so and, as far as they were not
    meant, the other way round. A reliability below a half is somebody who errs on purpose or has read the question the
    other way. Source: X. Chen, P. N. Bennett, K. Collins-Thompson and E. Horvitz, "Pairwise ranking aggregation in a
    crowdsourced setting", WSDM (2013), their Crowd-BT with a Beta prior on the reliabilities.
    """
    counts = np.bincount(worker, minlength=workers).astype(np.float64)
    meant = np.full(len(winner), PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG))
    strengths = np.zeros(things)
    reliability = np.full(workers, PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG))
    for _ in range(ROUNDS):
        wins = np.zeros((things, things))
        np.add.at(wins, (winner, loser), meant)
        np.add.at(wins, (loser, winner), 1 - meant)
        before, strengths = strengths, strengths_of(wins)
        chance = 1 / (1 + np.exp(strengths[loser] - strengths[winner]))
        as_meant = reliability[worker] * chance
        meant = as_meant / (as_meant + (1 - reliability[worker]) * (1 - chance))
        right = np.bincount(worker, meant, workers)
        reliability = (right + PRIOR_RIGHT) / (counts + PRIOR_RIGHT + PRIOR_WRONG)
        if np.max(np.abs(strengths - before)) < 1e-6:
            break
    return Compared(strengths, reliability)
