"""Drift: whether what a model predicts, or what people answer, is spread over the classes as it was at first."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ALPHA: Final = 0.01
"""How likely at most a job without drift is ever told that it has some, over all looks together."""

WINDOW: Final = 50
LEAST_SHIFT: Final = 0.1
"""Below it a population is usually called stable, from 0.25 on changed: N. Siddiqi, "Credit Risk Scorecards" (2006)."""

LEAST_EXPECTED: Final = 5.0
"""Classes of which less is expected are looked at together: W. G. Cochran, Biometrics 10 (1954)."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a window is from the first one: population stability index, and how likely chance alone goes as far."""

    stability_index: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found: of the predictions, of the people's labels, in which window, and whether that is drift."""

    predictions: Shift
    labels: Shift
    window: int
    has_drifted: bool


def watch(pairs: Sequence[tuple[str, str]], *, window: int = WINDOW, alpha: float = ALPHA) -> Drift | None:
    """The first window with drift, else the latest; None while fewer than two are full.

    `pairs` are (predicted, label of people), in the order of time. Each full window is compared with the first by the
    chi-square test of homogeneity (K. Pearson, Biometrika 8 (1911)). The k-th look spends 6 / (pi k)^2 of `alpha`,
    shared by its two tests: over all looks there can ever be that adds up to `alpha` (for spending: K. K. G. Lan, D. L.
    DeMets, Biometrika 70 (1983)). Drift is a p-value within that, and a shift that matters.
    """
    windows = [pairs[start : start + window] for start in range(0, len(pairs) - window + 1, window)]
    found = None
    for look, later in enumerate(windows[1:], start=1):
        spent = alpha * 6 / (math.pi * look) ** 2 / 2
        sides = [_shift(_counts(windows[0], side), _counts(later, side)) for side in (0, 1)]
        drifted = any(shift.p_value <= spent and shift.stability_index >= LEAST_SHIFT for shift in sides)
        found = Drift(predictions=sides[0], labels=sides[1], window=look + 1, has_drifted=drifted)
        if drifted:
            return found
    return found


def stability_index(first: Mapping[str, int], later: Mapping[str, int]) -> float:
    """The population stability index, the symmetric Kullback–Leibler divergence (H. Jeffreys, 1946) of two spreads.

    Half an answer is added to each class, so that an empty one does not make it endless.
    """
    classes = sorted(first.keys() | later.keys())
    shares = [
        [(counts.get(label, 0) + 0.5) / (sum(counts.values()) + 0.5 * len(classes)) for label in classes]
        for counts in (first, later)
    ]
    return math.fsum((now - was) * math.log(now / was) for was, now in zip(*shares, strict=True))


def homogeneity(first: Mapping[str, int], later: Mapping[str, int]) -> float:
    """The p-value of the chi-square test that both come from one spread; rare classes are taken together."""
    tables = _without_rare(first, later)
    total = [sum(row) for row in tables]
    if len(tables[0]) < 2 or not all(total):
        return 1.0
    statistic = 0.0
    for was, now in zip(*tables, strict=True):
        for seen, size in ((was, total[0]), (now, total[1])):
            expected = (was + now) * size / sum(total)
            statistic += (seen - expected) ** 2 / expected
    return chi_square_tail(statistic, len(tables[0]) - 1)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """P(X >= `statistic`) for a chi-square of whole `degrees` of freedom: the finite sums of the NIST DLMF, 8.4."""
    half = statistic / 2
    if half <= 0:
        return 1.0
    start, tail = (0.5, math.erfc(math.sqrt(half))) if degrees % 2 else (0.0, 0.0)
    while start < degrees / 2:
        tail += math.exp(start * math.log(half) - half - math.lgamma(start + 1))
        start += 1
    return min(tail, 1.0)


def _shift(first: Mapping[str, int], later: Mapping[str, int]) -> Shift:
    return Shift(stability_index(first, later), homogeneity(first, later))


def _counts(pairs: Iterable[tuple[str, str]], side: int) -> Counter[str]:
    return Counter(pair[side] for pair in pairs)


def _without_rare(first: Mapping[str, int], later: Mapping[str, int]) -> tuple[list[int], list[int]]:
    sizes = sum(first.values()), sum(later.values())
    smaller = min(sizes) / max(sum(sizes), 1)
    common: list[tuple[int, int]] = []
    rest = [0, 0]
    for label in sorted(first.keys() | later.keys()):
        pair = first.get(label, 0), later.get(label, 0)
        if sum(pair) * smaller >= LEAST_EXPECTED:
            common.append(pair)
        else:
            rest = [rest[0] + pair[0], rest[1] + pair[1]]
    if any(rest):
        common.append((rest[0], rest[1]))
    return [was for was, _ in common], [now for _, now in common]
