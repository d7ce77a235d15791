"""Shapes whose labels stand beside them: a Rectangle, a Polygon or a mask with the Labels of its picture."""

from typing import Any

import pytest

from qualification.labels.errors import ResultError, SchemaError
from qualification.labels.results import to_result, validate_result
from qualification.labels.schema import LabelSchema, parse_schema
from qualification.labels.similarity import differences_of, is_correct, merge_answers, similarity_by_control
from tests.qualification.kinds import LABELS, PICTURE, Result, lent, packed, region, schema_of

LENDER = f'<Labels name="l" toName="o">{LABELS}</Labels>'
SCHEMA = schema_of(PICTURE, f'<Rectangle name="c" toName="o"/><Polygon name="p" toName="o"/>{LENDER}')
OUTLINE = {"points": [[1, 1], [9, 1], [1, 9]], "closed": True}


def box(x: float) -> dict[str, Any]:
    return {"x": x, "y": 10, "width": 20, "height": 20, "rotation": 0}


def boxes(*marked: tuple[float, str]) -> Result:
    return [entry for n, (x, label) in enumerate(marked) for entry in lent("rectangle", box(x), label, f"i{n}")]


def refusal_of(result: Result, schema: LabelSchema = SCHEMA) -> str:
    with pytest.raises(ResultError) as refused:
        validate_result(schema, result)
    return str(refused.value)


def flaw_of(asked: str, *, shown: str = PICTURE) -> str:
    with pytest.raises(SchemaError) as refused:
        schema_of(shown, asked)
    return refused.value.message


def test_a_box_and_the_entry_that_labels_it_are_one_labelled_box_in_whatever_order() -> None:
    outline = region("p", "o", "polygon", OUTLINE, id="p1")
    named = region("l", "o", "labels", {"labels": ["Dog"]}, id="p1")
    answer = validate_result(SCHEMA, [*reversed(boxes((10, "Cat"))), named, outline])

    assert answer.selections == (
        ("c", ('{"height":20.0,"labels":["Cat"],"rotation":0.0,"width":20.0,"x":10.0,"y":10.0}',)),
        ("p", ('{"closed":true,"labels":["Dog"],"points":[[1.0,1.0],[9.0,1.0],[1.0,9.0]]}',)),
    )
    assert to_result(SCHEMA, answer) == [
        *lent("rectangle", box(10), "Cat", "r1"),
        region("p", "o", "polygon", OUTLINE, id="r2"),
        region("l", "o", "labels", {**OUTLINE, "labels": ["Dog"]}, id="r2"),
    ]


def test_boxes_are_compared_and_merged_with_the_labels_lent_to_them() -> None:
    gold, near, wrong = (
        validate_result(SCHEMA, boxes(*marked))
        for marked in ([(10, "Cat"), (60, "Dog")], [(11, "Cat"), (60, "Dog")], [(10, "Cat"), (60, "Cat")])
    )

    assert is_correct(near, gold, SCHEMA)
    assert not is_correct(wrong, gold, SCHEMA)
    assert differences_of(gold, wrong, SCHEMA) == {"mislabelled": 1}
    assert similarity_by_control(gold, wrong, SCHEMA) == {"c": 0.5, "p": 1.0}
    assert merge_answers(SCHEMA, [gold, near, wrong]) == gold


def test_what_a_magic_wand_makes_is_a_mask_with_a_label() -> None:
    schema = schema_of(PICTURE, f'<MagicWand name="c" toName="o" defaultthreshold="20" blurradius="3"/>{LENDER}')
    mask = {"format": "rle", "rle": packed([(3, 9)], pixels=48)}

    answer = validate_result(schema, lent("magicwand", mask, "Dog", "i1", original_width=8, original_height=6))

    first, second = to_result(schema, answer)
    assert (first["type"], second["type"], second["original_width"]) == ("magicwand", "labels", 8)
    assert validate_result(schema, [first, second]) == answer


