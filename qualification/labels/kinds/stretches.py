"""Stretches of a time series: from one time to another, or one instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qualification.labels.kinds.base import About, Extent, Value, rounded
from qualification.labels.kinds.spans import overlap
from qualification.statistics.merging.numbers import weighted_median

LATEST: Final = 1e15


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """From `start` to `end`, in the units of the time axis; one instant where they are equal."""

    start: float
    end: float
    channel: int | None = None

    @property
    def ends(self) -> tuple[float, float]:
        return self.start, self.end


class StretchKind:
    """Near by what both cover of what either covers; merged end by end, by the median of weight."""

    right: Final = 0.7
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Stretch:
        start, end = (rounded(value.number(key, -LATEST, LATEST)) for key in ("start", "end"))
        is_instant = value.has("instant") and value.get("instant") is True
        if end < start or (end == start and not is_instant):
            raise value.error(f"the stretch from {start:g} to {end:g} is empty.")
        return Stretch(start, end)

    def write(self, shape: Stretch) -> dict[str, object]:
        return {"start": shape.start, "end": shape.end, "instant": shape.start == shape.end}

    def similarity(self, first: Stretch, second: Stretch, about: About) -> float:
        return overlap(first.ends, second.ends) if first.channel == second.channel else 0.0

    def extent(self, shape: Stretch) -> Extent:
        return shape.start, 0.0, shape.end, 0.0

    def merge(self, shapes: Sequence[Stretch], weights: Sequence[float], about: About) -> Stretch:
        start, end = (
            rounded(weighted_median([getattr(shape, name) for shape in shapes], weights)) for name in ("start", "end")
        )
        return Stretch(
            start, end, min(shapes, key=lambda shape: -1 if shape.channel is None else shape.channel).channel
        )


KIND = StretchKind()
