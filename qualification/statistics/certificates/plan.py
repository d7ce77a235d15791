"""How many inspections a promise is likely to take, before anybody has looked: misses come at even distances."""

from typing import Final

from qualification.statistics.certificates.bound import Inspection, is_at_most
from qualification.statistics.certificates.course import AFTER_A_MISS, Terms

LONGEST: Final = 2_000
"""Looks in one class after which all of its labels are reckoned with."""

FINENESS: Final = 50
"""The promise is tried after each of the first looks, then each time that there are a fiftieth more."""


def looks_expected(terms: Terms, *, labels: int, wrong: int, classes: int) -> int:
    """How many of a class's `labels` experts look at until it is promised, if `wrong` of them are wrong.

    Every draw finds what it finds on average; what is gone through after a miss is taken to be right. Of a job with so
    many `classes`, all asked for at once.
    """
    allowed, risk = terms.allowed(labels), terms.risk(classes)
    gap = (labels + 1) / (wrong + 1)
    looks: list[Inspection] = []
    drawn = misses = 0
    while len(looks) < labels:
        for _ in range(min(1 + len(looks) // FINENESS, labels - len(looks))):
            if len(looks) - drawn < AFTER_A_MISS * misses:
                looks.append(Inspection(drawn=False, right=True))
                continue
            drawn += 1
            is_right = misses >= wrong or drawn < gap * (misses + 1)
            misses += not is_right
            looks.append(Inspection(drawn=True, right=is_right))
        if is_at_most(allowed, looks, labels=labels, risk=risk):
            return len(looks)
        if len(looks) >= LONGEST:
            break
    return labels
