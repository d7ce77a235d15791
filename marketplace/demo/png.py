"""Greyscale PNG pictures with the standard library alone."""

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BITS_PER_PIXEL = 8
GREYSCALE = 0
NO_ROW_FILTER = b"\x00"


def greyscale_png(*, rows: Sequence[bytes]) -> bytes:
    """Write one picture: a row per line from the top, a byte per pixel, 0 black and 255 white.

    Raises ValueError unless there is at least one pixel and all rows are equally wide.
    """
    width = len(rows[0]) if rows else 0
    if not width or any(len(row) != width for row in rows):
        widths = sorted({len(row) for row in rows})
        raise ValueError(f"A picture needs rows of one width, at least one pixel; these rows have widths {widths}.")
    header = struct.pack(">IIBBBBB", width, len(rows), BITS_PER_PIXEL, GREYSCALE, 0, 0, 0)
    scanlines = b"".join(NO_ROW_FILTER + row for row in rows)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(scanlines, 9)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
