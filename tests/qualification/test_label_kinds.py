"""What holds for every kind of label: answers are read and written, compared and merged."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.similarity import merge_answers, score_answer
from tests.qualification.kinds import SAMPLES, Sample

EVERY_KIND = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
FEW = settings(max_examples=8, deadline=None)  # the first call of a kind loads what it computes with


@EVERY_KIND
@FEW
@given(data=st.data())
def test_an_answer_survives_the_way_through_result_and_key(sample: Sample, data: st.DataObject) -> None:
    answer = data.draw(sample.answers)

    result = json.loads(json.dumps(to_result(sample.schema, answer)))

    assert validate_result(sample.schema, result, sample.item) == answer
    assert Answer.from_key(answer.key) == answer


@EVERY_KIND
@FEW
@given(data=st.data())
def test_similarity_is_symmetric_and_between_0_and_1_and_1_for_equal_answers(
    sample: Sample, data: st.DataObject
) -> None:
    first, second = data.draw(sample.answers), data.draw(sample.answers)

    near = score_answer(first, second, sample.schema)

    assert 0 <= near <= 1
    assert near == pytest.approx(score_answer(second, first, sample.schema), abs=1e-9)
    assert score_answer(first, first, sample.schema) == 1


@EVERY_KIND
@FEW
@given(data=st.data())
def test_equal_answers_are_merged_to_themselves(sample: Sample, data: st.DataObject) -> None:
    answer = data.draw(sample.answers)

    assert merge_answers(sample.schema, [answer] * 3, [1.0, 2.0, 0.5]) == answer


@EVERY_KIND
@FEW
@given(data=st.data())
def test_the_order_of_answers_does_not_matter_to_what_they_are_merged_to(sample: Sample, data: st.DataObject) -> None:
    answers = data.draw(st.lists(sample.answers, min_size=2, max_size=5))
    weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(answers), max_size=len(answers)))
    shuffled = data.draw(st.permutations(list(zip(answers, weights, strict=True))))

    merged = merge_answers(sample.schema, answers, weights)

    assert merge_answers(sample.schema, [a for a, _ in shuffled], [w for _, w in shuffled]) == merged
    assert validate_result(sample.schema, to_result(sample.schema, merged)) == merged
