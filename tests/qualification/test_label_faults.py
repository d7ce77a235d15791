"""Annotations of every kind that do not fit: each is refused with a sentence and the path of the fault."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualification.labels.errors import ResultError
from qualification.labels.results import to_result, validate_result
from qualification.labels.schema import parse_schema
from tests.qualification.kinds import SAMPLES, TEXT, packed, region

BY_NAME = {sample.name: sample for sample in SAMPLES}

BOX = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["Cat"]}


def refusal_of(name: str, value: Any, kind: str = "", **more: Any) -> str:
    sample = BY_NAME[name]
    result = [region("c", "a,b" if name == "Pairwise" else "o", kind or name.lower(), value, **more)]
    with pytest.raises(ResultError) as refused:
        validate_result(sample.schema, result, sample.item)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        (
            "RectangleLabels",
            {**BOX, "x": 90},
            ": the box lies outside the picture, whose sides are 100 (per cent) long.",
        ),
        ("RectangleLabels", {**BOX, "x": -1}, ".x: is -1; it must be from -0.01 to 100.01."),
        ("RectangleLabels", {**BOX, "width": 0}, ": a box has a width and a height above 0."),
        ("RectangleLabels", {**BOX, "x": True}, ".x: is a number, not true or false."),
        ("RectangleLabels", {**BOX, "x": float("nan")}, ".x: is nan; it must be from -0.01 to 100.01."),
        (
            "RectangleLabels",
            {**BOX, "rectanglelabels": ["Cow"]},
            '.rectanglelabels: "Cow" is no label of "c". Labels: Cat, Dog.',
        ),
        (
            "RectangleLabels",
            {**BOX, "rectanglelabels": ["Cat", "Dog"]},
            '.rectanglelabels: control "c" takes one label, not 2.',
        ),
        (
            "RectangleLabels",
            {**BOX, "admin": True},
            ': the key "admin" is not known here. Known: rectanglelabels, width, height, rotation, x, y.',
        ),
        (
            "EllipseLabels",
            {"x": 1, "y": 1, "radiusX": 0, "radiusY": 2, "ellipselabels": ["Cat"]},
            ": an ellipse has half axes above 0.",
        ),
        (
            "PolygonLabels",
            {"points": [[0, 0], [1, 1], [2, 2]], "polygonlabels": ["Cat"]},
            ".points: a polygon has at least three points that do not lie on one line.",
        ),
        (
            "PolygonLabels",
            {"points": [[0, 0], [1, 101], [2, 2]], "polygonlabels": ["Cat"]},
            ".points[1]: is 101; it must be from -0.01 to 100.01.",
        ),
        (
            "Labels",
            {"start": 8, "end": 99, "labels": ["Cat"]},
            ": the span ends at 99, and the text has 25 characters (code points).",
        ),
        (
            "Labels",
            {"start": 4, "end": 4, "labels": ["Cat"]},
            ": the span from 4 to 4 is empty; it ends after its last character.",
        ),
        (
            "Labels",
            {"start": 17, "end": 23, "text": "in Ulm", "labels": ["Cat"]},
            ".text: the text from 17 to 23 is ' in Ul'. Offsets count code points: an emoji is one, not two.",
        ),
        (
            "TimeSeriesLabels",
            {"start": 5, "end": 3, "timeserieslabels": ["Cat"]},
            ": the stretch from 5 to 3 is empty.",
        ),
        (
            "TimelineLabels",
            {"ranges": [], "timelinelabels": ["Cat"]},
            ".ranges: a region of a timeline has at least one range.",
        ),
        ("Rating", {"rating": 6}, ".rating: is 6; it must be a whole number from 1 to 5."),
        ("Number", {"number": 5.5}, ".number: is 5.5; it must be from -5 to 5."),
        ("DateTime", {"datetime": "2026-02-30"}, '.datetime: is "2026-02-30"; the schema asks for a date only.'),
        (
            "TextArea",
            {"text": [" "]},
            ".text: is a list of texts, none of them empty; leave the region out when there is none.",
        ),
        ("Taxonomy", {"taxonomy": [["Plant", "Cat"]]}, '.taxonomy: "Plant / Cat" is no place in "c".'),
        ("Pairwise", {"selected": "both"}, '.selected: is "both". Possible: left, right.'),
        ("Ranker", {"ranker": {"c": ["blog", "mdn"]}}, '.ranker: "wiki" is not ranked.'),
        ("Ranker", {"ranker": {"c": ["blog", "mdn", "mdn"]}}, ".ranker: an entry is ranked twice."),
        (
            "Ranker",
            {"ranker": {"c": ["blog", "mdn", "own"]}},
            '.ranker: "own" is no entry of the list. Entries: blog, mdn, wiki.',
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_a_reason(name: str, value: Any, refusal: str) -> None:
    assert refusal_of(name, value) == f"result[0].value{refusal}"


def test_a_mask_says_its_size_and_is_of_that_size() -> None:
    value = {"format": "rle", "rle": packed([(0, 4)], pixels=48), "brushlabels": ["Cat"]}

    assert refusal_of("BrushLabels", value) == 'result[0].value: the key "original_width" is missing.'
    assert refusal_of("BrushLabels", value, original_width=0, original_height=6) == (
        "result[0].original_width: is a whole number of pixels from 1 to 1,000,000."
    )
    assert refusal_of("BrushLabels", value, original_width=9, original_height=6) == (
        "result[0].value.rle: cannot be unpacked: it is of 48 pixels, and the picture has 54."
    )
    cut = {**value, "rle": value["rle"][:20]}
    assert refusal_of("BrushLabels", cut, original_width=8, original_height=6) == (
        "result[0].value.rle: cannot be unpacked: it ends in the middle."
    )


def test_offsets_count_code_points() -> None:
    sample = BY_NAME["Labels"]
    family = TEXT.index("👩")
    value = {"start": family, "end": family + 5, "text": "👩‍👩‍👧", "labels": ["Cat"]}

    answer = validate_result(sample.schema, [region("c", "o", "labels", value)], sample.item)

    assert json.loads(answer.key) == {"c": ['{"end":17,"labels":["Cat"],"start":12}']}


ASKED = parse_schema("""
<View>
  <Image name="o" value="$o"/>
  <RectangleLabels name="c" toName="o"><Label value="Car"/><Label value="Plate"/></RectangleLabels>
  <TextArea name="reads" toName="o" perRegion="true" required="true" requiredMessage="What stands on it?"/>
  <Relations><Relation value="is on"/></Relations>
