"""Areas with an outline: how much two share, and what most people cover."""

import math
from collections.abc import Sequence
from functools import lru_cache

from shapely import STRtree, make_valid, unary_union
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import polygonize

CIRCLE_POINTS = 16
"""Points on a quarter of an ellipse, where it is compared as a polygon: its area is 0.2% too small then."""


@lru_cache(maxsize=4096)
def area_of(points: tuple[tuple[float, float], ...]) -> BaseGeometry:
    """What an outline encloses. One that crosses itself is repaired to the areas that it runs around.

    Kept for a while, as each outline is compared with many.
    """
    outline = Polygon(points)
    return outline if outline.is_valid else make_valid(outline)


def area_shared(first: BaseGeometry, second: BaseGeometry) -> float:
    """Intersection over union, 0 where neither has an area."""
    shared = first.intersection(second).area
    either = first.area + second.area - shared
    return min(1.0, max(0.0, shared / either)) if either > 0 else 0.0


def covered_by_most(areas: Sequence[BaseGeometry], weights: Sequence[float]) -> Polygon | None:
    """The largest piece of what more than half of the weight covers, without holes; None where nothing is.

    Exact: all outlines together cut the plane into cells, and each cell is inside or outside of each area.
    """
    lines = unary_union([area.boundary for area in areas])
    tree, half = STRtree(list(areas)), math.fsum(weights) / 2
    kept = []
    for cell in polygonize(lines):
        inside = tree.query(cell.representative_point(), predicate="within")
        if math.fsum(weights[number] for number in inside) > half * (1 + 1e-9):
            kept.append(cell)
    merged = unary_union(kept)
    pieces = list(merged.geoms) if isinstance(merged, MultiPolygon) else [merged]
    largest = max(pieces, key=lambda piece: (piece.area, piece.bounds), default=None)
    if not isinstance(largest, Polygon) or largest.is_empty:
        return None
    return Polygon(largest.exterior)
