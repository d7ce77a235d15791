"""Numbers, within the bounds that the schema sets."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from qualification.labels.habits import Habit
from qualification.labels.kinds.base import About, OfWhole, Told, Value
from qualification.labels.parts import Control
from qualification.statistics.merging.numbers import fuse_numbers, weighted_median

LARGEST: Final = 1e15
DIGITS: Final = 12
"""How many digits of a merged number are kept: what a mean of two floats may add to them is no information."""


class NumberKind(OfWhole):
    """Near by the distance, over the range where it has bounds and over the larger number where not.

    Merged to the median of weight, which one slip of the finger does not move. What each worker adds on average and how
    far they scatter is learnt over many tasks: `qualification.statistics.merging.numbers.fuse_numbers`.
    """

    right: Final = 0.95

    def read(self, value: Value, about: About) -> float:
        low, high = bounds_of(about)
        return value.number("number", max(low, -LARGEST), min(high, LARGEST))

    def write(self, shape: float) -> dict[str, object]:
        return {"number": int(shape) if shape == int(shape) else shape}

    def similarity(self, first: float, second: float, about: About) -> float:
        low, high = bounds_of(about)
        is_bounded = math.isfinite(high - low) and high > low
        scale = high - low if is_bounded else max(abs(first), abs(second))
        return max(0.0, 1 - abs(first - second) / scale) if scale > 0 else 1.0

    def merge(self, shapes: Sequence[float], weights: Sequence[float], about: About) -> float:
        if len(set(shapes)) == 1:
            return shapes[0]
        stepped = _stepped(weighted_median(shapes, weights), about)
        return min(max(stepped, min(shapes)), max(shapes))

    def habits(self, told: Sequence[Told[float]], about: About) -> dict[str, Habit]:
        """Weighed by how little somebody scatters about what they add."""
        names = sorted({worker for task in told for worker, _ in task.said})
        place = {worker: number for number, worker in enumerate(names)}
        answers = [(task, place[worker], said) for task, one in enumerate(told) for worker, said in one.said]
        if not answers:
            return {}
        fused = fuse_numbers(
            task=np.array([task for task, _, _ in answers], dtype=np.int64),
            worker=np.array([worker for _, worker, _ in answers], dtype=np.int64),
            said=np.array([said for _, _, said in answers], dtype=np.float64),
            tasks=len(told),
            workers=len(names),
            truth=np.array([math.nan if one.truth is None else one.truth for one in told], dtype=np.float64),
        )
        precision = np.median(fused.variance) / fused.variance
        return {
            worker: Habit(weight, weight, weight, shift)
            for worker, weight, shift in zip(names, precision.tolist(), fused.bias.tolist(), strict=True)
        }

    def corrected(self, shape: float, habit: Habit, about: About) -> float:
        """Without what they add, as far as that is a number that could have been said."""
        if not habit.shift:
            return shape
        low, high = bounds_of(about)
        return min(max(_stepped(shape - habit.shift, about), low, -LARGEST), high, LARGEST)


def _stepped(value: float, about: About) -> float:
    """The nearest number that the schema has a step at, without digits that are no information."""
    value = float(f"{value:.{DIGITS}g}")
    step = float(_setting(about, "step") or 0)
    if step <= 0:
        return value
    low = bounds_of(about)[0]
    origin = low if math.isfinite(low) else 0.0
    return float(f"{origin + round((value - origin) / step) * step:.{DIGITS}g}")


def bounds_of(about: About) -> tuple[float, float]:
    """The least and the greatest number that the schema takes."""
    low, high = _setting(about, "min"), _setting(about, "max")
    return (float(low) if low else -math.inf), (float(high) if high else math.inf)


def _setting(about: About, name: str) -> str:
    assert isinstance(about.control, Control)
    return about.control.setting(name)


KIND = NumberKind()
