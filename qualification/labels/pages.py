"""Pages of HTML that a task may show: a few tags that only shape text, without attributes; and the text in them."""

import re
from functools import lru_cache
from html import unescape
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

_TAG_LIKE: Final = re.compile(r"<(?=[A-Za-z/!?])[^<>]*>?")
"""What a browser may take for a tag. Read by hand: the standard library's parser takes minutes for a hostile page."""

_PARTS: Final = re.compile(r"</?(?P<tag>[A-Za-z][^\s/>]*)(?P<attributes>[^<>]*?)/?>")

_FLAWS: Final = {
    "<!--": "The page has a comment; leave it out.",
    "<!": "The page has a declaration; write only what is shown.",
    "<?": "The page has a processing instruction; write only what is shown.",
}


def flaw_of_page(page: str) -> str:
    """Why a page may not be shown to anybody, or nothing. Only tags that shape text are taken, without attributes."""
    return next((flaw for found in _TAG_LIKE.finditer(page) if (flaw := _flaw_of_tag(found[0]))), "")


@lru_cache(maxsize=64)
def text_of_page(page: str) -> str:
    """The characters of a page without its tags, in order: what offsets count.

    Kept for a while, as each of an answer's regions asks for it.
    """
    return "".join(unescape(text) for text in _TAG_LIKE.split(page))


def _flaw_of_tag(written: str) -> str:
    for opening, flaw in _FLAWS.items():
        if written.startswith(opening):
            return flaw
    parts = _PARTS.fullmatch(written) if written.endswith(">") else None
    if parts is None:
        return f"The page has {written[:20]!r}, which is no tag; write &lt; for the sign <."
    tag, attributes = parts["tag"].lower(), parts["attributes"].split()
    if tag not in PLAIN_TAGS:
        return f"The page has the tag {tag[:20]!r}; only tags that shape text are shown."
    if attributes:
        name = attributes[0].partition("=")[0]
        return f"The tag {tag!r} has the attribute {name[:20]!r}; tags are shown without."
    return ""
