"""Ellipses in a picture: centre and half axes in per cent of it, and how far they are turned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shapely import affinity
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from qualification.labels.kinds.base import ROOM, About, Extent, Value, rounded
from qualification.labels.kinds.cells import share_of_cells
from qualification.labels.kinds.outlines import CIRCLE_POINTS, Floats, Places, area_shared, corners_of
from qualification.statistics.merging.angles import circular_mean
from qualification.statistics.merging.numbers import weighted_median

WHOLE: Final = 100.0
FIELDS: Final = ("x", "y", "radiusX", "radiusY")
WORK_OF_EACH: Final = 100
"""What two ellipses take to compare, in points of an outline."""


@dataclass(frozen=True, slots=True, order=True)
class Ellipse:
    """Centre and half axes in per cent of the picture; `rotation` in degrees about the centre."""

    x: float
    y: float
    across: float
    down: float
    rotation: float = 0.0

    @property
    def outline(self) -> BaseGeometry:
        """The ellipse as a polygon, as if the picture were square."""
        return _outline_of(self)


@lru_cache(maxsize=4096)
def _outline_of(ellipse: Ellipse) -> BaseGeometry:
    """Kept for a while, as each is compared with many."""
    circle = Point(0, 0).buffer(1, quad_segs=CIRCLE_POINTS)
    turned = affinity.rotate(affinity.scale(circle, ellipse.across, ellipse.down), ellipse.rotation, origin=(0, 0))
    return affinity.translate(turned, ellipse.x, ellipse.y)


class EllipseKind:
    """Near by intersection over union, merged number by number by the median of weight."""

    right: Final = 0.7
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Ellipse:
        x, y = (value.number(name, -ROOM, WHOLE + ROOM) for name in FIELDS[:2])
        across, down = (value.number(name, 0, WHOLE) for name in FIELDS[2:])
        rotation = rounded(value.number("rotation", -360, 360)) % 180 if value.has("rotation") else 0.0
        x, y, across, down = (rounded(number) for number in (x, y, across, down))
        if across <= 0 or down <= 0:
            raise value.error("an ellipse has half axes above 0.")
        return Ellipse(x, y, across, down, rotation)

    def write(self, shape: Ellipse) -> dict[str, object]:
        return {
            "x": shape.x,
            "y": shape.y,
            "radiusX": shape.across,
            "radiusY": shape.down,
            "rotation": shape.rotation,
        }

    def similarity(self, first: Ellipse, second: Ellipse, about: About) -> float:
        return 1.0 if first == second else area_shared(first.outline, second.outline)

    def compared(self, first: Ellipse, second: Ellipse, about: About) -> tuple[float, int]:
        return self.similarity(first, second, about), WORK_OF_EACH

    def roughly(self, first: Sequence[Ellipse], second: Sequence[Ellipse], rows: Places, columns: Places) -> Floats:
        ours, theirs = (tuple(corners_of(shape.outline) for shape in shapes) for shapes in (first, second))
        return share_of_cells(ours, theirs, rows, columns)

    def extent(self, shape: Ellipse) -> Extent:
        reach = max(shape.across, shape.down)
        return shape.x - reach, shape.y - reach, shape.x + reach, shape.y + reach

    def merge(self, shapes: Sequence[Ellipse], weights: Sequence[float], about: About) -> Ellipse:
        if len(set(shapes)) == 1:
            return shapes[0]
        numbers = (
            weighted_median([getattr(shape, name) for shape in shapes], weights)
            for name in ("x", "y", "across", "down")
        )
        # Half a turn leaves an ellipse as it was, so the directions are doubled.
        rotation = circular_mean([2 * shape.rotation for shape in shapes], weights) / 2 % 180
        x, y, across, down = (rounded(number) for number in numbers)
        return Ellipse(x, y, across, down, rounded(rotation) % 180)


KIND = EllipseKind()
