"""Every address that the web server knows, as somebody could ask for it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

NOBODY = UUID(int=7)


def addresses(ids: dict[str, Any] | None = None) -> list[str]:
    """All of them, with these ids in their places; where none is given stands one that is nobody's."""
    return sorted({f"/{_filled(address, ids or {})}" for address in _addresses(get_resolver().url_patterns, "")})


def ask(browser: Client, method: str, address: str, **sent: Any) -> Any:
    """The answer, read to its end, so that the file behind it is closed."""
    answer: Any = browser.generic(method, address, **sent)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def _addresses(patterns: Iterable[URLPattern | URLResolver], above: str) -> Iterator[str]:
    for pattern in patterns:
        address = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        else:
            yield address


def _filled(address: str, ids: dict[str, Any]) -> str:
    plain = re.sub(r"\(\?P<app_label>([a-z]+)[^)]*\)", r"\1", address)  # the console's one regular expression
    plain = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids.get(found[1], NOBODY)), plain)
    return re.sub(r"[\^$]|\(\?P<url>\.\*\)", "", plain)
