"""Percent agreement, nominal alpha, AC1 and Fleiss' kappa with bootstrap intervals, all draws in a few products.

What `qualification.statistics.agreement` says of one table of answers is here said of hundreds of tables at once, each
with tasks drawn anew: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from qualification.statistics.agreement import (
    Floats,
    GivenValues,
    Interval,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Nominal:
    """How far answers agree that are classes; what is not defined is None."""

    percent: Interval | None
    alpha: Interval | None
    ac1: Interval | None
    fleiss: Interval | None


def nominal_agreement(
    given: GivenValues, *, classes: int, generator: np.random.Generator, level: float = LEVEL, draws: int = 500
) -> Nominal:
    """The four measures, of answers that may be one of so many `classes`.

    Fleiss' kappa is of more than two workers, else None: of two it is Scott's pi, and Cohen's is there for them.
    """
    table = _table(given)
    if not len(table):
        return Nominal(None, None, None, None)
    answers = table.sum(axis=1)
    several = answers >= 2
    equal = np.zeros(len(table))
    equal[several] = (table * (table - 1)).sum(axis=1)[several] / (answers * (answers - 1))[several]
    times = _times_drawn(len(table), draws, generator)
    with np.errstate(divide="ignore", invalid="ignore"):  # draws that a measure is not defined for are left aside
        percent = (times @ equal) / (times @ several)
        alpha = _alphas(times[:, several], table[several])
        shares = (times @ (table / answers[:, None])) / times.sum(axis=1, keepdims=True)
        ac1 = _beyond(percent, (shares * (1 - shares)).sum(axis=1) / max(classes - 1, 1))
        fleiss = _beyond(percent, (shares**2).sum(axis=1))
    workers = np.unique(given.worker).size
    return Nominal(
        percent=_interval(percent_agreement(given), percent, level),
        alpha=_interval(krippendorff_alpha(given), alpha, level),
        ac1=_interval(gwet_ac1(given, classes=classes), ac1, level),
        fleiss=_interval(fleiss_kappa(given), fleiss, level) if workers > 2 else None,
    )


def mean_interval(
    values: Floats, *, generator: np.random.Generator, level: float = LEVEL, draws: int = 500
) -> Interval | None:
    """The mean of one value per task with its bounds; None without values."""
    if not values.size:
        return None
    means = values[generator.integers(values.size, size=(draws, values.size))].mean(axis=1)
    return _interval(float(values.mean()), means, level)


def _times_drawn(tasks: int, draws: int, generator: np.random.Generator) -> Floats:
    """Draws × tasks: how often each task is drawn, of as many as there are, with replacement."""
    cells = generator.integers(tasks, size=(draws, tasks)) + tasks * np.arange(draws)[:, None]
    return np.bincount(cells.ravel(), minlength=draws * tasks).reshape(draws, tasks).astype(np.float64)


def _table(given: GivenValues) -> Floats:
    values, column = np.unique(given.value, return_inverse=True)
    cells = np.bincount(given.task * values.size + column, minlength=given.tasks * values.size)
    table = cells.reshape(given.tasks, values.size).astype(np.float64)
    return np.asarray(table[table.sum(axis=1) > 0], dtype=np.float64)


def _alphas(times: Floats, table: Floats) -> Floats:
    answers = table.sum(axis=1)
    unequal = (answers**2 - (table**2).sum(axis=1)) / (answers - 1)
    total, together = times @ answers, times @ table
    observed = (times @ unequal) / total
    expected = (total**2 - (together**2).sum(axis=1)) / (total * (total - 1))
    return np.asarray(np.where(expected > 0, 1 - observed / expected, np.nan), dtype=np.float64)


def _beyond(percent: Floats, by_chance: Floats) -> Floats:
    return np.asarray((percent - by_chance) / (1 - by_chance), dtype=np.float64)


def _interval(value: float | None, drawn: Floats, level: float) -> Interval | None:
    if value is None:
        return None
    seen = drawn[np.isfinite(drawn)]
    low, high = np.quantile(seen, [(1 - level) / 2, (1 + level) / 2]) if seen.size else (value, value)
    return Interval(value=value, low=float(low), high=float(high), level=level)
