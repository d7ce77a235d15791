"""Areas with an outline: how much two share, and what most people cover."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from shapely import (
    STRtree,
    get_coordinates,
    get_num_coordinates,
    get_parts,
    linearrings,
    make_valid,
    point_on_surface,
    polygonize,
    unary_union,
)
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

CIRCLE_POINTS: Final = 16
"""Points on a quarter of an ellipse, where it is compared as a polygon: its area is 0.2% too small then."""

MOST_CROSSINGS: Final = 100
"""Of an outline with itself. Hands cross a few times; a scribble of 500 points does 60,000 times, and takes minutes."""

CROSSINGS_A_POINT: Final = 2
"""How often two outlines may cross each other for each of their points. Around one thing it is less than once, however
hands shake; two combs of 2,000 points do it a million times, and take half a minute to compare."""

FEW_SIDES: Final = 1_600
"""Pairs of sides below which it does not matter how often they cross."""

SIDES_AT_ONCE: Final = 64
WORK_OF_NODE: Final = 3
"""What a point of lines that outlines have cut takes: cells are made of them, looked at, and joined again."""

SIDES_A_POINT: Final = 200
"""Pairs of sides that are looked at for crossings in the time that one point takes in what is computed exactly."""

WORK_OF_CROSSING: Final = 10
"""What a crossing takes, in points: each is computed, and cuts the lines that meet there."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Points = Sequence[tuple[float, float]]
Outline = tuple[tuple[float, float], ...]


@lru_cache(maxsize=4096)
def area_of(points: Outline) -> BaseGeometry:
    """What an outline encloses. One that crosses itself is repaired to the areas that it runs around.

    Kept for a while, as each outline is compared with many.
    """
    outline = outlined(points)
    return outline if outline.is_valid else make_valid(outline, method="structure", keep_collapsed=False)


def outlined(points: Points) -> BaseGeometry:
    """The polygon with these corners, valid or not."""
    return Polygon(linearrings(np.array(points)))


def corners_of(outline: BaseGeometry) -> Outline:
    """The corners of a polygon without holes."""
    return tuple((x, y) for x, y in get_coordinates(outline)[:-1].tolist())


def crosses_itself_often(points: Points) -> bool:
    """Whether the sides of an outline meet each other more than `MOST_CROSSINGS` times, apart from where they join."""
    if len(points) < 3 or outlined(points).is_valid:
        return False
    corners = np.array(points)
    starts = corners[np.any(corners != np.roll(corners, 1, axis=0), axis=1)]
    ends = np.roll(starts, -1, axis=0)
    meetings = 0
    for first in range(0, len(starts), SIDES_AT_ONCE):
        own = slice(first, first + SIDES_AT_ONCE)
        meet = _are_near(starts[own], ends[own], starts, ends)
        meet &= _sides(starts[own], ends[own], starts) * _sides(starts[own], ends[own], ends) <= 0
        meet &= (_sides(starts, ends, starts[own]) * _sides(starts, ends, ends[own])).T <= 0
        meetings += int(np.count_nonzero(meet)) - 3 * len(meet)  # a side meets itself and both beside it
        if meetings > 2 * MOST_CROSSINGS:  # each is seen from both of its sides
            return True
    return False


def cross_often(first: Outline, second: Outline) -> bool:
    """Whether two outlines cross each other more than `CROSSINGS_A_POINT` times for each of their points."""
    return crossings(first, second) > CROSSINGS_A_POINT * (len(first) + len(second))


def crossings(first: Outline, second: Outline) -> int:
    """How often two outlines cross each other; 0 for `FEW_SIDES`, and counted no further than to cross often."""
    if len(first) * len(second) <= FEW_SIDES:
        return 0
    return _crossings(*sorted((first, second)))


def work_to_count(first: Outline, second: Outline) -> int:
    """The work that `crossings` is."""
    sides = len(first) * len(second)
    return 0 if sides <= FEW_SIDES else sides // SIDES_A_POINT


