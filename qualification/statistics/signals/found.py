"""The signals. Each gives every worker a score and the chance of one as high if nothing is the matter.

A signal compares a worker with what the others' answers to the same tasks lead to expect. Honest people differ by more
than chance, so each score is measured by how much workers differ in this job (the empirical null of B. Efron,
"Large-scale simultaneous hypothesis testing", JASA 99 (2004)). Whoever is flagged is so within a budget of false flags
that all signals share (C. E. Bonferroni): of a thousand honest workers five, whatever the number of signals.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, pdtrc, stdtr

from qualification.statistics.fusion.answers import Flags, Floats, Indices
from qualification.statistics.signals.budget import is_flag
from qualification.statistics.signals.turns import Turns

ABOVE_CHANCE: Final = 0.1
FEWEST_TURNS: Final = 20
FEWEST_TOGETHER: Final = 10
FEWEST_WORKERS: Final = 8
DEGREES: Final = 11.0
"""How certain the spread among workers is: of thirty, by median distances, as of a dozen by the usual formula (P. J.
Rousseeuw, C. Croux, "Alternatives to the median absolute deviation", JASA 88 (1993)); so tails are Student's."""

LEAST_SPREAD: Final = 0.1
"""How much the logarithms of people's times differ at least: nobody is flagged for being a tenth faster than others."""

NEAREST: Final = 40
"""Of tasks that many answer, such as gold, only pairs of answers this near in their order are compared: all pairs would
grow with the square, and who copies answers soon after."""

MISLED: Final = 0.02
"""At how many of their tasks two honest workers are taken to err alike because the task misleads."""

NORMAL_SPREAD: Final = 1.4826
"""The standard deviation of normal numbers over the median of their distances to their median."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What was found about one worker: `score` in standard deviations where there are such, `chance` of one as high.

    `evidence` are the numbers that it rests on, by name.
    """

    name: str
    score: float
    chance: float
    evidence: dict[str, float]

    @property
    def is_flagged(self) -> bool:
        """Whether a person should look, if this is the only job that is looked at."""
        return is_flag(self.chance)


def signals_of(turns: Turns) -> list[list[Signal]]:
    """For each worker, every signal in the order of `SIGNALS`."""
    found = [signal(turns) for signal in SIGNALS.values()]
    return [list(of_worker) for of_worker in zip(*found, strict=True)]


def gold_below_chance(turns: Turns) -> list[Signal]:
    """Gold says that the worker is right less often than chance and a tenth; nothing but gold counts."""
    floor = min(1 / turns.classes + ABOVE_CHANCE, 0.99)
    given, right = (turns.of_workers(of.astype(np.float64)) for of in (turns.is_gold, turns.is_right_at_gold))
    chance = np.where(given > 0, bdtr(right, np.maximum(given, 1).astype(np.int64), floor), 1.0)
    return [
        Signal("gold_below_chance", 1 - turns.accuracy[worker], float(chance[worker]), {"gold": n, "right": k})
        for worker, (n, k) in enumerate(zip(given.tolist(), right.tolist(), strict=True))
    ]


def too_fast(turns: Turns) -> list[Signal]:
    """The worker takes far less time than others do for the same items."""
    logs = np.log(np.maximum(turns.seconds, 1e-3))
    total, count = (np.bincount(turns.task, weights, minlength=len(turns.gold)) for weights in (logs, None))
    others = (total[turns.task] - logs) / np.maximum(count[turns.task] - 1, 1)
    compared = (count[turns.task] > 1).astype(np.float64)
    pairs = turns.of_workers(compared)
    ahead = turns.of_workers((others - logs) * compared) / np.maximum(pairs, 1)
    scores = _standardised(ahead, pairs >= FEWEST_TURNS, least=LEAST_SPREAD)
    return [
        Signal("too_fast", score, _upper(score), {"times_as_fast": float(np.exp(ratio)), "turns": n})
        for score, ratio, n in zip(scores.tolist(), ahead.tolist(), pairs.tolist(), strict=True)
    ]


