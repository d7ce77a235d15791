"""Marks: things that some workers mark and others do not; what either says of whether the thing is there.

How often a worker marks what is there, and how often what is not, is learnt over many things by EM.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from qualification.statistics.merging.numbers import Floats, Indices

ROUNDS: Final = 100
PRIOR_THINGS: Final = 8.0
"""A worker is drawn to what all have in common by so many things that are there, and so many that are not."""

UNKNOWN_COUNTS: Final = 0.3
"""A thing of which truth says nothing counts for so much of one that it does, as for classes."""

START_THERE: Final = 0.5


@dataclass(frozen=True, eq=False)
class Marks:
    """What it weighs, as log odds, that a worker marked a thing, and that they did not."""

    marked: Floats
    silent: Floats


def weigh_marks(*, thing: Indices, worker: Indices, is_marked: Floats, truth: Floats, workers: int) -> Marks:
    """What each worker's marks and silences say; `truth` is 1 or 0 by thing, and no number where it is not known.

    Each row of the first three is a worker who saw where a thing may be. After A. P. Dawid and A. M. Skene, *Applied
    Statistics* 28 (1979), with two classes, and each worker drawn to all. It starts from the votes.
    """
    is_known = np.isfinite(truth)
    votes = np.bincount(thing, is_marked, len(truth)) / np.maximum(np.bincount(thing, minlength=len(truth)), 1)
    there = np.where(is_known, truth, np.clip(votes, 0.1, 0.9))
    counts = np.where(is_known, 1.0, UNKNOWN_COUNTS)
    said_there = said_not = np.full(workers, START_THERE)
    for _ in range(ROUNDS):
        said_there, said_not = (
            _share_marked(weight[thing], worker, is_marked, workers)
            for weight in (counts * there, counts * (1 - there))
        )
        odds = np.where(
            is_marked > 0,
            np.log(said_there / said_not)[worker],
            np.log((1 - said_there) / (1 - said_not))[worker],
        )
        share = float(np.clip(np.average(there, weights=counts), 0.01, 0.99))
        belief = 1 / (1 + np.exp(-np.log(share / (1 - share)) - np.bincount(thing, odds, len(truth))))
        before, there = there, np.where(is_known, truth, belief)
        if np.max(np.abs(there - before)) < 1e-6:
            break
    often, seldom = (_common(weight[thing], is_marked) for weight in (counts * there, counts * (1 - there)))
    marked, silent = (_counted(worker, counts[thing] * own, workers) for own in (is_marked, 1 - is_marked))
    return Marks(
        _drawn(np.log(said_there / said_not), marked, to=math.log(often / seldom)),
        _drawn(np.log((1 - said_not) / (1 - said_there)), silent, to=math.log((1 - seldom) / (1 - often))),
    )


def _drawn(odds: Floats, seen: Floats, *, to: float) -> Floats:
    """Log odds of who was seen to do so hardly ever are those of all: of their marks, say, nothing is known."""
    return np.asarray((seen * odds + PRIOR_THINGS * to) / (seen + PRIOR_THINGS), dtype=np.float64)


def _counted(worker: Indices, weight: Floats, workers: int) -> Floats:
    return np.asarray(np.bincount(worker, weight, workers), dtype=np.float64)


def _common(weight: Floats, is_marked: Floats) -> float:
    return float((np.sum(weight * is_marked) + 1) / (np.sum(weight) + 2))


def _share_marked(weight: Floats, worker: Indices, is_marked: Floats, workers: int) -> Floats:
    """How much of this weight each worker marked, drawn to how much of it all did."""
    common = _common(weight, is_marked)
    marked = _counted(worker, weight * is_marked, workers) + PRIOR_THINGS * common
    return marked / (_counted(worker, weight, workers) + PRIOR_THINGS)
