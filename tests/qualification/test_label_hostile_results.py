"""Annotations that are made to cost: answered in no time, and whatever is kept can be read again."""

import json
import math
import random
from typing import Any

import pytest

from qualification.labels.errors import ResultError, SchemaError
from qualification.labels.kinds.base import About
from qualification.labels.kinds.outlines import Outline
from qualification.labels.kinds.packed_runs import Runs, pack
from qualification.labels.kinds.polygons import KIND as POLYGON
from qualification.labels.pages import flaw_of_page, text_of_page
from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.labels.similarity import merge_answers, similarity_by_control
from qualification.statistics.automation.voter import measured_accuracy
from qualification.statistics.merging.words import key_of
from tests.qualification.kinds import region

IMAGE = '<View><Image name="o" value="$o"/>{}</View>'
POLYGONS = parse_schema(IMAGE.format('<PolygonLabels name="c" toName="o"><Label value="A"/></PolygonLabels>'))
BOXES = parse_schema(IMAGE.format('<RectangleLabels name="c" toName="o"><Label value="A"/></RectangleLabels>'))
MASKS = parse_schema(IMAGE.format('<Brush name="c" toName="o"/>'))
TEXTS = parse_schema('<View><Audio name="o" value="$o"/><TextArea name="c" toName="o"/></View>')


def outlined(points: list[list[float]]) -> Answer:
    value = {"points": points, "closed": True, "polygonlabels": ["A"]}
    return validate_result(POLYGONS, [region("c", "o", "polygonlabels", value)])


def shape_of(answer: Answer) -> Outline:
    (text,) = answer.chosen("c")
    return tuple((x, y) for x, y in json.loads(text)["points"])


def read_again(schema: LabelSchema, kind: str, value: dict[str, Any], **sizes: int) -> Answer:
    answer = validate_result(schema, [region("c", "o", kind, value, **sizes)])
    assert validate_result(schema, to_result(schema, answer)) == answer
    return answer


def scribble(points: int) -> list[list[float]]:
    chance = random.Random(1)
    return [[chance.uniform(0, 100), chance.uniform(0, 100)] for _ in range(points)]


@pytest.mark.parametrize(
    "points",
    [
        scribble(2000),
        [[10.0, 10.0], [90.0, 90.0]] * 999 + [[10.0, 90.0]],
        [[x, 10.0] for x, _ in scribble(1999)] + [[10.0, 90.0]],
        [place for n in range(999) for place in ([50.0, 50.0], [50 + 40 * math.cos(n), 50 + 40 * math.sin(n)])],
    ],
    ids=["scribble", "back and forth", "along one line", "star"],
)
def test_an_outline_that_crosses_itself_thousands_of_times_is_refused(points: list[list[float]]) -> None:
    with pytest.raises(ResultError) as refused:
        outlined(points)

    assert refused.value.message == "the outline crosses itself more than 100 times."


def comb(teeth: int, *, lies: bool) -> list[list[float]]:
    """Teeth from one side of the picture to the other, beside one another."""
    wide = 80 / (2 * teeth)
    tops = [[10 + place * wide, 90.0 if place % 4 in (1, 2) else 11.0] for place in range(2 * teeth)]
    points = [*tops, [91.0, 10.0], [9.0, 10.0]]
    return [[y, x] for x, y in points] if lies else points


def test_two_outlines_that_cross_each_other_all_over_are_not_alike_and_the_heavier_one_is_what_they_merge_to() -> None:
    stands, lies = outlined(comb(900, lies=False)), outlined(comb(900, lies=True))

    assert similarity_by_control(stands, lies, POLYGONS) == {"c": 0.0}
    assert POLYGON.merge([shape_of(stands), shape_of(lies)], [1.0, 2.0], About(POLYGONS.others[0])) == shape_of(lies)


def test_two_shaky_outlines_of_one_thing_are_alike_however_many_points_they_have() -> None:
    def around(seed: int) -> Answer:
        chance = random.Random(seed)
        turns = [(2 * math.pi * n / 1500, 30 + chance.uniform(-0.3, 0.3)) for n in range(1500)]
        return outlined([[50 + far * math.cos(turn), 50 + far * math.sin(turn)] for turn, far in turns])

    assert similarity_by_control(around(1), around(2), POLYGONS)["c"] == pytest.approx(0.98, abs=0.01)


