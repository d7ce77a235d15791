"""Paths in a picture: how they are read, when two are alike, and what is refused."""

import math
import random
from typing import Any

import pytest

from qualification.labels.errors import ResultError, SchemaError
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import is_correct, merge_answers, similarity_by_control
from tests.qualification.kinds import LABELS, PICTURE, lent, path, region, schema_of

SCHEMA = schema_of(PICTURE, '<Vector name="c" toName="o"/>')
FREE = schema_of(PICTURE, '<Vector name="c" toName="o" closable="true" skeleton="true" maxPoints="4"/>')
BRANCHES = [
    {"id": "a", "x": 50, "y": 50, "prevPointId": None},
    {"id": "b", "x": 60, "y": 50, "prevPointId": "a"},
    {"id": "c", "x": 50, "y": 60, "prevPointId": "a"},
]


def answer_of(value: dict[str, Any], schema: LabelSchema = SCHEMA) -> Answer:
    return validate_result(schema, [region("c", "o", "vector", value)])


def refusal_of(value: dict[str, Any], schema: LabelSchema = SCHEMA) -> str:
    with pytest.raises(ResultError) as refused:
        answer_of(value, schema)
    return str(refused.value)


def near(first: dict[str, Any], second: dict[str, Any]) -> float:
    return similarity_by_control(answer_of(first), answer_of(second), SCHEMA)["c"]


def test_a_path_is_read_by_what_each_point_is_drawn_from_in_whatever_order_they_are_listed() -> None:
    drawn = path((10, 10), (20, 10), (30, 20))
    listed = {"vertices": [drawn["vertices"][n] for n in (2, 0, 1)], "closed": False}

    assert answer_of(listed) == answer_of(drawn)
    (written,) = to_result(SCHEMA, answer_of(listed))
    assert written["value"] == {
        "vertices": [
            {"id": "p0", "x": 10.0, "y": 10.0, "prevPointId": None, "isBezier": False},
            {"id": "p1", "x": 20.0, "y": 10.0, "prevPointId": "p0", "isBezier": False},
            {"id": "p2", "x": 30.0, "y": 20.0, "prevPointId": "p1", "isBezier": False},
        ],
        "closed": False,
    }


def test_paths_are_alike_by_how_much_of_each_lies_along_the_other() -> None:
    straight = path((10, 50), (90, 50))

    assert near(straight, path((90, 50), (10, 50))) == pytest.approx(1, abs=0.001)
    assert near(straight, path((10, 50), (37, 50), (90, 50))) == pytest.approx(1, abs=0.01)
    assert near(straight, path((10, 51), (90, 51))) == pytest.approx(math.exp(-1 / 12.5), abs=0.01)
    assert near(straight, path((10, 50), (50, 50))) == pytest.approx(0.70, abs=0.01)
    assert near(straight, path((50, 10), (50, 90))) < 0.1
    assert near(straight, path((10, 90), (90, 90))) == 0
    assert is_correct(answer_of(path((10, 51), (90, 51))), answer_of(straight), SCHEMA)
    assert not is_correct(answer_of(path((10, 50), (50, 50))), answer_of(straight), SCHEMA)


def test_paths_are_merged_to_the_one_that_is_nearest_to_all() -> None:
    paths = [answer_of(path((10, y), (90, y))) for y in (50, 51, 53)]

    assert merge_answers(SCHEMA, paths) == paths[1]
    assert merge_answers(SCHEMA, paths, [1.0, 1.0, 5.0]) == paths[2]


def test_a_path_takes_its_label_from_labels_beside_it() -> None:
    schema = schema_of(PICTURE, f'<Vector name="c" toName="o"/><Labels name="l" toName="o">{LABELS}</Labels>')

    answer = validate_result(schema, lent("vector", path((1, 1), (9, 9)), "Dog", "i1"))

    assert [entry["type"] for entry in to_result(schema, answer)] == ["vector", "labels"]


