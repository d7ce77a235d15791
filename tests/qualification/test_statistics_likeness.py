"""Agreement of answers of any kind: exact means by control, label and pair of workers, and intervals about them."""

import numpy as np
import pytest

from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import parse_schema
from qualification.statistics.likeness import Given, likeness
from tests.qualification.kinds import region

SCHEMA = parse_schema("""
<View>
  <Image name="o" value="$o"/>
  <RectangleLabels name="box" toName="o"><Label value="Cat"/><Label value="Dog"/></RectangleLabels>
  <Choices name="where" toName="o"><Choice value="in"/><Choice value="out"/></Choices>
</View>
""")


SQUARE = {"y": 0, "width": 10, "height": 10}


def answer(where: str, **boxes: float) -> Answer:
    """One box for each label, 10 by 10, so far from the left."""
    drawn = [
        region("box", "o", "rectanglelabels", {**SQUARE, "x": x, "rectanglelabels": [label.title()]})
        for label, x in boxes.items()
    ]
    return validate_result(SCHEMA, [*drawn, region("where", "o", "choices", {"choices": [where]})])


GIVEN = [
    Given("t1", "ada", answer("in", cat=0)),
    Given("t1", "bob", answer("in", cat=5)),
    Given("t2", "ada", answer("in", cat=0, dog=50)),
    Given("t2", "bob", answer("out", cat=0)),
    Given("t3", "ada", answer("in", dog=0)),
]


def test_likeness_is_the_mean_over_all_pairs_of_answers_to_one_task() -> None:
    found = likeness(SCHEMA, GIVEN, generator=np.random.default_rng(1))

    third, dice = 1 / 3, 2 / 3
    assert {key: round(each.value, 9) for key, each in found.by_control.items()} == {
        "box": pytest.approx((third + dice) / 2),
        "where": 0.5,
    }
    assert {key: round(each.value, 9) for key, each in found.by_label.items()} == {
        ("box", "Cat"): pytest.approx((third + 1) / 2),
        ("box", "Dog"): 0.0,
        ("where", "in"): 0.5,
        ("where", "out"): 0.0,
    }
    assert {key: each.value for key, each in found.by_pair.items()} == {
        ("ada", "bob"): pytest.approx(((third + 1) / 2 + (dice + 0) / 2) / 2)
    }


def test_the_interval_holds_the_mean_and_is_the_same_for_the_same_seed() -> None:
    first, second = (likeness(SCHEMA, GIVEN, generator=np.random.default_rng(7)) for _ in range(2))

    assert first == second
    boxes = first.by_control["box"]
    assert [boxes.low, boxes.high] == pytest.approx([1 / 3, 2 / 3])


def test_what_nobody_was_asked_twice_has_no_likeness() -> None:
    found = likeness(SCHEMA, GIVEN[-1:], generator=np.random.default_rng(1))

    assert (found.by_control, found.by_label, found.by_pair) == ({}, {}, {})