def test_what_is_said_of_a_region_and_what_connects_two_go_by_the_id_that_labels_go_by() -> None:
    schema = schema_of(
        PICTURE,
        f'<Rectangle name="c" toName="o"/>{LENDER}<Rating name="size" toName="o" perRegion="true"/><Relations/>',
    )
    connected = {"type": "relation", "from_id": "i0", "to_id": "i1", "direction": "right", "labels": []}
    result = [*boxes((10, "Cat"), (60, "Dog")), region("size", "o", "rating", {"rating": 2}, id="i1"), connected]

    answer = validate_result(schema, result)

    written = to_result(schema, answer)
    assert [(entry["type"], entry.get("id")) for entry in written] == [
        ("rectangle", "r1"),
        ("labels", "r1"),
        ("rating", "r1"),
        ("rectangle", "r2"),
        ("labels", "r2"),
        ("relation", None),
    ]
    assert validate_result(schema, written) == answer


def test_labels_and_shapes_that_do_not_belong_together_are_refused() -> None:
    shape, named = boxes((10, "Cat"))
    value = shape["value"]

    assert refusal_of([shape]) == (
        'result[0]: the region has no label; an entry of control "l" with the same id gives it one.'
    )
    assert refusal_of([{**shape, "value": {**value, "labels": ["Cat"]}}, named]) == (
        'result[0].value.labels: an entry of control "l" with the same id gives the labels, not the shape.'
    )
    assert refusal_of([named]) == 'result[0]: control "l" labels regions; there is none with the id "i0".'
    assert refusal_of([shape, named, named]) == 'result[2].id: region "i0" is labelled twice.'
    assert refusal_of([shape, {**named, "value": {**box(11), "labels": ["Cat"]}}]) == (
        "result[1].value.x: the region with this id has another shape."
    )
    assert refusal_of([shape, {**named, "value": {"labels": ["Cow"]}}]) == (
        'result[1].value.labels: "Cow" is no label of "l". Labels: Cat, Dog.'
    )
    assert refusal_of([shape, {**named, "value": {"labels": ["Cat"], "admin": True}}]) == (
        'result[1].value: the key "admin" is not known here. Known: labels, x, y, width, height, rotation.'
    )
    assert refusal_of([shape, {**named, "value": ["Cat"]}]) == ("result[1].value: the value is an object, not a list.")
    assert refusal_of([shape, {key: part for key, part in named.items() if key != "id"}]) == (
        "result[1]: labels say by the id of which region they are."
    )


def test_required_labels_ask_for_a_shape_of_whichever_kind() -> None:
    schema = parse_schema(
        f'<View>{PICTURE}<Rectangle name="c" toName="o"/><Polygon name="p" toName="o"/>'
        f'<Labels name="l" toName="o" required="true" requiredMessage="Mark a pet.">{LABELS}</Labels></View>'
    )

    assert refusal_of([], schema) == 'result: control "l" is required and has no answer. Mark a pet.'
    assert validate_result(schema, boxes((10, "Cat"))).chosen("c")
    assert validate_result(SCHEMA, []).selections == ()


def test_labels_of_a_picture_without_shapes_or_for_shapes_with_labels_are_refused() -> None:
    assert flaw_of(f'<RectangleLabels name="c" toName="o">{LABELS}</RectangleLabels>{LENDER}') == (
        'Labels "l" label the shapes of a Rectangle, Polygon, Brush or the like about the same Image, and there is '
        "none. Tags such as RectangleLabels have their own."
    )
    second = LENDER.replace('"l"', '"m"')
    assert flaw_of(f'<Rectangle name="c" toName="o"/>{LENDER}{second}') == (
        'Labels "l" and "m" label the same shapes, which take labels from one.'
    )
    assert flaw_of(LENDER, shown='<Video name="o" value="$o"/>') == (
        'Labels "l" label the boxes of a VideoRectangle, and there is none. '
        "Stretches of a video are marked with TimelineLabels."
    )