def test_paths_close_and_branch_where_the_schema_lets_them() -> None:
    triangle = path((10, 10), (50, 10), (10, 50), closed=True)
    closed, branched = answer_of(triangle, FREE), answer_of({"vertices": BRANCHES}, FREE)

    for answer in (closed, branched):
        assert validate_result(FREE, to_result(FREE, answer)) == answer
    opened = answer_of({**triangle, "closed": False}, FREE)
    assert similarity_by_control(closed, opened, FREE)["c"] < 0.9
    assert refusal_of(triangle) == "result[0].value.closed: a path is closed only where closable is true."
    branching = "result[0].value.vertices: a path branches only where skeleton is true, and is not closed then."
    assert refusal_of({"vertices": BRANCHES}) == branching
    assert refusal_of({"vertices": BRANCHES, "closed": True}, FREE) == branching
    assert refusal_of(path((1, 1), (2, 2), (3, 3), (4, 4), (5, 5)), FREE) == (
        "result[0].value.vertices: has 5 points; from 2 to 4 are possible."
    )


@pytest.mark.parametrize(
    ("vertices", "flaw"),
    [
        ([], ".vertices: has 0 points; from 2 to 2,000 are possible."),
        ([{"x": 1, "y": 1}, {"x": 1, "y": 1}], ".vertices: a path has at least two points that differ."),
        ([{"x": 1, "y": 1}, {"x": 101, "y": 1}], ".vertices[1].x: is 101; it must be from -0.01 to 100.01."),
        (
            [{"x": 1, "y": 1}, {"x": 2, "y": 1, "isBezier": True, "controlPoint1": {"x": 1, "y": 2}}],
            ".vertices[1].isBezier: is false: curves are drawn as lines from point to point.",
        ),
        (
            [{"x": 1, "y": 1}, {"x": 2, "y": 1, "prevPointId": None}],
            ".vertices: each point has an id of its own, and all but one are drawn from another.",
        ),
        (
            [{"id": "a", "x": 1, "y": 1}, {"id": "a", "x": 2, "y": 1, "prevPointId": "a"}],
            ".vertices: each point has an id of its own, and all but one are drawn from another.",
        ),
        (
            [{"x": 1, "y": 1}, {"id": "b", "x": 2, "y": 1, "prevPointId": "b"}],
            ".vertices: the points do not hang together.",
        ),
        (
            [{"x": 1, "y": 1}, {"x": 2, "y": 1, "prevPointId": "nobody"}],
            ".vertices: the points do not hang together.",
        ),
        (
            [{"x": 1, "y": 1}, {"x": 2, "y": 1, "prevPointId": 7}],
            ".vertices[1].prevPointId: is a text, not a number.",
        ),
        (
            [{"id": "<b>", "x": 1, "y": 1}],
            ".vertices[0].id: is 1 to 64 Latin letters, digits, _ . : or -.",
        ),
        (
            [{"id": "a", "x": 100.5, "y": 1.0, "prevPointId": None, "isBezier": False}],
            ".vertices[0].x: is 100.5; it must be from -0.01 to 100.01.",
        ),
        (["a", "b"], ".vertices[0]: the value is an object, not a text."),
        ([{"x": 1, "y": 1}] * 2001, ".vertices: has 2001 entries; at most 2,000 are possible."),
    ],
)
def test_what_is_no_path_is_refused_with_a_reason(vertices: list[Any], flaw: str) -> None:
    assert refusal_of({"vertices": vertices}) == f"result[0].value{flaw}"


def test_paths_count_with_outlines_towards_ten_thousand_points() -> None:
    chance = random.Random(1)
    long = [path(*((chance.uniform(0, 100), chance.uniform(0, 100)) for _ in range(2000))) for _ in range(5)]

    answer = validate_result(SCHEMA, [region("c", "o", "vector", each) for each in long])
    assert len(answer.chosen("c")) == 5
    with pytest.raises(ResultError) as refused:
        validate_result(SCHEMA, [region("c", "o", "vector", each) for each in (*long, path((1, 1), (2, 2)))])
    assert refused.value.message == "has 10,002 points in all outlines and paths; at most 10,000 are possible."


@pytest.mark.parametrize(
    ("setting", "flaw"),
    [
        ('curves="true"', '<Vector> has curves="true". Possible: false.'),
        (
            'minPoints="5" maxPoints="4"',
            "<Vector> has no number of points between its bounds; a path has at least 2.",
        ),
        ('maxPoints="1"', "<Vector> has no number of points between its bounds; a path has at least 2."),
    ],
)
def test_a_path_that_nobody_could_draw_or_a_curve_is_refused_in_the_schema(setting: str, flaw: str) -> None:
    with pytest.raises(SchemaError) as refused:
        schema_of(PICTURE, f'<Vector name="c" toName="o" {setting}/>')

    assert refused.value.message == flaw
