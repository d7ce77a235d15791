"""Who is sure among a job's workers, and where a claim looks first."""

import random

import pytest

from qualification.statistics.steering import ANYWAY, accuracy_of, surest, way_in


@pytest.mark.parametrize(
    ("accuracies", "answers", "expected"),
    [
        ([0.9, 0.8, 0.7, 0.6], [10, 10, 10, 10], [True, True, False, False]),
        ([0.6, 0.9, 0.7], [10, 80, 10], [False, True, False]),
        ([0.9, 0.8, 0.8, 0.6], [10, 10, 10, 10], [True, True, True, False]),
        ([0.9, 0.5], [1, 99], [False, False]),
        ([0.8, None, 0.6], [10, 5, 10], [True, False, False]),
        ([0.7, 0.7, 0.7], [5, 5, 5], [False, False, False]),
        ([None, None], [5, 5], [False, False]),
        ([0.9], [50], [False]),
        ([], [], []),
    ],
)
def test_the_sure_are_those_most_often_right_who_gave_half_of_the_answers(
    accuracies: list[float | None], answers: list[int], expected: list[bool]
) -> None:
    assert surest(accuracies, answers) == expected


def test_how_often_somebody_is_right_weighs_classes_by_their_share() -> None:
    matrix = ((0.9, 0.1), (0.4, 0.6))

    assert accuracy_of(matrix, (0.75, 0.25)) == pytest.approx(0.825)
    assert accuracy_of(((1.8, 0.2), (0.4, 0.6)), (0.75, 0.25)) == pytest.approx(0.825)
    assert accuracy_of(0.7, (0.75, 0.25)) == 0.7
    assert accuracy_of(None, (0.5, 0.5)) is None


def test_the_sure_look_among_unsure_tasks_and_one_in_ten_of_the_others_does_too() -> None:
    chance = random.Random(5)
    ways = [way_in(is_sure=False, drawn=chance.random()) for _ in range(20_000)]

    assert way_in(is_sure=True, drawn=0.5) == (True, 0.5)
    assert sum(unsure_first for unsure_first, _ in ways) / len(ways) == pytest.approx(ANYWAY, abs=0.01)
    for unsure_first in (True, False):  # wherever they look, they enter anywhere alike
        starts = sorted(start for first, start in ways if first is unsure_first)
        assert 0 <= starts[0] < 0.01
        assert 0.99 < starts[-1] < 1
        assert starts[len(starts) // 2] == pytest.approx(0.5, abs=0.05)
