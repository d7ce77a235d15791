"""Which tasks to ask about next: unsure ones, that differ; and how many labels that saves on handwritten digits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.bench.quality.learning import labels_to_reach
from marketplace.demo.digits import load_digits
from qualification.statistics.selection.batches import Diversity, core_set, one_of_each_cluster, pick_batch
from qualification.statistics.selection.order import priorities_of
from qualification.statistics.selection.uncertainty import Floats, Measure, uncertainty

FOUR = np.repeat(np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0], [9.0, 9.0]]), 25, axis=0)


@pytest.mark.parametrize("measure", Measure)
def test_who_says_all_classes_alike_is_unsure_and_who_names_one_is_not(measure: Measure) -> None:
    rows = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0.7, 0.1, 0.1, 0.1], [7, 1, 1, 1]])
    unsure = uncertainty(rows, measure=measure)

    assert unsure[0] == pytest.approx(1.0)
    assert unsure[1] == pytest.approx(0.0)
    assert unsure[1] < unsure[2] < unsure[0]
    assert unsure[3] == pytest.approx(unsure[2])


def test_the_measures_are_those_of_the_books() -> None:
    row = [[0.5, 0.3, 0.2]]

    assert uncertainty(row, measure=Measure.LEAST_CONFIDENCE) == pytest.approx([0.5 * 3 / 2])
    assert uncertainty(row, measure=Measure.MARGIN) == pytest.approx([0.8])
    assert uncertainty(row, measure=Measure.ENTROPY) == pytest.approx([0.9372305632])


@pytest.mark.parametrize("rows", [[[0.5]], [0.5, 0.5], [[-0.1, 1.1]], [[float("nan"), 1.0]], [[0.0, 0.0]]])
def test_what_is_no_probability_is_refused(rows: Any) -> None:
    with pytest.raises(ValueError, match="robabilit"):
        uncertainty(rows)


def test_a_batch_takes_one_of_each_kind_where_the_most_unsure_are_all_alike() -> None:
    unsure = np.linspace(0.4, 0.5, 100)
    generator = np.random.default_rng(1)

    plain = pick_batch(unsure, FOUR, size=4, diversity=Diversity.NONE, generator=generator)
    clusters = pick_batch(unsure, FOUR, size=4, diversity=Diversity.CLUSTERS, generator=generator)
    centres = pick_batch(unsure, FOUR, size=4, diversity=Diversity.CORE_SET, generator=generator)

    assert plain.tolist() == [99, 98, 97, 96]
    assert sorted(clusters // 25) == sorted(centres // 25) == [0, 1, 2, 3]


def test_what_is_labelled_already_is_not_looked_for_again() -> None:
    unsure, labelled = np.full(100, 0.5), FOUR[:75]

    assert core_set(unsure, FOUR, size=1, labelled=labelled).tolist() == [75]


def test_copies_fill_a_batch_by_how_unsure_they_are() -> None:
    unsure = np.array([0.1, 0.3, 0.2])

    found = one_of_each_cluster(unsure, np.zeros((3, 2)), size=3, generator=np.random.default_rng(1))

    assert sorted(found.tolist()) == [0, 1, 2]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.sampled_from(Diversity), st.integers(0, 5))
def test_a_batch_is_of_its_size_without_repeats_and_the_same_again(
    tasks: int, size: int, diversity: Diversity, seed: int
) -> None:
    drawn = np.random.default_rng(seed)
    unsure, embeddings = drawn.random(tasks), drawn.integers(0, 3, (tasks, 2)).astype(np.float64)

    def batch() -> list[int]:
        generator = np.random.default_rng(seed)
        found = pick_batch(unsure, embeddings, size=size, diversity=diversity, generator=generator)
        return [int(place) for place in found]

    assert len(set(batch())) == len(batch()) == min(size, tasks)
    assert batch() == batch()


def test_priorities_put_the_batch_first_and_the_others_by_how_unsure_they_are() -> None:
    unsure = np.arange(17) / 17

    priorities = priorities_of(unsure, np.array([3]))

    assert priorities.tolist() == [9, 9, 8, 1, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2]


def test_unsure_digits_teach_a_model_with_fewer_labels_than_random_ones() -> None:
    digits = load_digits()
    pixels: Floats = np.array([list(digit.pixels) for digit in digits], dtype=np.float64) / 16
    labels = np.array([digit.label for digit in digits])

    needed = {way: labels_to_reach(0.93, pixels, labels, way=way, seeds=range(3)) for way in ("random", "margin")}

    assert needed["margin"] < needed["random"]
