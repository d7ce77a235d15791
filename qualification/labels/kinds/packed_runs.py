"""The packed run-length form in which Label Studio's editor writes masks.

A stream of bits: the number of bytes of the picture (32 bits; four for each pixel, all alike), the bits of a byte less
one (5), four sizes of lengths in bits less one (4 each); then blocks. A block is one bit that tells whether it repeats
one byte or lists several, two bits that choose the size of its length, the length less one, and the byte or bytes.
It is the form of the library rle-pack of thi.ng/umbrella, which the editor uses.
"""

from bisect import bisect_left
from functools import lru_cache
from typing import Final

CHANNELS: Final = 4
BYTE_BITS: Final = 8
LENGTH_BITS: Final = (3, 4, 8, 16)
"""The sizes of lengths, in bits, in which masks are written here; any are read."""

LENGTHS: Final = tuple(1 << size for size in LENGTH_BITS)
"""The longest of each size."""

LONGEST: Final = LENGTHS[-1]
HEAD_BITS: Final = 32 + 5 + 4 * 4
NOTHING, OPAQUE = "0" * BYTE_BITS, "1" * BYTE_BITS
CUT_OFF: Final = "it ends in the middle."

Runs = tuple[tuple[int, int], ...]


class NotPacked(ValueError):
    """The bytes are not such a mask; the message says why, as the end of a sentence."""


def unpack(packed: bytes, *, pixels: int) -> Runs:
    """The runs [start, end) of pixels that are not 0. Raises `NotPacked`."""
    bits = f"{int.from_bytes(packed, 'big'):0{BYTE_BITS * len(packed)}b}"
    size, lengths = CHANNELS * pixels, _lengths_in(bits, pixels)
    runs: list[tuple[int, int]] = []
    at, read = 0, HEAD_BITS
    while at < size:
        first = read + 3 + lengths.get(bits[read + 1 : read + 3], 0)
        if first + BYTE_BITS > len(bits):
            raise NotPacked(CUT_OFF)
        length = int(bits[read + 3 : first], 2) + 1
        if at + length > size:
            raise NotPacked("it is longer than the picture.")
        if bits[read] == "1":
            if bits[first : first + BYTE_BITS] != NOTHING:
                _add(runs, at, at + length)
            read = first + BYTE_BITS
        else:
            read = first + BYTE_BITS * length
            _add_listed(runs, at, bits[first:read], length)
        at += length
    return _of_pixels(runs)


def _lengths_in(bits: str, pixels: int) -> dict[str, int]:
    """How many bits a length has, by the two bits that choose it."""
    if len(bits) < HEAD_BITS:
        raise NotPacked(CUT_OFF)
    size = int(bits[:32], 2)
    if size != CHANNELS * pixels:
        raise NotPacked(f"it is of {size // CHANNELS:,} pixels, and the picture has {pixels:,}.")
    if int(bits[32:37], 2) + 1 != BYTE_BITS:
        raise NotPacked("its numbers are not bytes.")
    return {f"{n:02b}": int(bits[37 + 4 * n : 41 + 4 * n], 2) + 1 for n in range(4)}


def _add_listed(runs: list[tuple[int, int]], at: int, bits: str, length: int) -> None:
    if len(bits) < BYTE_BITS * length:
        raise NotPacked(CUT_OFF)
    for place in range(length):
        if bits[BYTE_BITS * place : BYTE_BITS * (place + 1)] != NOTHING:
            _add(runs, at + place, at + place + 1)


def pack(runs: Runs, *, pixels: int) -> bytes:
    """The packed form of these runs."""
    bits = [f"{CHANNELS * pixels:032b}", f"{BYTE_BITS - 1:05b}", *(f"{size - 1:04b}" for size in LENGTH_BITS)]
    at = 0
    for start, end in (*runs, (pixels, pixels)):
        bits.append(_repeated(CHANNELS * (start - at), NOTHING))
        bits.append(_repeated(CHANNELS * (end - start), OPAQUE))
        at = end
    written = "".join(bits)
    written += "0" * (-len(written) % BYTE_BITS)
    return int(written, 2).to_bytes(len(written) // BYTE_BITS, "big")


@lru_cache(maxsize=4096)
def _repeated(length: int, byte: str) -> str:
    """The bits that repeat a byte so many times. Kept, as most runs are short."""
    parts = []
    while length > 0:
        part = min(length, LONGEST)
        chosen = bisect_left(LENGTHS, part)
        parts.append(f"1{chosen:02b}{part - 1:0{LENGTH_BITS[chosen]}b}{byte}")
        length -= part
    return "".join(parts)


def _add(runs: list[tuple[int, int]], start: int, end: int) -> None:
    if runs and runs[-1][1] == start:
        runs[-1] = (runs[-1][0], end)
    else:
        runs.append((start, end))


def _of_pixels(runs: list[tuple[int, int]]) -> Runs:
    """Runs of pixels from those of bytes: a pixel belongs when its last byte, how opaque it is, is not 0."""
    found: list[tuple[int, int]] = []
    for start, end in runs:
        first, last = start // CHANNELS, end // CHANNELS
        if last > first:
            _add(found, first, last)
    return tuple(found)
