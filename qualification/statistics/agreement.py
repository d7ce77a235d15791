"""How far answers agree beyond chance: percent, Cohen, Fleiss, Scott, Krippendorff, Gwet, Brennan–Prediger; intervals.

Every measure is 1 where all answers to each task are equal and about 0 where they agree as often as chance would. What
"chance" is makes the difference between them; docs/quality.md says which one to read when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


class Metric(StrEnum):
    """How far apart two values are: equal or not, by rank, by difference, by ratio."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True, eq=False)
class GivenValues:
    """Answers as three arrays of one length: index of the task, of the worker, and value (a number or a class's index).

    A worker has at most one value per task; what is missing is simply not there. Built by `of`, `of_table`,
    `of_counts` or `of_contingency`; `tasks` is how many tasks there are, those without answers included.
    """

    task: Indices
    worker: Indices
    value: Floats
    tasks: int

    @classmethod
    def of(cls, *, task: npt.ArrayLike, worker: npt.ArrayLike, value: npt.ArrayLike) -> "GivenValues":
        """From arrays of one length. Raises ValueError for unequal lengths, values that are no numbers, repeats."""
        tasks, workers = np.asarray(task, dtype=np.intp), np.asarray(worker, dtype=np.intp)
        values = np.asarray(value, dtype=np.float64)
        if not tasks.shape == workers.shape == values.shape or values.ndim != 1:
            raise ValueError("Tasks, workers and values are three lists of one length.")
        if not np.isfinite(values).all():
            raise ValueError("Every value is a finite number; what is missing is left out.")
        if values.size and min(tasks.min(), workers.min()) < 0:
            raise ValueError("Tasks and workers are counted from 0.")
        order = np.lexsort((workers, tasks))
        tasks, workers, values = tasks[order], workers[order], values[order]
        if np.any((np.diff(tasks) == 0) & (np.diff(workers) == 0)):
            raise ValueError("A worker has at most one value per task.")
        return cls(task=tasks, worker=workers, value=values, tasks=int(tasks[-1]) + 1 if tasks.size else 0)

    @classmethod
    def of_table(cls, table: Sequence[Sequence[float | None]]) -> "GivenValues":
        """From a table with a row for each task and a column for each worker; None is missing."""
        cells = [
            (task, worker, value)
            for task, row in enumerate(table)
            for worker, value in enumerate(row)
            if value is not None
        ]
        return cls.of(task=[c[0] for c in cells], worker=[c[1] for c in cells], value=[c[2] for c in cells])

    @classmethod
    def of_counts(cls, counts: npt.ArrayLike) -> "GivenValues":
        """From how many answers each task (row) has of each class (column); which worker gave which is not known."""
        table = np.asarray(counts, dtype=np.intp)
        task, value = np.repeat(np.indices(table.shape).reshape(2, -1), table.ravel(), axis=1)
        first = np.searchsorted(task, task)
        return cls.of(task=task, worker=np.arange(task.size) - first, value=value)

    @classmethod
    def of_contingency(cls, table: npt.ArrayLike) -> "GivenValues":
        """From how often one worker said the row's class where the other said the column's."""
        cells = np.asarray(table, dtype=np.intp)
        both = np.repeat(np.indices(cells.shape).reshape(2, -1), cells.ravel(), axis=1)
        tasks = np.arange(both.shape[1])
        return cls.of(task=np.tile(tasks, 2), worker=np.repeat([0, 1], tasks.size), value=both.ravel())

    def drawn(self, tasks: Indices) -> "GivenValues":
        """These tasks as tasks of their own, in this order; one that is named twice counts twice."""
        starts = np.searchsorted(self.task, np.arange(self.tasks + 1))
        lengths = np.diff(starts)[tasks]
        ends = np.cumsum(lengths)
        rows = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - lengths - starts[tasks], lengths)
        renumbered = np.repeat(np.arange(tasks.size), lengths)
        return GivenValues(task=renumbered, worker=self.worker[rows], value=self.value[rows], tasks=tasks.size)


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure with the bounds between which it lies with probability `level`, as far as the tasks are like others."""

    value: float
    low: float
    high: float
    level: float


Measure = Callable[[GivenValues], float | None]


def percent_agreement(given: GivenValues) -> float | None:
    """How often two answers to a task are equal, 0 to 1: the mean over tasks with two answers or more, else None.

    J. L. Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971), P-bar.
    """
    return _observed(_table(given))


def cohen_kappa(given: GivenValues) -> float | None:
    """Agreement of two workers where chance keeps each one's own habits, over tasks that both answered.

    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).
    Raises ValueError when there are not two workers. None where they share no task or chance alone agrees always.
    """
    workers = np.unique(given.worker)
    if workers.size != 2:
        raise ValueError(f"Cohen's kappa is about two workers, not {workers.size}.")
    classes, value = np.unique(given.value, return_inverse=True)
    said = np.full((2, given.tasks), -1, dtype=np.intp)
    said[np.searchsorted(workers, given.worker), given.task] = value
    one, other = said[:, (said >= 0).all(axis=0)]
    if not one.size:
        return None
    habits = [np.bincount(by, minlength=classes.size) / by.size for by in (one, other)]
    return _beyond(float(np.mean(one == other)), float(habits[0] @ habits[1]))


def fleiss_kappa(given: GivenValues) -> float | None:
    """Agreement of any number of workers where chance draws from what everybody together said.

    J. L. Fleiss (1971); for unequal numbers of answers a class's share is the mean of its shares per task, as in
    K. L. Gwet, "Handbook of Inter-Rater Reliability", 4th edition (2014), chapter 2. None where chance agrees always.
    """
    table = _table(given)
    shares = _shares(table)
    return _beyond(_observed(table), float(shares @ shares))


def scott_pi(given: GivenValues) -> float | None:
    """Fleiss' kappa of exactly two workers.

    W. A. Scott, "Reliability of content analysis", Public Opinion Quarterly 19 (1955). Raises ValueError for others.
    """
    if (workers := np.unique(given.worker).size) != 2:
        raise ValueError(f"Scott's pi is about two workers, not {workers}.")
    return fleiss_kappa(given)


def gwet_ac1(given: GivenValues, *, classes: int | None = None) -> float | None:
    """Agreement that stays high where almost all tasks are of one class; chance is only in answers that are guesses.

    K. L. Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement", British Journal
    of Mathematical and Statistical Psychology 61 (2008). `classes` is how many could be answered (those seen, if None).
    """
    table = _table(given)
    shares, possible = _shares(table), _possible(table, classes)
    if possible < 2:
        return None
    return _beyond(_observed(table), float(shares @ (1 - shares)) / (possible - 1))


def brennan_prediger(given: GivenValues, *, classes: int | None = None) -> float | None:
    """Agreement where chance says every class equally often.

    R. L. Brennan, D. J. Prediger, "Coefficient kappa: some uses, misuses, and alternatives", Educational and
    Psychological Measurement 41 (1981). `classes` is how many could be answered (those seen, if None).
    """
    table = _table(given)
    possible = _possible(table, classes)
    return _beyond(_observed(table), 1 / possible) if possible > 1 else None


def krippendorff_alpha(given: GivenValues, *, metric: Metric = Metric.NOMINAL) -> float | None:
    """Agreement for any number of workers, missing answers and kind of value: 1 - observed / expected disagreement.

    K. Krippendorff, "Computing Krippendorff's alpha-reliability" (2011). Tasks with one answer say nothing and are left
    out. None where nothing can be compared, or only one value was ever given. Memory grows with the square of the
    number of different values. Raises ValueError for the ratio metric with negative values.
    """
    values, table = _values_and_table(given)
    answers = table.sum(axis=1)
    table = table[answers >= 2]
    answers = answers[answers >= 2]
    together = np.asarray(table.sum(axis=0), dtype=np.float64)
    total = float(together.sum())
    if not total:
        return None
    distances = _distances(values, together, metric)
    weighted = sparse.csr_array(table.multiply(1 / (answers - 1)[:, None]))
    observed = float((weighted @ distances * table.toarray()).sum()) / total
    expected = float(together @ distances @ together) / (total * (total - 1))
    return 1 - observed / expected if expected > 0 else None


def interval(
    measure: Measure,
    given: GivenValues,
    *,
    generator: np.random.Generator,
    level: float = 0.95,
    draws: int = 1000,
) -> Interval | None:
    """The measure with its bootstrap interval: tasks are drawn anew with replacement, percentiles of what comes out.

    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Draws that the measure is not
    defined for are left aside; None where the measure itself is not defined. Raises ValueError for a `level` that is
    not between 0 and 1, and for fewer than two `draws`.
    """
    if not 0 < level < 1:
        raise ValueError(f"A level is a number between 0 and 1, both excluded, not {level!r}.")
    if draws < 2:
        raise ValueError(f"An interval takes at least 2 draws, not {draws}.")
    value = measure(given)
    if value is None:
        return None
    drawn = (measure(given.drawn(generator.integers(given.tasks, size=given.tasks))) for _ in range(draws))
    seen = [one for one in drawn if one is not None]
    low, high = np.quantile(seen, [(1 - level) / 2, (1 + level) / 2]) if seen else (value, value)
    return Interval(value=value, low=float(low), high=float(high), level=level)


def _values_and_table(given: GivenValues) -> "tuple[Floats, sparse.csr_array]":
    """The different values in ascending order, and tasks by values: how many answers."""
    values, column = np.unique(given.value, return_inverse=True)
    shape = (given.tasks, values.size)
    table = sparse.coo_array((np.ones(column.size), (given.task, column)), shape=shape).tocsr()
    return values, sparse.csr_array(table)


def _table(given: GivenValues) -> Floats:
    """Tasks by classes: how many answers; tasks without any answer left out."""
    _, table = _values_and_table(given)
    dense = table.toarray()
    return np.asarray(dense[dense.sum(axis=1) > 0], dtype=np.float64)


def _observed(table: Floats) -> float | None:
    answers = table.sum(axis=1)
    several = answers >= 2
    if not several.any():
        return None
    table, answers = table[several], answers[several]
    return float(np.mean((table * (table - 1)).sum(axis=1) / (answers * (answers - 1))))


def _shares(table: Floats) -> Floats:
    if not table.size:
        return np.zeros(table.shape[1])
    return np.asarray(np.mean(table / table.sum(axis=1, keepdims=True), axis=0), dtype=np.float64)


def _possible(table: Floats, classes: int | None) -> int:
    seen = table.shape[1]
    if classes is not None and classes < seen:
        raise ValueError(f"{seen} different classes were answered, which is more than the {classes} there are.")
    return seen if classes is None else classes


def _beyond(observed: float | None, by_chance: float) -> float | None:
    if observed is None or by_chance >= 1:
        return None
    return (observed - by_chance) / (1 - by_chance)


def _distances(values: Floats, together: Floats, metric: Metric) -> Floats:
    """The squared distance of every value from every other, by Krippendorff's four metrics."""
    row, column = values[:, None], values[None, :]
    if metric is Metric.NOMINAL:
        return np.asarray(row != column, dtype=np.float64)
    if metric is Metric.INTERVAL:
        return np.asarray((row - column) ** 2, dtype=np.float64)
    if metric is Metric.RATIO:
        if values.min() < 0:
            raise ValueError("Ratios are between values that are not negative.")
        total = row + column
        return np.asarray(((row - column) / np.where(total > 0, total, 1.0)) ** 2, dtype=np.float64)
    ranks = np.cumsum(together) - together / 2
    return np.asarray((ranks[:, None] - ranks[None, :]) ** 2, dtype=np.float64)
