"""Answers with hundreds of shapes on one heap, as colluding workers would draw them: what they may cost is bounded."""

import math
import random
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Final

import numpy as np
import pytest

from qualification.labels.kinds.base import About
from qualification.labels.kinds.boxes import KIND as BOXES
from qualification.labels.kinds.boxes import MOST_TURNED, Box
from qualification.labels.kinds.ellipses import KIND as ELLIPSES
from qualification.labels.kinds.ellipses import Ellipse
from qualification.labels.kinds.outlines import Outline, area_of, cross_often, crossings
from qualification.labels.kinds.paths import PathKind
from qualification.labels.kinds.polygons import KIND as POLYGON
from qualification.labels.kinds.polygons import PolygonKind
from qualification.labels.overlaps import MOST_WORK, overlaps_of
from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import merge_answers, similarity_by_control
from qualification.labels.units import Question, Unit, question_of
from tests.qualification.kinds import PICTURE, path, region, schema_of

POLYGONS = schema_of(PICTURE, '<Polygon name="c" toName="o"/>')
VECTORS = schema_of(PICTURE, '<Vector name="c" toName="o"/>')
ABOUT = About(POLYGONS.others[0])
SQUARE: Final = ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0))


def outline(chance: random.Random, *, points: int, least: float, most: float) -> Outline:
    """Around the middle of the picture, each point so far from it."""
    x, y = (50 + chance.uniform(-4, 4) for _ in range(2))
    turns = [(2 * math.pi * n / points, chance.uniform(least, most)) for n in range(points)]
    return tuple((round(x + far * math.cos(turn), 4), round(y + far * math.sin(turn), 4)) for turn, far in turns)


def heap(seed: int, shapes: int, *, points: int = 33, least: float = 28, most: float = 30) -> list[Outline]:
    chance = random.Random(seed)
    return [outline(chance, points=points, least=least, most=most) for _ in range(shapes)]


def polygons(outlines: list[Outline]) -> Answer:
    values = [{"points": [list(point) for point in each], "closed": True} for each in outlines]
    return validate_result(POLYGONS, [region("c", "o", "polygon", value) for value in values])


@dataclass
class Counted:
    """How many pairs were compared, and how much work that was."""

    pairs: int = 0
    work: int = 0


class CountedPolygons(PolygonKind):
    def __init__(self, counted: Counted) -> None:
        self.counted = counted

    def compared(self, first: Outline, second: Outline, about: About) -> tuple[float, int]:
        near, work = super().compared(first, second, about)
        self.counted.pairs, self.counted.work = self.counted.pairs + 1, self.counted.work + work
        return near, work


class CountedPaths(PathKind):
    def __init__(self, counted: Counted) -> None:
        self.counted = counted

    def compared(self, first: Any, second: Any, about: About) -> tuple[float, int]:
        near, work = super().compared(first, second, about)
        self.counted.pairs, self.counted.work = self.counted.pairs + 1, self.counted.work + work
        return near, work


def question(schema: LabelSchema, kind: Any) -> Question:
    return replace(question_of(schema, schema.others[0]), kind=kind)


@pytest.mark.parametrize(("shapes", "points", "least"), [(300, 33, 28), (300, 33, 5), (20, 500, 28), (20, 500, 20)])
def test_outlines_on_one_heap_take_no_more_than_the_work_that_two_answers_may_be(
    shapes: int, points: int, least: float
) -> None:
    counted = Counted()
    asked = question(POLYGONS, CountedPolygons(counted))
    first, second = ([Unit(each) for each in heap(n, shapes, points=points, least=least, most=30)] for n in (1, 2))

    overlaps_of(asked, first, second)

    assert MOST_WORK <= counted.work < MOST_WORK + 60 * points  # the last pair may go beyond it
    before = replace(counted)
    overlaps_of(asked, second, first)
    assert counted == before  # what was compared is known, whichever comes first


def test_paths_on_one_heap_are_compared_in_single_precision_once_those_that_share_most_have_been() -> None:
    counted = Counted()
    asked = question(VECTORS, CountedPaths(counted))
    answers = [
        validate_result(VECTORS, [region("c", "o", "vector", path(*each)) for each in heap(n, 80, most=45)])
        for n in (1, 2)
    ]
    first, second = (asked.units_of(answer.chosen("c")) for answer in answers)

    overlaps = overlaps_of(asked, first, second)

    assert counted.pairs == MOST_WORK // 100
    exact = [
        asked.kind.similarity(first[row].shape, second[column].shape, ABOUT) for row, column in np.argwhere(overlaps)
    ]
    assert len(exact) > counted.pairs
    assert overlaps[overlaps > 0].tolist() == pytest.approx(exact, abs=0.001)


def test_what_is_not_compared_exactly_is_told_by_the_cells_of_a_grid() -> None:
    first, second = heap(1, 60, points=60), heap(2, 60, points=60)

    told = overlaps_of(question_of(POLYGONS, POLYGONS.others[0]), [Unit(a) for a in first], [Unit(b) for b in second])

    chance = random.Random(3)
    for row, column in [(chance.randrange(60), chance.randrange(60)) for _ in range(40)]:
        exact = POLYGON.similarity(first[row], second[column], ABOUT)
        assert told[row, column] == pytest.approx(exact, abs=0.03)


