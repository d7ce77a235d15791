"""Key points in a picture: a place in per cent of it."""

import math
from collections.abc import Sequence
from typing import Final

from qualification.labels.kinds.base import ROOM, About, Extent, Value, rounded
from qualification.statistics.merging.numbers import weighted_median

WHOLE: Final = 100.0
SCALE: Final = 2.5
"""Per cent of the picture's sides at which two points are 0.61 alike."""

REACH: Final = 3 * SCALE
"""Half of the distance from which on two points are not alike enough to be the same."""

Place = tuple[float, float, float]
"""x, y and the width of the dot as it was drawn, which does not matter to where the point is."""


class KeyPointKind:
    """Near by a bell curve of the distance; merged to the median of weight in each direction.

    Source: the object keypoint similarity of COCO (T.-Y. Lin and others, "Microsoft COCO", ECCV 2014, and its
    evaluation), with one scale for all points as the size of the object is not known.
    """

    right: Final = 0.5
    same: Final = 0.1

    def read(self, value: Value, about: About) -> Place:
        x, y = (value.number(name, -ROOM, WHOLE + ROOM) for name in ("x", "y"))
        width = value.number("width", 0, WHOLE) if value.has("width") else 0.0
        return rounded(x), rounded(y), rounded(width)

    def write(self, shape: Place) -> dict[str, object]:
        return {"x": shape[0], "y": shape[1], "width": shape[2]}

    def similarity(self, first: Place, second: Place, about: About) -> float:
        return math.exp(-(math.dist(first[:2], second[:2]) ** 2) / (2 * SCALE**2))

    def extent(self, shape: Place) -> Extent:
        x, y, _ = shape
        return x - REACH, y - REACH, x + REACH, y + REACH

    def merge(self, shapes: Sequence[Place], weights: Sequence[float], about: About) -> Place:
        x, y, width = (rounded(weighted_median([shape[n] for shape in shapes], weights)) for n in range(3))
        return x, y, width


KIND = KeyPointKind()
