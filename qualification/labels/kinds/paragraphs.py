"""Spans of a dialogue: offsets within one of its paragraphs."""

import re
from collections.abc import Sequence
from typing import Any, Final

from qualification.labels.kinds.base import About, Extent, Value
from qualification.labels.kinds.spans import LONGEST_TEXT, check_span, merged_ends, overlap
from qualification.statistics.merging.numbers import weighted_median

MOST_PARAGRAPHS: Final = 100_000
TEXT_KEY: Final = "text"

_NUMBER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)

Part = tuple[int, int, int]
"""A paragraph, counted from 0, and the ends of the span in it."""


class ParagraphKind:
    """As spans of a text, within one paragraph: longer ones are marked paragraph by paragraph."""

    right: Final = 0.8
    same: Final = 0.3

    def read(self, value: Value, about: About) -> Part:
        paragraph, last = (self._paragraph(value, key) for key in ("start", "end"))
        if paragraph != last:
            raise value.error("a span lies within one paragraph; mark each by itself.")
        start, end = (value.whole(key, 0, LONGEST_TEXT) for key in ("startOffset", "endOffset"))
        value.ignore("globalOffsets")
        text = value.text("text") if value.has("text") else None
        check_span((start, end), self._content(about, paragraph, value), text, value)
        return paragraph, start, end

    def _paragraph(self, value: Value, key: str) -> int:
        # The editor writes the number of a paragraph as a text.
        found: Any = value.get(key)
        if isinstance(found, str) and _NUMBER.fullmatch(found):
            return int(found)
        return value.whole(key, 0, MOST_PARAGRAPHS)

    def _content(self, about: About, paragraph: int, value: Value) -> str | None:
        if not isinstance(about.content, list):
            return None
        if paragraph >= len(about.content):
            raise value.error(f"there is no paragraph {paragraph}; there are {len(about.content)}, from 0.", "start")
        return str(about.content[paragraph][TEXT_KEY])

    def write(self, shape: Part) -> dict[str, object]:
        paragraph, start, end = shape
        return {"start": str(paragraph), "end": str(paragraph), "startOffset": start, "endOffset": end}

    def similarity(self, first: Part, second: Part, about: About) -> float:
        return overlap(first[1:], second[1:]) if first[0] == second[0] else 0.0

    def extent(self, shape: Part) -> Extent:
        paragraph, start, end = shape
        return start, paragraph, end, paragraph

    def merge(self, shapes: Sequence[Part], weights: Sequence[float], about: About) -> Part:
        paragraph = int(weighted_median([shape[0] for shape in shapes], weights))
        within = [(shape[1:], weight) for shape, weight in zip(shapes, weights, strict=True) if shape[0] == paragraph]
        if not within:
            return max(zip(weights, shapes, strict=True))[1]
        start, end = merged_ends([ends for ends, _ in within], [weight for _, weight in within])
        return paragraph, start, end


KIND = ParagraphKind()
