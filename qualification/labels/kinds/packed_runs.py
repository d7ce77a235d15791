"""The packed run-length form in which Label Studio's editor writes masks.

A stream of bits: the number of bytes of the picture (32 bits; four for each pixel, all alike), the bits of a byte less
one (5), four sizes of lengths in bits less one (4 each); then blocks. A block is one bit that tells whether it repeats
one byte or lists several, two bits that choose the size of its length, the length less one, and the byte or bytes.
It is the form of the library rle-pack of thi.ng/umbrella, which the editor uses.
"""

from typing import Final

CHANNELS: Final = 4
BYTE_BITS: Final = 8
LENGTH_BITS: Final = (3, 4, 8, 16)
"""The sizes of lengths, in bits, in which masks are written here; any are read."""

Runs = tuple[tuple[int, int], ...]


class NotPacked(ValueError):
    """The bytes are not such a mask; the message says why, as the end of a sentence."""


class _Bits:
    """Numbers of so many bits, one after the other."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0

    def read(self, bits: int) -> int:
        end = self._at + bits
        if end > BYTE_BITS * len(self._packed):
            raise NotPacked("it ends in the middle.")
        first, last = self._at // BYTE_BITS, (end + BYTE_BITS - 1) // BYTE_BITS
        window = int.from_bytes(self._packed[first:last], "big")
        self._at = end
        return (window >> (last * BYTE_BITS - end)) & ((1 << bits) - 1)


def unpack(packed: bytes, *, pixels: int) -> Runs:
    """The runs [start, end) of pixels that are not 0. Raises `NotPacked`."""
    bits = _Bits(packed)
    size = bits.read(32)
    if size != CHANNELS * pixels:
        raise NotPacked(f"it is of {size // CHANNELS:,} pixels, and the picture has {pixels:,}.")
    if bits.read(5) + 1 != BYTE_BITS:
        raise NotPacked("its numbers are not bytes.")
    lengths = [bits.read(4) + 1 for _ in range(4)]
    runs: list[tuple[int, int]] = []
    at = 0
    while at < size:
        repeats = bits.read(1)
        length = bits.read(lengths[bits.read(2)]) + 1
        if at + length > size:
            raise NotPacked("it is longer than the picture.")
        if repeats:
            if bits.read(BYTE_BITS):
                _add(runs, at, at + length)
        else:
            for place in range(at, at + length):
                if bits.read(BYTE_BITS):
                    _add(runs, place, place + 1)
        at += length
    return _of_pixels(runs)


def pack(runs: Runs, *, pixels: int) -> bytes:
    """The packed form of these runs."""
    bits: list[tuple[int, int]] = [(CHANNELS * pixels, 32), (BYTE_BITS - 1, 5)]
    bits += [(size - 1, 4) for size in LENGTH_BITS]
    at = 0
    for start, end in (*runs, (pixels, pixels)):
        _repeat(bits, CHANNELS * (start - at), 0)
        _repeat(bits, CHANNELS * (end - start), 255)
        at = end
    written = "".join(f"{number:0{size}b}" for number, size in bits)
    written += "0" * (-len(written) % BYTE_BITS)
    return int(written, 2).to_bytes(len(written) // BYTE_BITS, "big")


def _repeat(bits: list[tuple[int, int]], length: int, byte: int) -> None:
    longest = 1 << LENGTH_BITS[-1]
    while length > 0:
        part = min(length, longest)
        chosen = next(n for n, size in enumerate(LENGTH_BITS) if part <= 1 << size)
        bits += [(1, 1), (chosen, 2), (part - 1, LENGTH_BITS[chosen]), (byte, BYTE_BITS)]
        length -= part


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
