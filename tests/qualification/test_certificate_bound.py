"""What a certificate rests on: a bound that holds at every moment, in as many cases as it says."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualification.statistics.certificates.bound import Inspection, is_at_most, most_wrong, wealth
from qualification.statistics.certificates.course import AFTER_A_MISS, ClassCourse, Terms

RIGHT, WRONG = Inspection(drawn=True, right=True), Inspection(drawn=True, right=False)
PICKED_RIGHT, PICKED_WRONG = Inspection(drawn=False, right=True), Inspection(drawn=False, right=False)
LOOKS = st.lists(st.sampled_from([RIGHT, RIGHT, RIGHT, WRONG, PICKED_RIGHT, PICKED_WRONG]), max_size=40)


def first_moment(labels: int, *, wrong: int, risk: float, misses: int = 0) -> int:
    """After how many inspections the bound is reached, where the first ones are misses."""
    looks = [WRONG] * misses
    while not is_at_most(wrong, looks, labels=labels, risk=risk):
        looks.append(RIGHT)
    return len(looks)


def test_before_anybody_looked_everything_may_be_wrong() -> None:
    assert most_wrong([], labels=100, risk=0.05) == 100


def test_when_everything_was_looked_at_nothing_is_wrong() -> None:
    assert most_wrong([WRONG, RIGHT, PICKED_WRONG], labels=3, risk=0.05) == 0


def test_of_a_thousand_labels_five_in_a_hundred_are_ruled_out_by_sixty_eight_that_are_right() -> None:
    # 58 would do for a bettor who always puts everything on the next one's being right, and a first miss would end them
    assert first_moment(1_000, wrong=50, risk=0.05) == 68
    assert first_moment(1_000, wrong=50, risk=0.05, misses=1) == 124


def test_the_last_labels_are_cheaper_than_the_first_of_many() -> None:
    assert first_moment(100, wrong=5, risk=0.05) == 45
    assert first_moment(100_000, wrong=5_000, risk=0.05) == 71


def test_what_an_expert_picked_says_nothing_about_the_others() -> None:
    assert most_wrong([PICKED_RIGHT] * 60, labels=100, risk=0.05) == 40


@given(LOOKS, st.integers(0, 60))
def test_the_bound_is_never_more_than_what_is_left_and_the_search_finds_it(looks: list[Inspection], more: int) -> None:
    labels = len(looks) + more
    bound = most_wrong(looks, labels=labels, risk=0.05)
    assert 0 <= bound <= more
    assert [wrong for wrong in range(more + 1) if is_at_most(wrong, looks, labels=labels, risk=0.05)] == list(
        range(bound, more + 1)
    )


@given(LOOKS, st.integers(1, 60))
def test_wealth_grows_with_how_many_are_said_to_be_wrong(looks: list[Inspection], more: int) -> None:
    labels = len(looks) + more
    found = sum(not look.right for look in looks)
    held = [wealth(looks, labels=labels, wrong=wrong) for wrong in range(found, labels + 2)]
    assert held == sorted(held)


@pytest.mark.parametrize(("labels", "wrong"), [(6, 0), (6, 1), (6, 3), (7, 5), (5, 5)])
def test_the_bets_are_fair_to_the_last_digit(labels: int, wrong: int) -> None:
    """The mean wealth over all orders in which the labels can be drawn is 1, as Ville's inequality asks."""
    for drawn in range(labels):
        mean = 0.0
        for looks in product([True, False], repeat=drawn):
            chance, left, wrong_left = 1.0, labels, wrong
            for right in looks:
                chance *= (left - wrong_left if right else wrong_left) / left
                left, wrong_left = left - 1, wrong_left - (not right)
            if chance:
                mean += chance * wealth([RIGHT if right else WRONG for right in looks], labels=labels, wrong=wrong)
        assert mean == pytest.approx(1.0)


@pytest.mark.parametrize(("labels", "wrong"), [(60, 4), (200, 11), (400, 21)])
def test_of_jobs_with_one_label_too_many_wrong_few_are_promised(labels: int, wrong: int) -> None:
    """Whoever stops at the first moment at which the bound allows it is mistaken in at most the risk."""
    chance = random.Random(labels)
    mistaken = sum(_stops_too_early(labels, wrong, chance) for _ in range(100))
    assert 0 < mistaken <= 5


def _stops_too_early(labels: int, wrong: int, chance: random.Random) -> bool:
    order = [place < wrong for place in range(labels)]
    chance.shuffle(order)
    looks: list[Inspection] = []
    for is_wrong in order:
        left = wrong - sum(not look.right for look in looks)
        if len(looks) % 4 == 0 and left and is_at_most(left - 1, looks, labels=labels, risk=0.05):
            return True
        looks.append(WRONG if is_wrong else RIGHT)
    return False


@pytest.mark.parametrize("risk", [0.0, 1.0, -0.1, float("nan")])
def test_a_risk_that_is_none_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match="A risk is a number between 0 and 1"):
        most_wrong([RIGHT], labels=4, risk=risk)


def test_more_inspections_than_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="There are 1 labels, and 2 inspections of them"):
        most_wrong([RIGHT, RIGHT], labels=1, risk=0.05)


def test_the_terms_are_shares_of_at_least_a_half() -> None:
    with pytest.raises(ValueError, match=r"The target is a number from 0.5 to below 1, not 1.0"):
        Terms(target=1.0)
    with pytest.raises(ValueError, match=r"The assurance is a number from 0.5 to below 1, not 0.05"):
        Terms(assurance=0.05)


def test_after_a_miss_the_least_sure_labels_are_gone_through_before_another_is_drawn() -> None:
    course, drawn = ClassCourse(inspectable=100, labels=100), []
    for place in range(8):
        drawn.append(course.draws_next)
        course.looks.append(Inspection(drawn[-1], right=place != 1))
    assert drawn == [True, True, *[False] * AFTER_A_MISS, True, True]


def test_a_class_is_promised_as_soon_as_the_bound_allows_what_may_be_wrong() -> None:
    course, terms = ClassCourse(inspectable=100, labels=100), Terms()
    while not course.is_kept(terms, classes=1):
        course.looks.append(RIGHT)
    assert (len(course.looks), course.left) == (45, 55)
    assert course.wrong_at_most(terms, classes=1) == 5


def test_what_experts_decided_before_makes_room_for_what_may_be_wrong() -> None:
    course = ClassCourse(inspectable=100, labels=120, looks=[RIGHT] * 41)
    assert course.is_kept(Terms(), classes=1)


def test_what_many_classes_are_promised_takes_more_of_each() -> None:
    assert not ClassCourse(inspectable=100, labels=100, looks=[RIGHT] * 45).is_kept(Terms(), classes=2)


def test_a_class_that_was_looked_at_to_its_end_is_promised_whatever_was_found() -> None:
    assert ClassCourse(inspectable=2, labels=0, looks=[WRONG, WRONG]).is_kept(Terms(), classes=9)
