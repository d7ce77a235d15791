"""Agreement: what is published, to the digits printed, and laws that hold for every table of answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.statistics.agreement import (
    GivenValues,
    Metric,
    brennan_prediger,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    interval,
    krippendorff_alpha,
    percent_agreement,
    scott_pi,
)

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "agreement_canonical" / "cases.json"

Measure = Callable[[GivenValues], float | None]

MEASURES: dict[str, Measure] = {
    "percent": percent_agreement,
    "cohen_kappa": cohen_kappa,
    "scott_pi": scott_pi,
    "fleiss_kappa": fleiss_kappa,
    "gwet_ac1": gwet_ac1,
    "brennan_prediger": brennan_prediger,
    "krippendorff_alpha": krippendorff_alpha,
    "alpha_nominal": krippendorff_alpha,
    "alpha_ordinal": lambda values: krippendorff_alpha(values, metric=Metric.ORDINAL),
    "alpha_interval": lambda values: krippendorff_alpha(values, metric=Metric.INTERVAL),
    "alpha_ratio": lambda values: krippendorff_alpha(values, metric=Metric.RATIO),
}


def table_of(rows: list[str]) -> list[list[float | None]]:
    """A row for each task from a row for each worker, a character an answer and a dot for none."""
    return [[None if cell == "." else float(cell) for cell in column] for column in zip(*rows, strict=True)]


def values_of(case: dict[str, Any]) -> GivenValues:
    form, cells = case["format"], case["data"]
    if form.startswith("contingency"):
        return GivenValues.of_contingency(cells)
    if "counts" in form:
        return GivenValues.of_counts(cells)
    table = list(zip(*cells, strict=True)) if form.startswith("raters") else cells
    words = sorted({cell for row in table for cell in row if isinstance(cell, str)})
    return GivenValues.of_table([[words.index(c) if isinstance(c, str) else c for c in row] for row in table])


def digits_of(number: float) -> int:
    return len(str(number).partition(".")[2])


def test_every_published_value_is_met_to_the_digits_printed() -> None:
    if not PUBLISHED.is_file():
        pytest.skip(f"There are no published cases at {PUBLISHED}.")
    cases = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    printed = {
        (case["name"], name): value
        for case in cases
        for name, value in [*case.get("recomputed", {}).items(), *case["expected"].items()]
    }
    computed = {}
    for case in cases:
        values = values_of(case)
        for name in {**case.get("recomputed", {}), **case["expected"]}:
            value = MEASURES[name](values)
            assert value is not None
            computed[case["name"], name] = round(value, digits_of(printed[case["name"], name]))

    assert computed == printed


@pytest.mark.parametrize(
    ("metric", "alpha"),
    [(Metric.NOMINAL, 0.743), (Metric.ORDINAL, 0.815), (Metric.INTERVAL, 0.849), (Metric.RATIO, 0.797)],
)
def test_alpha_of_krippendorffs_own_example_in_all_metrics(metric: Metric, alpha: float) -> None:
    rows = ["123321412...", "1233224125..", ".33323422513", "12332441251."]

    assert krippendorff_alpha(GivenValues.of_table(table_of(rows)), metric=metric) == pytest.approx(alpha, abs=5e-4)


def test_kappas_of_two_abstractors_as_irrcac_prints_them() -> None:
    """The 3 × 3 table of K. L. Gwet's package irrCAC, printed in its README."""
    values = GivenValues.of_contingency([[13, 0, 0], [0, 20, 7], [0, 4, 56]])

    assert cohen_kappa(values) == pytest.approx(0.7964094, abs=5e-8)
    assert scott_pi(values) == pytest.approx(0.7962397, abs=5e-8)
    assert gwet_ac1(values) == pytest.approx(0.8493305, abs=5e-8)
    assert brennan_prediger(values) == pytest.approx(0.835)
    assert krippendorff_alpha(values) == pytest.approx(0.7972585, abs=5e-8)
    assert percent_agreement(values) == pytest.approx(0.89)


