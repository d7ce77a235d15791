"""Spans of a page of HTML: offsets in what a reader sees of it."""

from typing import Final

from qualification.labels.kinds.base import About, Value
from qualification.labels.kinds.spans import LONGEST_TEXT, Span, SpanKind
from qualification.labels.pages import text_of_page

WITHIN_TAGS: Final = ("start", "end", "startOffset", "endOffset")
"""Where the editor puts the ends within the page's tags; not needed beside the offsets in the text."""


class HyperTextKind(SpanKind):
    """As spans of a text; the ends stand in `globalOffsets`."""

    def _ends(self, value: Value) -> Span:
        value.ignore(*WITHIN_TAGS)
        offsets = Value(value.get("globalOffsets"), f"{value.path}.globalOffsets")
        start, end = (offsets.whole(name, 0, LONGEST_TEXT) for name in ("start", "end"))
        offsets.finish()
        return start, end

    def text_of(self, about: About) -> str | None:
        return text_of_page(about.content) if isinstance(about.content, str) else None

    def write(self, shape: Span) -> dict[str, object]:
        return {"globalOffsets": {"start": shape[0], "end": shape[1]}}


KIND = HyperTextKind()
