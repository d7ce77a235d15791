"""Active learning: a small model learns handwritten digits a batch at a time; how many labels that takes, by which way.

The ways are those in which a client's tasks are put in order (`qualification.statistics.selection`).
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from marketplace.demo.digits import load_digits
from qualification.statistics.selection.batches import Diversity, pick_batch
from qualification.statistics.selection.uncertainty import Floats, Measure, uncertainty

BATCH: Final = 20
STEPS: Final = 120
HELD_BACK: Final = 600
CLASSES: Final = 10
RANDOM: Final = "random"
WAYS: Final = (RANDOM, *Measure, *(f"{Measure.MARGIN}+{each}" for each in (Diversity.CLUSTERS, Diversity.CORE_SET)))
"""A measure of how unsure the model is, and behind a + how batches are made to differ."""

RIGHT: Final = 0.93
DRAWS: Final = 10


def measure_learning(*, quick: bool, tell: Callable[[str], None]) -> dict[str, float]:
    """How many labels it takes on average until the model is right in `RIGHT` of digits that it never saw, by way."""
    tell("a model that learns")
    digits = load_digits()
    pixels: Floats = np.array([list(digit.pixels) for digit in digits], dtype=np.float64) / 16
    labels = np.array([digit.label for digit in digits])
    seeds = range(1 if quick else DRAWS)
    return {way: labels_to_reach(RIGHT, pixels, labels, way=way, seeds=seeds) for way in WAYS}


def labels_to_reach(
    accuracy: float, points: Floats, labels: npt.NDArray[np.int64], *, way: str, seeds: Iterable[int]
) -> float:
    """The mean number of labels after which softmax regression is right so often on points that it never learnt."""
    return float(np.mean([_labels_to_reach(accuracy, points, labels, way, seed) for seed in seeds]))


def _labels_to_reach(accuracy: float, points: Floats, labels: npt.NDArray[np.int64], way: str, seed: int) -> int:
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(points))
    held, pool = order[:HELD_BACK], order[HELD_BACK:]
    known = pool[:BATCH]
    while len(known) < len(pool):
        weights = _fit(points[known], labels[known])
        if (_chances(points[held], weights).argmax(axis=1) == labels[held]).mean() >= accuracy:
            return len(known)
        open_tasks = np.setdiff1d(pool, known)
        known = np.concatenate(
            [known, open_tasks[_next(points, known, open_tasks, weights, way=way, generator=generator)]]
        )
    return len(pool)


def _next(
    points: Floats,
    known: npt.NDArray[np.int64],
    open_tasks: npt.NDArray[np.int64],
    weights: Floats,
    *,
    way: str,
    generator: np.random.Generator,
) -> npt.NDArray[np.int64]:
    if way == RANDOM:
        return generator.permutation(len(open_tasks))[:BATCH]
    measure, _, diversity = way.partition("+")
    unsure = uncertainty(_chances(points[open_tasks], weights), measure=Measure(measure))
    return pick_batch(
        unsure,
        points[open_tasks],
        size=BATCH,
        diversity=Diversity(diversity or "none"),
        generator=generator,
        labelled=points[known],
    )


def _fit(points: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """Softmax regression with a little shrinkage, by accelerated gradient steps."""
    whole = _with_constant(points)
    truth = np.eye(CLASSES)[labels]
    weights = ahead = np.zeros((whole.shape[1], CLASSES))
    for step in range(STEPS):
        slope = whole.T @ (_softmax(whole @ ahead) - truth) / len(whole) + 1e-3 * ahead
        following = ahead - 0.3 * slope
        ahead = following + step / (step + 3) * (following - weights)
        weights = following
    return weights


def _chances(points: Floats, weights: Floats) -> Floats:
    return _softmax(_with_constant(points) @ weights)


def _softmax(scores: Floats) -> Floats:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True), dtype=np.float64)


def _with_constant(points: Floats) -> Floats:
    return np.hstack([points, np.ones((len(points), 1))])