</View>
""")


def box(region_id: str, x: float) -> dict[str, Any]:
    return region("c", "o", "rectanglelabels", {**BOX, "x": x, "rectanglelabels": ["Car"]}, id=region_id)


def reads(region_id: str, text: str) -> dict[str, Any]:
    return region("reads", "o", "textarea", {**BOX, "text": [text]}, id=region_id)


def relation(start: str, end: str, *labels: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": start, "to_id": end, "direction": "right", "labels": list(labels)}


def test_what_is_asked_of_regions_and_what_connects_them_goes_by_their_ids() -> None:
    written = [box("a", 10), reads("a", "AB 12"), box("b", 50), reads("b", "CD 34"), relation("b", "a", "is on")]

    answer = validate_result(ASKED, written)

    result = to_result(ASKED, answer)
    assert [(one.get("id"), one["type"]) for one in result] == [
        ("r1", "rectanglelabels"),
        ("r1", "textarea"),
        ("r2", "rectanglelabels"),
        ("r2", "textarea"),
        (None, "relation"),
    ]
    assert result[-1] == relation("r2", "r1", "is on")
    assert validate_result(ASKED, json.loads(json.dumps(result))) == answer


@pytest.mark.parametrize(
    ("result", "refusal"),
    [
        ([box("a", 10)], 'result[0]: control "reads" is required of every region. What stands on it?'),
        ([box("a", 10), box("a", 50)], "result[1].id: this id is taken by another region."),
        (
            [box("a", 10), reads("b", "AB 12")],
            'result[1]: control "reads" is asked of regions; its id is that of none about the same.',
        ),
        (
            [box("a", 10), reads("a", "AB 12"), relation("a", "z")],
            'result[2].to_id: there is no region with this id: "z".',
        ),
        (
            [box("a", 10), reads("a", "A"), box("b", 50), reads("b", "B"), relation("a", "b", "eats")],
            'result[4].labels: "eats" is no relation here. Relations: is on.',
        ),
    ],
)
def test_regions_that_do_not_hang_together_are_refused(result: list[dict[str, Any]], refusal: str) -> None:
    with pytest.raises(ResultError) as refused:
        validate_result(ASKED, result)

    assert str(refused.value) == refusal


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_whatever_is_put_in_place_of_a_part_is_an_answer_or_a_refusal(sample: Any, data: st.DataObject) -> None:
    result = data.draw(sample.results)
    strange = data.draw(ANY_JSON)
    for one in result:
        key = data.draw(st.sampled_from(sorted(one["value"])))
        one["value"] = {**one["value"], key: strange}

    try:
        answer = validate_result(sample.schema, result, sample.item)
    except ResultError:
        return
    assert validate_result(sample.schema, to_result(sample.schema, answer), sample.item) == answer
