"""Which kinds of pictures are shown, told by their first bytes and not by what a sender says; and what comes of one.

Plain values: what decodes pictures is loaded where it runs, in ``kernel.pictures.child``.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["PNG", "JPEG", "GIF", "WEBP"]

MOST_PIXELS: Final = 25_000_000
"""A picture of a few bytes can unfold to gigabytes."""

NAMES: Final[dict[Kind, str]] = {"PNG": "PNG", "JPEG": "JPEG", "GIF": "GIF", "WEBP": "WebP"}
"""Each kind as people write it."""

ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
"""Under which ending a picture of each type is saved by whoever downloads it."""


class NoPicture(ValueError):
    """What was sent cannot be shown as a picture; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A picture that was written anew: its bytes, their type, and how large it is."""

    content: bytes
    media_type: str
    width: int
    height: int


def kind_of(beginning: bytes) -> Kind | None:
    """The kind of picture that begins with these bytes (12 are enough), or None when it is none that is shown."""
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP":
        return "WEBP"
    return None
