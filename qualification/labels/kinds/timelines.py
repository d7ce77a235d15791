"""Stretches of a video, in frames; one region may have several."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from qualification.labels.kinds.base import About, Extent, Value
from qualification.statistics.merging.stretches import Stretches, covered_by_most, jaccard, joined

MOST_FRAMES: Final = 10_000_000
MOST_RANGES: Final = 1_000
WORK_OF_EACH: Final = 80
"""What two regions take to compare, in points of an outline."""

RANGES_A_POINT: Final = 10

Ranges = tuple[tuple[int, int], ...]
"""Frames [start, end), in order, none touching another."""


class TimelineKind:
    """Near by frames in both over frames in either; merged to the frames that more than half of the weight covers."""

    right: Final = 0.7
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Ranges:
        found = []
        for number, given in enumerate(value.list("ranges", most=MOST_RANGES)):
            inner = Value(given, f"{value.path}.ranges[{number}]")
            start = inner.whole("start", 0, MOST_FRAMES)
            end = inner.whole("end", 0, MOST_FRAMES)
            inner.finish()
            if end < start:
                raise inner.error(f"the range from {start} to {end} ends before it begins.")
            found.append((start, end + 1))  # the editor's last frame belongs to the range
        if not found:
            raise value.error("a region of a timeline has at least one range.", "ranges")
        return tuple((int(start), int(end)) for start, end in joined(found))

    def write(self, shape: Ranges) -> dict[str, object]:
        return {"ranges": [{"start": start, "end": end - 1} for start, end in shape]}

    def similarity(self, first: Ranges, second: Ranges, about: About) -> float:
        return jaccard(_rows_of(first), _rows_of(second))

    def compared(self, first: Ranges, second: Ranges, about: About) -> tuple[float, int]:
        return self.similarity(first, second, about), WORK_OF_EACH + (len(first) + len(second)) // RANGES_A_POINT

    def extent(self, shape: Ranges) -> Extent:
        return shape[0][0], 0.0, shape[-1][1], 0.0

    def merge(self, shapes: Sequence[Ranges], weights: Sequence[float], about: About) -> Ranges:
        if len(set(shapes)) == 1:
            return shapes[0]
        ordered = sorted(zip(shapes, weights, strict=True))
        frames = covered_by_most([_rows_of(shape) for shape, _ in ordered], [weight for _, weight in ordered])
        if not frames:
            return max(ordered, key=lambda pair: pair[1])[0]
        return tuple((int(start), int(end)) for start, end in frames)


@lru_cache(maxsize=2048)
def _rows_of(ranges: Ranges) -> Stretches:
    """Kept for a while, as each is compared with many."""
    return np.array(ranges, dtype=np.int64)


KIND = TimelineKind()
