"""Boxes in a picture: four sides in per cent of it, and how far they are turned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from shapely.geometry.base import BaseGeometry

from qualification.labels.kinds.base import ROOM, About, Extent, Value, rounded
from qualification.labels.kinds.cells import share_of_cells
from qualification.labels.kinds.outlines import Floats, Outline, area_of, area_shared
from qualification.statistics.merging.angles import circular_mean
from qualification.statistics.merging.numbers import weighted_median

WHOLE: Final = 100.0
MOST_TURNED: Final = 1_000
MOST_BY_CELLS: Final = 10_000
"""Pairs of boxes with a turned one that are compared exactly, of two answers: those whose extents share most; and, of
what is left, by cells."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """Left, top, width and height in per cent of the picture; `rotation` in degrees about the top left corner."""

    x: float
    y: float
    width: float
    height: float
    rotation: float = 0.0

    @property
    def outline(self) -> BaseGeometry:
        """The box as a polygon, as if the picture were square."""
        return area_of(self.corners)

    @property
    def corners(self) -> Outline:
        """Its corners, the one that it is turned about first."""
        turn = math.radians(self.rotation)
        (across, along), (down, back) = _turned(self.width, turn), _turned(self.height, turn)
        x, y = self.x, self.y
        return (x, y), (x + across, y + along), (x + across - back, y + along + down), (x - back, y + down)

    @property
    def middle(self) -> tuple[float, float]:
        """Half way between opposite corners."""
        (x, y), _, (other_x, other_y), _ = self.corners
        return (x + other_x) / 2, (y + other_y) / 2


def _turned(length: float, turn: float) -> tuple[float, float]:
    return length * math.cos(turn), length * math.sin(turn)


class BoxKind:
    """Near by intersection over union. Merged side by side, by the median of weight.

    The median stands against one box that is far off, which the mean does not. Source for the measure: M. Everingham
    and others, "The PASCAL visual object classes challenge", IJCV 88 (2010).
    """

    right: Final = 0.7
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Box:
        width = value.number("width", 0, WHOLE + ROOM)
        height = value.number("height", 0, WHOLE + ROOM)
        rotation = rounded(value.number("rotation", -360, 360)) % 360 if value.has("rotation") else 0.0
        low, high = (-WHOLE, 2 * WHOLE) if rotation else (-ROOM, WHOLE + ROOM)
        x, y = value.number("x", low, high), value.number("y", low, high)
        # Rounded first and checked then: what is kept is read again, and must pass.
        read = Box(rounded(x), rounded(y), rounded(width), rounded(height), rotation)
        check_inside(read, value)
        if rotation:
            return read
        kept = _clipped(read)
        check_inside(kept, value)
        return kept

    def write(self, shape: Box) -> dict[str, object]:
        return {
            "x": shape.x,
            "y": shape.y,
            "width": shape.width,
            "height": shape.height,
            "rotation": shape.rotation,
        }

    def similarity(self, first: Box, second: Box, about: About) -> float:
        if first == second:
            return 1.0
        if first.rotation or second.rotation:
            return area_shared(first.outline, second.outline)
        across = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
        down = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
        shared = max(0.0, across) * max(0.0, down)
        return shared / (first.width * first.height + second.width * second.height - shared)

    def similarities(self, first: Sequence[Box], second: Sequence[Box], about: About) -> Floats:
        ours, theirs = (np.array([self.extent(box) for box in boxes]) for boxes in (first, second))
        shared = np.ones((len(first), len(second)))
        for low, high in ((0, 2), (1, 3)):
            most = np.minimum(ours[:, None, high], theirs[None, :, high])
            shared *= np.maximum(most - np.maximum(ours[:, None, low], theirs[None, :, low]), 0.0)
        size, their_size = (np.array([box.width * box.height for box in boxes]) for boxes in (first, second))
        around, around_their = (np.prod(sides[:, 2:] - sides[:, :2], axis=1) for sides in (ours, theirs))
        turned, are_turned = (np.array([box.rotation != 0.0 for box in boxes]) for boxes in (first, second))
        either = size[:, None] + their_size - shared
        found = np.divide(shared, either, out=np.zeros_like(shared), where=~(turned[:, None] | are_turned))
        numbers = {box: number for number, box in enumerate(dict.fromkeys((*first, *second)))}
        own, their = (np.array([numbers[box] for box in boxes]) for boxes in (first, second))
        found[own[:, None] == their] = 1.0
        rows, columns = np.nonzero((turned[:, None] | are_turned) & (shared > 0))
        share = shared[rows, columns] / (around[rows] + around_their[columns] - shared[rows, columns])
        order = np.argsort(-share, kind="stable")
        rows, columns = rows[order], columns[order]
        for row, column in zip(rows[:MOST_TURNED], columns[:MOST_TURNED], strict=True):
            found[row, column] = self.similarity(first[row], second[column], about)
        left = slice(MOST_TURNED, MOST_TURNED + MOST_BY_CELLS)
        rest = rows[left], columns[left]
        if len(rest[0]):
            mine, other = (tuple(box.corners for box in boxes) for boxes in (first, second))
            found[rest] = share_of_cells(mine, other, *rest)
        return np.asarray(found, dtype=np.float64)

    def extent(self, shape: Box) -> Extent:
        if shape.rotation:
            across, down = zip(*shape.corners, strict=True)
            return min(across), min(down), max(across), max(down)
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height

    def merge(self, shapes: Sequence[Box], weights: Sequence[float], about: About) -> Box:
        if len(set(shapes)) == 1:
            return shapes[0]

        def middle(sides: list[float]) -> float:
            return weighted_median(sides, weights)

        if any(shape.rotation for shape in shapes):
            return self._merged_turned(shapes, weights)
        left, top = middle([shape.x for shape in shapes]), middle([shape.y for shape in shapes])
        right = middle([shape.x + shape.width for shape in shapes])
        bottom = middle([shape.y + shape.height for shape in shapes])
        return Box(rounded(left), rounded(top), rounded(right - left), rounded(bottom - top))

    def _merged_turned(self, shapes: Sequence[Box], weights: Sequence[float]) -> Box:
        """The middle, the sides and the turn, each by itself: the corner of a turned box depends on its turn."""
        x, y = (weighted_median(places, weights) for places in zip(*(shape.middle for shape in shapes), strict=True))
        width, height = (
            rounded(weighted_median([getattr(shape, name) for shape in shapes], weights))
            for name in ("width", "height")
        )
        rotation = rounded(circular_mean([shape.rotation for shape in shapes], weights) % 360) % 360
        turn = math.radians(rotation)
        left = x - width / 2 * math.cos(turn) + height / 2 * math.sin(turn)
        top = y - width / 2 * math.sin(turn) - height / 2 * math.cos(turn)
        return Box(rounded(left), rounded(top), width, height, rotation)


def _clipped(shape: Box) -> Box:
    """An upright box without what rounding in an editor put outside the picture."""
    x, y = max(shape.x, 0.0), max(shape.y, 0.0)
    right, bottom = min(shape.x + shape.width, WHOLE), min(shape.y + shape.height, WHOLE)
    return Box(x, y, rounded(right - x), rounded(bottom - y))


def check_inside(shape: Box, value: Value) -> None:
    """Refuse a box without area, or with its middle (or, when it is not turned, any side) outside the picture."""
    if shape.width <= 0 or shape.height <= 0:
        raise value.error("a box has a width and a height above 0.")
    if shape.rotation:
        outside = not all(-ROOM <= place <= WHOLE + ROOM for place in shape.middle)
    else:
        outside = shape.x + shape.width > WHOLE + ROOM or shape.y + shape.height > WHOLE + ROOM
    if outside:
        raise value.error("the box lies outside the picture, whose sides are 100 (per cent) long.")


KIND = BoxKind()
