"""What a single value of an import may be: text to show, an image to show, a client's own id."""

import base64
import binascii
import re
import struct
from typing import Final

from qualification.labels.text import flaw_of

LONGEST_URL: Final = 2_048
LONGEST_EXTERNAL_ID: Final = 200
LONGEST_REASON: Final = 2_000
MOST_PIXELS: Final = 25_000_000
"""An image of a few bytes can unfold to gigabytes in a worker's browser."""

_URL: Final = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
)
_DATA_URL: Final = re.compile(r"data:image/(png|jpeg);base64,")
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_FRAMES_OF_JPEG: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKERS_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})


def flaw_of_shown_text(value: object) -> str:
    """Why ``value`` cannot be shown to a worker as the text of a task, or nothing. Any markup in it stays text."""
    if not isinstance(value, str):
        return "A text is due here, in quotes."
    if not value.strip():
        return "The text is empty; the schema shows it to workers."
    if "\x00" in value:
        return "The text contains the NUL character, which cannot be kept."
    return ""


def flaw_of_image(value: object) -> str:
    """Why ``value`` cannot be shown as an image, or nothing: it is an http(s) address, or a PNG or JPEG as data URL."""
    if not isinstance(value, str):
        return "The address of an image is due here, in quotes."
    kind = _DATA_URL.match(value)
    if kind:
        return _flaw_of_image_bytes(kind[1], value[kind.end() :])
    if len(value) > LONGEST_URL:
        return f"The address has {len(value):,} characters; at most {LONGEST_URL:,} are possible."
    if not _URL.fullmatch(value):
        return "An image is an address, http://… or https://…, or data:image/png;base64,… or data:image/jpeg;base64,…."
    return ""


def flaw_of_external_id(value: object) -> str:
    """Why ``value`` cannot be a client's own id of a task, or nothing."""
    if not isinstance(value, str):
        return "An external_id is a text, in quotes."
    if 0 < len(value) <= LONGEST_EXTERNAL_ID and value.isascii() and value.isprintable() and value == value.strip():
        return ""
    flaw = flaw_of(value, max_characters=LONGEST_EXTERNAL_ID)
    return f"The external_id {flaw}." if flaw else ""


def flaw_of_priority(value: object) -> str:
    """Why ``value`` cannot be a task's place in the queue, or nothing."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return "" if is_whole and value in range(10) else "A priority is a whole number from 0 (first) to 9 (last)."


def flaw_of_reason(value: object) -> str:
    """Why ``value`` cannot be the reason of a gold answer, or nothing."""
    if not isinstance(value, str) or not value.strip():
        return "A gold answer needs its reason in gold_reason: why it is right, in words."
    if len(value) > LONGEST_REASON:
        return f"The reason has {len(value):,} characters; at most {LONGEST_REASON:,} are possible."
    return "The reason contains the NUL character, which cannot be kept." if "\x00" in value else ""


def _flaw_of_image_bytes(kind: str, encoded: str) -> str:
    try:
        image = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return "The data URL is not base64."
    size = _size_of_png(image) if kind == "png" else _size_of_jpeg(image)
    if size is None or 0 in size:
        return f"The data URL says {kind}, but its bytes are no whole {kind.upper()} image."
    if size[0] * size[1] > MOST_PIXELS:
        return f"The image is {size[0]:,} × {size[1]:,} pixels; at most {MOST_PIXELS:,} in all are possible."
    return ""


def _size_of_png(image: bytes) -> tuple[int, int] | None:
    if not image.startswith(_PNG_SIGNATURE) or image[12:16] != b"IHDR" or not image.endswith(b"IEND\xaeB`\x82"):
        return None
    width, height = struct.unpack(">II", image[16:24])
    return width, height


def _size_of_jpeg(image: bytes) -> tuple[int, int] | None:
    if not image.startswith(b"\xff\xd8") or not image.endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 9 <= len(image) and image[at] == 0xFF:
        marker = image[at + 1]
        if marker in _FRAMES_OF_JPEG:
            height, width = struct.unpack(">HH", image[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:
            at += 1
        elif marker in _MARKERS_ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(image[at + 2 : at + 4], "big")
    return None
