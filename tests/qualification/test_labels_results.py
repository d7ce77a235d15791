"""Annotations: which result JSON fits a schema, the answer it stands for, and the way back."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.labels.errors import ResultError
from qualification.labels.results import Answer, to_result, validate_result
from qualification.labels.schema import LabelSchema, parse_schema

PETS = parse_schema("""
<View>
  <Image name="photo" value="$photo"/>
  <Choices name="animal" toName="photo" choice="single" required="true" requiredMessage="Say which animal it is.">
    <Choice value="Cat" alias="cat"/><Choice value="Dog"/>
  </Choices>
  <Choices name="traits" toName="photo" choice="multiple">
    <Choice value="young"/><Choice value="asleep"/><Choice value="indoors"/>
  </Choices>
</View>
""")


def region(control: str, *labels: object, **other: object) -> dict[str, object]:
    return {"from_name": control, "to_name": "photo", "type": "choices", "value": {"choices": list(labels)}, **other}


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in region("animal", "Dog").items() if name != key}


def refusal_of(result: object) -> str:
    with pytest.raises(ResultError) as refusal:
        validate_result(PETS, result)
    return str(refusal.value)


def test_an_annotation_gives_a_canonical_answer() -> None:
    written = [region("traits", "young", "asleep", id="Dx_aB91ISN", origin="manual"), region("animal", "cat")]

    answer = validate_result(PETS, written)

    assert answer == Answer(selections=(("animal", ("cat",)), ("traits", ("asleep", "young"))))
    assert answer.key == '{"animal":["cat"],"traits":["asleep","young"]}'
    assert answer.chosen("animal") == ("cat",)
    assert answer.chosen("colour") == ()


def test_an_optional_control_may_be_left_out() -> None:
    assert validate_result(PETS, [region("animal", "Dog")]).key == '{"animal":["Dog"]}'


def test_the_canonical_result_is_in_the_order_of_the_schema() -> None:
    answer = Answer.of({"traits": ["asleep", "young"], "animal": ["cat"]})

    assert to_result(PETS, answer) == [region("animal", "cat"), region("traits", "young", "asleep")]


@pytest.mark.parametrize(
    ("labels_by_control", "refusal"),
    [
        ({"animal": ["cat"], "colour": ["red"]}, 'answer: the schema has no control "colour".'),
        ({"animal": ["Cow"]}, 'result[0].value.choices: "Cow" is no choice of "animal". Choices: cat, Dog.'),
        ({"traits": ["young"]}, 'result: control "animal" is required and has no answer. Say which animal it is.'),
    ],
)
def test_an_answer_of_another_schema_version_has_no_result_b074(
    labels_by_control: Mapping[str, list[str]], refusal: str
) -> None:
    with pytest.raises(ResultError) as refused:
        to_result(PETS, Answer.of(labels_by_control))

    assert str(refused.value) == refusal


def test_what_models_and_the_editor_say_beside_an_answer_does_not_matter() -> None:
    said = region("animal", "Dog", score=0.93, readonly=True, hidden=False, origin="prediction")

    assert validate_result(PETS, [said]) == validate_result(PETS, [region("animal", "Dog")])


@pytest.mark.parametrize(
    ("result", "refusal"),
    [
        pytest.param({}, "result: an annotation is a list of regions, not an object.", id="B013-object"),
        pytest.param("Dog", "result: an annotation is a list of regions, not a text.", id="B013-text"),
        pytest.param(None, "result: an annotation is a list of regions, not null.", id="B013-null"),
        pytest.param(7, "result: an annotation is a list of regions, not a number.", id="B013-number"),
        pytest.param(["Dog"], "result[0]: a region is an object, not a text.", id="B013-region"),
        pytest.param(
            [region("animal", "Dog")] * 1_000_000,
            "result: has 1000000 regions; the schema has 2 controls, each answered once.",
            id="B011-a-million-regions",
        ),
        pytest.param(
            [region("animal", "Dog", honeypot="x")],
            'result[0]: the key "honeypot" is not known here. Known: from_name, to_name, type, value, id, origin, '
            "score, readonly, hidden.",
            id="B015-unknown-key",
        ),
        pytest.param(
            [region("animal", "Dog", score=1.5)],
            "result[0].score: is 1.5; it must be from 0 to 1.",
            id="score-beyond-1",
        ),
        pytest.param(
            [region("animal", "Dog", hidden="yes")],
            "result[0].hidden: is true or false, not a text.",
            id="hidden-by-word",
        ),
        pytest.param(
            [{**region("animal"), "value": {"choices": ["Dog"], "text": "Dog"}}],
            'result[0].value: the key "text" is not known here. Known: choices.',
            id="B015-unknown-value-key",
        ),
        pytest.param([without("to_name")], 'result[0]: the key "to_name" is missing.', id="missing-key"),
        pytest.param(
            [{**region("animal"), "value": {}}], 'result[0].value: the key "choices" is missing.', id="no-choices"
        ),
        pytest.param(
            [region("is_gold", "Dog")],
            'result[0].from_name: there is no control "is_gold" in the schema. Controls: animal, traits.',
            id="B077-hidden-field",
        ),
        pytest.param(
            [region("animal", "Cow")],
            'result[0].value.choices: "Cow" is no choice of "animal". Choices: cat, Dog.',
            id="unknown-label",
        ),
        pytest.param(
            [region("animal", "Cat")],
            'result[0].value.choices: "Cat" is no choice of "animal". Choices: cat, Dog.',
            id="value-instead-of-alias",
        ),
        pytest.param(
            [region("animal", "Dog ")],
            'result[0].value.choices: "Dog " is no choice of "animal". Choices: cat, Dog.',
            id="B043-trailing-space",
        ),
        pytest.param(
            [region("animal", "Dog\u202e")],
            'result[0].value.choices: "Dog\\u202e" is no choice of "animal". Choices: cat, Dog.',
            id="B037-override",
        ),
        pytest.param(
            [region("animal", "{{7*7}}")],
            'result[0].value.choices: "{{7*7}}" is no choice of "animal". Choices: cat, Dog.',
            id="B046-template",
        ),
        pytest.param(
            [region("animal", "cat", "Dog")],
            'result[0].value.choices: control "animal" takes one choice, not 2.',
            id="two-of-one",
        ),
        pytest.param(
            [region("animal", "Dog"), region("traits", "young", "young")],
            "result[1].value.choices: a choice is given twice.",
            id="B005-same-choice-twice",
        ),
        pytest.param(
            [region("animal", "Dog"), region("animal", "cat")],
            'result[1]: control "animal" is answered twice.',
            id="B005-same-control-twice",
        ),
        pytest.param(
            [], 'result: control "animal" is required and has no answer. Say which animal it is.', id="B078-missing"
        ),
        pytest.param(
            [region("animal", " ")],
            'result[0].value.choices: " " is no choice of "animal". Choices: cat, Dog.',
            id="B078-blank",
        ),
        pytest.param(
            [region("animal")],
            "result[0].value.choices: there are no choices; leave the region out when nothing was chosen.",
            id="B078-empty-list",
        ),
        pytest.param([region("animal", 1)], "result[0].value.choices: the choices are a list of texts.", id="number"),
        pytest.param(
            [{**region("animal"), "value": {"choices": "Dog"}}],
            "result[0].value.choices: the choices are a list of texts.",
            id="text-instead-of-list",
        ),
        pytest.param(
            [{**region("animal"), "value": ["Dog"]}], "result[0].value: the value is an object, not a list.", id="list"
        ),
        pytest.param(
            [region("animal", "Dog", type="labels")],
            'result[0].type: is "labels"; supported is choices.',
            id="wrong-type",
        ),
        pytest.param(
            [region("animal", "Dog", type=True)],
            "result[0].type: is a text, not true or false.",
            id="type-is-no-text",
        ),
        pytest.param(
            [region("animal", "Dog", to_name="text")],
            'result[0].to_name: control "animal" is about "photo", not "text".',
            id="wrong-object",
        ),
        pytest.param(
            [region("animal", "Dog", id="<script>")],
            "result[0].id: is 1 to 64 Latin letters, digits, _ or -.",
            id="B097-id",
        ),
        pytest.param(
            [region("animal", "Dog", id="a" * 65)],
            "result[0].id: is 1 to 64 Latin letters, digits, _ or -.",
            id="long-id",
        ),
        pytest.param(
            [region("animal", "Dog", origin="admin")],
            'result[0].origin: is "admin". Possible: manual, prediction, prediction-changed.',
            id="B117-origin",
        ),
    ],
)
def test_an_annotation_that_does_not_fit_is_refused_with_a_reason(result: object, refusal: str) -> None:
    assert refusal_of(result) == refusal


@pytest.mark.parametrize(
    "key",
    [
        "",
        "[]",
        "null",
        '{"animal": ["cat"]}',
        '{"animal":"cat"}',
        '{"animal":[1]}',
        '{"animal":[]}',
        '{"animal":["cat","cat"]}',
        '{"traits":["young"],"animal":["cat"]}',
        '{"traits":["young","asleep"]}',
        "[" * 100_000,
    ],
)
def test_only_what_was_a_key_is_read_back(key: str) -> None:
    with pytest.raises(ValueError, match="is not the key of an answer"):
        Answer.from_key(key)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    animal = draw(st.sampled_from(["cat", "Dog"]))
    traits = draw(st.sets(st.sampled_from(["young", "asleep", "indoors"])))
    return Answer.of({"animal": [animal], "traits": traits})


@given(answers())
def test_an_answer_survives_the_way_through_result_and_key(answer: Answer) -> None:
    result = json.loads(json.dumps(to_result(PETS, answer)))

    assert validate_result(PETS, result) == answer
    assert Answer.from_key(answer.key) == answer
    assert hash(Answer.from_key(answer.key)) == hash(answer)


@given(st.dictionaries(st.text(), st.sets(st.text(), max_size=4), max_size=4))
def test_keys_are_equal_exactly_when_the_answers_are(labels_by_control: dict[str, set[str]]) -> None:
    answer = Answer.of(labels_by_control)

    assert Answer.from_key(answer.key) == answer


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["animal", "Dog"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
REGION_LIKE = st.fixed_dictionaries(
    {
        "from_name": ANY_JSON,
        "to_name": ANY_JSON,
        "type": ANY_JSON,
        "value": st.fixed_dictionaries({"choices": ANY_JSON}),
    }
)


@given(ANY_JSON | st.lists(REGION_LIKE, max_size=2))
def test_whatever_is_sent_is_an_answer_or_a_refusal(result: object) -> None:
    try:
        answer = validate_result(PETS, result)
    except ResultError:
        return
    assert validate_result(PETS, to_result(PETS, answer)) == answer


def test_a_choice_of_thousands_is_checked_at_once() -> None:
    choices = "".join(f'<Choice value="c{i}"/>' for i in range(2_000))
    schema: LabelSchema = parse_schema(
        f'<View><Text name="t" value="$t"/><Choices name="c" toName="t" choice="multiple">{choices}</Choices></View>'
    )
    everything = [
        {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": list(schema.controls[0].labels)}}
    ]

    assert len(validate_result(schema, everything).chosen("c")) == 2_000
