"""Ballots: answers that are merged, with what each weighs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qualification.labels.clusters import Cluster
from qualification.labels.habits import Habit, Habits
from qualification.labels.parts import AnyControl
from qualification.labels.results import Answer

TIE: Final = 1 + 1e-9


@dataclass(frozen=True)
class Ballot:
    """Answers in an order of their own, with the weight of each: merging is the same in whatever order they came."""

    answers: tuple[Answer, ...]
    weights: tuple[float, ...]
    habits: tuple[Habits, ...]

    @classmethod
    def of(cls, answers: Sequence[Answer], weights: Sequence[float], habits: Sequence[Habits] = ()) -> "Ballot":
        if not answers:
            raise ValueError("There is nothing to merge.")
        if min(weights) <= 0:
            raise ValueError("The weight of an answer is above 0.")
        rows = zip(answers, weights, habits or [{}] * len(answers), strict=True)
        ordered = sorted(rows, key=lambda row: (row[0].key, row[1], sorted(row[2].items())))
        return cls(
            tuple(answer for answer, _, _ in ordered),
            tuple(weight for _, weight, _ in ordered),
            tuple(own for _, _, own in ordered),
        )

    @property
    def total(self) -> float:
        return math.fsum(self.weights)

    def about(self, control: AnyControl) -> "Ballot":
        """The same, each weighed as its worker answers this control, where that is known."""
        weights = (own[control.name].weight if control.name in own else w for own, w in self._pairs())
        return replace(self, weights=tuple(weights))

    def is_there(self, cluster: Cluster, control: AnyControl) -> tuple[bool, float]:
        """Whether those who marked a thing outweigh those who did not, and what the marks weigh."""
        own = [habits.get(control.name, Habit.plain(weight)) for habits, weight in self._pairs()]
        marked = math.fsum(habit.marked for place, habit in enumerate(own) if place in cluster.members)
        silent = math.fsum(habit.silent for place, habit in enumerate(own) if place not in cluster.members)
        return marked > (marked + silent) / 2 * TIE, marked

    def _pairs(self) -> Iterable[tuple[Habits, float]]:
        return zip(self.habits, self.weights, strict=True)