@lru_cache(maxsize=4096)
def _crossings(first: Outline, second: Outline) -> int:
    starts, all_others = np.array(first), np.array(second)
    ends, all_their_ends = np.roll(starts, -1, axis=0), np.roll(all_others, -1, axis=0)
    lowest, highest = np.minimum(all_others, all_their_ends), np.maximum(all_others, all_their_ends)
    most, found = CROSSINGS_A_POINT * (len(first) + len(second)), 0
    for place in range(0, len(starts), SIDES_AT_ONCE):
        own = slice(place, place + SIDES_AT_ONCE)
        corners = np.concatenate([starts[own], ends[own]])
        around = ((lowest <= corners.max(axis=0)) & (highest >= corners.min(axis=0))).all(axis=1)
        others, their_ends = all_others[around], all_their_ends[around]
        near, far = np.nonzero(_are_near(starts[own], ends[own], others, their_ends))
        one, one_end, other, other_end = starts[own][near], ends[own][near], others[far], their_ends[far]
        apart = _side(one, one_end, other) * _side(one, one_end, other_end) < 0
        apart &= _side(other, other_end, one) * _side(other, other_end, one_end) < 0
        found += int(np.count_nonzero(apart))
        if found > most:
            break
    return found


def _side(starts: Floats, ends: Floats, points: Floats) -> Floats:
    """For each line above 0 where its point lies left of it, below it where it lies right."""
    along, across = ends - starts, points - starts
    return np.asarray(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0], dtype=np.float64)


def _are_near(starts: Floats, ends: Floats, others: Floats, their_ends: Floats) -> Flags:
    """Lines × other lines: whether the boxes around them meet."""
    low, high = np.minimum(starts, ends)[:, None], np.maximum(starts, ends)[:, None]
    lowest, highest = np.minimum(others, their_ends)[None], np.maximum(others, their_ends)[None]
    return np.asarray(((low <= highest) & (lowest <= high)).all(axis=2))


def _sides(starts: Floats, ends: Floats, points: Floats) -> Floats:
    """Lines × points: above 0 where the point lies left of the line, below it where it lies right."""
    across, along = points[None, :, :] - starts[:, None, :], (ends - starts)[:, None, :]
    return np.asarray(along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0], dtype=np.float64)


def area_shared(first: BaseGeometry, second: BaseGeometry) -> float:
    """Intersection over union, 0 where neither has an area."""
    return share_of(first, second)[0]


def share_of(first: BaseGeometry, second: BaseGeometry) -> tuple[float, int]:
    """`area_shared`, and how many points what both share has: every crossing of the two is one of them."""
    both = first.intersection(second)
    shared = both.area
    either = first.area + second.area - shared
    share = min(1.0, max(0.0, shared / either)) if either > 0 else 0.0
    return share, int(get_num_coordinates(both))


def covered_by_most(
    outlines: Sequence[Outline], weights: Sequence[float], *, work: float = math.inf
) -> tuple[Polygon | None, int]:
    """The largest piece of what more than half of the weight covers, without holes, and the work that it was.

    None where nothing is covered so, where two outlines cross often, or where it is more than `work`. Exact: all
    outlines together cut the plane into cells, and each cell is inside or outside of each area.
    """
    expected = sum(len(outline) for outline in outlines)
    for one, other in combinations(outlines, 2):
        expected += work_to_count(one, other) + WORK_OF_CROSSING * crossings(one, other)
        if expected > work or cross_often(one, other):
            return None, expected
    own, half = tuple(outlines), math.fsum(weights) / 2
    _, inside, nodes = _cut(own)
    kept = [
        place
        for place, numbers in enumerate(inside)
        if math.fsum(weights[number] for number in numbers) > half * (1 + 1e-9)
    ]
    return _largest_piece(own, tuple(kept)), expected + WORK_OF_NODE * nodes


@lru_cache(maxsize=512)
def _largest_piece(outlines: tuple[Outline, ...], kept: tuple[int, ...]) -> Polygon | None:
    """The largest piece of these of the cells that outlines cut the plane into, without holes."""
    cells, _, _ = _cut(outlines)
    merged = unary_union([cells[place] for place in kept])
    pieces = list(merged.geoms) if isinstance(merged, MultiPolygon) else [merged]
    largest = max(pieces, key=lambda piece: (piece.area, piece.bounds), default=None)
    if not isinstance(largest, Polygon) or largest.is_empty:
        return None
    return Polygon(largest.exterior)


@lru_cache(maxsize=512)
def _cut(outlines: tuple[Outline, ...]) -> tuple[list[Polygon], list[list[int]], int]:
    """The cells that outlines cut the plane into, the outlines around each, and how many points all their lines have.

    Kept for a while: the same outlines are merged by other weights at once.
    """
    areas = [area_of(outline) for outline in outlines]
    lines = unary_union([area.boundary for area in areas])
    cells = get_parts(polygonize(get_parts(lines))).tolist()
    inside: list[list[int]] = [[] for _ in cells]
    for cell, number in STRtree(areas).query(point_on_surface(cells), predicate="within").T:
        inside[cell].append(int(number))
    return cells, inside, int(get_num_coordinates(lines))
