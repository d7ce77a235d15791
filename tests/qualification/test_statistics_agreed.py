"""Agreement in a job: measures that fit each question, and intervals for hundreds of draws at once."""

import numpy as np
import pytest

from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import parse_schema
from qualification.statistics.agreed import agreed_by_label, agreed_by_pair, agreed_on
from qualification.statistics.agreement import (
    GivenValues,
    Metric,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    interval,
    krippendorff_alpha,
    percent_agreement,
)
from qualification.statistics.likeness import Given
from qualification.statistics.resampling import mean_interval, nominal_agreement

STARS = parse_schema('<View><Text name="t" value="$t"/><Rating name="s" toName="t" maxRating="5"/></View>')
SEVERAL = parse_schema(
    '<View><Text name="t" value="$t"/><Choices name="c" toName="t" choice="multiple">'
    '<Choice value="a"/><Choice value="b"/></Choices></View>'
)
SIDES = parse_schema(
    '<View><Text name="t" value="$t"/><Text name="o" value="$o"/>'
    '<Pairwise name="p" toName="t,o" required="true"/></View>'
)
SPANS = parse_schema(
    '<View><Text name="t" value="$t"/><Labels name="l" toName="t"><Label value="Name"/></Labels></View>'
)


def some_values(seed: int = 5) -> GivenValues:
    """Three hundred tasks of three classes with one to four answers each, mostly right."""
    chance = np.random.default_rng(seed)
    rows = [
        (task, worker, truth if chance.random() < 0.8 else chance.integers(3))
        for task in range(300)
        for truth in [chance.integers(3)]
        for worker in range(chance.integers(1, 5))
    ]
    return GivenValues.of(task=[r[0] for r in rows], worker=[r[1] for r in rows], value=[r[2] for r in rows])


def test_all_draws_at_once_give_the_intervals_of_draw_by_draw() -> None:
    given = some_values()

    found = nominal_agreement(given, classes=3, generator=np.random.default_rng(1), draws=4000)

    measured = [(found.percent, percent_agreement), (found.alpha, krippendorff_alpha), (found.ac1, gwet_ac1)]
    for one, measure in [*measured, (found.fleiss, fleiss_kappa)]:
        other = interval(measure, given, generator=np.random.default_rng(2), draws=1000)
        assert one is not None and other is not None
        assert one.value == other.value
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_what_cannot_be_compared_has_no_measure() -> None:
    single = GivenValues.of(task=[0, 1], worker=[0, 0], value=[0, 1])
    found = nominal_agreement(single, classes=2, generator=np.random.default_rng(1))
    assert (found.percent, found.alpha, found.ac1, found.fleiss) == (None, None, None, None)
    assert mean_interval(np.array([]), generator=np.random.default_rng(1)) is None


DIAGNOSES = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
"""How many of six psychiatrists gave each of 30 patients each of these diagnoses: J. L. Fleiss (1971), table 1."""

WHAT_THEY_HAVE = ("Depression", "Personality disorder", "Schizophrenia", "Neurosis", "Other")


def test_what_six_psychiatrists_said_has_the_kappa_that_fleiss_printed_and_one_of_each_diagnosis() -> None:
    choices = "".join(f'<Choice value="{one}"/>' for one in WHAT_THEY_HAVE)
    schema = parse_schema(
        f'<View><Text name="t" value="$t"/><Choices name="c" toName="t" required="true">{choices}</Choices></View>'
    )
    given = [
        Given(str(patient), str(psychiatrist), Answer.of({"c": [said]}))
        for patient, counts in enumerate(DIAGNOSES.split())
        for psychiatrist, said in enumerate(
            one for one, count in zip(WHAT_THEY_HAVE, counts, strict=True) for _ in range(int(count))
        )
    ]

    found = agreed_on(schema, schema.controls[0], given, generator=np.random.default_rng(1))
    by_label = agreed_by_label(schema, schema.controls[0], given, most=60, generator=np.random.default_rng(1))

    assert (found.tasks, found.answers) == (30, 180)
    assert found.fleiss is not None
    assert round(found.fleiss.value, 3) == 0.430
    assert found.fleiss.low < 0.430 < found.fleiss.high
    # His formula for one of them: 1 - the sum of n (6 - n) / (30 patients × 6 × 5 × share × the share of the others).
    for place, label in enumerate(WHAT_THEY_HAVE):
        times = np.array([int(counts[place]) for counts in DIAGNOSES.split()])
        share = times.sum() / 180
        by_hand = 1 - (times * (6 - times)).sum() / (30 * 6 * 5 * share * (1 - share))
        one = by_label[label].fleiss
        assert one is not None
        assert one.value == pytest.approx(by_hand)


def test_of_two_workers_there_is_no_kappa_of_fleiss() -> None:
    two = GivenValues.of(task=[0, 0, 1, 1], worker=[0, 1, 0, 1], value=[0, 1, 1, 1])
    three = GivenValues.of(task=[0, 0, 1, 1], worker=[0, 1, 0, 2], value=[0, 1, 1, 1])

    assert nominal_agreement(two, classes=2, generator=np.random.default_rng(1)).fleiss is None
    found = nominal_agreement(three, classes=2, generator=np.random.default_rng(1)).fleiss
    # By chance: 1/4 × 1/4 + 3/4 × 3/4.
    assert found is not None
    assert found.value == pytest.approx((1 / 2 - 10 / 16) / (1 - 10 / 16))


