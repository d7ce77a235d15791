"""Masks in a picture: which of its pixels belong, as runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qualification.labels.kinds.base import About, Extent, Value
from qualification.labels.kinds.packed_runs import NotPacked, pack, unpack
from qualification.statistics.merging.stretches import Stretches, covered_by_most, jaccard

MOST_PIXELS: Final = 1 << 24
MOST_BYTES: Final = 100_000
WELL_BELOW: Final = MOST_BYTES // 2
"""What is packed into fewer bytes takes no more than `MOST_BYTES` in any other lengths."""

SIDES: Final = ("original_width", "original_height")


WORK_OF_EACH: Final = 80
"""What two masks take to compare, in points of an outline."""

RUNS_A_POINT: Final = 10


@dataclass(frozen=True, order=True)
class Mask:
    """A picture's size in pixels, and the runs [start, end) of those that belong, row after row."""

    width: int
    height: int
    runs: tuple[tuple[int, int], ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Kept, as there may be tens of thousands of runs, and what was compared is looked up by it.
        return hash((self.width, self.height, self.runs))

    @cached_property
    def rows(self) -> Stretches:
        """The runs as an array."""
        return np.array(self.runs, dtype=np.int64)


class MaskKind:
    """Near by intersection over union in pixels; merged to the pixels that more than half of the weight covers."""

    right: Final = 0.7
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Mask:
        width, height = sides_in(value)
        if value.text("format") != "rle":
            raise value.error('is "rle"; no other is possible.', "format")
        packed = value.list("rle", most=MOST_BYTES)
        if set(map(type, packed)) - {int} or (packed and not 0 <= min(packed) <= max(packed) <= 255):
            raise value.error("is a list of bytes, each from 0 to 255.", "rle")
        try:
            runs = unpack(bytes(packed), pixels=width * height)
        except NotPacked as error:
            raise value.error(f"cannot be unpacked: {error}", "rle") from None
        if len(packed) > WELL_BELOW and len(pack(runs, pixels=width * height)) > MOST_BYTES:
            # Kept in our own lengths, which may be longer; what is kept is read again.
            raise value.error(f"the mask is too ragged; it takes more than {MOST_BYTES:,} bytes to keep.", "rle")
        if not runs:
            raise value.error("the mask is empty; leave the region out.", "rle")
        return Mask(width, height, runs)

    def write(self, shape: Mask) -> dict[str, object]:
        packed = list(pack(shape.runs, pixels=shape.width * shape.height))
        return {
            "original_width": shape.width,
            "original_height": shape.height,
            "format": "rle",
            "rle": packed,
        }

    def similarity(self, first: Mask, second: Mask, about: About) -> float:
        if (first.width, first.height) != (second.width, second.height):
            return 0.0
        return jaccard(first.rows, second.rows)

    def compared(self, first: Mask, second: Mask, about: About) -> tuple[float, int]:
        work = WORK_OF_EACH + (len(first.runs) + len(second.runs)) // RUNS_A_POINT
        return self.similarity(first, second, about), work

    def extent(self, shape: Mask) -> Extent:
        lines, columns = np.divmod(shape.rows - (0, 1), shape.width)  # the last pixel of a run belongs to it
        top, bottom = float(lines[0, 0]), float(lines[-1, 1] + 1)
        if (lines[:, 0] != lines[:, 1]).any():
            return 0.0, top, float(shape.width), bottom
        return float(columns[:, 0].min()), top, float(columns[:, 1].max() + 1), bottom

    def merge(self, shapes: Sequence[Mask], weights: Sequence[float], about: About) -> Mask:
        if len(set(shapes)) == 1:
            return shapes[0]
        ordered = sorted(zip(shapes, weights, strict=True))
        heaviest = max(ordered, key=lambda pair: pair[1])[0]
        alike = [pair for pair in ordered if pair[0].width == heaviest.width and pair[0].height == heaviest.height]
        runs = covered_by_most([shape.rows for shape, _ in alike], [weight for _, weight in alike])
        if not runs:
            return heaviest
        return Mask(heaviest.width, heaviest.height, tuple((int(start), int(end)) for start, end in runs))


def sides_in(value: Value) -> tuple[int, int]:
    """The width and height of the picture that a mask is of."""
    width, height = (value.whole(side, 1, MOST_PIXELS) for side in SIDES)
    if width * height > MOST_PIXELS:
        raise value.error(f"the picture has more than {MOST_PIXELS:,} pixels; a mask cannot be that large.")
    return width, height


KIND = MaskKind()
