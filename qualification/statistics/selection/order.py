"""Priorities of tasks, 0 to 9, from how unsure a model is of them and from the batch that was picked."""

import numpy as np
import numpy.typing as npt

from qualification.statistics.selection.batches import Places
from qualification.statistics.selection.uncertainty import Floats

BATCH = 1
"""Right behind what must come first whatever a model says: audits, and what a client put there."""

FIRST_AFTER, LAST = 2, 9


def priorities_of(unsure: Floats, batch: Places) -> npt.NDArray[np.int64]:
    """The batch has priority 1; the others 2 to 9 in eight equal parts, the most unsure first."""
    order = np.argsort(-unsure, kind="stable")
    order = order[~np.isin(order, batch)]
    found = np.full(len(unsure), BATCH, dtype=np.int64)
    steps = LAST - FIRST_AFTER + 1
    found[order] = FIRST_AFTER + np.arange(len(order)) * steps // max(len(order), 1)
    return found