@pytest.mark.parametrize(
    ("bounds", "numbers", "level", "alpha"),
    [
        ('min="0"', Metric.RATIO, Metric.RATIO, 0.797),
        ('min="1" max="5"', Metric.RATIO, Metric.RATIO, 0.797),
        ('min="0"', Metric.INTERVAL, Metric.INTERVAL, 0.849),
        ('min="-5"', Metric.RATIO, Metric.INTERVAL, 0.849),
        ('max="5"', Metric.RATIO, Metric.INTERVAL, 0.849),
    ],
)
def test_numbers_are_taken_apart_by_ratio_only_where_none_is_below_0(
    bounds: str, numbers: Metric, level: Metric, alpha: float
) -> None:
    """The values of Krippendorff's example C (2011), and what he prints for them."""
    schema = parse_schema(f'<View><Text name="t" value="$t"/><Number name="n" toName="t" {bounds}/></View>')
    given = [
        Given(str(task), str(worker), validate_result(schema, [region]))
        for worker, row in enumerate(["123321412...", "1233224125..", ".33323422513", "12332441251."])
        for task, said in enumerate(row)
        if said != "."
        for region in [{"from_name": "n", "to_name": "t", "type": "number", "value": {"number": int(said)}}]
    ]

    found = agreed_on(schema, schema.controls[0], given, generator=np.random.default_rng(1), numbers=numbers)

    assert found.alpha is not None
    assert (found.level, round(found.alpha.value, 3)) == (level, alpha)


def stars(task: str, worker: str, rating: int) -> Given:
    region = {"from_name": "s", "to_name": "t", "type": "rating", "value": {"rating": rating}}
    return Given(task, worker, validate_result(STARS, [region]))


def test_ratings_are_steps() -> None:
    given = [stars("1", "a", 1), stars("1", "b", 1), stars("2", "a", 5), stars("2", "b", 4)]
    found = agreed_on(STARS, STARS.controls[0], given, generator=np.random.default_rng(1))
    table = GivenValues.of_table([[1, 1], [5, 4]])
    assert found.alpha is not None and found.likeness is not None
    assert found.alpha.value == krippendorff_alpha(table, metric=Metric.ORDINAL)
    assert (found.level, found.percent, found.likeness.value) == (Metric.ORDINAL, None, 0.875)


def test_several_choices_are_one_answer_and_alike_by_what_they_share() -> None:
    given = [
        Given("1", "a", Answer.of({"c": ["a", "b"]})),
        Given("1", "b", Answer.of({"c": ["a"]})),
        Given("2", "a", Answer.of({"c": ["b"]})),
        Given("2", "b", Answer.of({"c": ["b"]})),
    ]
    found = agreed_on(SEVERAL, SEVERAL.controls[0], given, generator=np.random.default_rng(1))
    assert found.percent is not None and found.likeness is not None
    assert (found.percent.value, found.likeness.value) == (0.5, 0.75)
    by_label = agreed_by_label(SEVERAL, SEVERAL.controls[0], given, most=60, generator=np.random.default_rng(1))
    assert {label: one.percent and one.percent.value for label, one in by_label.items()} == {"a": 1.0, "b": 0.5}


def test_which_of_two_is_better_is_a_class() -> None:
    def side(task: int, worker: str, selected: str) -> Given:
        region = {"from_name": "p", "to_name": "t,o", "type": "pairwise", "value": {"selected": selected}}
        return Given(str(task), worker, validate_result(SIDES, [region]))

    said = [("left", "left"), ("right", "right"), ("left", "right"), ("left", "left")]
    given = [side(task, worker, both[n]) for task, both in enumerate(said) for n, worker in enumerate("ab")]
    found = agreed_on(SIDES, SIDES.controls[0], given, generator=np.random.default_rng(1))
    pairs = agreed_by_pair(SIDES, SIDES.controls[0], given, most=1, generator=np.random.default_rng(1))

    table = GivenValues.of_table([[0, 0], [1, 1], [0, 1], [0, 0]])
    assert found.alpha is not None and found.percent is not None and found.ac1 is not None
    assert (found.level, found.percent.value, found.likeness) == (Metric.NOMINAL, 0.75, None)
    assert (found.alpha.value, found.ac1.value) == (krippendorff_alpha(table), gwet_ac1(table))
    assert pairs["a", "b"].kappa is not None
    assert pairs["a", "b"].kappa.value == cohen_kappa(table)


def test_spans_are_alike() -> None:
    def span(task: str, worker: str, end: int) -> Given:
        value = {"start": 0, "end": end, "labels": ["Name"]}
        region = {"from_name": "l", "to_name": "t", "type": "labels", "value": value}
        return Given(task, worker, validate_result(SPANS, [region]))

    given = [span("1", "a", 4), span("1", "b", 4), span("2", "a", 4), span("2", "b", 2)]
    found = agreed_on(SPANS, SPANS.controls[0], given, generator=np.random.default_rng(1))
    by_label = agreed_by_label(SPANS, SPANS.controls[0], given, most=60, generator=np.random.default_rng(1))
    assert (found.level, found.alpha, found.tasks, found.answers) == (None, None, 2, 4)
    assert found.likeness is not None and 0.5 < found.likeness.value < 1
    assert list(by_label) == ["Name"]
