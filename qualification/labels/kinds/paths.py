"""Paths in a picture: lines from point to point in per cent of it, which may close, or branch in a skeleton."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from qualification.labels.kinds.base import FINE_WORD, ROOM, About, Extent, Value, rounded
from qualification.labels.kinds.outlines import Floats, Places
from qualification.labels.parts import Control

WHOLE: Final = 100.0
MOST_POINTS: Final = 2_000
SCALE: Final = 2.5
"""Per cent of the picture's sides at which a place beside a line is 0.61 on it."""

WORK_OF_EACH: Final = 100
"""What two paths take to compare, in points of an outline."""

REACH: Final = 3 * SCALE
APART: Final = 1.0
"""Paths are compared at places that are so far apart, in per cent of the picture's sides; long ones at fewer."""

MOST_PLACES: Final = 80
AT_ONCE: Final = 200
Singles = npt.NDArray[np.float32]

START: Final = -1


@dataclass(frozen=True, order=True)
class Path:
    """Points, each behind the one that it is drawn from, and which that is; `START` for the first."""

    points: tuple[tuple[float, float], ...]
    origins: tuple[int, ...]
    is_closed: bool

    @property
    def lines(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Every line of it by its ends."""
        pairs = zip(self.points, self.origins, strict=True)
        drawn = [(self.points[origin], point) for point, origin in pairs if origin != START]
        return [*drawn, (self.points[-1], self.points[0])] if self.is_closed else drawn

    @cached_property
    def places(self) -> Floats:
        """Places along it, all equally far from the next."""
        starts, ends = (np.array([line[which] for line in self.lines]) for which in (0, 1))
        lengths = np.hypot(*(ends - starts).T)
        passed = np.concatenate([[0.0], np.cumsum(lengths)])
        count = int(min(MOST_PLACES, 2 + passed[-1] // APART))
        at = np.linspace(0.0, passed[-1], count)
        line = np.clip(np.searchsorted(passed, at, side="right") - 1, 0, len(lengths) - 1)
        share = np.divide(at - passed[line], lengths[line], out=np.zeros(count), where=lengths[line] > 0)
        return np.asarray(starts[line] + share[:, None] * (ends - starts)[line], dtype=np.float64)


class PathKind:
    """Near by how much of each path lies along the other; merged to the path that is nearest to all.

    Places along a path are on the other by a bell curve of their distance to it, and the means of both are taken
    together by their harmonic mean: half of a path is not the path. In which direction it was drawn does not matter.
    """

    right: Final = 0.8
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Path:
        given = value.list("vertices", most=MOST_POINTS)
        vertices = [
            _kept(each) or _vertex(Value(each, f"{value.path}.vertices[{n}]"), n) for n, each in enumerate(given)
        ]
        _check_count(len(vertices), value, about)
        is_closed = value.get("closed") if value.has("closed") else False
        if type(is_closed) is not bool:
            raise value.error("is true or false.", "closed")
        path = _joined(vertices, value, is_closed=is_closed)
        branches = len({origin for origin in path.origins if origin != START}) < len(path.origins) - 1
        if branches and (is_closed or not _may(about, "skeleton")):
            raise value.error("a path branches only where skeleton is true, and is not closed then.", "vertices")
        if is_closed and not _may(about, "closable"):
            raise value.error("a path is closed only where closable is true.", "closed")
        if len(set(path.points)) < 2:
            raise value.error("a path has at least two points that differ.", "vertices")
        return path

    def write(self, shape: Path) -> dict[str, object]:
        vertices = [
            {
                "id": f"p{number}",
                "x": x,
                "y": y,
                "prevPointId": None if origin == START else f"p{origin}",
                "isBezier": False,
            }
            for number, ((x, y), origin) in enumerate(zip(shape.points, shape.origins, strict=True))
        ]
        return {"vertices": vertices, "closed": shape.is_closed}

    def similarity(self, first: Path, second: Path, about: About) -> float:
        if first == second:
            return 1.0
        squares = cdist(first.places, second.places, "sqeuclidean")
        nearest = [np.sqrt(squares.min(axis=axis)) for axis in (1, 0)]
        ours, theirs = (float(np.exp(-np.square(apart) / (2 * SCALE**2)).mean()) for apart in nearest)
        return min(1.0, 2 * ours * theirs / (ours + theirs)) if ours + theirs > 0 else 0.0

    def compared(self, first: Path, second: Path, about: About) -> tuple[float, int]:
        return self.similarity(first, second, about), WORK_OF_EACH

    def roughly(self, first: Sequence[Path], second: Sequence[Path], rows: Places, columns: Places) -> Floats:
        """The same in single precision, many at once."""
        (ours, our_shares), (theirs, their_shares) = _padded(tuple(first)), _padded(tuple(second))
        found = np.empty(len(rows))
        for at in range(0, len(rows), AT_ONCE):
            one, other = rows[at : at + AT_ONCE], columns[at : at + AT_ONCE]
            squares = np.square(ours[one]).sum(axis=2)[:, :, None] + np.square(theirs[other]).sum(axis=2)[:, None]
            squares -= 2 * ours[one] @ theirs[other].transpose(0, 2, 1)
            along = (np.exp(-squares.min(axis=2) / (2 * SCALE**2)) * our_shares[one]).sum(axis=1)
            covered = (np.exp(-squares.min(axis=1) / (2 * SCALE**2)) * their_shares[other]).sum(axis=1)
            found[at : at + AT_ONCE] = 2 * along * covered / np.maximum(along + covered, np.finfo(np.float32).tiny)
        return np.minimum(found, 1.0)

    def extent(self, shape: Path) -> Extent:
        across, down = [x for x, _ in shape.points], [y for _, y in shape.points]
        return min(across) - REACH, min(down) - REACH, max(across) + REACH, max(down) + REACH

    def merge(self, shapes: Sequence[Path], weights: Sequence[float], about: About) -> Path:
        paths = sorted(set(shapes))
        near = {(path, path): 1.0 for path in paths}
        for one, other in combinations(paths, 2):
            near[one, other] = near[other, one] = self.similarity(one, other, about)

        def nearness(shape: Path) -> float:
            return math.fsum(weight * near[shape, other] for other, weight in zip(shapes, weights, strict=True))

        return min(paths, key=lambda shape: (-round(nearness(shape), 9), shape))


@lru_cache(maxsize=8)
def _padded(paths: tuple[Path, ...]) -> tuple[Singles, Singles]:
    """Paths × places × axes, the last place as often as there are too few, and what share of its path each is.

    Kept for a while, as each answer is compared with several.
    """
    places, shares = (np.zeros((len(paths), MOST_PLACES, *axes), dtype=np.float32) for axes in ((2,), ()))
    for number, path in enumerate(paths):
        count = len(path.places)
        places[number, :count], places[number, count:] = path.places, path.places[-1]
        shares[number, :count] = 1 / count
    return places, shares


@dataclass(frozen=True, slots=True)
class _Vertex:
    """A point on its way in: its id, the id of the one that it is drawn from, and where it is."""

    name: str
    origin: str | None
    point: tuple[float, float]


def _kept(given: object) -> _Vertex | None:
    """A point in the form in which `write` keeps it: answers are read from there far more often than from people."""
    if not isinstance(given, dict) or len(given) != 5:
        return None
    match given:
        case {"id": str(name), "prevPointId": None | str() as origin, "isBezier": False, "x": float(x), "y": float(y)}:
            is_fine = 0 <= x <= WHOLE and 0 <= y <= WHOLE
            if is_fine and FINE_WORD.fullmatch(name) and (origin is None or FINE_WORD.fullmatch(origin)):
                return _Vertex(name, origin, (rounded(x), rounded(y)))
    return None


def _vertex(value: Value, number: int) -> _Vertex:
    name = _name_in(value, "id") if value.has("id") else f"p{number}"
    origin = f"p{number - 1}" if number else None
    if value.has("prevPointId"):
        origin = None if value.get("prevPointId") is None else _name_in(value, "prevPointId")
    if value.has("isBezier") and value.get("isBezier") is not False:
        raise value.error("is false: curves are drawn as lines from point to point.", "isBezier")
    value.ignore("disconnected", "isBranching")
    x, y = (rounded(value.number(axis, -ROOM, WHOLE + ROOM)) for axis in ("x", "y"))
    value.finish()
    return _Vertex(name, origin, (x, y))


def _name_in(value: Value, key: str) -> str:
    found = value.text(key)
    if not FINE_WORD.fullmatch(found):
        raise value.error("is 1 to 64 Latin letters, digits, _ . : or -.", key)
    return found


def _check_count(count: int, value: Value, about: About) -> None:
    least, most = (_setting(about, name, default) for name, default in (("minPoints", 2), ("maxPoints", MOST_POINTS)))
    if not max(2, least) <= count <= most:
        raise value.error(f"has {count} points; from {max(2, least)} to {most:,} are possible.", "vertices")


def _joined(vertices: Sequence[_Vertex], value: Value, *, is_closed: bool) -> Path:
    """The points in the order in which the path runs, however they were listed."""
    followers: dict[str | None, list[_Vertex]] = {}
    for vertex in vertices:
        followers.setdefault(vertex.origin, []).append(vertex)
    starts = followers.get(None, [])
    if len(starts) != 1 or len({vertex.name for vertex in vertices}) < len(vertices):
        raise value.error("each point has an id of its own, and all but one are drawn from another.", "vertices")
    points: list[tuple[float, float]] = []
    origins: list[int] = []
    left = [(starts[0], START)]
    while left:
        vertex, origin = left.pop()
        left += [(follower, len(points)) for follower in reversed(followers.get(vertex.name, []))]
        points.append(vertex.point)
        origins.append(origin)
    if len(points) < len(vertices):
        raise value.error("the points do not hang together.", "vertices")
    return Path(tuple(points), tuple(origins), is_closed)


def _may(about: About, name: str) -> bool:
    return isinstance(about.control, Control) and about.control.setting(name) == "true"


def _setting(about: About, name: str, default: int) -> int:
    return int(about.control.setting(name) or default) if isinstance(about.control, Control) else default


KIND = PathKind()
