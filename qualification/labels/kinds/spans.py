"""Spans of a text: from one character to another, counted in code points."""

from collections.abc import Sequence
from typing import Final

from qualification.labels.kinds.base import About, Extent, Value
from qualification.statistics.merging.numbers import weighted_median

LONGEST_TEXT: Final = 10_000_000
SHOWN: Final = 40

Span = tuple[int, int]


class SpanKind:
    """Near by characters in both over characters in either; merged end by end, by the median of weight."""

    right: Final = 0.8
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Span:
        span = self._ends(value)
        content = self.text_of(about)
        text = value.text("text") if value.has("text") else None
        check_span(span, content, text, value)
        return span

    def _ends(self, value: Value) -> Span:
        start = value.whole("start", 0, LONGEST_TEXT)
        return start, value.whole("end", 0, LONGEST_TEXT)

    def text_of(self, about: About) -> str | None:
        """What the span is a part of, where it is known."""
        return about.content if isinstance(about.content, str) else None

    def write(self, shape: Span) -> dict[str, object]:
        return {"start": shape[0], "end": shape[1]}

    def similarity(self, first: Span, second: Span, about: About) -> float:
        return overlap(first, second)

    def extent(self, shape: Span) -> Extent:
        return shape[0], 0.0, shape[1], 0.0

    def merge(self, shapes: Sequence[Span], weights: Sequence[float], about: About) -> Span:
        return merged_ends(shapes, weights)


def check_span(span: Span, content: str | None, text: str | None, value: Value) -> None:
    """Refuse an empty span, one that leaves its text, and one that says to hold other characters than it does."""
    start, end = span
    if end <= start:
        raise value.error(f"the span from {start} to {end} is empty; it ends after its last character.")
    if content is None:
        return
    if end > len(content):
        raise value.error(f"the span ends at {end}, and the text has {len(content)} characters (code points).")
    if text is not None and text != content[start:end]:
        found = content[start:end][:SHOWN]
        message = f"the text from {start} to {end} is {found!r}. Offsets count code points: an emoji is one, not two."
        raise value.error(message, "text")


def overlap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """What two stretches share of what either covers."""
    shared = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    either = (first[1] - first[0]) + (second[1] - second[0]) - shared
    return shared / either if either > 0 else float(first == second)


def merged_ends(shapes: Sequence[Span], weights: Sequence[float]) -> Span:
    """The median of weight of each end; halves are rounded towards the middle, and at least a character is left."""
    start = weighted_median([shape[0] for shape in shapes], weights)
    end = weighted_median([shape[1] for shape in shapes], weights)
    first = -int(-start // 1)
    return first, max(int(end // 1), first + 1)


KIND = SpanKind()