def straight_lines(turns: Turns) -> list[Signal]:
    """The worker says again what they said just before more often than their tasks' order explains."""
    order = np.lexsort((np.arange(len(turns.task)), turns.worker))
    first, second = order[:-1], order[1:]
    follows = turns.worker[first] == turns.worker[second]
    first, second = first[follows], second[follows]
    again = (turns.said[first] == turns.said[second]).astype(np.float64)
    expected = _chances_said(turns)
    alike = (expected[first] * expected[second]).sum(axis=1)
    return _excess("straight_lines", turns, _Count(turns.worker[first], again, alike))


def one_place(turns: Turns) -> list[Signal]:
    """The worker picks one place among the choices more often than their tasks explain."""
    expected = _chances_said(turns)
    by_place = [
        _excess("one_place", turns, _Count(turns.worker, (turns.said == place).astype(np.float64), expected[:, place]))
        for place in range(turns.classes)
    ]
    return [_likeliest(found) for found in zip(*by_place, strict=True)]


def drift(turns: Turns) -> list[Signal]:
    """The worker agrees with what the others say less in the later half of their turns than in the earlier one."""
    agrees = turns.of_others[np.arange(len(turns.task)), turns.said]
    place = np.zeros(len(turns.task), dtype=np.int64)
    order = np.lexsort((np.arange(len(turns.task)), turns.worker))
    counts = np.bincount(turns.worker, minlength=turns.workers)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    late = place >= counts[turns.worker] / 2
    halves = [_mean_and_error(turns, agrees, half) for half in (~late, late)]
    (before, error), (after, error_after) = halves
    scores = (before - after) / np.sqrt(np.maximum(error**2 + error_after**2, 1e-9))
    scores = _standardised(scores, counts >= 2 * FEWEST_TURNS, least=1.0)
    return [
        Signal("drift", score, _upper(score), {"agreed_before": first, "agreed_since": second})
        for score, first, second in zip(scores.tolist(), before.tolist(), after.tolist(), strict=True)
    ]


def shared_errors(turns: Turns) -> list[Signal]:
    """Two workers give the same wrong answers more often than their errors coincide: a ring, or who copies.

    For each pair, at how many tasks both said the same that is wrong by all answers, against how many it would be if
    each erred by themselves, and a few, as tasks mislead.
    """
    pairs, met, same = _pairs(turns)
    error = turns.of_workers(turns.wrong) / np.maximum(turns.of_workers(np.ones(len(turns.task))), 1)
    first, second = np.divmod(pairs, turns.workers)
    expected = met * (error[first] * error[second] / max(turns.classes - 1, 1) + MISLED)
    chance = np.where(met >= FEWEST_TOGETHER, pdtrc(np.floor(same) - 1, expected), 1.0)
    chance[same < 1] = 1.0
    partners = np.bincount(first, minlength=turns.workers) + np.bincount(second, minlength=turns.workers)
    best = [Signal("shared_errors", 0.0, 1.0, {}) for _ in range(turns.workers)]
    for place in np.argsort(-chance, kind="stable").tolist():
        for worker, other in ((first[place], second[place]), (second[place], first[place])):
            evidence = {"partner": float(other), "tasks_of_both": float(met[place]), "same_errors": float(same[place])}
            evidence["expected"] = float(expected[place])
            beyond = float((same[place] - expected[place]) / np.sqrt(max(expected[place], 0.1)))
            likely = min(1.0, float(partners[worker] * chance[place]))
            best[worker] = Signal("shared_errors", beyond, likely, evidence)
    return best


