"""How near the shapes of one answer are to those of another, all of them, within bounds on what that may take."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qualification.labels.kinds.base import AllAtOnce, Laborious, Rough
from qualification.labels.units import Question, Unit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_COMPARED: Final = 5_000
NEIGHBOURS: Final = 16
"""Of answers with more pairs of shapes whose boxes meet, each shape is compared with the so many whose boxes share most
with its own: what it is the same thing as is among them."""

MOST_WORK: Final = 50_000
"""Points that are looked at, of shapes that take long to compare: about 25 ms for two answers. It is spent on the pairs
whose boxes share most; the others are compared roughly, or where the kind cannot, are not alike."""

MOST_KEPT: Final = 32
"""Pairs of answers whose comparison is kept: belief in a task with five answers makes 20, and asks several times."""


def overlaps_of(question: Question, first: Sequence[Unit], second: Sequence[Unit]) -> Floats:
    """How near the shapes of all units of one answer are to all of the other, whatever their labels."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    shapes, others = (tuple(unit.shape for unit in units) for units in (first, second))
    if isinstance(question.kind, Laborious) and others < shapes:
        return _overlaps(question, others, shapes).T  # the same whichever comes first, to the last digit
    return _overlaps(question, shapes, others)


@lru_cache(maxsize=MOST_KEPT)
def _overlaps(question: Question, shapes: tuple[Any, ...], others: tuple[Any, ...]) -> Floats:
    if isinstance(question.kind, AllAtOnce):
        found = question.kind.similarities(shapes, others, question.about)
    else:
        found = _compared(question, shapes, others)
    found.setflags(write=False)
    return found


def _compared(question: Question, shapes: tuple[Any, ...], others: tuple[Any, ...]) -> Floats:
    """Shapes two by two, so far as their boxes meet and the bounds above let them be compared."""
    kind, about, found = question.kind, question.about, np.zeros((len(shapes), len(others)))
    ours, theirs = _extents(question, shapes), _extents(question, others)
    pairs = ((ours[:, None, :2] <= theirs[None, :, 2:]) & (theirs[None, :, :2] <= ours[:, None, 2:])).all(axis=2)
    shared = _boxes_shared(ours, theirs)
    if np.count_nonzero(pairs) > MOST_COMPARED:
        pairs &= _are_neighbours(shared)
    rows, columns = np.nonzero(pairs)
    if not isinstance(kind, Laborious):
        for row, column in zip(rows, columns, strict=True):
            found[row, column] = kind.similarity(shapes[row], others[column], about)
        return found
    order, left = np.argsort(-shared[rows, columns], kind="stable"), MOST_WORK
    rows, columns = rows[order], columns[order]
    for done, (row, column) in enumerate(zip(rows, columns, strict=True)):
        if left <= 0:
            if isinstance(kind, Rough):
                found[rows[done:], columns[done:]] = kind.roughly(shapes, others, rows[done:], columns[done:])
            break
        found[row, column], work = kind.compared(shapes[row], others[column], about)
        left -= work
    return found


@lru_cache(maxsize=MOST_KEPT)
def _extents(question: Question, shapes: tuple[Any, ...]) -> Floats:
    return np.array([question.kind.extent(shape) for shape in shapes], dtype=np.float64)


def _boxes_shared(ours: Floats, theirs: Floats) -> Floats:
    """Intersection over union of all boxes of one answer with all of the other; on a line, of their lengths."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    sides, size, their_size = np.clip(high - low, 0.0, None), ours[:, 2:] - ours[:, :2], theirs[:, 2:] - theirs[:, :2]
    if not size[:, 1].any() and not their_size[:, 1].any():
        sides, size, their_size = sides[..., :1], size[:, :1], their_size[:, :1]
    shared = sides.prod(axis=-1)
    either = size.prod(axis=1)[:, None] + their_size.prod(axis=1)[None, :] - shared
    return np.asarray(shared / np.maximum(either, 1e-12), dtype=np.float64)


def _are_neighbours(shared: Floats) -> Flags:
    """Whether each of two boxes is among the `NEIGHBOURS` that have most in common with the other."""
    both = np.ones(shared.shape, dtype=np.bool_)
    for axis in (0, 1):
        nearest = np.take(
            np.argsort(-shared, axis=axis, kind="stable"), range(min(NEIGHBOURS, shared.shape[axis])), axis
        )
        is_near = np.zeros(shared.shape, dtype=np.bool_)
        np.put_along_axis(is_near, nearest, values=True, axis=axis)
        both &= is_near
    return both
