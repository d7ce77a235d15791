"""The demo's digits: the data that ships, and the pictures drawn from it."""

import hashlib
import struct
import zlib
from collections import Counter

import pytest

from marketplace.demo.digits import Digit, digits_by_png, load_digits, png_of_data_url, to_data_url, to_png
from marketplace.demo.png import greyscale_png

UCI_TEST_SET_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"
UCI_TEST_SET_CLASSES = {0: 178, 1: 182, 2: 177, 3: 183, 4: 181, 5: 182, 6: 181, 7: 179, 8: 174, 9: 180}


def test_the_digits_that_ship_are_the_published_test_set_to_the_last_pixel() -> None:
    digits = load_digits()

    lines = "".join(",".join(str(value) for value in (*digit.pixels, digit.label)) + "\n" for digit in digits)
    assert hashlib.sha256(lines.encode()).hexdigest() == UCI_TEST_SET_SHA256
    assert Counter(digit.label for digit in digits) == UCI_TEST_SET_CLASSES
    assert [digit.index for digit in digits] == list(range(1797))


def test_a_picture_shows_each_pixel_as_a_square_and_more_ink_darker() -> None:
    digit = Digit(index=0, pixels=bytes([0, 8, 16, *[0] * 53, *[1] * 8]), label=7)

    rows = decoded(to_png(digit, scale=2))

    assert rows[:2] == [bytes([255, 255, 127, 127, 0, 0, *[255] * 10])] * 2
    assert rows[2:14] == [bytes([255] * 16)] * 12
    assert rows[14:] == [bytes([239] * 16)] * 2


def test_a_picture_is_64_pixels_wide_unless_another_scale_is_asked_for() -> None:
    digit = load_digits()[0]

    assert [len(row) for row in decoded(to_png(digit))] == [64] * 64
    assert [len(row) for row in decoded(to_png(digit, scale=1))] == [8] * 8


def test_a_digit_cannot_be_drawn_smaller_than_its_pixels() -> None:
    with pytest.raises(ValueError) as refusal:
        to_png(load_digits()[0], scale=0)

    assert str(refusal.value) == "A digit cannot be drawn at scale 0. The scale may be 1 or more."


def test_a_data_url_holds_the_picture() -> None:
    digit = load_digits()[3]

    url = to_data_url(digit, scale=4)

    assert url[:26] == "data:image/png;base64,iVBO"
    assert png_of_data_url(url) == to_png(digit, scale=4)


def test_an_address_that_holds_no_picture_is_refused() -> None:
    with pytest.raises(ValueError) as refusal:
        png_of_data_url("https://example.org/7.png")

    assert str(refusal.value) == (
        "This address does not hold a PNG: 'https://example.org/7.png'. "
        "One that does starts with data:image/png;base64,"
    )


def test_every_digit_can_be_told_by_its_picture_alone() -> None:
    digits = load_digits()

    found = digits_by_png(digits)

    assert len(found) == 1797
    assert found[to_png(digits[1234])] == digits[1234]


def test_a_picture_of_ragged_rows_is_refused() -> None:
    with pytest.raises(ValueError) as refusal:
        greyscale_png(rows=[b"\x00\x00", b"\x00"])

    assert str(refusal.value) == (
        "A picture needs rows of one width, at least one pixel; these rows have widths [1, 2]."
    )


def decoded(png: bytes) -> list[bytes]:
    """Read the rows of an 8-bit greyscale PNG without row filters, checking each chunk's sum on the way."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        content = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + content),)
        chunks[name] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 0, 0, 0, 0]
    pixels = zlib.decompress(chunks[b"IDAT"])
    lines = [pixels[start : start + 1 + width] for start in range(0, len(pixels), 1 + width)]
    assert [line[0] for line in lines] == [0] * height
    return [line[1:] for line in lines]
