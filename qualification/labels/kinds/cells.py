"""Areas by the cells of a grid over the picture: about how much two share, quickly, however their outlines run."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from qualification.labels.kinds.outlines import Floats, Outline, Places

WHOLE: Final = 100.0
ACROSS: Final = 64
"""Cells from one side of the picture to the other, as many as a number has bits."""


def share_of_cells(first: tuple[Outline, ...], second: tuple[Outline, ...], rows: Places, columns: Places) -> Floats:
    """Intersection over union, in cells, of these of `first` with these of `second`; 0 for what covers none."""
    ours, theirs = _cells_of(first), _cells_of(second)
    sizes, their_sizes = (np.bitwise_count(cells).sum(axis=1, dtype=np.int64) for cells in (ours, theirs))
    shared = np.bitwise_count(ours[rows] & theirs[columns]).sum(axis=1, dtype=np.int64)
    return np.asarray(shared / np.maximum(sizes[rows] + their_sizes[columns] - shared, 1), dtype=np.float64)


@lru_cache(maxsize=8)
def _cells_of(outlines: tuple[Outline, ...]) -> npt.NDArray[np.uint64]:
    """Outlines × rows of cells, a bit each: whether its middle lies where the outline runs around it, whichever way.

    Kept for a while, as each answer is compared with several.
    """
    corners = np.array([point for outline in outlines for point in outline]) * (ACROSS / WHOLE)
    sizes = np.array([len(outline) for outline in outlines])
    firsts = np.cumsum(sizes) - sizes
    owners = np.repeat(np.arange(len(outlines)), sizes)
    following = np.arange(len(corners)) + 1
    following[firsts + sizes - 1] = firsts
    middles = np.arange(ACROSS) + 0.5
    is_below, ends_below = (points[:, 1:] <= middles for points in (corners, corners[following]))
    side, row = np.nonzero(is_below != ends_below)
    (x, y), (end_x, end_y) = corners[side].T, corners[following[side]].T
    crossed_at = x + (middles[row] - y) * (end_x - x) / (end_y - y)
    column = np.clip(np.ceil(crossed_at - 0.5), 0, ACROSS).astype(np.intp)
    places = (owners[side] * ACROSS + row) * (ACROSS + 1) + column
    ways = np.where(is_below[side, row], 1.0, -1.0)
    turns = np.bincount(places, weights=ways, minlength=len(outlines) * ACROSS * (ACROSS + 1))
    wound = np.cumsum(turns.reshape(len(outlines), ACROSS, ACROSS + 1), axis=2)[:, :, :ACROSS]
    return np.packbits(wound != 0, axis=2).view(np.uint64)[:, :, 0]
