"""Masks that come as pictures: read where they are plain and small enough, kept as runs, handed out as pictures."""

import base64
import json
import struct
import zlib
from typing import Any

import pytest

from qualification.labels.errors import ResultError
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.similarity import merge_answers, similarity_by_control
from tests.qualification.kinds import LABELS, PICTURE, Result, drawn, lent, region, schema_of

SCHEMA = schema_of(PICTURE, '<Bitmask name="c" toName="o"/>')
PREFIX = "data:image/png;base64,"
SIDES = {"original_width": 8, "original_height": 6}


def marked(*addresses: Any, width: int = 8, height: int = 6) -> Result:
    sizes = {"original_width": width, "original_height": height}
    return [region("c", "o", "bitmask", {"imageDataURL": address}, **sizes) for address in addresses]


def answer_of(*runs: tuple[int, int]) -> Answer:
    return validate_result(SCHEMA, marked(drawn(runs)))


def refusal_of(address: Any, *, width: int = 8, height: int = 6) -> str:
    with pytest.raises(ResultError) as refused:
        validate_result(SCHEMA, marked(address, width=width, height=height))
    return str(refused.value)


def png(*chunks: tuple[bytes, bytes]) -> str:
    content = b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part)) for name, part in chunks
    )
    return PREFIX + base64.b64encode(b"\x89PNG\r\n\x1a\n" + content).decode()


def head(width: int, height: int, *form: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, *form)


def test_a_mask_drawn_as_a_picture_is_kept_as_runs_and_comes_back_as_a_picture_of_the_same_pixels() -> None:
    answer = answer_of((3, 9), (40, 48))

    (text,) = answer.chosen("c")
    (written,) = to_result(SCHEMA, answer)
    assert set(json.loads(text)) == {"format", "rle", "original_width", "original_height"}
    assert {key: written[key] for key in SIDES} == SIDES
    assert validate_result(SCHEMA, [written]) == answer
    assert written["value"] != marked(drawn([(3, 9)]))[0]["value"]
    assert validate_result(SCHEMA, marked(drawn([(40, 48), (3, 9)]))) == answer


def test_bitmasks_are_near_by_their_pixels_and_merged_to_those_that_most_cover() -> None:
    first, second, third = answer_of((0, 8)), answer_of((4, 12)), answer_of((4, 10))

    assert similarity_by_control(first, second, SCHEMA) == {"c": pytest.approx(4 / 12)}
    assert merge_answers(SCHEMA, [first, second, third]) == answer_of((4, 10))


def test_a_bitmask_takes_its_label_from_labels_beside_it() -> None:
    schema = schema_of(PICTURE, f'<Bitmask name="c" toName="o"/><Labels name="l" toName="o">{LABELS}</Labels>')

    answer = validate_result(schema, lent("bitmask", {"imageDataURL": drawn([(1, 5)])}, "Dog", "i1", **SIDES))

    assert [entry["type"] for entry in to_result(schema, answer)] == ["bitmask", "labels"]
    assert validate_result(schema, to_result(schema, answer)) == answer


@pytest.mark.parametrize(
    ("address", "flaw"),
    [
        (7, "is a text, not a number."),
        ("https://evil.example/mask.png", "cannot be read: it begins with data:image/png;base64,."),
        ("data:image/svg+xml;base64,PHN2Zy8+", "cannot be read: it begins with data:image/png;base64,."),
        (PREFIX + "not base64!", "cannot be read: it is not base64."),
        (PREFIX + "é", "cannot be read: it is not base64."),
        (PREFIX, "cannot be read: it is no PNG."),
        (drawn([(0, 3)], kind="GIF"), "cannot be read: it is no PNG."),
        (drawn([(0, 3)])[:-24], "cannot be read: it is broken or cut off."),
        (drawn([(0, 3)], width=9), "cannot be read: it is 9 × 6 pixels, and the picture is 8 × 6."),
        (
            drawn([(0, 3)], mode="RGB"),
            "cannot be read: it is not of 8 bits with transparency, as an editor writes it.",
        ),
        (drawn([]), "the mask is empty; leave the region out."),
        (PREFIX + "A" * 140_000, "has 140,022 characters; at most 140,000 are possible."),
        (png(head(8, 6, 8, 6, 0, 0, 0), (b"IEND", b"")), "cannot be read: it is broken or cut off."),
        (png(head(8, 6, 8, 6, 0, 0, 0), (b"IDAT", b"x"), (b"IEND", b"")), "cannot be read: it is broken or cut off."),
        (png((b"IEND", b"")), "cannot be read: it is broken or cut off."),
        (
            png(head(8, 6, 8, 6, 0, 0, 0), head(9999, 9999, 8, 6, 0, 0, 0), (b"IEND", b"")),
            "cannot be read: it is broken or cut off.",
        ),
        (
            png(head(8, 6, 1, 3, 0, 0, 0), (b"IDAT", zlib.compress(bytes(12))), (b"IEND", b"")),
            "cannot be read: its two colours are not black and none.",
        ),
        (
            png(
                head(8, 6, 1, 3, 0, 0, 0),
                (b"PLTE", bytes(6)),
                (b"tRNS", b"\x00\xff"),
                (b"IDAT", zlib.compress(bytes(10_000_000))),
                (b"IEND", b""),
            ),
            "cannot be read: it is broken or cut off.",
        ),
    ],
)
def test_whatever_is_no_plain_mask_is_refused_with_a_reason(address: Any, flaw: str) -> None:
    assert refusal_of(address) == f"result[0].value.imageDataURL: {flaw}"


def test_a_mask_in_which_every_other_pixel_belongs_is_too_ragged_to_keep() -> None:
    rows = b"".join(b"\x00" + b"\x55" * 256 for _ in range(2048))
    address = png(
        head(2048, 2048, 1, 3, 0, 0, 0),
        (b"PLTE", bytes(6)),
        (b"tRNS", b"\x00\xff"),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )

    assert refusal_of(address, width=2048, height=2048) == (
        "result[0].value.imageDataURL: cannot be read: the mask is too ragged."
    )


def test_bitmasks_that_are_too_large_together_are_refused_before_they_are_unpacked() -> None:
    with pytest.raises(ResultError) as refused:
        validate_result(SCHEMA, marked("unread", width=8192, height=8192))

    assert str(refused.value) == "result: has 67,108,864 pixels in all bitmasks; at most 33,554,432 are possible."
    assert refusal_of("unread", width=4096, height=4097) == (
        "result[0].value: the picture has more than 16,777,216 pixels; a mask cannot be that large."
    )
