"""Habits: how a worker answers one question that is no choice, as merging takes it (docs/adr/0050).

Plain Python: a request that decides reads them and loads no NumPy. They are learnt in `qualification.labels.learning`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

DIGITS: Final = 6

LEAST_WEIGHT: Final = 0.1
"""No answer weighs less than this: a bad record is weak evidence, and everybody's box may be the right one."""


@dataclass(frozen=True, slots=True, order=True)
class Habit:
    """What an answer weighs in a merge, above 0; of regions also that one was marked, and that one was not.

    `shift` is what the worker adds to numbers on average.
    """

    weight: float
    marked: float
    silent: float
    shift: float = 0.0

    @classmethod
    def plain(cls, weight: float) -> "Habit":
        """Of somebody whose answers weigh alike whatever they say."""
        return cls(weight, weight, weight)

    def scaled(self, *, weight: float, marks: float) -> "Habit":
        """The same on other scales, and nothing of it below the least weight."""
        return Habit(
            max(self.weight * weight, LEAST_WEIGHT),
            max(self.marked * marks, LEAST_WEIGHT),
            max(self.silent * marks, LEAST_WEIGHT),
            self.shift,
        )


Habits = Mapping[str, Habit]
"""A worker's, by the name of the control; of others their reliability is known alone."""


def written_habits(habits: Habits) -> dict[str, list[float]]:
    """As JSON values."""
    return {
        name: [round(each, DIGITS) for each in (habit.weight, habit.marked, habit.silent, habit.shift)]
        for name, habit in sorted(habits.items())
    }


def read_habits(written: Mapping[str, Sequence[float]]) -> dict[str, Habit]:
    """What `written_habits` wrote."""
    return {name: Habit(*numbers) for name, numbers in written.items()}
