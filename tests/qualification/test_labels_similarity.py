"""How near two answers are: exact numbers for each kind of control."""

import pytest

from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.labels.similarity import is_correct, same_answer, score_answer

SCHEMA = parse_schema("""
<View>
  <Text name="text" value="$text"/>
  <Choices name="tone" toName="text"><Choice value="kind"/><Choice value="rude"/></Choices>
  <Choices name="topics" toName="text" choice="multiple">
    <Choice value="sport"/><Choice value="money"/><Choice value="weather"/>
  </Choices>
</View>
""")


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [
        ({"tone": ["kind"], "topics": ["sport"]}, {"tone": ["kind"], "topics": ["sport"]}, 1.0),
        ({"tone": ["rude"], "topics": ["sport"]}, {"tone": ["kind"], "topics": ["sport"]}, 0.5),
        ({"tone": ["kind"], "topics": ["sport", "money"]}, {"tone": ["kind"], "topics": ["sport"]}, 0.75),
        ({"tone": ["kind"], "topics": ["sport", "money"]}, {"tone": ["kind"], "topics": ["money", "weather"]}, 2 / 3),
        ({"tone": ["rude"], "topics": ["money"]}, {"tone": ["kind"]}, 0.0),
        ({}, {}, 1.0),
        ({}, {"tone": ["kind"]}, 0.5),
    ],
)
def test_the_score_is_the_mean_over_the_controls(
    answer: dict[str, list[str]], gold: dict[str, list[str]], score: float
) -> None:
    assert score_answer(Answer.of(answer), Answer.of(gold), SCHEMA) == pytest.approx(score)


def test_only_the_whole_gold_answer_is_correct() -> None:
    gold = Answer.of({"tone": ["kind"], "topics": ["sport", "money"]})

    assert is_correct(Answer.of({"topics": ["money", "sport"], "tone": ["kind"]}), gold, SCHEMA)
    assert not is_correct(Answer.of({"tone": ["kind"], "topics": ["sport"]}), gold, SCHEMA)


def test_the_order_in_which_an_answer_was_written_makes_no_difference() -> None:
    assert same_answer(Answer.of({"a": ["2", "1"], "b": []}), Answer.of({"a": ["1", "2"]}))
