"""Places in a taxonomy: paths from its root."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from qualification.labels.errors import quoted
from qualification.labels.kinds.base import About, OfWhole, Value
from qualification.labels.parts import Control

MOST_PATHS: Final = 500

Path = tuple[str, ...]
Paths = tuple[Path, ...]


class TaxonomyKind(OfWhole):
    """Near by places in both over places in either, where who says a place says everything above it too.

    Merged place by place, from the root: what more than half of the weight says, as deep as it agrees. Two who differ
    in the last step only are near each other, and a merged label may stop above it.
    """

    right: Final = 1.0

    def read(self, value: Value, about: About) -> Paths:
        control = _control(about)
        inner = _inner(control) if control.setting("leafsOnly") == "true" else frozenset()
        paths = []
        for given in value.list("taxonomy", most=MOST_PATHS):
            if not isinstance(given, list) or not all(isinstance(step, str) for step in given):
                raise value.error("each place is a list of texts, from the root down.", "taxonomy")
            path = tuple(given)
            if path not in control.known_paths:
                raise value.error(f"{quoted(' / '.join(path))} is no place in {quoted(control.name)}.", "taxonomy")
            if path in inner:
                raise value.error(
                    f"{quoted(' / '.join(path))} has places below it; only the last are taken.", "taxonomy"
                )
            paths.append(path)
        if not paths or len(set(paths)) < len(paths):
            raise value.error("names at least one place, and none twice.", "taxonomy")
        most = int(control.setting("maxUsages") or MOST_PATHS)
        if len(paths) > most:
            raise value.error(f"names {len(paths)} places; the schema takes {most}.", "taxonomy")
        named = set(paths)
        return tuple(path for path in control.paths if path in named)

    def write(self, shape: Paths) -> dict[str, object]:
        return {"taxonomy": [list(path) for path in shape]}

    def similarity(self, first: Paths, second: Paths, about: About) -> float:
        ours, theirs = _with_all_above(first), _with_all_above(second)
        return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0

    def merge(self, shapes: Sequence[Paths], weights: Sequence[float], about: About) -> Paths:
        if len(set(shapes)) == 1:
            return shapes[0]
        control = _control(about)
        closed = [_with_all_above(shape) for shape in shapes]
        half = math.fsum(weights) / 2 * (1 + 1e-9)
        votes = {
            path: math.fsum(weight for own, weight in zip(closed, weights, strict=True) if path in own)
            for path in control.paths
        }
        kept = {path for path in control.paths if votes[path] > half}
        above = {path[:-1] for path in kept}
        deepest = tuple(path for path in control.paths if path in kept and path not in above)
        inner = _inner(control) if control.setting("leafsOnly") == "true" else frozenset()
        if deepest and not inner.intersection(deepest):
            return deepest
        return self._nearest(shapes, weights, about)

    def _nearest(self, shapes: Sequence[Paths], weights: Sequence[float], about: About) -> Paths:
        def nearness(shape: Paths) -> float:
            near = (w * self.similarity(shape, other, about) for other, w in zip(shapes, weights, strict=True))
            return round(math.fsum(near), 9)

        return min(set(shapes), key=lambda shape: (-nearness(shape), shape))


def _with_all_above(paths: Iterable[Path]) -> frozenset[Path]:
    return frozenset(path[:depth] for path in paths for depth in range(1, len(path) + 1))


def _inner(control: Control) -> frozenset[Path]:
    return frozenset(path[:-1] for path in control.paths if len(path) > 1)


def _control(about: About) -> Control:
    assert isinstance(about.control, Control)
    return about.control


KIND = TaxonomyKind()
