"""How many labels may still be wrong: a bound from inspections that holds at every moment, so that one may stop at any.

Betting against each possible number of wrong labels: I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random
variables by betting", Journal of the Royal Statistical Society B 86 (2024); without replacement as in their
"Confidence sequences for sampling without replacement", NeurIPS (2020). Plain Python: whoever checks a certificate
needs nothing else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

STAKES: Final = (1.0, 0.75, 0.5)
"""The shares of their wealth that bettors put on the next one's being right; at first all are as rich."""

LARGEST_LOGARITHM: Final = 700.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """An expert looked at a label: whether it was right, and whether its task was drawn at random among those left.

    What an expert looked at is right from then on. Which are looked at without being drawn may depend on anything that
    was known before: such looks prove themselves, and nothing about the others.
    """

    drawn: bool
    right: bool


def most_wrong(inspections: Sequence[Inspection], *, labels: int, risk: float) -> int:
    """How many of `labels` may be wrong still, after these inspections in their order.

    With probability 1 - `risk` it is enough at every moment of the course at once, whatever the labels are like and
    whoever decides, from all that was seen, when to stop. Raises ValueError for more inspections than labels, or a
    risk that is none.
    """
    _check(inspections, labels=labels, risk=risk)
    fewest, most = 0, labels - len(inspections)
    while fewest < most:
        middle = (fewest + most) // 2
        if is_at_most(middle, inspections, labels=labels, risk=risk):
            most = middle
        else:
            fewest = middle + 1
    return most


def is_at_most(wrong: int, inspections: Sequence[Inspection], *, labels: int, risk: float) -> bool:
    """Whether the bound of `most_wrong` is no more than `wrong`."""
    _check(inspections, labels=labels, risk=risk)
    found = sum(not look.right for look in inspections)
    return wealth(inspections, labels=labels, wrong=found + wrong + 1) >= 1 / risk


def wealth(inspections: Sequence[Inspection], *, labels: int, wrong: int) -> float:
    """What all bettors have, who began with 1, if `wrong` of the `labels` were wrong before the first inspection.

    If that is so their bets are fair, and then, by Ville's inequality, they ever reach x with probability 1/x at most.
    Infinite where it cannot be so. It grows with `wrong`.
    """
    logarithms = [0.0] * len(STAKES)
    left, wrong_left = labels, wrong
    for look in inspections:
        if look.drawn and 0 < wrong_left < left:
            odds = wrong_left / (left - wrong_left) if look.right else -1.0
            logarithms = [known + _log1p(stake * odds) for known, stake in zip(logarithms, STAKES, strict=True)]
        left, wrong_left = left - 1, wrong_left - (not look.right)
    if not 0 <= wrong_left <= left:
        return math.inf
    return math.fsum(math.exp(min(known, LARGEST_LOGARITHM)) for known in logarithms) / len(STAKES)


def _log1p(gain: float) -> float:
    return math.log1p(gain) if gain > -1.0 else -math.inf


def _check(inspections: Sequence[Inspection], *, labels: int, risk: float) -> None:
    if not 0.0 < risk < 1.0:
        raise ValueError(f"A risk is a number between 0 and 1, both excluded, not {risk!r}.")
    if len(inspections) > labels:
        raise ValueError(f"There are {labels} labels, and {len(inspections)} inspections of them.")
