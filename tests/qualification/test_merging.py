"""Merging answers that are no classes: exact outcomes of each method, and what it finds in crowds that are made up."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualification.labels.kinds.packed_runs import pack, unpack
from qualification.statistics.merging.angles import circular_mean
from qualification.statistics.merging.crowds import merge_job
from qualification.statistics.merging.numbers import fuse_numbers, weighted_mean, weighted_median
from qualification.statistics.merging.rankings import crowd_strengths, strengths_of
from qualification.statistics.merging.spans import Marked, f1_of, fuse_spans
from qualification.statistics.merging.stretches import covered_by_most, jaccard
from qualification.statistics.merging.words import vote_on_words
from tests.qualification.kinds import packed


def test_with_equal_weights_the_weighted_median_and_mean_are_the_plain_ones() -> None:
    for values in ([3.0], [3.0, 1.0], [3.0, 1.0, 2.0], [4.0, 1.0, 2.0, 9.0]):
        assert weighted_median(values, [1.0] * len(values)) == float(np.median(values))
        assert weighted_mean(values, [1.0] * len(values)) == pytest.approx(float(np.mean(values)))


def test_the_median_of_weight_has_half_of_it_on_each_side() -> None:
    assert weighted_median([1.0, 2.0, 9.0], [1.0, 1.0, 3.0]) == 9.0
    assert weighted_median([1.0, 2.0, 9.0], [2.0, 1.0, 1.0]) == 1.5


def test_350_and_10_degrees_have_0_between_them() -> None:
    assert circular_mean([350.0, 10.0], [1.0, 1.0]) == pytest.approx(0.0)
    assert circular_mean([0.0, 180.0], [1.0, 1.0]) == 0.0


def test_numbers_of_workers_with_a_bias_and_of_workers_who_guess_are_told_apart() -> None:
    chance = np.random.default_rng(3)
    truth = chance.uniform(0, 10, 80)
    bias, spread = np.array([0.0, 2.0, -2.0, 0.0, 0.0]), np.array([0.2, 0.2, 0.2, 0.2, 4.0])
    task, worker = (each.ravel() for each in np.meshgrid(np.arange(80), np.arange(5), indexing="ij"))
    said = truth[task] + bias[worker] + spread[worker] * chance.standard_normal(task.size)

    fused = fuse_numbers(task=task, worker=worker, said=said, tasks=80, workers=5)

    plain = np.array([np.mean(said[task == one]) for one in range(80)])
    assert np.mean(np.abs(fused.values - truth)) < np.mean(np.abs(plain - truth)) / 3
    assert np.argmax(fused.variance) == 4
    assert np.argsort(fused.bias[:4]).tolist()[0] == 2
    assert np.argsort(fused.bias[:4]).tolist()[-1] == 1


@pytest.mark.parametrize("robust", [True, False])
def test_a_task_without_an_answer_has_no_number_and_does_not_disturb_the_others(*, robust: bool) -> None:
    task, worker = np.array([0, 0, 0, 2, 2]), np.array([0, 1, 2, 0, 1])

    fused = fuse_numbers(task=task, worker=worker, said=np.array([5.0, 5, 5, 7, 7]), tasks=4, workers=4, robust=robust)
    nothing = fuse_numbers(task=task[:0], worker=worker[:0], said=np.empty(0), tasks=2, workers=1, robust=robust)

    assert fused.values.tolist() == pytest.approx([5, 0, 7, 0])
    assert nothing.values.tolist() == [0, 0]


def test_what_more_than_half_of_the_weight_covers() -> None:
    three = [[(0.0, 10.0)], [(5.0, 15.0)], [(8.0, 20.0), (30.0, 40.0)]]

    assert covered_by_most(three, [1.0, 1.0, 1.0]) == [(5.0, 15.0)]
    assert covered_by_most(three, [1.0, 1.0, 3.0]) == [(8.0, 20.0), (30.0, 40.0)]
    assert covered_by_most(three[:2], [1.0, 1.0]) == [(5.0, 10.0)]
    assert jaccard([(0, 10)], [(5, 15)]) == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_mask_survives_packing(pieces: list[tuple[int, int]]) -> None:
    opaque = {place for start, length in pieces for place in range(start, min(start + length, 240))}
    edges = sorted(place for place in opaque if place - 1 not in opaque)
    runs = tuple((start, next(end for end in range(start, 241) if end not in opaque)) for start in edges)

    assert unpack(pack(runs, pixels=240), pixels=240) == runs
    assert unpack(bytes(packed(runs, pixels=240)), pixels=240) == runs


def test_bradley_terry_gives_two_things_the_log_odds_of_their_wins() -> None:
    strengths = strengths_of(np.array([[0.0, 3.0], [1.0, 0.0]]))

    assert strengths.sum() == pytest.approx(0)
    assert strengths[0] - strengths[1] == pytest.approx(np.log(3.1 / 1.1))


def test_a_worker_who_reads_the_question_the_other_way_does_not_turn_the_order() -> None:
    chance = random.Random(5)
    pairs = [(a, b, worker) for worker in range(4) for a in range(6) for b in range(a)]
    said = []
    for better, worse, worker in pairs:
        is_contrary = worker == 0 or chance.random() < 0.1
        said.append((worse, better, worker) if is_contrary else (better, worse, worker))
    winner, loser, by = (np.array(column) for column in zip(*said, strict=True))

    compared = crowd_strengths(winner=winner, loser=loser, worker=by, things=6, workers=4)

    assert np.argsort(compared.strengths).tolist() == [0, 1, 2, 3, 4, 5]
    assert compared.reliability[0] < 0.5 < compared.reliability[1:].min()


def test_words_are_voted_on_place_by_place() -> None:
    texts = ["the cat sat on a mat", "The cat, sat on the mat", "the bat sat on the mat", "the cat on the mat"]

    voted = vote_on_words([text.split() for text in texts], [1.0] * 4)

    assert " ".join(voted) == "the cat sat on the mat"


def test_who_weighs_more_than_all_others_is_taken_at_their_word() -> None:
    assert vote_on_words([["one"], ["two", "three"], ["two", "three"]], [5.0, 1.0, 1.0]) == ["one"]
    assert vote_on_words([["one"], ["two", "three"], ["two", "three"]], [1.0, 1.0, 1.0]) == ["two", "three"]


def test_spans_that_most_workers_miss_are_found_when_those_who_miss_are_known_to() -> None:
    chance = random.Random(11)
    truth, marked = [], []
    for text in range(60):
        spans = tuple((at, at + 2, chance.choice(["PER", "LOC"])) for at in range(3, 40, 9))
        truth.append(spans)
        for worker, kept in enumerate((0.9, 0.3, 0.3, 0.3)):
            marked.append(Marked(text, worker, tuple(span for span in spans if chance.random() < kept)))

    found = fuse_spans(marked, lengths=[45] * 60, workers=4)

    majority = [
        [span for span in spans if sum(span in one.spans for one in marked[4 * text : 4 * text + 4]) > 2]
        for text, spans in enumerate(truth)
    ]
    assert f1_of(majority, truth) < 0.5
    assert f1_of(found, truth) > 0.85


def test_who_agrees_with_others_weighs_more() -> None:
    chance = random.Random(2)
    truth = [chance.uniform(0, 100) for _ in range(40)]
    spread = {"exact": 0.1, "good": 0.1, "wild": 30.0, "wilder": 30.0}
    tasks = [[(worker, chance.gauss(right, off)) for worker, off in spread.items()] for right in truth]

    merged = merge_job(tasks, similarity=lambda a, b: 1 / (1 + abs(a - b)), merge=weighted_median)

    assert merged.weights["exact"] > 2 * merged.weights["wild"]
    assert max(abs(value - right) for value, right in zip(merged.shapes, truth, strict=True)) < 1
