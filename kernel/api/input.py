"""The body that gets in: one strict JSON object of bounded size, sent as what it is."""

from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from kernel import strict_json
from kernel.body_length import LENGTH

LARGEST_BODY_BYTES: Final = 1024 * 1024
LARGEST_INTEGER: Final = strict_json.LARGEST_INTEGER
SMALLEST_INTEGER: Final = -LARGEST_INTEGER

LONGEST_EMPTY_OBJECT: Final = 16


class BodyTooLarge(APIException):
    """The body is larger than this operation reads."""

    status_code = 413
    default_code = "body_too_large"

    def __init__(self, largest_bytes: int) -> None:
        super().__init__(f"The body is larger than the {largest_bytes} bytes that are read here.")


class StrictJSONParser(BaseParser):
    """Reads `application/json` by `kernel.strict_json`. A view that needs more room sets `largest_body_bytes`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object that the body is."""
        context = parser_context or {}
        largest = getattr(context.get("view"), "largest_body_bytes", LARGEST_BODY_BYTES)
        refuse_encodings(context.get("request"), media_type or "")
        raw = stream.read(largest + 1)
        if len(raw) > largest:
            raise BodyTooLarge(largest)
        try:
            value = strict_json.loads(raw)
        except strict_json.NotStrictJson as error:
            raise ParseError(error.message) from None
        if not isinstance(value, dict):
            raise ParseError("The body must be one JSON object: {…}.")
        return value


def length_of(request: Any) -> int:
    """How many bytes the body is said to have; 0 when nothing is said. Raises ParseError."""
    written = request.META.get("CONTENT_LENGTH") or "0"
    if not LENGTH.fullmatch(written):
        raise ParseError("The Content-Length is not a number of bytes.")
    return int(written)


def refuse_body(request: Any) -> None:
    """Raise ParseError when a body was sent to an operation that takes none; an empty object is as good as nothing."""
    length = length_of(request)
    if length == 0:
        return
    is_json = str(request.content_type).partition(";")[0].strip().lower() == "application/json"
    if not is_json or length > LONGEST_EMPTY_OBJECT or request.body.strip() != b"{}":
        raise ParseError("This operation takes no body. Send it without one.")


def refuse_encodings(request: Any, media_type: str) -> None:
    """Raise UnsupportedMediaType for a compressed body, and for text in anything but UTF-8."""
    if request is not None and request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        raise UnsupportedMediaType(media_type, detail="A body is read as it is: no Content-Encoding is taken.")
    charset = media_type.lower().partition("charset=")[2].partition(";")[0].strip("\"' ")
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(media_type, detail="Text is read in UTF-8 only.")
