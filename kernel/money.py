"""Amounts of money: whole minor units with an ISO currency, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MINOR_UNIT_DIGITS: Final = {"USD": 2, "EUR": 2, "GBP": 2, "CHF": 2, "CAD": 2, "AUD": 2, "JPY": 0, "KWD": 3}
"""The currencies that Assay keeps, with the number of digits behind the point."""

NO_CURRENCY: Final = "XXX"
"""What ISO 4217 writes where there is none, or none is told."""

LARGEST_MINOR: Final = 10**15
"""No amount in the product is larger; far below what a bigint holds, so that sums cannot overflow."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``minor`` whole minor units (cents) of ``currency`` (ISO 4217, upper case).

    Raises TypeError for anything but an int (a bool is not an int here) and ValueError for an unknown currency
    or an amount beyond ``LARGEST_MINOR``.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money is whole minor units, not {self.minor!r}.")
        if self.currency not in MINOR_UNIT_DIGITS:
            raise ValueError(
                f"{self.currency!r} is not a currency kept here. Possible: {', '.join(MINOR_UNIT_DIGITS)}."
            )
        if abs(self.minor) > LARGEST_MINOR:
            raise ValueError(f"{self.minor} minor units are more than any amount may be ({LARGEST_MINOR}).")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same_currency(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        if type(times) is not int:
            raise TypeError(f"Money is multiplied by whole numbers only, not {times!r}.")
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same_currency(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same_currency(other)

    def __str__(self) -> str:
        digits = MINOR_UNIT_DIGITS[self.currency]
        sign, whole = "-" if self.minor < 0 else "", abs(self.minor)
        if digits == 0:
            return f"{sign}{whole:,} {self.currency}"
        return f"{sign}{whole // 10**digits:,}.{whole % 10**digits:0{digits}d} {self.currency}"

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self} and {other} are in different currencies and cannot be reckoned together.")
        return other.minor


def share_of(amount_minor: int, basis_points: int) -> int:
    """``basis_points`` hundredths of a percent of ``amount_minor``, in minor units, half up. Both at least 0."""
    assert amount_minor >= 0 and basis_points >= 0
    return (amount_minor * basis_points + 5_000) // 10_000


def share_rounded_up(amount_minor: int, part: int, whole: int) -> int:
    """``part`` of ``whole`` of ``amount_minor``, in minor units, up. ``whole`` is above 0, the others at least 0."""
    assert amount_minor >= 0 and part >= 0 and whole > 0
    return -(-amount_minor * part // whole)


def split(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split ``amount_minor`` in proportion to ``weights`` by largest remainder: the parts always sum to the whole.

    Among equal remainders the earlier part gets the odd unit. Weights are at least 0 and not all 0.
    """
    total = sum(weights)
    assert amount_minor >= 0 and total > 0 and min(weights) >= 0
    parts = [amount_minor * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount_minor * weights[i] % total), i))
    for i in by_remainder[: amount_minor - sum(parts)]:
        parts[i] += 1
    return parts
