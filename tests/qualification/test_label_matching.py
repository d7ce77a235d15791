"""Which region of one answer is which of another, where they differ, what they become together, and how sure it is."""

import math
import random
from typing import Any

import pytest

from qualification.labels.comparing import conflicts_of
from qualification.labels.kinds.base import About
from qualification.labels.kinds.boxes import KIND as BOXES
from qualification.labels.kinds.boxes import Box
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.schema import parse_schema
from qualification.labels.similarity import merge_answers, score_answer
from qualification.statistics.believing import believe, weight_of
from qualification.statistics.consensus import Vote
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.resemblance import UNTAUGHT, closeness_of
from tests.qualification.kinds import region

SCHEMA = parse_schema("""
<View>
  <Image name="o" value="$o"/>
  <RectangleLabels name="c" toName="o"><Label value="Car"/><Label value="Bus"/></RectangleLabels>
  <TextArea name="plate" toName="o" perRegion="true"/>
  <Relations><Relation value="tows"/></Relations>
</View>
""")

ABOUT = About(SCHEMA.controls[0])

SQUARE = {"y": 0, "width": 10, "height": 10, "rotation": 0}


def box(name: str, x: float, label: str = "Car") -> dict[str, Any]:
    return region("c", "o", "rectanglelabels", {**SQUARE, "x": x, "rectanglelabels": [label]}, id=name)


def plate(name: str, text: str) -> dict[str, Any]:
    return region("plate", "o", "textarea", {"text": [text]}, id=name)


def tows(first: str, second: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": first, "to_id": second, "direction": "right", "labels": ["tows"]}


def answer(*regions: dict[str, Any]) -> Answer:
    return validate_result(SCHEMA, list(regions))


def test_boxes_are_compared_all_at_once_as_two_by_two() -> None:
    chance = random.Random(5)
    some, others = (
        [
            Box(chance.randrange(50), chance.randrange(50), chance.randrange(1, 40), 20, chance.choice([0, 0, 30]))
            for _ in range(40)
        ]
        for _ in range(2)
    )
    others[:5] = some[:5]

    at_once = BOXES.similarities(some, others, ABOUT)

    assert at_once.tolist() == [[BOXES.similarity(one, other, ABOUT) for other in others] for one in some]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (answer(box("a", 0), box("b", 50)), []),
        (answer(box("a", 0)), [("missing", 1, None)]),
        (answer(box("a", 0), box("b", 50), box("d", 80)), [("extra", None, 2)]),
        (answer(box("a", 0), box("b", 50, "Bus")), [("mislabelled", 1, 0)]),
        (answer(box("a", 0), box("b", 54)), [("poor_overlap", 1, 1)]),
        (answer(box("a", 0), box("b", 50), plate("b", "AB 12")), [("attribute", 1, 0)]),
        (answer(box("a", 0), box("b", 70)), [("missing", 1, None), ("extra", None, 1)]),
    ],
)
def test_where_two_answers_differ(other: Answer, found: list[tuple[str, int | None, int | None]]) -> None:
    first = answer(box("a", 0), box("b", 50))  # regions stand in the order of their texts

    assert [(one.difference, one.first, one.second) for one in conflicts_of(SCHEMA, first, other)] == found


def test_labels_in_common_go_before_a_better_overlap() -> None:
    first, second = answer(box("a", 0)), answer(box("a", 1, "Bus"), box("b", 3))

    assert [(one.difference, one.first, one.second) for one in conflicts_of(SCHEMA, first, second)] == [
        ("extra", None, 0)
    ]
    # One of three regions is matched, by 7 of 13 parts of the area; there are no relations to differ in.
    assert score_answer(first, second, SCHEMA) == pytest.approx((2 * (7 / 13) / 3 + 1) / 2)


