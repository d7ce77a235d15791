"""Polygons in a picture: outlines as points in per cent of it."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from shapely.geometry import Polygon

from qualification.labels.kinds.base import DECIMALS, ROOM, About, Extent, Value, number_in, rounded
from qualification.labels.kinds.cells import share_of_cells
from qualification.labels.kinds.outlines import (
    MOST_CROSSINGS,
    WORK_OF_CROSSING,
    Floats,
    Outline,
    Places,
    area_of,
    covered_by_most,
    cross_often,
    crosses_itself_often,
    crossings,
    share_of,
    work_to_count,
)

WHOLE: Final = 100.0
MOST_POINTS: Final = 2_000
WORK_OF_EACH: Final = 20
WORK_OF_SHARED: Final = 3
"""What two outlines take to compare beside their own points, and for each point of what they share."""

BESIDE: Final = 1e-4
"""A point that is no further than this from the side between its neighbours, in per cent, is no corner."""


class PolygonKind:
    """Near by intersection over union; merged to what more than half of the weight covers.

    An outline that crosses itself is compared as the areas that it runs around. Two that cross each other all over are
    not alike.
    """

    right: Final = 0.7
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Outline:
        given = _points(value)
        points = _kept(given) or tuple(_point(each, f"{value.path}.points[{n}]", value) for n, each in enumerate(given))
        if value.has("closed") and value.get("closed") is not True:
            raise value.error("is true: a polygon that is not closed has no area.", "closed")
        if crosses_itself_often(points):
            raise value.error(f"the outline crosses itself more than {MOST_CROSSINGS} times.", "points")
        if len(set(points)) < 3 or area_of(points).area <= 0:
            raise value.error("a polygon has at least three points that do not lie on one line.", "points")
        return points

    def write(self, shape: Outline) -> dict[str, object]:
        return {"points": [list(point) for point in shape], "closed": True}

    def similarity(self, first: Outline, second: Outline, about: About) -> float:
        return self.compared(first, second, about)[0]

    def compared(self, first: Outline, second: Outline, about: About) -> tuple[float, int]:
        if first == second:
            return 1.0, WORK_OF_EACH
        work = WORK_OF_EACH + len(first) + len(second) + work_to_count(first, second)
        if cross_often(first, second):
            return 0.0, work
        share, points = share_of(area_of(first), area_of(second))
        return share, work + WORK_OF_SHARED * points + WORK_OF_CROSSING * crossings(first, second)

    def roughly(self, first: Sequence[Outline], second: Sequence[Outline], rows: Places, columns: Places) -> Floats:
        ours, theirs = tuple(first), tuple(second)
        # Cells are coarse. Two outlines share no more than their boxes do, nor than the smaller one has.
        (area, *sides), (their_area, *their_sides) = _measures_of(ours)[rows].T, _measures_of(theirs)[columns].T
        across, down = (
            np.clip(np.minimum(sides[high], their_sides[high]) - np.maximum(sides[low], their_sides[low]), 0, None)
            for low, high in ((0, 2), (1, 3))
        )
        most = np.minimum(across * down, np.minimum(area, their_area))
        near = share_of_cells(ours, theirs, rows, columns)
        return np.asarray(np.minimum(near, most / (area + their_area - most)), dtype=np.float64)

    def extent(self, shape: Outline) -> Extent:
        across, down = [x for x, _ in shape], [y for _, y in shape]
        return min(across), min(down), max(across), max(down)

    def merge(self, shapes: Sequence[Outline], weights: Sequence[float], about: About) -> Outline:
        return self.merge_within(shapes, weights, about, work=math.inf)[0]

    def merge_within(
        self, shapes: Sequence[Outline], weights: Sequence[float], about: About, *, work: float
    ) -> tuple[Outline, int]:
        if len(set(shapes)) == 1:
            return shapes[0], 0
        ordered = sorted(zip(shapes, weights, strict=True))
        merged, spent = covered_by_most([shape for shape, _ in ordered], [weight for _, weight in ordered], work=work)
        outline = () if merged is None else _corners_of(merged)
        if len(set(outline)) < 3 or area_of(outline).area <= 0:
            # Nothing is covered by most, or nothing that can be told: then what has most weight, the first of equals.
            return max(ordered, key=lambda pair: pair[1])[0], spent
        return outline, spent


def _corners_of(area: Polygon) -> Outline:
    """Its outline without the points that others' outlines left on its sides."""
    whole = Polygon(area.exterior).normalize().simplify(BESIDE)
    return _plain(whole.boundary.coords[:-1])


@lru_cache(maxsize=8)
def _measures_of(outlines: tuple[Outline, ...]) -> Floats:
    """Of each outline its area and its extent; kept for a while, as each answer is compared with several."""
    return np.array([(area_of(outline).area, *KIND.extent(outline)) for outline in outlines])


def _points(value: Value) -> list[Any]:
    return value.list("points", most=MOST_POINTS)


def _kept(points: list[Any]) -> Outline | None:
    """Points in the form in which they are kept: answers are read from there far more often than from people."""
    if not points or any(type(point) is not list or len(point) != 2 for point in points):
        return None
    if {type(number) for point in points for number in point} != {float}:
        return None
    found = np.array(points)
    if not (found.min() >= 0 and found.max() <= WHOLE):
        return None
    return tuple((x, y) for x, y in (np.round(found, DECIMALS) + 0.0).tolist())


def _point(point: object, path: str, value: Value) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise value.error("each point is a list of two numbers, x and y.", "points")
    x, y = (number_in(number, -ROOM, WHOLE + ROOM, path) for number in point)
    return rounded(x), rounded(y)


def _plain(points: Sequence[tuple[float, ...]]) -> Outline:
    return tuple((rounded(x), rounded(y)) for x, y, *_ in points)


KIND = PolygonKind()
