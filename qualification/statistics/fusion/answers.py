"""The answers of a job to one single choice, as index arrays, and what is known of the truth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

UNKNOWN = -1
"""In an array of truths: nobody knows."""

LARGEST = 2**31 - 1
"""Indices are kept in 32 bits; sparse products then need half the memory."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Who said which class of which task: three arrays of one length, in the order of task, worker, class.

    `task`, `worker` and `said` hold indices below `tasks`, `workers` and `classes`. A worker may have answered a task
    more than once; each time counts. Built by `of`, which sorts, so that sums never depend on the order in which
    answers came.
    """

    task: Indices
    worker: Indices
    said: Indices
    tasks: int
    workers: int
    classes: int

    @classmethod
    def of(
        cls,
        *,
        task: npt.ArrayLike,
        worker: npt.ArrayLike,
        said: npt.ArrayLike,
        tasks: int,
        workers: int,
        classes: int,
    ) -> "Answers":
        """From three lists of one length. Raises ValueError for unequal lengths, no class, indices out of range."""
        arrays = [np.asarray(array) for array in (task, worker, said)]
        if len({array.shape for array in arrays}) != 1 or arrays[0].ndim != 1:
            raise ValueError("Tasks, workers and what was said are three lists of one length.")
        if classes < 1 or min(tasks, workers) < 0 or max(tasks, workers * classes) > LARGEST:
            raise ValueError(f"{tasks} tasks, {workers} workers and {classes} classes are no job.")
        for name, array, size in zip(("task", "worker", "class"), arrays, (tasks, workers, classes), strict=True):
            if array.size and not 0 <= array.min() <= array.max() < size:
                raise ValueError(
                    f"Each {name} is an index from 0 to {size - 1}; {array.min()} to {array.max()} is not."
                )
        order = np.lexsort(arrays[::-1])
        sorted_task, sorted_worker, sorted_said = (array[order].astype(np.int32) for array in arrays)
        return cls(
            task=sorted_task, worker=sorted_worker, said=sorted_said, tasks=tasks, workers=workers, classes=classes
        )

    @property
    def size(self) -> int:
        """How many answers there are."""
        return int(self.task.size)

    @cached_property
    def votes(self) -> Floats:
        """Tasks × classes: how many answers each class has."""
        cells = self.task.astype(np.int64) * self.classes + self.said
        counts = np.bincount(cells, minlength=self.tasks * self.classes)
        return counts.reshape(self.tasks, self.classes).astype(np.float64)

    @cached_property
    def incidence(self) -> "sparse.csr_array":
        """Tasks × (worker, class): a one where that worker said that class of that task.

        One sparse product with it adds up what all answers say: the inner loop of every fit.
        """
        columns = self.worker * np.int32(self.classes) + self.said
        starts = np.zeros(self.tasks + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.task, minlength=self.tasks), out=starts[1:])
        shape = (self.tasks, self.workers * self.classes)
        return sparse.csr_array((np.ones(self.size), columns, starts), shape=shape)

    def only(self, kept: Flags) -> "Answers":
        """These answers alone, of the same tasks, workers and classes."""
        return Answers(
            task=self.task[kept],
            worker=self.worker[kept],
            said=self.said[kept],
            tasks=self.tasks,
            workers=self.workers,
            classes=self.classes,
        )


def no_gold(answers: Answers) -> Indices:
    """The truths of a job of which none is known."""
    return np.full(answers.tasks, UNKNOWN, dtype=np.int32)


def checked_gold(answers: Answers, gold: npt.ArrayLike | None) -> Indices:
    """Truths as an array of one class or `UNKNOWN` per task. Raises ValueError unless it is one."""
    if gold is None:
        return no_gold(answers)
    truths = np.asarray(gold)
    if truths.shape != (answers.tasks,) or truths.dtype.kind not in "iu":
        raise ValueError(f"Gold is a class or {UNKNOWN} for each of the {answers.tasks} tasks.")
    if truths.size and not UNKNOWN <= truths.min() <= truths.max() < answers.classes:
        raise ValueError(
            f"Gold is one of {answers.classes} classes or {UNKNOWN}; {truths.min()} to {truths.max()} is not."
        )
    return truths.astype(np.int32)


def anchored(posterior: Floats, gold: Indices) -> Floats:
    """The posterior, changed in place, with gold tasks certain of their truth."""
    known = np.flatnonzero(gold != UNKNOWN)
    posterior[known] = 0.0
    posterior[known, gold[known]] = 1.0
    return posterior


def vote_shares(votes: Floats) -> Floats:
    """Tasks × classes: the share of its answers; all classes alike where a task has none."""
    answers = votes.sum(axis=1, keepdims=True)
    shares = np.full_like(votes, 1 / votes.shape[1])
    np.divide(votes, answers, out=shares, where=answers > 0)
    return shares


def normalised(scores: Floats) -> tuple[Floats, Floats]:
    """Logarithms made probabilities, row by row and in place; with the logarithm of each row's sum."""
    highest = highest_of_rows(scores)[:, None]
    scores -= highest
    np.exp(scores, out=scores)
    totals = sums_of_rows(scores)[:, None]
    scores /= totals
    return scores, (np.log(totals) + highest)[:, 0]


def highest_of_rows(table: Floats) -> Floats:
    """The largest number of each row; column by column, which for a few classes is ten times as fast as row by row."""
    highest = table[:, 0].copy()
    for column in range(1, table.shape[1]):
        np.maximum(highest, table[:, column], out=highest)
    return highest


def sums_of_rows(table: Floats) -> Floats:
    """The sum of each row, column by column: a product with ones would keep every processor busy for no gain."""
    sums = table[:, 0].copy()
    for column in range(1, table.shape[1]):
        sums += table[:, column]
    return sums


def sums_of_columns(table: Floats) -> Floats:
    """The sum of each column, one after the other: for a few classes several times as fast as all at once."""
    return np.array([column.sum() for column in table.T], dtype=np.float64)


def leaders(posterior: Floats) -> Indices:
    """The class in front of each task; among equals, to nine digits, the one that stands first."""
    return np.asarray(np.round(posterior, 9).argmax(axis=1), dtype=np.int32)
