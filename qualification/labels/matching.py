"""Which unit of one answer is which of another, and where the two differ."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from qualification.labels.overlaps import MOST_KEPT, Flags, Floats, overlaps_of
from qualification.labels.units import Attributes, Question, Unit, question_of

Words = TypeVar("Words", bound=Hashable)

SAID_COUNTS: Final = 0.5
"""How much of being alike is that the same was said of both."""

MOST_SAID: Final = 1_000
"""Ways in which what was said of regions of two answers differs that are looked at."""

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
    said = {unit.attributes: _shapes_said(question, unit.attributes) for unit in (*first, *second)}
    if len(said) == 1:
        return alike
    for row, column in np.argwhere(where):
        pair = first[row].attributes, second[column].attributes
        if pair[0] == pair[1]:
            continue
        if pair not in known:
            is_too_much = len(known) >= MOST_SAID
            known[pair] = SAID_COUNTS if is_too_much else _said_alike(question, said[pair[0]], said[pair[1]])
        alike[row, column] = known[pair]
    return alike


def _shapes_said(question: Question, attributes: Attributes) -> dict[str, Any]:
    """What was said of a region, by the name of the control."""
    found = {}
    for name, texts in attributes:
        control = question.schema.control(name)
        assert control is not None
        (unit,) = question_of(question.schema, control).units_of(texts)
        found[name] = unit.shape
    return found


def _said_alike(question: Question, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    """How near what was said of two regions is: the mean over the controls that ask of regions, half of the weight."""
    asked = [control for control in question.schema.of_regions if control.name in ours or control.name in theirs]
    total = 0.0
    for control in asked:
        if control.name in ours and control.name in theirs:
            inner = question_of(question.schema, control)
            total += inner.kind.similarity(ours[control.name], theirs[control.name], inner.about)
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
