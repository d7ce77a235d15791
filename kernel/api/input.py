"""The JSON that gets in: one object in UTF-8, of bounded size and depth, that means one thing and can be stored."""

import json
from collections.abc import Mapping
from math import isinf
from typing import IO, Any, Final

from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

LARGEST_BODY_BYTES: Final = 1024 * 1024
DEEPEST: Final = 32
LARGEST_INTEGER: Final = 2**63 - 1
SMALLEST_INTEGER: Final = -(2**63)


class BodyTooLarge(APIException):
    """The body is larger than this operation reads."""

    status_code = 413
    default_code = "body_too_large"

    def __init__(self, largest_bytes: int) -> None:
        super().__init__(f"The body is larger than the {largest_bytes} bytes that are read here.")


class StrictJSONParser(BaseParser):
    """Reads `application/json` strictly. A view that needs more room sets `largest_body_bytes`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object that the body is."""
        context = parser_context or {}
        largest = getattr(context.get("view"), "largest_body_bytes", LARGEST_BODY_BYTES)
        _refuse_other_encodings(context, media_type or "")
        raw = stream.read(largest + 1)
        if len(raw) > largest:
            raise BodyTooLarge(largest)
        value = parse_json(raw)
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object: {…}.")
        return value


def parse_json(raw: bytes) -> Any:
    """The value that ``raw`` is, in plain types; raises ParseError with what is wrong when it is not strictly that."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} is wrong.") from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ParseError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    if text.count("[") + text.count("{") > DEEPEST:
        _refuse_depth(value)
    if "\\u" in text:
        _refuse_unstorable_text(value)
    return value


def _refuse_other_encodings(context: Mapping[str, Any], media_type: str) -> None:
    request = context.get("request")
    if request is not None and request.META.get("HTTP_CONTENT_ENCODING", "identity") not in ("", "identity"):
        raise UnsupportedMediaType(media_type, detail="A body is read as it is: no Content-Encoding is taken.")
    charset = media_type.lower().partition("charset=")[2].strip("\"' ;")
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(media_type, detail="JSON is read in UTF-8 only.")


_TOO_DEEP: Final = f"The body is nested deeper than {DEEPEST} levels."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"The name {twice[:100]!a} stands twice in one object.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 20 or not SMALLEST_INTEGER <= (number := int(digits)) <= LARGEST_INTEGER:
        raise ParseError(f"The number {digits[:30]} is out of range: whole numbers have at most 64 bits.")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ParseError(f"The number {digits[:30]} is out of range.")
    return number


def _constant(name: str) -> float:
    raise ParseError(f"{name} is not JSON.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _refuse_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
        if depth > DEEPEST:
            raise ParseError(_TOO_DEEP)


def _refuse_unstorable_text(value: Any) -> None:
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            _refuse_unstorable(current)
        elif isinstance(current, dict):
            for name in current:
                _refuse_unstorable(name)
        waiting.extend(_inside(current))


def _refuse_unstorable(text: str) -> None:
    if "\x00" in text:
        raise ParseError("The body holds the character U+0000, which cannot be stored.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The body holds half a surrogate pair, which is no character.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
