"""Masks as the picture in which Label Studio's editor writes a bitmask: a PNG in a data address, opaque inside.

What a stranger sends is unpacked only where it is of the plain form that browsers write, or of ours, and of the size
that it should be.
"""

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from qualification.labels.kinds.packed_runs import Runs

PREFIX: Final = "data:image/png;base64,"
SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
END: Final = b"IEND"
HEAD_BYTES: Final = 13
HEAD, PALETTE, ALPHAS, PIXELS = b"IHDR", b"PLTE", b"tRNS", b"IDAT"
EIGHT_BIT_WITH_ALPHA: Final = (8, 6, 0, 0, 0)
"""Bits, colours, packing, filters, no interlacing: what every browser writes of a canvas that is not opaque."""

TWO_COLOURS: Final = (1, 3, 0, 0, 0)
"""What is written here, of black that is not seen and black that is: a hundredth of the work."""

BLACK_OR_NOT: Final = ((PALETTE, bytes(6)), (ALPHAS, b"\x00\xff"))

BROKEN: Final = "it is broken or cut off."

Chunk = tuple[bytes, bytes]
Flags = npt.NDArray[np.bool_]


class NotAMask(ValueError):
    """It is no such picture; the message says why, as a sentence."""


def runs_in(address: str, *, width: int, height: int, most_runs: int) -> Runs:
    """The runs [start, end) of pixels that are not transparent. Raises `NotAMask`."""
    chunks = list(_chunks(_content_of(address)))
    form = _form_of(chunks[0], width=width, height=height)
    if form == TWO_COLOURS:
        opaque = _of_two_colours(chunks, width=width, height=height)
    elif form == EIGHT_BIT_WITH_ALPHA:
        opaque = _with_alpha(chunks)
    else:
        raise NotAMask("it is not of 8 bits with transparency, as an editor writes it.")
    edges = np.flatnonzero(np.diff(opaque, prepend=False, append=False))
    if len(edges) > 2 * most_runs:
        raise NotAMask("the mask is too ragged.")
    return tuple((int(start), int(end)) for start, end in edges.reshape(-1, 2))


def picture_of(runs: Runs, *, width: int, height: int) -> str:
    """The data address of the picture with these runs: black inside, transparent elsewhere."""
    opaque = np.zeros(width * height, dtype=np.bool_)
    for start, end in runs:
        opaque[start:end] = True
    rows = np.packbits(opaque.reshape(height, width), axis=1)
    unfiltered = np.pad(rows, ((0, 0), (1, 0)))
    head = struct.pack(">IIBBBBB", width, height, *TWO_COLOURS)
    parts = ((HEAD, head), *BLACK_OR_NOT, (PIXELS, zlib.compress(unfiltered.tobytes(), 9)), (END, b""))
    return PREFIX + base64.b64encode(_png(parts)).decode()


def _of_two_colours(chunks: Sequence[Chunk], *, width: int, height: int) -> Flags:
    if tuple(chunk for chunk in chunks if chunk[0] in (PALETTE, ALPHAS)) != BLACK_OR_NOT:
        raise NotAMask("its two colours are not black and none.")
    row = 1 + (width + 7) // 8
    packed = b"".join(content for name, content in chunks if name == PIXELS)
    try:
        content = zlib.decompressobj().decompress(packed, row * height + 1)
    except zlib.error:
        raise NotAMask(BROKEN) from None
    if len(content) != row * height:
        raise NotAMask(BROKEN)
    rows = np.frombuffer(content, dtype=np.uint8).reshape(height, row)
    if rows[:, 0].any():
        raise NotAMask("its rows are filtered, which those of two colours are not.")
    return np.unpackbits(rows[:, 1:], axis=1, count=width).ravel().astype(np.bool_)


def _with_alpha(chunks: Sequence[Chunk]) -> Flags:
    """By the library for pictures, which sees nothing but the head and the pixels."""
    content = _png([chunk for chunk in chunks if chunk[0] in (HEAD, PIXELS, END)])
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            picture.load()
            return np.asarray(picture.getchannel("A"), dtype=np.uint8).ravel() > 0
    except Exception as error:  # whatever a decoder stumbles over: of hostile bytes anything is to be expected
        raise NotAMask(BROKEN) from error


def _content_of(address: str) -> bytes:
    if not address.startswith(PREFIX):
        raise NotAMask(f"it begins with {PREFIX}.")
    try:
        return base64.b64decode(address[len(PREFIX) :].encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotAMask("it is not base64.") from None


def _form_of(first: Chunk, *, width: int, height: int) -> tuple[int, ...]:
    """How the picture is written, once its head promises the right size."""
    name, head = first
    if name != HEAD or len(head) != HEAD_BYTES:
        raise NotAMask(BROKEN)
    across, down, *form = struct.unpack(">IIBBBBB", head)
    if (across, down) != (width, height):
        raise NotAMask(f"it is {across:,} × {down:,} pixels, and the picture is {width:,} × {height:,}.")
    return tuple(form)


def _chunks(content: bytes) -> Iterator[Chunk]:
    """The parts of a PNG up to its end, each with its name; one head only."""
    if not content.startswith(SIGNATURE):
        raise NotAMask("it is no PNG.")
    at, name = len(SIGNATURE), b""
    while name != END:
        if at + 12 > len(content):
            raise NotAMask(BROKEN)
        (length,) = struct.unpack(">I", content[at : at + 4])
        name = content[at + 4 : at + 8]
        if at + 12 + length > len(content) or (name == HEAD and at > len(SIGNATURE)):
            raise NotAMask(BROKEN)
        yield name, content[at + 8 : at + 8 + length]
        at += 12 + length


def _png(chunks: Iterable[Chunk]) -> bytes:
    written = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    return SIGNATURE + b"".join(written)
