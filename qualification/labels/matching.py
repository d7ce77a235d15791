"""Which unit of one answer is which of another, and where the two differ."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from qualification.labels.kinds.base import AllAtOnce, Bounded, Laborious
from qualification.labels.units import Attributes, Question, Unit, question_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Words = TypeVar("Words", bound=Hashable)

MOST_COMPARED: Final = 5_000
NEIGHBOURS: Final = 16
"""Of answers with more pairs of shapes whose boxes meet, each shape is compared with the so many whose boxes share most
with its own: what it is the same thing as is among them."""

MOST_WORK: Final = 50_000
"""Points that are looked at, of shapes that take long to compare: about 25 ms for two answers. It is spent on the pairs
whose boxes share most; the others are compared roughly, or where the kind cannot, are not alike."""

MOST_KEPT: Final = 32
"""Pairs of answers whose comparison is kept: belief in a task with five answers makes 20, and asks several times."""

SAID_COUNTS: Final = 0.5
"""How much of being alike is that the same was said of both."""

GOOD_OVERLAP: Final = 0.5
"""Two shapes that are the same thing by less than this overlap poorly."""


class Difference(StrEnum):
    """How two answers differ about one thing."""

    MISSING = "missing"
    EXTRA = "extra"
    MISLABELLED = "mislabelled"
    POOR_OVERLAP = "poor_overlap"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True)
class Pair:
    """Units that are the same thing, by their places in both answers, how near their shapes are and how near in all."""

    first: int
    second: int
    overlap: float
    similarity: float


@dataclass(frozen=True, slots=True)
class Conflict:
    """One difference: where it stands in the first answer and in the second, None where it stands in one only."""

    difference: Difference
    control: str
    first: int | None
    second: int | None


def match(question: Question, first: Sequence[Unit], second: Sequence[Unit]) -> list[Pair]:
    """The units of both answers that are the same thing, each in one pair at most.

    First those that have labels in common, so that the sum of similarities is greatest (the assignment problem; H. W.
    Kuhn, Naval Research Logistics Quarterly 2 (1955)); then what is left, blind to labels: those are mislabelled.
    """
    return list(_matched(question, tuple(first), tuple(second)))


@lru_cache(maxsize=MOST_KEPT)
def _matched(question: Question, first: tuple[Unit, ...], second: tuple[Unit, ...]) -> tuple[Pair, ...]:
    overlaps = overlaps_of(question, first, second)
    labels = _table([unit.labels for unit in first], [unit.labels for unit in second], _labels_alike)
    is_same = overlaps >= question.kind.same
    similar = overlaps * labels
    similar *= _said_of(question, first, second, where=is_same & (similar > 0))
    pairs = [
        Pair(ours, theirs, float(overlaps[ours, theirs]), float(similar[ours, theirs]))
        for ours, theirs in _assigned(np.where(is_same, similar, 0.0))
    ]
    free_first = sorted(set(range(len(first))) - {pair.first for pair in pairs})
    free_second = sorted(set(range(len(second))) - {pair.second for pair in pairs})
    if free_first and free_second:
        left = np.where(is_same, overlaps, 0.0)[np.ix_(free_first, free_second)]
        for ours, theirs in _assigned(left):
            place, other = free_first[ours], free_second[theirs]
            pairs.append(Pair(place, other, float(overlaps[place, other]), 0.0))
    return tuple(sorted(pairs, key=lambda pair: pair.first))


def conflicts(question: Question, first: Sequence[Unit], second: Sequence[Unit]) -> list[Conflict]:
    """Where two answers to one control differ, seen from the first: what the second lacks is missing."""
    pairs, name = match(question, first, second), question.control.name
    found = [
        Conflict(difference, name, pair.first, pair.second)
        for pair in pairs
        for difference in _differences(first[pair.first], second[pair.second], pair)
    ]
    met_first, met_second = {pair.first for pair in pairs}, {pair.second for pair in pairs}
    found += [Conflict(Difference.MISSING, name, n, None) for n in range(len(first)) if n not in met_first]
    found += [Conflict(Difference.EXTRA, name, None, n) for n in range(len(second)) if n not in met_second]
    return found


def similarity_of_regions(question: Question, first: Sequence[Unit], second: Sequence[Unit]) -> float:
    """Twice the similarity of the matched units over the number of all: 1 when all are equal, 0 when none is alike.

    It is the F1 score in which a pair counts for as much as it is alike (after L. R. Dice, Ecology 26 (1945)).
    """
    if not first and not second:
        return 1.0
    shared = sum(sorted(pair.similarity for pair in match(question, first, second)))
    return min(1.0, 2 * shared / (len(first) + len(second)))


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
    ours, theirs = (np.array([kind.extent(shape) for shape in several]) for several in (shapes, others))
    meet = (ours[:, None, :2] <= theirs[None, :, 2:]) & (theirs[None, :, :2] <= ours[:, None, 2:])
    pairs = meet.all(axis=2)
    if np.count_nonzero(pairs) > MOST_COMPARED:
        pairs &= _are_neighbours(_boxes_shared(ours, theirs))
    rows, columns = np.nonzero(pairs)
    if not isinstance(kind, Laborious):
        for row, column in zip(rows, columns, strict=True):
            found[row, column] = kind.similarity(shapes[row], others[column], about)
        return found
    order, left = np.argsort(-_boxes_shared(ours, theirs)[rows, columns], kind="stable"), MOST_WORK
    for done, place in enumerate(order):
        if left <= 0:
            if isinstance(kind, Bounded):
                rest = rows[order[done:]], columns[order[done:]]
                found[rest] = kind.roughly(shapes, others, *rest)
            break
        row, column = rows[place], columns[place]
        found[row, column], work = kind.compared(shapes[row], others[column], about)
        left -= work
    return found


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


def _assigned(similar: Floats) -> list[tuple[int, int]]:
    rows, columns = linear_sum_assignment(similar, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if similar[r, c] > 0]


def _table(first: Sequence[Words], second: Sequence[Words], alike: Callable[[Words, Words], float]) -> Floats:
    """How alike all of one answer are to all of the other, asking only once about each two that differ."""
    ours, theirs = ({words: place for place, words in enumerate(dict.fromkeys(all_))} for all_ in (first, second))
    table = np.array([[alike(one, other) for other in theirs] for one in ours]).reshape(len(ours), len(theirs))
    rows, columns = [ours[words] for words in first], [theirs[words] for words in second]
    return np.asarray(table[np.ix_(rows, columns)], dtype=np.float64)


def _labels_alike(first: tuple[str, ...], second: tuple[str, ...]) -> float:
    if first == second:
        return 1.0
    ours, theirs = set(first), set(second)
    return len(ours & theirs) / len(ours | theirs)


def _said_of(question: Question, first: Sequence[Unit], second: Sequence[Unit], *, where: Flags) -> Floats:
    """How near what was said of two regions is, for those that may be the same thing; 1 elsewhere.

    What differs in more ways than can be looked at counts as different in all.
    """
    alike, known = np.ones(where.shape), dict[tuple[Attributes, Attributes], float]()
    if not any(unit.attributes for unit in (*first, *second)):
        return alike
    for row, column in np.argwhere(where):
        said = first[row].attributes, second[column].attributes
        if said not in known:
            is_too_much = len(known) >= MOST_COMPARED and said[0] != said[1]
            known[said] = SAID_COUNTS if is_too_much else _said_alike(question, *said)
        alike[row, column] = known[said]
    return alike


def _said_alike(question: Question, first: Attributes, second: Attributes) -> float:
    """How near what was said of two regions is: the mean over the controls that ask of regions, half of the weight."""
    if first == second:
        return 1.0
    ours, theirs = dict(first), dict(second)
    asked = [control for control in question.schema.of_regions if control.name in ours or control.name in theirs]
    total = 0.0
    for control in asked:
        if control.name in ours and control.name in theirs:
            inner = question_of(question.schema, control)
            (one,), (other,) = inner.units_of(ours[control.name]), inner.units_of(theirs[control.name])
            total += inner.kind.similarity(one.shape, other.shape, inner.about)
    return 1 - SAID_COUNTS + SAID_COUNTS * total / len(asked)


def _differences(first: Unit, second: Unit, pair: Pair) -> list[Difference]:
    found = []
    if first.labels != second.labels:
        found.append(Difference.MISLABELLED)
    if pair.overlap < GOOD_OVERLAP:
        found.append(Difference.POOR_OVERLAP)
    if first.attributes != second.attributes:
        found.append(Difference.ATTRIBUTE)
    return found
