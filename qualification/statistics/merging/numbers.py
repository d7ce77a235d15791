"""Numbers from several people: robust and weighted means, and each person's bias and variance over a whole job."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MOST_ROUNDS = 50
PRIOR_ANSWERS = 4.0
"""A worker's variance is drawn to that of all by this many answers: few answers say little about who gave them."""


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The middle of the weight: half lies on each side; between two values their mean, as in the plain median."""
    order = np.argsort(np.asarray(values, dtype=np.float64), kind="stable")
    sorted_values = np.asarray(values, dtype=np.float64)[order]
    shares = np.cumsum(np.asarray(weights, dtype=np.float64)[order])
    half = shares[-1] / 2
    tolerance = 1e-12 * shares[-1]
    low = int(np.searchsorted(shares, half - tolerance))
    if abs(shares[low] - half) <= tolerance and low + 1 < len(sorted_values):
        return float((sorted_values[low] + sorted_values[low + 1]) / 2)
    return float(sorted_values[low])


def weighted_medians(values: Floats, weights: Floats) -> Floats:
    """`weighted_median` of each column, of those rows that weigh anything there; some row does."""
    order = np.argsort(np.where(weights > 0, values, np.inf), axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    shares = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    half, tolerance = shares[-1] / 2, 1e-12 * shares[-1]
    low = np.sum(shares < half - tolerance, axis=0)
    column = np.arange(values.shape[1])
    is_between = np.abs(shares[low, column] - half) <= tolerance
    high = np.where(is_between, np.minimum(low + 1, len(values) - 1), low)
    return np.asarray((ordered[low, column] + ordered[high, column]) / 2, dtype=np.float64)


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """The plain mean where the weights are equal."""
    # Sorted first, so that the order in which answers came cannot change a last digit.
    pairs = sorted(zip(values, weights, strict=True))
    return float(np.average([value for value, _ in pairs], weights=[weight for _, weight in pairs]))


@dataclass(frozen=True, eq=False)
class FusedNumbers:
    """One number a task, and what each worker adds to it on average and how far they scatter about that."""

    values: Floats
    bias: Floats
    variance: Floats


def fuse_numbers(
    *,
    task: Indices,
    worker: Indices,
    said: Floats,
    tasks: int,
    workers: int,
    robust: bool = True,
    truth: Floats | None = None,
) -> FusedNumbers:
    """The number of each task when every worker has a bias and a variance, by alternating maximum likelihood.

    Answer = number + bias of the worker + noise of the worker. It starts from the median (or mean) of each task and
    weighs by inverse variance from then on. `truth` has the numbers that are known, the others being no number; they
    stay as they are. The biases are anchored at a median of 0, over answers, and at what all add to them: a shift that
    most share cannot be seen without truth. Source: V. C. Raykar and others, "Learning from crowds", JMLR 11 (2010),
    section 5, with a bias added and variances shrunk to the pooled one.
    """
    bias, variance = np.zeros(workers), np.ones(workers)
    if not len(said):
        return FusedNumbers(np.zeros(tasks), bias, variance)
    known = np.full(tasks, np.nan) if truth is None else truth
    is_known = np.isfinite(known)
    to_known, common = is_known[task], 0.0
    values = np.where(is_known, known, _start(task, said, tasks, robust=robust))
    counts = np.bincount(worker, minlength=workers).astype(np.float64)
    for _ in range(MOST_ROUNDS):
        off = said - values[task] - common
        pooled = float(np.mean(off**2)) or 1.0
        own = np.bincount(worker, off, workers) / (counts + PRIOR_ANSWERS)
        own -= weighted_median(own.tolist(), counts.tolist())
        if to_known.any():
            # The median, as one slip of a finger says nothing of what all add.
            beyond = (said - values[task] - own[worker])[to_known]
            common = float(np.median(beyond)) * len(beyond) / (len(beyond) + PRIOR_ANSWERS)
        bias = own + common
        scatter = np.bincount(worker, (said - values[task] - bias[worker]) ** 2, workers)
        variance = (scatter + PRIOR_ANSWERS * pooled) / (counts + PRIOR_ANSWERS)
        weight = 1 / variance[worker]
        before, total = values, np.bincount(task, weight, tasks)
        fused = np.bincount(task, weight * (said - bias[worker]), tasks) / np.where(total > 0, total, 1)
        values = np.where(is_known, known, fused)
        if np.max(np.abs(values - before)) < 1e-9 * (1 + np.max(np.abs(values))):
            break
    return FusedNumbers(values, bias, variance)


def _start(task: Indices, said: Floats, tasks: int, *, robust: bool) -> Floats:
    counts = np.bincount(task, minlength=tasks)
    if not robust:
        return np.asarray(np.bincount(task, said, tasks) / np.maximum(counts, 1), dtype=np.float64)
    ordered, before = said[np.lexsort((said, task))], np.cumsum(counts) - counts
    low, high = (ordered[np.minimum(before + half // 2, len(said) - 1)] for half in (np.maximum(counts - 1, 0), counts))
    return np.asarray(np.where(counts > 0, (low + high) / 2, 0.0), dtype=np.float64)
