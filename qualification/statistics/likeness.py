"""Agreement of answers of any kind: how alike two answers to one task are, by control, by label and by pair of workers.

For choices there are measures that take chance off (`qualification.statistics.agreement`). What two boxes have in
common by chance is next to nothing, so for other kinds the mean likeness says the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Final, TypeVar

import numpy as np

from qualification.labels.matching import similarity_of_regions
from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import similarity_by_control
from qualification.labels.units import asks_for_regions, question_of
from qualification.statistics.agreement import Interval

LEVEL: Final = 0.95

Key = TypeVar("Key")

Alike = tuple[int, float]
"""The number of a task, and how alike two of its answers are."""


@dataclass(frozen=True, slots=True)
class Given:
    """Who answered what to which task."""

    task: str
    worker: str
    answer: Answer


@dataclass(frozen=True)
class Likeness:
    """Mean likeness of all pairs of answers to one task, from 0 to 1, each with its bootstrap interval.

    `by_label` has (control, label): pairs in which neither says the label are left aside. `by_pair` has the names of
    two workers in order, over all controls.
    """

    by_control: dict[str, Interval]
    by_label: dict[tuple[str, str], Interval]
    by_pair: dict[tuple[str, str], Interval]


def likeness(
    schema: LabelSchema,
    given: Sequence[Given],
    *,
    generator: np.random.Generator,
    level: float = LEVEL,
    draws: int = 1000,
) -> Likeness:
    """How alike answers are; what nobody was asked twice has no entry.

    Tasks are drawn anew with replacement, since what makes answers to one of them alike they have in common: B. Efron
    and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    by_control: dict[str, list[Alike]] = {}
    by_label: dict[tuple[str, str], list[Alike]] = {}
    by_pair: dict[tuple[str, str], list[Alike]] = {}
    pairs, tasks = _pairs(given)
    for task, first, second in pairs:
        near = similarity_by_control(first.answer, second.answer, schema)
        for control, alike in near.items():
            by_control.setdefault(control, []).append((task, alike))
        by_pair.setdefault((first.worker, second.worker), []).append((task, sum(near.values()) / len(near)))
        for key, alike in _by_label(schema, first.answer, second.answer):
            by_label.setdefault(key, []).append((task, alike))

    def intervals(found: dict[Key, list[Alike]]) -> dict[Key, Interval]:
        return {key: _interval(rows, tasks, generator, level, draws) for key, rows in found.items()}

    return Likeness(intervals(by_control), intervals(by_label), intervals(by_pair))


def _pairs(given: Sequence[Given]) -> tuple[list[tuple[int, Given, Given]], int]:
    ordered = sorted(given, key=lambda one: (one.task, one.worker))
    by_task = [list(own) for _, own in groupby(ordered, key=lambda one: one.task)]
    pairs = [(task, *pair) for task, own in enumerate(by_task) for pair in combinations(own, 2)]
    return pairs, len(by_task)


def _by_label(schema: LabelSchema, first: Answer, second: Answer) -> Iterator[tuple[tuple[str, str], float]]:
    for control in schema.controls:
        ours, theirs = first.chosen(control.name), second.chosen(control.name)
        if isinstance(control, ChoicesControl):
            for label in sorted({*ours, *theirs}):
                yield (control.name, label), float(label in ours and label in theirs)
        elif asks_for_regions(control):
            question = question_of(schema, control)
            units = [question.units_of(texts) for texts in (ours, theirs)]
            for label in control.labels:
                one, other = ([unit for unit in own if label in unit.labels] for own in units)
                if one or other:
                    yield (control.name, label), similarity_of_regions(question, one, other)


def _interval(rows: Sequence[Alike], tasks: int, generator: np.random.Generator, level: float, draws: int) -> Interval:
    task = np.array([number for number, _ in rows])
    near = np.array([alike for _, alike in rows])
    sums, counts = np.bincount(task, near, tasks), np.bincount(task, minlength=tasks).astype(np.float64)
    drawn = generator.integers(tasks, size=(draws, tasks))
    total = counts[drawn].sum(axis=1)
    seen = sums[drawn].sum(axis=1)[total > 0] / total[total > 0]
    low, high = np.quantile(seen, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=float(near.mean()), low=float(low), high=float(high), level=level)