def test_cells_are_covered_by_what_an_outline_runs_around_whichever_way_and_small_shapes_cover_none() -> None:
    bow = ((10.0, 10.0), (50.0, 50.0), (50.0, 10.0), (10.0, 50.0))
    speck = ((50.1, 50.1), (50.2, 50.1), (50.2, 50.2))
    every = np.arange(3)

    near = POLYGON.roughly([SQUARE, SQUARE, SQUARE], [SQUARE[::-1], bow, speck], every, every)

    assert near[0] == 1.0
    assert near[1] == pytest.approx(0.5, abs=0.02)
    assert near[2] == 0.0


def test_a_heap_is_compared_and_merged_the_same_in_whatever_order_its_answers_come() -> None:
    answers = [polygons(heap(n, 40, points=60)) for n in range(3)]

    merged = {merge_answers(POLYGONS, [answers[n] for n in order]).key for order in permutations(range(3))}
    near = similarity_by_control(answers[0], answers[1], POLYGONS)

    assert len(merged) == 1
    assert near == similarity_by_control(answers[1], answers[0], POLYGONS)


def test_shapes_are_merged_exactly_within_the_work_that_is_left_and_to_the_heaviest_beyond() -> None:
    shifted = tuple((x + 5, y) for x, y in SQUARE)
    shapes, weights = [SQUARE, shifted, tuple((x, y + 5) for x, y in SQUARE)], [1.0, 3.0, 1.5]

    exact, work = POLYGON.merge_within(shapes, weights, ABOUT, work=12)
    beyond, counted = POLYGON.merge_within(shapes, weights, ABOUT, work=1)

    assert exact == POLYGON.merge(shapes, weights, ABOUT)
    assert area_of(exact).area == area_of(shifted).area  # 3 of 5.5 is more than half
    assert beyond == shifted
    assert (work > 12, counted) == (True, 12)


def test_outlines_that_cross_too_much_to_be_merged_are_counted_and_not_cut() -> None:
    shapes = heap(1, 5, points=500, least=20, most=45)

    merged, work = POLYGON.merge_within(shapes, [1.0, 1.0, 1.0, 1.0, 2.0], ABOUT, work=10_000)

    assert merged == shapes[4]
    assert 10_000 < work <= 10_000 + 10 * 2_001 + 1_250  # so much for the pair that went beyond


def test_crossings_are_the_same_whichever_comes_first_and_counted_no_further_than_needed() -> None:
    first, second = heap(1, 2, points=500, least=20, most=45)
    calm, other = heap(2, 2, points=500)

    assert crossings(first, second) == crossings(second, first) > crossings(calm, other) > 0
    assert not cross_often(calm, other)
    assert crossings(SQUARE, SQUARE[::-1]) == 0


def test_of_turned_boxes_and_ellipses_on_one_heap_those_that_share_most_are_compared_and_the_others_by_cells() -> None:
    chance = random.Random(1)
    turned = [Box(30 + chance.uniform(-4, 4), 30 + chance.uniform(-4, 4), 30, 30, 10 + n / 10) for n in range(60)]
    shifted = [replace(box, x=box.x + 0.01) for box in turned]

    near = BOXES.similarities(turned, shifted, ABOUT)

    exact = np.array([[BOXES.similarity(box, other, ABOUT) for other in shifted] for box in turned])
    assert np.count_nonzero(near != exact) == 60 * 60 - MOST_TURNED
    assert near == pytest.approx(exact, abs=0.06)
    assert [near[n, n] > 0.99 for n in range(60)] == [True] * 60
    round_ones = [Ellipse(50 + chance.uniform(-9, 9), 50, 20 + n, 20, n) for n in range(8)]
    rows, columns = (places.ravel() for places in np.indices((8, 8)))
    alike = [
        ELLIPSES.similarity(round_ones[row], round_ones[column], ABOUT)
        for row, column in zip(rows, columns, strict=True)
    ]
    assert ELLIPSES.roughly(round_ones, round_ones, rows, columns).tolist() == pytest.approx(alike, abs=0.04)


def test_stretches_on_one_line_that_all_meet_find_themselves() -> None:
    schema = schema_of('<Text name="o" value="$o"/>', '<Labels name="c" toName="o"><Label value="A"/></Labels>')
    item = {"o": "x" * 300}

    def spans(last: int) -> Answer:
        ends = [*((n, 100 + n) for n in range(79)), (79, last)]
        values = [{"start": start, "end": end, "text": "x" * (end - start), "labels": ["A"]} for start, end in ends]
        return validate_result(schema, [region("c", "o", "labels", value) for value in values], item)

    assert similarity_by_control(spans(179), spans(180), schema)["c"] == pytest.approx((79 + 100 / 101) / 80)