def outlines(*, of: list[list[list[float]]]) -> Answer:
    value = {"closed": True, "polygonlabels": ["A"]}
    return validate_result(POLYGONS, [region("c", "o", "polygonlabels", {**value, "points": each}) for each in of])


def test_outlines_with_ten_thousand_points_in_all_are_taken_and_no_more() -> None:
    def around(x: float, points: int) -> list[list[float]]:
        turns = [2 * math.pi * n / points for n in range(points)]
        return [[x + 10 * math.cos(turn), 50 + 10 * math.sin(turn)] for turn in turns]

    assert len(outlines(of=[around(20 + 10 * n, 2000) for n in range(5)]).chosen("c")) == 5
    with pytest.raises(ResultError) as refused:
        outlines(of=[*(around(20 + 10 * n, 2000) for n in range(5)), around(80, 3)])
    assert refused.value.message == "has 10,003 points in all outlines and paths; at most 10,000 are possible."


def test_where_all_boxes_meet_each_shape_is_compared_with_its_neighbours_and_finds_itself() -> None:
    def pile(shift: float) -> Answer:
        squares = ((20 + n * 0.2 + shift, 20 + n * 0.2) for n in range(200))
        return outlines(of=[[[x, y], [x + 30, y], [x + 30, y + 30], [x, y + 30]] for x, y in squares])

    (near,) = similarity_by_control(pile(0.0), pile(0.05), POLYGONS).values()
    assert near == similarity_by_control(pile(0.05), pile(0.0), POLYGONS)["c"] == pytest.approx(0.997, abs=0.001)
    assert len(merge_answers(POLYGONS, [pile(0.0), pile(0.05)]).chosen("c")) == 200


def test_an_outline_that_crosses_itself_as_hands_do_is_taken() -> None:
    around = [[50 + 40 * math.cos(n / 300), 50 + 40 * math.sin(n / 300)] for n in range(1885)]

    assert len(outlined([*around, [60.0, 10.0], [95.0, 50.0]]).chosen("c")) == 1
    assert len(outlined([[10, 10], [50, 50], [50, 10], [10, 50]]).chosen("c")) == 1


def test_an_outline_with_a_spike_counts_in_a_merge_by_its_area() -> None:
    square: list[list[float]] = [[10, 10], [50, 10], [50, 50], [10, 50]]
    spiked: list[list[float]] = [[20, 20], [50, 20], [50, 50], [20, 50], [20, 22], [90, 90], [20, 22]]

    merged = merge_answers(POLYGONS, [outlined(square), outlined(spiked)])

    assert similarity_by_control(merged, outlined([[20, 20], [50, 20], [50, 50], [20, 50]]), POLYGONS) == {"c": 1.0}


@pytest.mark.parametrize("rotation", [0.00001, 359.99999, -0.00001, 90.00004])
def test_a_box_is_kept_so_that_it_is_read_again(rotation: float) -> None:
    value = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": rotation, "rectanglelabels": ["A"]}

    read_again(BOXES, "rectanglelabels", value)


def test_a_box_that_is_upright_once_it_is_rounded_lies_inside_the_picture() -> None:
    value = {"x": -50, "y": 10, "width": 100, "height": 10, "rotation": 0.00001, "rectanglelabels": ["A"]}

    with pytest.raises(ResultError) as refused:
        validate_result(BOXES, [region("c", "o", "rectanglelabels", value)])

    assert str(refused.value) == "result[0].value.x: is -50; it must be from -0.01 to 100.01."


def test_a_mask_that_would_grow_too_large_to_be_kept_is_refused() -> None:
    packed = in_lengths_of_two_bits(pairs=29_000)
    value = {"format": "rle", "rle": packed}

    with pytest.raises(ResultError) as refused:
        validate_result(MASKS, [region("c", "o", "brush", value, original_width=290, original_height=200)])

    assert len(packed) == 94_257
    assert refused.value.message == "the mask is too ragged; it takes more than 100,000 bytes to keep."


def test_a_ragged_mask_that_can_be_kept_is_read_again() -> None:
    runs: Runs = tuple((2 * n, 2 * n + 1) for n in range(4_000))
    value = {"format": "rle", "rle": list(pack(runs, pixels=8_000))}

    read_again(MASKS, "brush", value, original_width=80, original_height=100)


