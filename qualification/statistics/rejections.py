"""Whether somebody rejects far more than what is known of the workers would lead to expect."""

import math
from dataclasses import dataclass
from typing import Final

NEGLIGIBLE: Final = 1e-17


@dataclass(frozen=True, slots=True)
class Excess:
    """How likely at least so many rejections were by mere chance, and from where on that is not believed."""

    tail: float
    believed_from: float

    @property
    def is_far_above(self) -> bool:
        """Whether chance is not believed."""
        return self.tail < self.believed_from


def excess_of_rejections(*, rejected: int, answers: int, expected_rate: float, false_alarms: float) -> Excess:
    """How far `rejected` of `answers` is above an `expected_rate` (0 to 1, both excluded), looked at after each.

    `tail` is the exact binomial P(X ≥ rejected). Where answers have rates of their own, with this mean, chance
    gives no more than that as soon as there are more rejections than expected (Hoeffding 1956, "On the distribution of
    the number of successes in independent trials", theorem 5). It may be asked after every rejection: the r-th
    may raise `false_alarms` · 6/(π²r²) of all alarms that chance may raise, so that all together raise no more than
    `false_alarms`, however long one looks. That the r-th rejection comes within n answers is the event that n answers
    have at least r, so the bound holds at the random moment too.

    Raises ValueError for numbers that cannot be.
    """
    if not 0 <= rejected <= answers:
        raise ValueError(f"Of {answers} answers {rejected} cannot have been rejected.")
    if not 0 < expected_rate < 1 or not 0 < false_alarms < 1:
        raise ValueError(f"Rates lie between 0 and 1, both excluded, not at {expected_rate!r} and {false_alarms!r}.")
    if rejected <= answers * expected_rate:
        return Excess(tail=1.0, believed_from=0.0)
    believed_from = false_alarms * 6 / (math.pi * rejected) ** 2
    return Excess(_tail(rejected, answers, expected_rate), believed_from)


def _tail(least: int, n: int, rate: float) -> float:
    """P(X ≥ `least`) for a binomial X of `n` trials, where `least` is above the mean: terms only fall from there."""
    chosen = math.lgamma(n + 1) - math.lgamma(least + 1) - math.lgamma(n - least + 1)
    term = math.exp(chosen + least * math.log(rate) + (n - least) * math.log1p(-rate))
    tail, odds = term, rate / (1 - rate)
    for k in range(least, n):
        term *= odds * (n - k) / (k + 1)
        tail += term
        if term < tail * NEGLIGIBLE:
            break
    return min(tail, 1.0)
