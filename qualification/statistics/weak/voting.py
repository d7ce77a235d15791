"""What labeling functions say of many items: how much, how often against each other, how rightly; and as voters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices
from qualification.statistics.weak.functions import Item, LabelingFunction

ABSTAINS = -1
"""In what functions say: nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one function is worth. Shares are of all items, 0 to 1.

    `coverage`: it names a class. `overlap`: another does too. `conflict`: another names another class. `accuracy` is
    the share of right ones among `gold` items where it names a class; None where there are none.
    """

    name: str
    coverage: float
    overlap: float
    conflict: float
    gold: int
    accuracy: float | None


def label_items(functions: Sequence[LabelingFunction], items: Sequence[Item], *, classes: Sequence[str]) -> Indices:
    """Items × functions: the class that each names, as its place among `classes`, or `ABSTAINS`."""
    places: dict[str | None, int] = {label: place for place, label in enumerate(classes)} | {None: ABSTAINS}
    said = np.full((len(items), len(functions)), ABSTAINS, dtype=np.int32)
    for row, item in enumerate(items):
        said[row] = [places[function(item)] for function in functions]
    return said


def report(functions: Sequence[LabelingFunction], said: Indices, *, gold: npt.ArrayLike | None = None) -> list[Report]:
    """A report for each function. `gold` holds a class or `UNKNOWN` for each item."""
    truths = np.full(len(said), UNKNOWN) if gold is None else np.asarray(gold)
    if truths.shape != (len(said),) or said.shape[1:] != (len(functions),):
        raise ValueError("There is one row and one truth for each item, and one column for each function.")
    speaks = said != ABSTAINS
    others = speaks.sum(axis=1)[:, None] - speaks
    reports = []
    for column, function in enumerate(functions):
        mine, named = speaks[:, column], said[:, column]
        against = ((said != named[:, None]) & speaks).any(axis=1) & mine
        known = mine & (truths != UNKNOWN)
        reports.append(
            Report(
                name=function.name,
                coverage=_share(mine),
                overlap=_share(mine & (others[:, column] > 0)),
                conflict=_share(against),
                gold=int(known.sum()),
                accuracy=float((named[known] == truths[known]).mean()) if known.any() else None,
            )
        )
    return reports


def with_functions(answers: Answers, said: Indices) -> Answers:
    """The people's answers with each function as one more worker, behind the people, silent where it abstains.

    What `fusion` makes of it weighs each function by its own measured errors, like anybody.
    """
    if len(said) != answers.tasks:
        raise ValueError(f"There are {answers.tasks} tasks, and functions looked at {len(said)} items.")
    task, column = np.nonzero(said != ABSTAINS)
    return Answers.of(
        task=np.concatenate([answers.task, task]),
        worker=np.concatenate([answers.worker, column + answers.workers]),
        said=np.concatenate([answers.said, said[task, column]]),
        tasks=answers.tasks,
        workers=answers.workers + said.shape[1],
        classes=answers.classes,
    )


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else 0.0
