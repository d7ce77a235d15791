"""What may be believed of a model: its vote, the bound of its error at all times, drift, and false alarms."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualification.labels.schema import parse_schema
from qualification.statistics.automation.bound import (
    Audits,
    Checked,
    clopper_pearson,
    holds,
    is_broken,
    lowest_threshold,
    share_right,
    upper_bound,
)
from qualification.statistics.automation.drift import chi_square_tail, homogeneity, stability_index, watch
from qualification.statistics.automation.voter import (
    error_rates,
    measured_accuracy,
    rates_read,
    written_rates,
)
from qualification.statistics.parts import parts_of

RUNS = 500


def test_an_unmeasured_model_guesses_and_checks_draw_it_to_what_they_show() -> None:
    assert measured_accuracy(right=0, wrong=0, candidates=4) == 0.25
    assert measured_accuracy(right=8, wrong=0, candidates=4) == (8 + 2) / 16
    assert measured_accuracy(right=0, wrong=8, candidates=4) == 2 / 16
    with pytest.raises(ValueError, match="no measurement"):
        measured_accuracy(right=-1, wrong=0, candidates=2)


def rates_of(*counts: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """The error rates of a model that is asked one single choice, by its checks."""
    right, checks = sum(row[place] for place, row in enumerate(counts)), sum(map(sum, counts))
    accuracy = measured_accuracy(right=right, wrong=checks - right, candidates=len(counts))
    return error_rates(counts, accuracy=accuracy)


def test_the_error_rates_of_a_model_whose_errors_fall_alike_are_its_one_accuracy() -> None:
    assert rates_of((0, 0), (0, 0)) == ((0.505, 0.495), (0.495, 0.505))  # no vote is less
    assert list(map(list, rates_of((19, 1), (1, 19)))) == [
        pytest.approx([(38 + 4) / 48, (2 + 4) / 48]),
        pytest.approx([(2 + 4) / 48, (38 + 4) / 48]),
    ]
    for one_class, right in (((1, 0), 5 / 9), ((20, 10), 24 / 38)):
        assert list(map(list, rates_of(one_class, (0, 0)))) == [
            pytest.approx([right, 1 - right]),
            pytest.approx([1 - right, right]),
        ]


def test_a_class_that_a_model_takes_for_another_has_rates_of_its_own() -> None:
    cat, dog = rates_of((40, 0), (20, 20))

    # The one accuracy is 64 / 88; by all checks 84 of 88 cats are right and 44 of 88 dogs, then by 40 of their own.
    assert cat == pytest.approx([(40 * 84 / 88 + 8 * 64 / 88) / 48, (40 * 4 / 88 + 8 * 24 / 88) / 48])
    assert dog == pytest.approx([(40 * 44 / 88 + 8 * 24 / 88) / 48, (40 * 44 / 88 + 8 * 64 / 88) / 48])
    assert dog[1] / cat[1] > 3 * cat[0] / dog[0]  # its "dog" is believed, its "cat" hardly


def test_the_more_ways_to_be_wrong_the_more_checks_it_takes_to_know_which() -> None:
    cat, dog, cow = rates_of((8, 0, 0), (8, 8, 0), (0, 0, 0))

    right, wrong = (16 + 8 / 3) / 32, (8 + 16 / 3) / 32 / 2
    own = (8 * 24 / 32 + 16 * 8 / 32 / 3, 16 * 8 / 32 / 3)  # of 16 dogs, by all 24 checks: for each of two, for none
    assert dog == pytest.approx([(own[0] + 16 * wrong) / 32, (own[0] + 16 * right) / 32, (own[1] + 16 * wrong) / 32])
    assert cat[0] > right
    assert cow == pytest.approx([wrong, wrong, right])


def test_no_model_is_believed_more_than_anybody_however_often_it_was_right() -> None:
    assert list(map(list, rates_of((9000, 0, 0), (0, 9000, 0), (0, 0, 9000)))) == [
        pytest.approx(row) for row in ([0.99, 0.005, 0.005], [0.005, 0.99, 0.005], [0.005, 0.005, 0.99])
    ]


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3), st.floats(0, 1))
def test_error_rates_are_chances_whatever_was_checked(counts: list[list[int]], accuracy: float) -> None:
    chances = error_rates(counts, accuracy=accuracy)

    assert [sum(row) for row in chances] == pytest.approx([1.0] * 3, abs=0.01)
    assert min(map(min, chances)) >= 0.005 - 1e-12
    assert max(map(max, chances)) <= 0.99


def test_error_rates_are_written_by_part_and_read_as_they_were() -> None:
    many = "".join(f'<Choice value="{n}"/>' for n in range(21))
    schema = parse_schema(
        '<View><Text name="t" value="$t"/>'
        '<Choices name="p" toName="t"><Choice value="Y"/></Choices>'
        '<Choices name="q" toName="t" choice="multiple"><Choice value="A"/><Choice value="B"/></Choices>'
        f'<Choices name="r" toName="t">{many}</Choices></View>'
    )
    checks = [('{"p":["Y"],"q":["A"]}', '{"p":["Y"],"q":["A","B"]}', 6), ('{"p":["N"]}', '{"q":["A"]}', 2)]

    rows = written_rates(checks, schema=schema, accuracy=0.0)

    assert [(row["control"], row["label"], row["classes"]) for row in rows] == [
        ("p", "", ["Y", ""]),
        ("q", "A", ["", "A"]),
        ("q", "B", ["", "B"]),
    ]
    coin = 0.505, 0.495
    by_part = [
        error_rates(((6, 0), (0, 0)), accuracy=0.0, parts=4),  # nobody says "N" any more
        error_rates(((0, 2), (0, 6)), accuracy=0.0, parts=4),
        error_rates(((2, 6), (0, 0)), accuracy=0.0, parts=4),
    ]
    assert [row["chances"] for row in rows] == [[[round(each, 6) for each in row] for row in part] for part in by_part]
    assert by_part[0][1] == pytest.approx(coin[::-1])
    assert list(rates_read(rows)) == list(parts_of(schema)[:3])
    assert rates_read(rows)[parts_of(schema)[1]] == tuple(map(tuple, rows[1]["chances"]))


@pytest.mark.parametrize(
    ("allowed", "audits", "with_five", "one_look"), [(0.01, 410, 597, 299), (0.05, 81, 117, 59), (0.1, 40, 57, 29)]
)
def test_how_many_clean_audits_a_bound_takes(allowed: float, audits: int, with_five: int, one_look: int) -> None:
    for number, alpha in ((audits, 0.05), (with_five, 0.01)):
        assert holds(Audits(number, 0), allowed=allowed, alpha=alpha)
        assert not holds(Audits(number - 1, 0), allowed=allowed, alpha=alpha)
    assert clopper_pearson(Audits(one_look, 0)) <= allowed < clopper_pearson(Audits(one_look - 1, 0))


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.005, 0.5), st.sampled_from([0.01, 0.05]))
def test_a_bound_holds_exactly_when_it_is_below_what_is_allowed(
    number: int, share: float, allowed: float, alpha: float
) -> None:
    audits = Audits(number, round(share * number))
    bound = upper_bound(audits, allowed=allowed, alpha=alpha)

    assert audits.wrong / number <= bound <= 1
    assert bound >= clopper_pearson(audits, alpha=alpha) - 1e-9
    if abs(bound - allowed) > 1e-6:
        assert holds(audits, allowed=allowed, alpha=alpha) == (bound <= allowed)


def test_the_lowest_threshold_that_holds_is_taken_and_none_if_none_does() -> None:
    checks = [Checked(0.9, is_right=True)] * 60 + [Checked(0.4, is_right=False)] * 20

    found = lowest_threshold(checks, thresholds=[0.4, 0.9], allowed=0.1)

    assert found is not None
    assert (found.score, found.audits) == (0.9, Audits(60, 0))
    assert lowest_threshold(checks, thresholds=[0.4], allowed=0.1) is None
    assert lowest_threshold([], thresholds=[0.4, 0.9], allowed=0.1) is None


def test_a_prediction_is_as_likely_right_as_the_audits_like_it_and_no_surer_than_they_are_many() -> None:
    few, many = share_right(Audits(8, 0)), share_right(Audits(800, 0))

    assert few == pytest.approx((0.9, 0.025 ** (1 / 9), 0.975 ** (1 / 9)))  # of Beta(9, 1), whose quantiles are roots
    assert many[2] - many[1] < 0.005 < few[2] - few[1]


def test_a_bound_is_broken_only_by_evidence() -> None:
    assert not is_broken(Audits(2, 2), allowed=0.2)
    assert is_broken(Audits(4, 4), allowed=0.2)
    assert not is_broken(Audits(100, 20), allowed=0.2)


def the_error_of_what_is_accepted(chance: random.Random, *, allowed: float) -> float | None:
    """One job, looked at after every tenth audit: the true error at or above the threshold that is first let accept.

    The model is right with a chance that rises with its score, so that somewhere on the way the error is just allowed.
    """
    edge = chance.uniform(0.2, 1.1)
    thresholds = [0.0, 0.2, 0.4, 0.6, 0.8]
    errors = {score: _mean_error(score, edge, allowed) for score in thresholds}
    checks: list[Checked] = []
    for _ in range(40):
        scores = [chance.random() for _ in range(10)]
        checks += [Checked(score, is_right=chance.random() >= _error(score, edge, allowed)) for score in scores]
        found = lowest_threshold(checks, thresholds=thresholds, allowed=allowed)
        if found is not None:
            return errors[found.score]
    return None


def _error(score: float, edge: float, allowed: float) -> float:
    return min(max(allowed * (1 + 2 * (edge - score)), 0.0), 1.0)


def _mean_error(score: float, edge: float, allowed: float) -> float:
    places = [score + (1 - score) * (step + 0.5) / 50 for step in range(50)]
    return sum(_error(place, edge, allowed) for place in places) / 50


def test_what_is_accepted_errs_more_than_allowed_in_at_most_one_job_of_twenty() -> None:
    chance = random.Random(7)
    errors = [the_error_of_what_is_accepted(chance, allowed=0.1) for _ in range(RUNS)]
    accepted = [error for error in errors if error is not None]

    assert len(accepted) > RUNS / 20
    assert sum(error > 0.1 for error in accepted) <= RUNS / 20


def test_looking_again_and_again_at_a_bound_for_one_look_breaks_its_promise() -> None:
    chance, broken = random.Random(7), {"one look": 0, "at all times": 0}
    for _ in range(RUNS):
        wrong, told = 0, set[str]()
        for number in range(1, 201):
            wrong += chance.random() < 0.1
            audits = Audits(number, wrong)
            if number % 10 == 0 and wrong < 0.1 * number:
                told |= {"one look"} if clopper_pearson(audits) < 0.1 else set()
                told |= {"at all times"} if holds(audits, allowed=0.1) else set()
        for name in told:
            broken[name] += 1

    assert broken["at all times"] <= RUNS / 20 < broken["one look"]


@pytest.mark.parametrize(
    ("statistic", "degrees", "tail"), [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (11.344867, 3, 0.01), (0.0, 4, 1.0)]
)
def test_the_tail_of_chi_square_is_that_of_the_tables(statistic: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(tail, abs=1e-6)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 100), min_size=1))
def test_what_is_spread_alike_has_not_shifted(counts: dict[str, int]) -> None:
    assert stability_index(counts, counts) == pytest.approx(0)
    assert homogeneity(counts, counts) == pytest.approx(1.0)


def test_rare_classes_are_looked_at_together() -> None:
    first, later = Counter(a=48, b=1, c=1), Counter(a=48, d=1, e=1)

    assert homogeneity(first, later) == 1.0
    assert homogeneity(Counter(a=25, b=25), Counter(a=45, b=5)) < 1e-4


def test_a_job_without_drift_is_told_that_it_has_some_in_at_most_one_of_a_hundred() -> None:
    chance = random.Random(11)
    told = 0
    for _ in range(RUNS):
        labels = chance.choices("aaaabbcd", k=1000)
        pairs = [(label if chance.random() < 0.9 else "a", label) for label in labels]
        drift = watch(pairs)
        told += drift is not None and drift.has_drifted

    assert told <= RUNS / 100


def test_drift_is_found_in_the_window_where_it_begins() -> None:
    pairs = [("a", "a"), ("b", "b")] * 50 + [("a", "b")] * 50

    drift = watch(pairs)

    assert drift is not None
    assert (drift.window, drift.has_drifted) == (3, True)
    assert drift.labels.stability_index > 1 and drift.predictions.stability_index > 1
    assert watch(pairs[:99]) is None