def test_regions_are_there_where_most_of_the_weight_is_and_keep_what_was_said_of_them() -> None:
    answers = [
        answer(box("a", 0), plate("a", "AB 12"), box("b", 50), tows("a", "b")),
        answer(box("a", 1), plate("a", "AB 12"), box("b", 51), tows("a", "b")),
        answer(box("a", 2), plate("a", "AB 17"), box("b", 52, "Bus"), box("d", 80)),
    ]

    merged = to_result(SCHEMA, merge_answers(SCHEMA, answers))

    assert [(one["type"], one["value"].get("x"), one["value"].get("rectanglelabels")) for one in merged[:-1]] == [  # type: ignore[attr-defined]  # JSON
        ("rectanglelabels", 1.0, ["Car"]),
        ("textarea", 1.0, None),
        ("rectanglelabels", 51.0, ["Car"]),
    ]
    assert merged[1]["value"]["text"] == ["AB 12"]  # type: ignore[index]  # JSON
    assert merged[-1] == tows("r1", "r2")


def test_one_who_weighs_more_than_the_others_decides() -> None:
    answers = [answer(box("a", 0)), answer(box("a", 50)), answer(box("a", 50))]

    assert merge_answers(SCHEMA, answers) == answer(box("a", 50))
    assert merge_answers(SCHEMA, answers, [5.0, 1.0, 1.0]) == answer(box("a", 0))


def test_what_is_required_is_there_although_nobody_agrees() -> None:
    schema = parse_schema(
        '<View><Image name="o" value="$o"/><RectangleLabels name="c" toName="o" required="true">'
        '<Label value="Car"/></RectangleLabels></View>'
    )
    answers = [validate_result(schema, [box("a", x)]) for x in (0, 40, 80)]

    assert len(to_result(schema, merge_answers(schema, answers))) == 3


def test_a_task_is_believed_as_answers_so_much_alike_are_right_on_gold() -> None:
    same, off = answer(box("a", 0)), answer(box("a", 2))

    assert believe(SCHEMA, [Vote(same, 0.8)]).confidence == 0.8
    equal = believe(SCHEMA, [Vote(same, 0.8), Vote(same, 0.6)])
    assert equal.confidence == UNTAUGHT.curve.chance(closeness_of(1.0, right_from=0.8), 2)
    belief = believe(SCHEMA, [Vote(same, 0.8), Vote(off, 0.8)], interval=True)
    assert belief.leader == answer(box("a", 1))
    assert belief.confidence == pytest.approx(UNTAUGHT.curve.chance(closeness_of(9 / 11, right_from=0.7), 2))
    assert belief.low is not None and belief.high is not None
    assert belief.low < belief.confidence < belief.high
    assert (belief.majority.answer, belief.majority.share) == (answer(box("a", 1)), 1.0)


def test_choices_beside_other_questions_are_believed_as_classes() -> None:
    schema = parse_schema(
        '<View><Image name="o" value="$o"/><Choices name="q" toName="o" required="true"><Choice value="day"/>'
        '<Choice value="night"/></Choices><Rating name="r" toName="o"/></View>'
    )
    votes = [
        Vote(
            validate_result(
                schema, [region("q", "o", "choices", {"choices": [time]}), region("r", "o", "rating", {"rating": 4})]
            ),
            reliability,
        )
        for time, reliability in (("day", 0.9), ("night", 0.6))
    ]

    belief = believe(schema, votes)

    assert belief.leader.chosen("q") == ("day",)
    prior = WEIGHTED.calibration
    odds = (0.9 / 0.1 * 0.4 / 0.6) ** (2**-prior.discount)
    day = (1 - prior.floor) * odds / (1 + odds) + prior.floor / 2
    alike = UNTAUGHT.curve.chance(closeness_of(1.0, right_from=0.75), 2)
    assert belief.confidence == pytest.approx(day * alike)


def test_an_answer_weighs_the_log_odds_of_its_worker_within_bounds() -> None:
    assert weight_of(0.8) == pytest.approx(math.log(4))
    assert weight_of(1.0) == pytest.approx(math.log(99))
    assert weight_of(0.2) == weight_of(0.0) == 0.1
