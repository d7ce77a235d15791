"""Pages of HTML that a task may show: a few tags that only shape text, without attributes; and the text in them."""

from html.parser import HTMLParser
from typing import Final

PLAIN_TAGS: Final = frozenset(
    (
        "p",
        "br",
        "b",
        "i",
        "u",
        "s",
        "em",
        "strong",
        "small",
        "sub",
        "sup",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "caption",
        "blockquote",
        "pre",
        "code",
        "hr",
        "div",
        "span",
    )
)


def flaw_of_page(page: str) -> str:
    """Why a page may not be shown to anybody, or nothing. Only tags that shape text are taken, without attributes."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.flaw


def text_of_page(page: str) -> str:
    """The characters of a page without its tags, in order: what offsets count."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return "".join(reader.texts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.flaw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in PLAIN_TAGS:
            self.flaw = self.flaw or f"The page has the tag {tag[:20]!r}; only tags that shape text are shown."
        elif attrs:
            self.flaw = self.flaw or f"The tag {tag!r} has the attribute {attrs[0][0][:20]!r}; tags are shown without."

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.flaw = self.flaw or "The page has a comment; leave it out."

    def handle_decl(self, decl: str) -> None:
        self.flaw = self.flaw or "The page has a declaration; write only what is shown."

    def unknown_decl(self, data: str) -> None:
        self.flaw = self.flaw or "The page has a declaration; write only what is shown."

    def handle_pi(self, data: str) -> None:
        self.flaw = self.flaw or "The page has a processing instruction; write only what is shown."
