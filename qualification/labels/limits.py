"""Limits: how much one answer may hold in all its regions together, so that reading and comparing it takes no time."""

from collections import Counter
from typing import Any, Final

from qualification.labels.errors import ResultError

MOST_REGIONS: Final = 300

POINTS: Final = "points in all outlines and paths"
KEYFRAMES: Final = "keyframes in all tracks"
RANGES: Final = "ranges in all timelines"
RUNS: Final = "runs of pixels in all masks"
PIXELS: Final = "pixels in all bitmasks"
WRITTEN: Final = "characters in all texts"
KEPT: Final = "characters to keep"

MOST: Final = {
    POINTS: 10_000,
    KEYFRAMES: 10_000,
    RANGES: 10_000,
    RUNS: 100_000,
    PIXELS: 1 << 25,
    WRITTEN: 100_000,
    KEPT: 4_000_000,
}
"""Each is compared with those of other answers; a bitmask is unpacked and packed again; a relation is kept with the
texts of both of its ends."""

COUNTED: Final = {"points": POINTS, "vertices": POINTS, "sequence": KEYFRAMES, "ranges": RANGES}
"""What lists in values of regions are made of."""


class Tally:
    """What one answer holds so far."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def add(self, what: str, number: int) -> None:
        """Count so many more. Raises ResultError where that is too much."""
        self._held[what] += number
        if self._held[what] > MOST[what]:
            message = f"has {self._held[what]:,} {what}; at most {MOST[what]:,} are possible."
            raise ResultError(message, path="result")

    def add_lists(self, value: dict[str, Any]) -> None:
        """Count what the lists in the value of a region are made of."""
        for key, what in COUNTED.items():
            self.add(what, len(value.get(key, ())))
