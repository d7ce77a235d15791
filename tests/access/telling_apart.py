"""How well two kinds of things can be told apart: the area under the curve of single features and of a classifier."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

BINS: Final = 8
STEPS: Final = 300
PENALTY: Final = 3.0


def auc(values: Numbers, kind: Marks) -> float:
    """How likely one of the ``kind`` has a larger value than one that is not; 0.5 when nothing tells them apart."""
    ranks = _ranks(values)
    of_kind, others = int(kind.sum()), int((~kind).sum())
    return float((ranks[kind].sum() - of_kind * (of_kind + 1) / 2) / (of_kind * others))


def strength(values: Numbers, kind: Marks) -> float:
    """``auc`` whichever way round the feature is read: from 0.5 (useless) to 1 (certain)."""
    found = auc(values, kind)
    return max(found, 1 - found)


def within(groups: Sequence[int], values: Numbers) -> Numbers:
    """Each value's place among those of its group, 0 to 1: what is a lot to one worker may be little to another."""
    places, group = np.empty(len(values)), np.asarray(groups)
    for each in np.unique(group):
        own = group == each
        places[own] = (_ranks(values[own]) - 0.5) / own.sum()
    return places


def held_out_scores(features: Numbers, kind: Marks, groups: Sequence[int], *, folds: int = 4) -> Numbers:
    """What a classifier that has learnt from the other groups makes of each row: the higher, the likelier the kind."""
    seen, fold = _expanded(features), np.asarray(groups) % folds
    scores = np.empty(len(kind))
    for number in range(folds):
        held_out = fold == number
        weights = _learn(seen[~held_out], kind[~held_out])
        scores[held_out] = seen[held_out] @ weights
    return scores


def _ranks(values: Numbers) -> Numbers:
    """Places from 1; those that are equal share the middle of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place], dtype=np.float64)


def _expanded(features: Numbers) -> Numbers:
    """Each feature by the part of its range that a value is in, and each two together by their halves."""
    columns = [np.ones(len(features))]
    halves = []
    for values in features.T:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        part = np.searchsorted(edges, values, side="left")
        columns += [(part == number).astype(np.float64) for number in range(len(edges) + 1)]
        halves.append((values > np.median(values)).astype(np.float64) - 0.5)
    for number, one in enumerate(halves):
        columns += [one * other for other in halves[:number]]
    return np.stack(columns, axis=1)


def _learn(seen: Numbers, kind: Marks) -> Numbers:
    """Logistic regression with a penalty on large weights, by Newton's method on its bound (Böhning and Lindsay)."""
    bound = seen.T @ seen / 4 + PENALTY * np.eye(seen.shape[1])
    step = np.linalg.inv(bound)
    weights = np.zeros(seen.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(seen @ weights, -30, 30)))
        change = step @ (seen.T @ (kind - likely) - PENALTY * weights)
        weights = weights + change
        if np.abs(change).max() < 1e-5:
            break
    return weights
