"""How unsure a model is of each task, from the probabilities that it gives the classes.

B. Settles, "Active learning literature survey", University of Wisconsin–Madison (2009), 3.1.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Measure(StrEnum):
    """By what to call a model unsure."""

    LEAST_CONFIDENCE = "least_confidence"
    MARGIN = "margin"
    ENTROPY = "entropy"


def uncertainty(probabilities: npt.ArrayLike, *, measure: Measure = Measure.MARGIN) -> Floats:
    """How unsure the model is of each task, 0 (certain) to 1 (all classes alike).

    `probabilities` is tasks × classes, at least two; rows are scaled to sum to 1. Raises ValueError for a negative,
    endless or missing number, or a row without any probability.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError("Probabilities are tasks by classes, of which there are at least two.")
    totals = rows.sum(axis=1, keepdims=True)
    if rows.size and (not np.isfinite(rows).all() or rows.min() < 0 or totals.min() <= 0):
        raise ValueError("Probabilities are numbers of at least 0, and each task has some.")
    return np.clip(MEASURES[measure](rows / totals), 0.0, 1.0)


def _least_confidence(rows: Floats) -> Floats:
    classes = rows.shape[1]
    return np.asarray((1 - rows.max(axis=1)) * classes / (classes - 1), dtype=np.float64)


def _margin(rows: Floats) -> Floats:
    first_two = np.sort(rows, axis=1)[:, -2:]
    return np.asarray(1 - (first_two[:, 1] - first_two[:, 0]), dtype=np.float64)


def _entropy(rows: Floats) -> Floats:
    logarithms = np.log(rows, out=np.zeros_like(rows), where=rows > 0)
    return np.asarray(-(rows * logarithms).sum(axis=1) / np.log(rows.shape[1]), dtype=np.float64)


MEASURES: Final[dict[Measure, Callable[[Floats], Floats]]] = {
    Measure.LEAST_CONFIDENCE: _least_confidence,
    Measure.MARGIN: _margin,
    Measure.ENTROPY: _entropy,
}
