"""A picture that gets in is decoded in a process apart and written anew; what cannot be shown is refused."""

import io
import os
import zlib
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from kernel.pictures.cleaner import CLEANER, Cleaner
from kernel.pictures.kinds import Cleaned, NoPicture, kind_of
from tests.kernel.pictures import a_picture, a_png, an_animation, chunk, exif, written


def clean(content: bytes) -> Cleaned:
    kind = kind_of(content[:12])
    assert kind is not None
    return CLEANER.clean(content, kind=kind)


def refusal_of(content: bytes) -> str:
    with pytest.raises(NoPicture) as refused:
        clean(content)
    return str(refused.value)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/png")],
)
def test_a_picture_keeps_its_size_and_its_colour(sent: str, kept: str) -> None:  # [B101]
    cleaned = clean(a_picture(sent))

    assert (cleaned.media_type, cleaned.width, cleaned.height) == (kept, 8, 6)
    with Image.open(io.BytesIO(cleaned.content)) as shown:
        red, green, blue = shown.convert("RGB").getpixel((4, 3))  # type: ignore[misc]  # three bands
    assert red > 250
    assert max(green, blue) < 5


def test_a_jpeg_that_is_upright_loses_next_to_nothing() -> None:
    sent = written(Image.effect_noise((64, 48), 60).convert("RGB"), "JPEG", quality=70)

    with Image.open(io.BytesIO(sent)) as before, Image.open(io.BytesIO(clean(sent).content)) as after:
        assert max(ImageStat.Stat(ImageChops.difference(before, after)).mean) < 1


def test_sixteen_bits_of_grey_stay_sixteen() -> None:
    cleaned = clean(written(Image.new("I;16", (8, 6), 40_000), "PNG"))

    with Image.open(io.BytesIO(cleaned.content)) as shown:
        assert shown.getpixel((0, 0)) == 40_000


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_where_and_how_a_picture_was_taken_is_left_out(kind: str) -> None:  # [B057]
    more: dict[str, Any] = {"comment": b"taken at home"} if kind == "JPEG" else {}
    sent = a_picture(kind, exif=exif(), icc_profile=b"a profile " * 50, **more)

    cleaned = clean(sent).content

    with Image.open(io.BytesIO(sent)) as before, Image.open(io.BytesIO(cleaned)) as after:
        assert dict(before.getexif())
        assert dict(after.getexif()) == {}
    assert [word for word in (b"Exif", b"eXIf", b"EXIF", b"profile", b"home") if word in cleaned] == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_turned_as_the_camera_was_held(kind: str) -> None:
    sent = Image.new("RGB", (16, 8), "red")
    sent.paste("blue", (0, 0, 8, 8))

    cleaned = clean(written(sent, kind, exif=exif(orientation=6), quality=100))

    assert (cleaned.width, cleaned.height) == (8, 16)
    with Image.open(io.BytesIO(cleaned.content)) as shown:
        red, _, blue = shown.convert("RGB").getpixel((4, 3))  # type: ignore[misc]  # three bands
    assert (red < 60, blue > 190) == (True, True)


def test_what_cannot_be_read_of_exif_turns_nothing() -> None:
    assert clean(a_picture("JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")).width == 8


def test_what_hides_behind_a_picture_is_left_behind() -> None:  # [B057]
    for kind in ("GIF", "PNG", "JPEG"):
        polyglot = a_picture(kind) + b"/*<script>alert(1)</script>*/"
        assert b"script" not in clean(polyglot).content


BOMBS = {
    "pixels": (a_png(50_000, 50_000), "The picture is 50,000 × 50,000 pixels; at most 25,000,000 in all are possible."),
    "just too many pixels": (
        a_png(25_000_001, 1),
        "The picture is 25,000,001 × 1 pixels; at most 25,000,000 in all are possible.",
    ),
    "profile": (
        a_png(8, 8, more=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(10**8))), rows=bytes(72)),
        "This is no whole PNG: it is broken or cut off.",
    ),
    "text": (
        a_png(8, 8, more=chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(10**8))), rows=bytes(72)),
        "This is no whole PNG: it is broken or cut off.",
    ),
    "rows": (a_png(8, 8, rows=bytes(7)), "This is no whole PNG: it is broken or cut off."),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb: str) -> None:  # [B057]
    content, sentence = BOMBS[bomb]
    assert refusal_of(content) == sentence


def test_a_jpeg_of_a_thousand_passes_is_refused() -> None:  # [B057]
    jpeg = a_picture("JPEG", size=(64, 64), progressive=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]

    assert refusal_of(jpeg[:-2] + last * 1_000 + b"\xff\xd9") == (
        "This JPEG is written in more than 100 passes; save it anew."
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused(kind: str) -> None:  # [B057]
    whole = written(Image.effect_noise((64, 64), 60).convert("RGB"), kind)
    name = "WebP" if kind == "WEBP" else kind

    assert refusal_of(whole[: len(whole) // 2]) == f"This is no whole {name}: it is broken or cut off."


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_what_moves_is_refused(kind: str) -> None:
    assert refusal_of(an_animation(kind)) == (
        "The picture is animated, and only still ones are shown. Send the frames that matter one by one."
    )


def test_the_second_picture_in_a_photo_is_left_out() -> None:
    photo = written(Image.new("RGB", (8, 6), "red"), "MPO", save_all=True, append_images=[Image.new("RGB", (4, 3))])

    cleaned = clean(photo)

    assert (cleaned.media_type, cleaned.width, cleaned.height) == ("image/jpeg", 8, 6)
    assert cleaned.content.count(b"\xff\xd8\xff") == 1


def test_one_that_takes_too_long_is_ended_and_the_next_one_is_cleaned() -> None:  # [B057]
    cleaner = Cleaner(longest_seconds=0.0)
    sent = written(Image.effect_noise((2_000, 2_000), 60), "PNG")
    try:
        with pytest.raises(NoPicture, match="takes too long or too much memory to read"):
            cleaner.clean(sent, kind="PNG")
        cleaner._longest_seconds = 60.0
        assert cleaner.clean(a_picture(), kind="PNG").width == 8
    finally:
        cleaner.close()


def test_a_child_that_was_killed_is_started_again() -> None:
    cleaner = Cleaner()
    try:
        cleaner.clean(a_picture(), kind="PNG")
        assert cleaner._child is not None
        os.kill(cleaner._child.pid, 9)
        cleaner._child.wait()
        assert cleaner.clean(a_picture("JPEG"), kind="JPEG").media_type == "image/jpeg"
    finally:
        cleaner.close()


@pytest.mark.parametrize(
    "beginning", [b"", b"<svg onload=1>", b"<!DOCTYPE html", b"%PDF-1.7\n", b"BM\x00\x00", b"RIFF\x00\x00\x00\x00WAVE"]
)
def test_what_begins_like_no_picture_is_none(beginning: bytes) -> None:  # [B058, B059, B101]
    assert kind_of(beginning) is None
