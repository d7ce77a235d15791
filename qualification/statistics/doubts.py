"""Whether good workers miss a gold question more often than their scores explain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qualification.statistics.rejections import excess_of_rejections
from qualification.statistics.scoring import Score

RULE: Final = "good_workers_miss"
VERSION: Final = 1
FALSE_FLAGS: Final = 0.005
"""The share of right gold questions that come under review by chance, however often they are looked at."""

GOOD_FROM: Final = 0.6
"""Whoever is surely right more often than this, by all other gold, is a good worker here."""

LEAST_EXPECTED: Final = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a gold question, and the score of its worker without it."""

    correct: bool
    score: Score


@dataclass(frozen=True, slots=True)
class Doubt:
    """What good workers said to a gold question, how likely so many misses are by chance, and if that is believed."""

    answers: int
    missed: int
    expected_rate: float
    tail: float
    believed_from: float

    @property
    def is_raised(self) -> bool:
        """Whether the question should be looked at by a person."""
        return self.tail < self.believed_from


def doubt_about(answers: Sequence[Answer]) -> Doubt:
    """How far the misses of good workers are above what their scores lead to expect.

    Each is expected to miss as often as the lower bound of their score without this answer allows, which is more than
    they do, so the exact binomial tail at the mean of these rates errs on the question's side (Hoeffding 1956, as in
    `qualification.statistics.rejections`). It may be asked after every answer: all looks at one question together raise
    a doubt by chance with a probability of at most `FALSE_FLAGS`, where it is as hard for them as others are.
    """
    good = [(each, bound) for each in answers if (bound := each.score.lower_bound()) > GOOD_FROM]
    missed = sum(not each.correct for each, _ in good)
    if not good:
        return Doubt(0, 0, 0.0, 1.0, 0.0)
    rate = max(LEAST_EXPECTED, sum(1 - bound for _, bound in good) / len(good))
    excess = excess_of_rejections(rejected=missed, answers=len(good), expected_rate=rate, false_alarms=FALSE_FLAGS)
    return Doubt(len(good), missed, rate, excess.tail, excess.believed_from)
