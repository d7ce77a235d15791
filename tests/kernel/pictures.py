"""Pictures for the tests: good ones, and those that somebody sends who means no good."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def a_picture(kind: str = "PNG", *, size: tuple[int, int] = (8, 6), colour: str = "red", **options: Any) -> bytes:
    """A picture of one colour."""
    return written(Image.new("RGB", size, colour), kind, **options)


def written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def an_animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue", "green")]
    return written(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def exif(*, orientation: int = 1) -> Image.Exif:
    """What a camera notes: how it was held, and where."""
    noted = Image.Exif()
    noted[0x0112] = orientation
    noted[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0)}
    return noted


def a_png(width: int, height: int, *, more: bytes = b"", rows: bytes = b"") -> bytes:
    """A greyscale PNG whose header says this size, whatever its rows are; ``more`` chunks stand before them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        [PNG_SIGNATURE, chunk(b"IHDR", header), more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
