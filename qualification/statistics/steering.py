"""Who is asked next: sure workers where a task stayed unsure, everybody else where their answer does not decide.

Plain Python: a claim loads no NumPy.
"""

from collections.abc import Sequence
from typing import Final

from qualification.statistics.parts import Rates

SURE_SHARE: Final = 0.5
"""Of a job's answers, those that come from its sure workers: the ones who are right most often."""

ANYWAY: Final = 0.1
"""How often anybody else looks among unsure tasks first: so that none waits for ever for a sure worker."""


def surest(accuracies: Sequence[float | None], answers: Sequence[int]) -> list[bool]:
    """Which workers are sure: the most accurate ones, until `SURE_SHARE` of the answers are theirs.

    Who is as accurate as the last of them is one too, unless all are alike; whose accuracy is unknown takes no part.
    """
    known = sorted(
        ((accuracy, given) for accuracy, given in zip(accuracies, answers, strict=True) if accuracy is not None),
        reverse=True,
    )
    left, least = SURE_SHARE * sum(given for _, given in known), 1.0
    for accuracy, given in known:
        if left <= 0:
            break
        left, least = left - given, accuracy
    if not known or least <= known[-1][0]:
        return [False] * len(answers)
    return [accuracy is not None and accuracy >= least for accuracy in accuracies]


def accuracy_of(rates: Rates | None, shares: Sequence[float]) -> float | None:
    """How often somebody who errs like this is right, where classes have these shares; none where nothing is known."""
    if rates is None or isinstance(rates, float):
        return rates
    return sum(share * row[place] / sum(row) for place, (share, row) in enumerate(zip(shares, rates, strict=True)))


def way_in(*, is_sure: bool, drawn: float) -> tuple[bool, float]:
    """Whether to look among unsure tasks first, and where to enter, 0 to 1: from one number that is drawn evenly."""
    if is_sure:
        return True, drawn
    if drawn < ANYWAY:
        return True, drawn / ANYWAY
    return False, (drawn - ANYWAY) / (1 - ANYWAY)