def in_lengths_of_two_bits(*, pairs: int) -> list[int]:
    """A mask of every second pixel, each written in 13 bits."""
    bits = (
        f"{8 * pairs:032b}"
        f"{7:05b}" + f"{1:04b}" * 4 + ("1" + "00" + "11" + "1" * 8 + "1" + "00" + "11" + "0" * 8) * pairs
    )
    bits += "0" * (-len(bits) % 8)
    return list(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def test_texts_that_grow_when_they_are_compared_are_measured_grown() -> None:
    value = {"text": ["\ufdfa" * 10_000]}

    with pytest.raises(ResultError) as refused:
        validate_result(TEXTS, [region("c", "o", "textarea", value)])

    assert str(refused.value) == "result[0].value.text: has more than 50,000 characters."


def test_a_word_is_known_without_the_signs_around_it_however_many() -> None:
    assert key_of("a" + "!" * 50_000 + "b") == "a" + "!" * 50_000 + "b"
    assert [key_of(word) for word in ('"Hey!"', "don't,", "...")] == ["hey", "don't", "..."]


@pytest.mark.parametrize(
    ("page", "flaw"),
    [
        ("<p " * 20_000, "The page has '<p ', which is no tag; write &lt; for the sign <."),
        ("<a" * 30_000, "The page has '<a', which is no tag; write &lt; for the sign <."),
        ("</ p>", "The page has '</ p>', which is no tag; write &lt; for the sign <."),
        ("<![if x]>", "The page has a declaration; write only what is shown."),
        ("<![CDATA[x]]>", "The page has a declaration; write only what is shown."),
        ("<!-- x -->", "The page has a comment; leave it out."),
        ("<?php x ?>", "The page has a processing instruction; write only what is shown."),
        ("<SCRIPT>x</SCRIPT>", "The page has the tag 'script'; only tags that shape text are shown."),
        ("<p\tonclick=x>", "The tag 'p' has the attribute 'onclick'; tags are shown without."),
        ("<p/onclick=x>", "The tag 'p' has the attribute '/onclick'; tags are shown without."),
    ],
)
def test_a_page_with_anything_but_plain_tags_is_refused(page: str, flaw: str) -> None:
    assert flaw_of_page(page) == flaw


def test_a_page_of_plain_tags_is_the_text_in_them() -> None:
    page = "<P>a &lt; b</P><br/>1 < 2 <3 &amp;"

    assert flaw_of_page(page) == ""
    assert text_of_page(page) == "a < b1 < 2 <3 &"


def test_what_is_said_of_a_span_may_be_a_text_too() -> None:
    schema = parse_schema(
        '<View><Text name="o" value="$o"/><Labels name="c" toName="o"><Label value="A"/></Labels>'
        '<TextArea name="note" toName="o" perRegion="true"/></View>'
    )
    result = [
        region("c", "o", "labels", {"start": 0, "end": 3, "text": "abc", "labels": ["A"]}, id="r"),
        region("note", "o", "textarea", {"start": 0, "end": 3, "text": ["why"]}, id="r"),
    ]

    answer = validate_result(schema, result, {"o": "abcdef"})

    assert to_result(schema, answer)[1]["value"] == {"start": 0, "end": 3, "text": ["why"]}


def test_a_model_is_measured_however_many_answers_are_possible() -> None:
    choices = "".join(f'<Choice value="c{n}"/>' for n in range(1_200))
    schema = parse_schema(
        f'<View><Text name="o" value="$o"/><Choices name="c" toName="o" choice="multiple">{choices}</Choices></View>'
    )

    assert isinstance(schema.controls[0], ChoicesControl)
    assert schema.possible_answers == 10**9
    assert measured_accuracy(right=8, wrong=0, candidates=schema.possible_answers) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("control", "flaw"),
    [
        ('<DateTime name="c" toName="o" min="soon"/>', 'has the bound "soon"; meant is a year, 2026-05, 2026-05-17,'),
        ('<DateTime name="c" toName="o" only="time" min="2026"/>', 'has the bound "2026"; meant is a time.'),
        ('<DateTime name="c" toName="o" min="2026" max="2025"/>', 'has nothing between its bounds, "2026" and "2025".'),
        ('<DateTime name="c" toName="o" min="2026" max="12:30"/>', "has nothing between its bounds,"),
        ('<TextArea name="c" toName="o" maxSubmissions="0"/>', 'has maxSubmissions="0", so nothing can be answered.'),
    ],
)
def test_bounds_within_which_nothing_can_be_answered_are_refused(control: str, flaw: str) -> None:
    with pytest.raises(SchemaError) as refused:
        parse_schema(f'<View><Text name="o" value="$o"/>{control}</View>')

    assert flaw in refused.value.message
