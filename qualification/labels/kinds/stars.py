"""Ratings: so many stars out of so many."""

from collections.abc import Sequence
from typing import Final

from qualification.labels.kinds.base import About, OfWhole, Value
from qualification.labels.parts import Control
from qualification.statistics.merging.numbers import weighted_median

DEFAULT_MOST: Final = "5"


class RatingKind(OfWhole):
    """Near by how many steps lie between, out of all. Merged to the median of weight: steps are an order, no measure.

    Between two ratings the lower one is taken.
    """

    right: Final = 0.75

    def read(self, value: Value, about: About) -> int:
        return value.whole("rating", 1, most_of(about))

    def write(self, shape: int) -> dict[str, object]:
        return {"rating": shape}

    def similarity(self, first: int, second: int, about: About) -> float:
        return 1 - abs(first - second) / max(1, most_of(about) - 1)

    def merge(self, shapes: Sequence[int], weights: Sequence[float], about: About) -> int:
        return int(weighted_median(shapes, weights))


def most_of(about: About) -> int:
    """The highest rating."""
    assert isinstance(about.control, Control)
    return int(about.control.setting("maxRating", DEFAULT_MOST))


KIND = RatingKind()