def test_kappas_of_six_workers_as_irrcac_prints_them() -> None:
    """K. L. Gwet's table of 15 subjects and 6 raters, printed in the README of irrCAC."""
    rows = "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031"
    values = GivenValues.of_counts([[int(digit) for digit in row] for row in rows.split()])

    assert fleiss_kappa(values) == pytest.approx(0.4139265, abs=5e-8)
    assert gwet_ac1(values) == pytest.approx(0.4448007, abs=5e-8)
    assert brennan_prediger(values) == pytest.approx(0.4388889, abs=5e-8)
    assert krippendorff_alpha(values) == pytest.approx(0.4204384, abs=5e-8)


def test_cohens_kappa_of_a_two_by_two_table() -> None:
    """50 applications judged twice: agreement 0.7, by chance 0.5."""
    assert cohen_kappa(GivenValues.of_contingency([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_classes_that_nobody_chose_count_where_chance_is_about_what_could_be_chosen() -> None:
    values = GivenValues.of_contingency([[8, 1], [1, 2]])

    assert brennan_prediger(values) == pytest.approx((10 / 12 - 1 / 2) / (1 / 2))
    assert brennan_prediger(values, classes=4) == pytest.approx((10 / 12 - 1 / 4) / (3 / 4))
    assert gwet_ac1(values, classes=3) == pytest.approx((10 / 12 - 3 / 16) / (1 - 3 / 16))
    with pytest.raises(ValueError, match="2 different classes were answered, which is more than the 1 there are"):
        brennan_prediger(values, classes=1)


def test_cohens_kappa_counts_only_tasks_that_both_answered() -> None:
    shared = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]

    assert cohen_kappa(GivenValues.of_table([*shared, [1.0, None], [None, 0.0]])) == cohen_kappa(
        GivenValues.of_table(shared)
    )


def test_where_nothing_can_be_compared_there_is_no_measure() -> None:
    alone = GivenValues.of_table([[1.0, None], [None, 0.0]])
    all_alike = GivenValues.of_table([[1.0, 1.0], [1.0, 1.0]])
    nobody = GivenValues.of_table([[None, None]])

    for values in (alone, nobody):
        assert percent_agreement(values) is None
        assert fleiss_kappa(values) is None
        assert krippendorff_alpha(values) is None
    assert cohen_kappa(alone) is None
    assert cohen_kappa(all_alike) is None
    assert krippendorff_alpha(all_alike) is None
    assert percent_agreement(all_alike) == 1.0


@pytest.mark.parametrize(
    ("task", "worker", "value", "fault"),
    [
        ([0, 0], [1, 1], [0, 1], "A worker has at most one value per task."),
        ([0], [1], [float("nan")], "Every value is a finite number; what is missing is left out."),
        ([0, 1], [1], [0], "Tasks, workers and values are three lists of one length."),
        ([-1], [0], [0], "Tasks and workers are counted from 0."),
    ],
)
def test_what_is_no_table_of_answers_is_refused(
    task: list[int], worker: list[int], value: list[float], fault: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        GivenValues.of(task=task, worker=worker, value=value)

    assert str(refusal.value) == fault


def test_measures_of_two_workers_refuse_three() -> None:
    three = GivenValues.of_table([[0.0, 1.0, 1.0]])

    with pytest.raises(ValueError, match="about two workers, not 3"):
        cohen_kappa(three)
    with pytest.raises(ValueError, match="about two workers, not 3"):
        scott_pi(three)


def test_ratios_are_between_values_that_are_not_negative() -> None:
    with pytest.raises(ValueError, match="not negative"):
        krippendorff_alpha(GivenValues.of_table([[-1.0, 2.0]]), metric=Metric.RATIO)


def test_an_interval_is_the_same_for_the_same_generator_and_holds_the_value() -> None:
    values = GivenValues.of_counts([[6, 0], [5, 1], [0, 6], [2, 4], [6, 0], [1, 5], [3, 3], [0, 6]])
    first = interval(krippendorff_alpha, values, generator=np.random.default_rng(5), draws=400)
    again = interval(krippendorff_alpha, values, generator=np.random.default_rng(5), draws=400)

    assert first is not None
    assert first == again
    assert first.value == krippendorff_alpha(values)
    assert first.low < first.value < first.high <= 1.0


def test_an_interval_covers_what_is_so_about_as_often_as_it_says() -> None:
    """Two workers right in 85% of two equally frequent classes agree in 0.745 of the tasks; 80 jobs of 120 tasks."""
    chance, covered = np.random.default_rng(11), 0
    for _ in range(80):
        truth = chance.integers(2, size=(120, 1))
        said = np.where(chance.random((120, 2)) < 0.85, truth, 1 - truth)
        found = interval(percent_agreement, GivenValues.of_table(said.tolist()), generator=chance, draws=80)
        assert found is not None
        covered += found.low <= 0.745 <= found.high

    assert 0.85 * 80 <= covered <= 79


@pytest.mark.parametrize(("level", "draws"), [(0.0, 10), (1.0, 10), (0.95, 1)])
def test_an_interval_needs_a_level_and_draws(level: float, draws: int) -> None:
    values = GivenValues.of_table([[1.0, 1.0], [0.0, 1.0]])

    with pytest.raises(ValueError):
        interval(percent_agreement, values, generator=np.random.default_rng(1), level=level, draws=draws)


tables = st.integers(2, 5).flatmap(
    lambda workers: st.lists(
        st.lists(st.one_of(st.none(), st.integers(0, 3).map(float)), min_size=workers, max_size=workers),
        min_size=1,
        max_size=12,
    )
)


@given(tables, st.permutations(range(4)), st.randoms(use_true_random=False))
def test_names_of_classes_tasks_and_workers_make_no_difference(
    table: list[list[float | None]], names: list[int], chance: Any
) -> None:
    renamed = [[None if cell is None else float(names[int(cell)]) for cell in row] for row in table]
    columns = chance.sample(range(len(table[0])), len(table[0]))
    shuffled = [[row[place] for place in columns] for row in chance.sample(renamed, len(renamed))]

    for name in ("percent", "fleiss_kappa", "gwet_ac1", "brennan_prediger", "alpha_nominal"):
        before, after = MEASURES[name](GivenValues.of_table(table)), MEASURES[name](GivenValues.of_table(shuffled))
        assert after == (None if before is None else pytest.approx(before, abs=1e-9))


@given(tables)
def test_no_measure_is_above_one_and_only_full_agreement_is_one(table: list[list[float | None]]) -> None:
    values = GivenValues.of_table(table)
    answers = [[cell for cell in row if cell is not None] for row in table]
    agreed = all(len(set(row)) == 1 for row in answers if len(row) >= 2)

    for name in ("percent", "fleiss_kappa", "gwet_ac1", "brennan_prediger", "alpha_nominal", "alpha_interval"):
        found = MEASURES[name](values)
        assert found is None or found <= 1 + 1e-12
        assert found is None or (found > 1 - 1e-12) == agreed


@given(tables, st.floats(0.5, 20.0), st.floats(0.0, 100.0))
def test_interval_alpha_does_not_know_the_unit_and_ratio_alpha_not_the_scale(
    table: list[list[float | None]], scale: float, shift: float
) -> None:
    def changed(to: Callable[[float], float]) -> GivenValues:
        return GivenValues.of_table([[None if cell is None else to(cell) for cell in row] for row in table])

    def same(metric: Metric, one: GivenValues, other: GivenValues) -> bool:
        before, after = krippendorff_alpha(one, metric=metric), krippendorff_alpha(other, metric=metric)
        return after == (None if before is None else pytest.approx(before, abs=1e-6))

    plain = changed(lambda x: x)
    assert same(Metric.INTERVAL, plain, changed(lambda x: x * scale + shift))
    assert same(Metric.RATIO, plain, changed(lambda x: x * scale))
    assert same(Metric.ORDINAL, plain, changed(lambda x: x**3))
