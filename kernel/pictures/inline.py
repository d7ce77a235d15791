"""Pictures that stand in a value itself, as data URLs: looked over without decoding, for there may be a million.

What is not decoded is not written anew either, so one that carries more than its pixels is refused: as media it could
come, for those are cleaned.
"""

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from kernel.pictures.kinds import MOST_PIXELS

_DATA_URL: Final = re.compile(r"data:image/(png|jpeg);base64,")
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SHOWN_BY_PNG: Final = frozenset(
    ["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "sBIT", "bKGD", "pHYs"]
)

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_COMMENT: Final = 0xFE
_JPEG_MARKER: Final = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""A marker, fill bytes before it included. Behind a scan, what stands between is not one: stuffed, or a restart."""

_SHOWN_BY_JPEG: Final = frozenset({0xE0, 0xEE})
"""Of a JPEG's application segments, those that a decoder needs: JFIF, and which colours there are."""


class _MoreThanPixels(ValueError):
    """The picture carries something that nobody would see; the message names it."""


def is_data_url(value: str) -> bool:
    """Whether ``value`` begins like a picture in a data URL."""
    return _DATA_URL.match(value) is not None


def flaw_of_data_url(value: str) -> str:
    """Why this data URL cannot be shown as a picture, or nothing."""
    begins = _DATA_URL.match(value)
    assert begins is not None
    kind = begins[1]
    try:
        picture = base64.b64decode(value[begins.end() :], validate=True)
    except (binascii.Error, ValueError):
        return "The data URL is not base64."
    try:
        size = _size_of_png(picture) if kind == "png" else _size_of_jpeg(picture)
    except _MoreThanPixels as more:
        return f"The image carries {more}. Save it without, or upload it as media, where that is left out."
    if size is None or 0 in size:
        return f"The data URL says {kind}, but its bytes are no whole {kind.upper()} image."
    if size[0] * size[1] > MOST_PIXELS:
        return f"The image is {size[0]:,} × {size[1]:,} pixels; at most {MOST_PIXELS:,} in all are possible."
    return ""


def _size_of_png(picture: bytes) -> tuple[int, int] | None:
    if not picture.startswith(_PNG_SIGNATURE):
        return None
    names = list(_chunks_of_png(picture))
    if names[:1] != ["IHDR"] or names[-1:] != ["IEND"] or "IDAT" not in names:
        return None
    for name in names:
        if name not in _SHOWN_BY_PNG:
            raise _MoreThanPixels(f"more than its pixels ({name})")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def _chunks_of_png(picture: bytes) -> Iterator[str]:
    """The names of the chunks, up to the first that is not whole; "" for what stands behind the end."""
    at = len(_PNG_SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4].ljust(4, b"\0"))
        named = picture[at + 4 : at + 8 + length]
        checked = picture[at + 8 + length : at + 12 + length]
        if len(checked) < 4 or zlib.crc32(named) != int.from_bytes(checked, "big"):
            yield ""
            return
        yield named[:4].decode("latin-1")
        at += 12 + length


def _size_of_jpeg(picture: bytes) -> tuple[int, int] | None:
    if not picture.startswith(b"\xff\xd8") or not picture.endswith(b"\xff\xd9"):
        return None
    size, at = None, 2
    while found := _JPEG_MARKER.search(picture, at):
        marker, at = found[1][0], found.end()
        if marker == 0xD9:
            return size if at == len(picture) else None
        if marker in (0xD8, 0x01):
            return None  # a second picture, or nothing that a camera writes
        if marker == _COMMENT or (0xE0 <= marker <= 0xEF and marker not in _SHOWN_BY_JPEG):
            raise _MoreThanPixels("a comment" if marker == _COMMENT else f"more than its pixels (APP{marker - 0xE0})")
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", picture[at + 3 : at + 7].ljust(4, b"\0"))
            size = (width, height)
        at += int.from_bytes(picture[at : at + 2], "big")
    return None
