"""Which of two is the better one."""

import math
from collections.abc import Sequence
from typing import Final

from qualification.labels.errors import quoted
from qualification.labels.kinds.base import About, OfWhole, Value

SIDES: Final = ("left", "right")


class PairKind(OfWhole):
    """Equal or not. Merged by weight; a tie goes to the left one, so show the sides in random order.

    Over a whole job the things that were compared get a strength each, and the workers a reliability:
    `qualification.statistics.merging.rankings.crowd_strengths`.
    """

    right: Final = 1.0

    def read(self, value: Value, about: About) -> str:
        selected = value.text("selected")
        if selected not in SIDES:
            raise value.error(f"is {quoted(selected)}. Possible: left, right.", "selected")
        return selected

    def write(self, shape: str) -> dict[str, object]:
        return {"selected": shape}

    def similarity(self, first: str, second: str, about: About) -> float:
        return float(first == second)

    def merge(self, shapes: Sequence[str], weights: Sequence[float], about: About) -> str:
        votes = {side: math.fsum(w for own, w in zip(shapes, weights, strict=True) if own == side) for side in SIDES}
        return SIDES[int(votes["right"] > votes["left"] * (1 + 1e-9))]


KIND = PairKind()