def _pairs(turns: Turns) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Every pair of workers with a task in common, how many they have, and at how many both said the same wrong."""
    order = np.argsort(turns.task, kind="stable")
    keys, wrongs = [], []
    for apart in range(1, min(int(np.bincount(turns.task).max(initial=1)), NEAREST)):
        one, other = order[:-apart], order[apart:]
        met = turns.task[one] == turns.task[other]
        one, other = one[met], other[met]
        low, high = (choose(turns.worker[one], turns.worker[other]) for choose in (np.minimum, np.maximum))
        keys.append(low.astype(np.int64) * turns.workers + high)
        wrongs.append(np.where(turns.said[one] == turns.said[other], turns.wrong[one], 0.0))
    together = np.concatenate(keys) if keys else np.empty(0, dtype=np.int64)
    pairs, place = np.unique(together, return_inverse=True)
    number = np.bincount(place, minlength=len(pairs)).astype(np.float64)
    same = np.bincount(place, np.concatenate([np.empty(0), *wrongs]), minlength=len(pairs)).astype(np.float64)
    return pairs, number, same


def _chances_said(turns: Turns) -> Floats:
    """Turns × classes: how likely anybody says what, given what the others say: as often right as all, else evenly."""
    right = float(np.clip(turns.of_others[np.arange(len(turns.task)), turns.said].mean(), 1 / turns.classes, 0.99))
    wrong = (1 - right) / max(turns.classes - 1, 1)
    return np.asarray(wrong + (right - wrong) * turns.of_others, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Count:
    """For some turns, whether something was `seen`, and how likely it was; `worker` says whose they are."""

    worker: Indices
    seen: Floats
    likely: Floats


def _excess(name: str, turns: Turns, counted: _Count) -> list[Signal]:
    """How much more often than likely it was seen of each worker."""
    expected, variance, seen, number = (
        np.bincount(counted.worker, weights, minlength=turns.workers).astype(np.float64)
        for weights in (counted.likely, counted.likely * (1 - counted.likely), counted.seen, None)
    )
    raw = (seen - expected) / np.sqrt(np.maximum(variance, 1e-9))
    scores = _standardised(raw, number >= FEWEST_TURNS, least=1.0)
    return [
        Signal(name, score, _upper(score), {"times": times, "expected": likely, "turns": n})
        for score, times, likely, n in zip(
            scores.tolist(), seen.tolist(), expected.tolist(), number.tolist(), strict=True
        )
    ]


def _likeliest(found: tuple[Signal, ...]) -> Signal:
    """Of one worker's places the one that stands out most, at the price of having looked at all."""
    place = min(range(len(found)), key=lambda one: found[one].chance)
    best = found[place]
    return Signal(best.name, best.score, min(1.0, len(found) * best.chance), {**best.evidence, "place": float(place)})


def _mean_and_error(turns: Turns, values: Floats, counted: Flags) -> tuple[Floats, Floats]:
    number = np.maximum(turns.of_workers(counted.astype(np.float64)), 1)
    mean = turns.of_workers(values * counted) / number
    square = turns.of_workers(values**2 * counted) / number
    return mean, np.sqrt(np.maximum(square - mean**2, 0.05) / number)


def _standardised(values: Floats, usable: Flags, *, least: float = 0.0) -> Floats:
    """In standard deviations of how workers differ here, robustly; at least `least`, which chance alone gives.

    0 where there is too little to go by: few turns, or few workers to compare with.
    """
    if usable.sum() < FEWEST_WORKERS:
        return np.zeros(len(values))
    middle = np.median(values[usable])
    spread = max(NORMAL_SPREAD * float(np.median(np.abs(values[usable] - middle))), least, 1e-9)
    return np.where(usable, (values - middle) / spread, 0.0)


def _upper(score: float) -> float:
    return float(stdtr(DEGREES, -score))


SIGNALS: Final[dict[str, Callable[[Turns], list[Signal]]]] = {
    "gold_below_chance": gold_below_chance,
    "too_fast": too_fast,
    "straight_lines": straight_lines,
    "one_place": one_place,
    "drift": drift,
    "shared_errors": shared_errors,
}
