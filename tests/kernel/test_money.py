"""Shares and splits of whole cents: what is taken and what is left always come to the whole."""

import pytest

from kernel.money import Money, share_of, share_rounded_up, split

AMOUNTS = (0, 1, 2, 3, 7, 99, 100, 10**15)


@pytest.mark.parametrize(
    ("basis_points", "of_one", "of_three", "of_a_hundred"),
    [
        pytest.param(0, 0, 0, 0, id="B029-nothing"),
        pytest.param(1, 0, 0, 0, id="B029-a-hundredth-of-a-percent"),
        pytest.param(3_333, 0, 1, 33, id="B029-a-third-of-a-cent"),
        pytest.param(5_000, 1, 2, 50, id="B029-half-a-cent-goes-up"),
        pytest.param(10_000, 1, 3, 100, id="B029-all"),
        pytest.param(10_100, 1, 3, 101, id="B029-more-than-all"),
    ],
)
def test_a_share_is_whole_cents_half_up(basis_points: int, of_one: int, of_three: int, of_a_hundred: int) -> None:
    assert [share_of(minor, basis_points) for minor in (1, 3, 100)] == [of_one, of_three, of_a_hundred]
    exact = [(minor * basis_points, share_of(minor, basis_points) * 10_000) for minor in AMOUNTS]
    assert all(-5_000 <= share - amount <= 5_000 for amount, share in exact)


@pytest.mark.parametrize(("minor", "basis_points"), [(1, -100), (-1, 100)], ids=["B029-share", "B029-amount"])
def test_a_share_below_nothing_cannot_be_taken(minor: int, basis_points: int) -> None:
    with pytest.raises(AssertionError):
        share_of(minor, basis_points)


def test_a_share_that_is_rounded_up_is_the_least_that_is_enough() -> None:
    shares = [share_rounded_up(amount, part, 3) for amount, part in ((10, 0), (10, 1), (9, 1), (10, 3), (10**15, 1))]
    assert shares == [0, 4, 3, 10, 333_333_333_333_334]


@pytest.mark.parametrize(
    ("minor", "weights", "parts"),
    [
        pytest.param(1, [1, 1, 1], [1, 0, 0], id="B029-one-cent-for-three"),
        pytest.param(100, [1, 1, 1], [34, 33, 33], id="B029-thirds"),
        pytest.param(7, [3_333, 6_667], [2, 5], id="B029-largest-remainder"),
        pytest.param(0, [0, 5], [0, 0], id="B029-nothing-to-split"),
        pytest.param(10**15, [1, 0, 2], [333_333_333_333_333, 0, 666_666_666_666_667], id="B029-the-most"),
    ],
)
def test_the_parts_of_a_split_come_to_the_whole(minor: int, weights: list[int], parts: list[int]) -> None:
    assert (split(minor, weights), sum(parts)) == (parts, minor)


@pytest.mark.parametrize("minor", [True, 1.0, "1", None, float("nan")], ids=lambda value: f"B021-B025-{value!r}")
def test_money_is_made_of_whole_numbers_only(minor: object) -> None:
    with pytest.raises(TypeError, match="Money is whole minor units"):
        Money(minor, "USD")  # type: ignore[arg-type]  # what a caller may get wrong
