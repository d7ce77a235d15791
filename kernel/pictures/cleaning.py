"""Makes of a picture that a stranger sent one with the same pixels and nothing else: decoded, upright, written anew.

Runs in a process of its own (``kernel.pictures.child``): what decodes a hostile file may run out of memory or time.
"""

import io
from typing import Final

from PIL import Image, ImageOps

from kernel.pictures.kinds import MOST_PIXELS, NAMES, Cleaned, Kind, NoPicture

MOST_SCANS: Final = 100
"""A progressive JPEG has about ten; each more makes the decoder walk over all pixels once more."""

_SCAN: Final = b"\xff\xda"
_SIXTEEN_BIT_GREY: Final = "I;16"
_KEPT_MODES: Final = frozenset({"1", "L", "LA", "RGB", "RGBA", _SIXTEEN_BIT_GREY})
_LOSSLESS_WEBP: Final = b"VP8L"


def clean_picture(content: bytes, *, kind: Kind) -> Cleaned:
    """The picture in ``content``, whose first bytes say that it is of this ``kind``, without anything but its pixels.

    Metadata (EXIF, XMP, ICC, comments, what follows the end) is left out, after the picture was turned as EXIF says.
    A GIF becomes a PNG; the others keep their kind. Raises NoPicture for one that is broken, animated or too large.
    """
    if kind == "JPEG" and content.count(_SCAN) > MOST_SCANS:
        raise NoPicture(f"This JPEG is written in more than {MOST_SCANS} passes; save it anew.")
    try:
        return _cleaned(content, kind)
    except NoPicture:
        raise
    except Exception as error:  # whatever a decoder stumbles over: of hostile bytes anything is to be expected
        raise NoPicture(f"This is no whole {NAMES[kind]}: it is broken or cut off.") from error


def _cleaned(content: bytes, kind: Kind) -> Cleaned:
    Image.MAX_IMAGE_PIXELS = None  # the limit is our own, and said in a sentence
    with Image.open(io.BytesIO(content), formats=[kind]) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise NoPicture(
                f"The picture is {width:,} × {height:,} pixels; at most {MOST_PIXELS:,} in all are possible."
            )
        # Some cameras put a second picture behind the first of a JPEG; that one is not shown anywhere.
        if kind != "JPEG" and getattr(picture, "is_animated", False):
            raise NoPicture(
                "The picture is animated, and only still ones are shown. Send the frames that matter one by one."
            )
        picture.load()
        return _written_anew(picture, kind, content)


def _written_anew(picture: Image.Image, kind: Kind, content: bytes) -> Cleaned:
    upright = _upright(picture)
    is_as_it_was = upright is picture
    shown = _in_plain_mode(upright, kind)
    shown.info.clear()
    written = io.BytesIO()
    if kind == "JPEG":
        # With the tables that it came with, a picture that was not turned loses next to nothing.
        is_kept = is_as_it_was and shown is picture and picture.format == "JPEG"
        quality = {"quality": "keep"} if is_kept else {"quality": 95, "subsampling": 0}
        shown.save(written, "JPEG", **quality)
    elif kind == "WEBP":
        # Of a lossless one, these say only how long to try for a smaller file.
        is_lossless = _LOSSLESS_WEBP in content[:64]
        effort = {"lossless": True, "quality": 20, "method": 0} if is_lossless else {"quality": 95, "method": 2}
        shown.save(written, "WEBP", **effort)
    else:
        shown.save(written, "PNG", compress_level=4)
    media_type = {"JPEG": "image/jpeg", "WEBP": "image/webp"}.get(kind, "image/png")
    return Cleaned(written.getvalue(), media_type, *shown.size)


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as its EXIF says that it is held; the same object when it says nothing that can be read."""
    try:
        is_turned = picture.getexif().get(0x0112, 1) in range(2, 9)
    except Exception:  # EXIF that cannot be read turns nothing
        return picture
    return ImageOps.exif_transpose(picture) if is_turned else picture


def _in_plain_mode(picture: Image.Image, kind: Kind) -> Image.Image:
    if kind == "JPEG":
        return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    if "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture if picture.mode in _KEPT_MODES else picture.convert("RGB")
