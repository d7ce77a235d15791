"""Amounts that Stripe moves: where a currency has three digits behind its point, the last of them has to be 0."""

from typing import Final

from kernel.errors import Invalid
from kernel.money import Money

STEPS_MINOR: Final = {"KWD": 10}
"""Of other currencies Stripe moves any whole number of minor units."""


def rounded_down(amount: Money) -> Money:
    """The most of ``amount`` that Stripe moves."""
    return Money(amount.minor - amount.minor % _step_of(amount), amount.currency)


def require_whole(amount: Money) -> None:
    """Refuse an amount that Stripe would refuse later. Raises Invalid."""
    if amount.minor % _step_of(amount):
        message = f"{amount} cannot be moved: its last digit has to be 0, as in {rounded_down(amount)}."
        raise Invalid(message, [{"field": "amount_minor", "message": message}])


def _step_of(amount: Money) -> int:
    return STEPS_MINOR.get(amount.currency, 1)
