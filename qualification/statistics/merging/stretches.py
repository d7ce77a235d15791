"""Stretches on a line (of text, time, or the pixels of a picture): where most of the weight covers it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Stretch = tuple[float, float]
Stretches = npt.NDArray[Any]
"""Stretches × (start, end), in order, none touching another."""


def covered_by_most(stretches: Sequence[Sequence[Stretch] | Stretches], weights: Sequence[float]) -> list[Stretch]:
    """The stretches that more than half of the weight covers. Each entry is one person's, which may overlap each other.

    The vote of each point of the line, without visiting every point: between two ends nothing changes.
    """
    own = [each if isinstance(each, np.ndarray) else _rows(joined(each)) for each in stretches]
    ends = np.concatenate([rows.ravel() for rows in own])
    if not len(ends):
        return []
    change = np.concatenate([np.tile([weight, -weight], len(rows)) for rows, weight in zip(own, weights, strict=True)])
    order = np.lexsort((change, ends))
    places, firsts = np.unique(ends[order], return_index=True)
    level = np.cumsum(np.add.reduceat(change[order], firsts))
    is_covered = level > sum(sorted(weights)) / 2 * (1 + 1e-9)
    edges = np.flatnonzero(np.diff(is_covered, prepend=False))
    return [(start, end) for start, end in places[edges].reshape(-1, 2).tolist()]


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same points of the line as few stretches as possible, in order."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def shared_length(first: Stretches, second: Stretches) -> float:
    """How much of the line both cover."""
    few, many = sorted((first, second), key=len)
    starts, lengths = many[:, 0], many[:, 1] - many[:, 0]
    before = np.concatenate([[0], np.cumsum(lengths)])
    place = np.searchsorted(starts, few, side="right")
    within = np.minimum(few - starts[place - 1], lengths[place - 1])
    covered = np.where(place > 0, before[place - 1] + within, 0)
    return float(np.sum(covered[:, 1] - covered[:, 0]))


def jaccard(first: Sequence[Stretch] | Stretches, second: Sequence[Stretch] | Stretches) -> float:
    """What both cover over what either covers; 1 when neither covers anything. Each is in order, and none touches."""
    ours, theirs = (each if isinstance(each, np.ndarray) else _rows(each) for each in (first, second))
    shared = shared_length(ours, theirs) if len(ours) and len(theirs) else 0.0
    either = float(sum(np.sum(rows[:, 1] - rows[:, 0]) for rows in (ours, theirs))) - shared
    return shared / either if either > 0 else 1.0


def _rows(stretches: Sequence[Stretch]) -> Stretches:
    return np.array(stretches).reshape(-1, 2)
