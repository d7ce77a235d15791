"""Numbers, within the bounds that the schema sets."""

import math
from collections.abc import Sequence
from typing import Final

from qualification.labels.kinds.base import About, OfWhole, Value
from qualification.labels.parts import Control
from qualification.statistics.merging.numbers import weighted_median

LARGEST: Final = 1e15
DIGITS: Final = 12
"""How many digits of a merged number are kept: what a mean of two floats may add to them is no information."""


class NumberKind(OfWhole):
    """Near by the distance, over the range where it has bounds and over the larger number where not.

    Merged to the median of weight, which one slip of the finger does not move. What each worker adds on average and how
    far they scatter can only be seen over a whole job: `qualification.statistics.merging.numbers.fuse_numbers`.
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
        middle = float(f"{weighted_median(shapes, weights):.{DIGITS}g}")
        step = float(_setting(about, "step") or 0)
        if step <= 0:
            return middle
        low = bounds_of(about)[0]
        origin = low if math.isfinite(low) else 0.0
        stepped = float(f"{origin + round((middle - origin) / step) * step:.{DIGITS}g}")
        return min(max(stepped, min(shapes)), max(shapes))


def bounds_of(about: About) -> tuple[float, float]:
    """The least and the greatest number that the schema takes."""
    low, high = _setting(about, "min"), _setting(about, "max")
    return (float(low) if low else -math.inf), (float(high) if high else math.inf)


def _setting(about: About, name: str) -> str:
    assert isinstance(about.control, Control)
    return about.control.setting(name)


KIND = NumberKind()
