"""The handwritten digits that the demo's job asks about: 1,797 images with their true labels.

The UCI test set by E. Alpaydin and C. Kaynak (1998), CC BY 4.0; see NOTICE-digits.txt.
"""

import base64
import gzip
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.demo.png import greyscale_png

SIDE = 8
FULL_INK = 16
WHITE = 255
DEFAULT_SCALE = 8
SOURCE = Path(__file__).with_name("digits.csv.gz")
DATA_URL_PREFIX = "data:image/png;base64,"


@dataclass(frozen=True)
class Digit:
    """One handwritten digit: its place in the set, 64 pixels row by row (0 blank to 16 full ink), and what it is."""

    index: int
    pixels: bytes = field(repr=False)
    label: int


def load_digits() -> list[Digit]:
    """Read all 1,797 digits, in the order of the set."""
    with gzip.open(SOURCE, "rt", encoding="ascii") as lines:
        return [_parse(index, line) for index, line in enumerate(lines)]


def to_png(digit: Digit, *, scale: int = DEFAULT_SCALE) -> bytes:
    """Draw a digit as a PNG, dark ink on white, each of its pixels a square of `scale` by `scale`."""
    if scale < 1:
        raise ValueError(f"A digit cannot be drawn at scale {scale}. The scale may be 1 or more.")
    rows: list[bytes] = []
    for start in range(0, SIDE * SIDE, SIDE):
        row = b"".join(bytes([_grey(ink)]) * scale for ink in digit.pixels[start : start + SIDE])
        rows.extend([row] * scale)
    return greyscale_png(rows=rows)


def to_data_url(digit: Digit, *, scale: int = DEFAULT_SCALE) -> str:
    """Draw a digit as a data: URL, which a browser shows without asking any server."""
    return DATA_URL_PREFIX + base64.b64encode(to_png(digit, scale=scale)).decode("ascii")


def png_of_data_url(url: str) -> bytes:
    """Give back the PNG inside a data: URL made by `to_data_url`."""
    if not url.startswith(DATA_URL_PREFIX):
        raise ValueError(f"This address does not hold a PNG: {url[:40]!r}. One that does starts with {DATA_URL_PREFIX}")
    return base64.b64decode(url.removeprefix(DATA_URL_PREFIX), validate=True)


def digits_by_png(digits: Iterable[Digit], *, scale: int = DEFAULT_SCALE) -> dict[bytes, Digit]:
    """Index digits by their picture, which no two share.

    A simulated worker finds the digit by what it was shown, so it needs no name, and no hint of gold, beside the
    picture.
    """
    return {to_png(digit, scale=scale): digit for digit in digits}


def _parse(index: int, line: str) -> Digit:
    *pixels, label = (int(value) for value in line.split(","))
    return Digit(index=index, pixels=bytes(pixels), label=label)


def _grey(ink: int) -> int:
    return WHITE - round(WHITE * ink / FULL_INK)
