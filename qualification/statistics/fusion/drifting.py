"""Workers who have changed: what they said long ago tells less of them now than what they said lately.

Everybody else's answers count alike however old they are: forgetting costs answers, and most people stay as they are.
"""

from typing import Final

import numpy as np
from scipy.special import ndtri

from qualification.statistics.fusion.answers import Floats, Indices

HALF_LIFE: Final = 40.0
"""Of whoever has changed, an answer counts half after so many later ones, a quarter after twice as many."""

FEWEST: Final = 20
"""Answers in each half, below which nobody is said to have changed."""

FALSE_ALARMS: Final = 0.01
"""How likely anybody in a job is taken to have changed though nobody has."""

LEAST_CHANGE: Final = 0.1
"""Of how often somebody is right. Less makes little difference, and tasks that have fewer answers yet may look so."""

LEAST_SPREAD: Final = 0.05
"""Of right and wrong, so that somebody who was always right is not a new person after one error."""


def weights_by_age(*, recency: Indices, worker: Indices, right: Floats, weight: Floats, workers: int) -> Floats:
    """What each answer counts of its worker, 0 to 1: less the older it is, of whoever is surely another now.

    `recency` orders the answers, the lowest the latest; `right` is how likely each is right, and `weight` how much that
    is worth. The halves of a worker's answers are compared by a normal test on both sides, with its risk shared by all
    workers (C. E. Bonferroni).
    """
    order = np.lexsort((recency, worker))
    counts = np.bincount(worker, minlength=workers)
    age = np.empty(len(worker))
    age[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_late = age < counts[worker] / 2
    halves = [
        _mean_and_error(worker=worker, right=right, weight=weight * half, workers=workers)
        for half in (~is_late, is_late)
    ]
    (before, error), (now, error_now) = halves
    limit = -ndtri(FALSE_ALARMS / (2 * max(workers, 1)))
    least = np.maximum(limit * np.sqrt(error**2 + error_now**2), LEAST_CHANGE)
    has_changed = (counts >= 2 * FEWEST) & (np.abs(now - before) > least)
    return np.where(has_changed[worker], 0.5 ** (age / HALF_LIFE), 1.0)


def _mean_and_error(*, worker: Indices, right: Floats, weight: Floats, workers: int) -> tuple[Floats, Floats]:
    total, squares = (np.maximum(np.bincount(worker, each, minlength=workers), 1e-9) for each in (weight, weight**2))
    mean = np.bincount(worker, weight * right, minlength=workers) / total
    spread = np.maximum(mean * (1 - mean), LEAST_SPREAD)
    return mean, np.asarray(np.sqrt(spread * squares) / total, dtype=np.float64)
