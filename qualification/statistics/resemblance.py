"""How likely a merged answer is to be right, from how alike the answers are to it that it was merged from.

docs/adr/0049. Plain Python, as decisions need it; what a job teaches of it is learnt in `fusion.resembling`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qualification.statistics.fusion.online import MOST_LOOKED_AHEAD
from qualification.statistics.fusion.priors import standard_points

SOFT: Final = 0.02
"""Kept from both ends of a likeness, so that answers that are equal have finite log odds."""

STRICTEST: Final = 0.9
"""Kinds that have to be nearly equal are calibrated as if this were enough: equal answers are then beyond it."""

SOFT_IF_EXACT: Final = 0.25
"""The same where only equal answers are right: likeness is then a share of votes, and two who agree may both err."""

DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike, 0 to 1, answers are to what they were merged to, in the question where they are least so.

    An answer to gold of its kind is right from `right_from`; `reliability` is how often their workers are right.
    """

    likeness: float
    right_from: float
    reliability: float

    @property
    def closeness(self) -> float:
        """See `closeness_of`."""
        return closeness_of(self.likeness, right_from=self.right_from)


@dataclass(frozen=True, slots=True)
class Resemblance:
    """From likeness to the probability that the merged answer would pass against gold: a logistic curve.

    `level` is its log odds where two answers are just as alike to what they were merged to as an answer to gold has to
    be; `slope` what closeness adds, `growth` what the logarithm of the number of answers over two adds.
    """

    level: float
    slope: float
    growth: float

    def chance(self, closeness: float, answers: int) -> float:
        """The probability, 0 to 1, after so many answers; it never falls with closeness, nor with answers."""
        odds = self.level + max(self.slope, 0.0) * closeness + max(self.growth, 0.0) * math.log(max(answers, 2) / 2)
        return 1 / (1 + math.exp(-odds))

    def gain(self, alike: Alike, *, chance: float, answers: int, left: int) -> float:
        """By how much each of up to `left` more answers is expected to raise the `chance` (0 to 1) of being right.

        The best mean over one answer more, two, three…: they are as alike to what is merged as the first ones, or,
        where these differ, as often as their workers are right; and any answer is alike to itself.
        """
        near, following = max(1.0, answers * alike.likeness), max(alike.likeness, alike.reliability)
        gains = [0.0]
        for more in range(1, min(left, MOST_LOOKED_AHEAD) + 1):
            likeness = min(1.0, (near + more * following) / (answers + more))
            after = self.chance(closeness_of(likeness, right_from=alike.right_from), answers + more)
            gains.append((after - chance) / more)
        return max(gains)


@dataclass(frozen=True, slots=True)
class ResemblanceFit:
    """What is known of a job's merged answers: the curve, as likely others, and how many tasks taught it."""

    curve: Resemblance
    spread: tuple[Resemblance, ...]
    tasks: int = 0


MEANS: Final = (-0.6, 1.7, 1.7)
DEVIATIONS: Final = (1.0, 0.5, 0.8)
"""What recorded boxes, spans and transcripts have in common, and by how much they differ: level, slope and growth."""

UNTAUGHT: Final = ResemblanceFit(
    curve=Resemblance(*MEANS),
    spread=tuple(
        Resemblance(*(mean + deviation * z for mean, deviation, z in zip(MEANS, DEVIATIONS, point, strict=True)))
        for point in standard_points()
    ),
)
"""Before a job has taught anything."""


def closeness_of(likeness: float, *, right_from: float) -> float:
    """How much more alike (both 0 to 1) the answers are than one to gold has to be, as a difference of log odds.

    Where only equal answers are right, it is how far beyond a half their share is.
    """
    if right_from >= 1:
        return _log_odds(likeness, SOFT_IF_EXACT)
    return _log_odds(likeness, SOFT) - _log_odds(min(right_from, STRICTEST), SOFT)


def written_resemblance(fit: ResemblanceFit) -> dict[str, Any]:
    """As JSON values."""
    return {
        "tasks": fit.tasks,
        "curve": _written(fit.curve),
        "spread": [_written(each) for each in fit.spread],
    }


def read_resemblance(written: Mapping[str, Any] | None) -> ResemblanceFit:
    """What `written_resemblance` wrote; without any, what is so before."""
    if written is None:
        return UNTAUGHT
    spread = tuple(Resemblance(*each) for each in written["spread"])
    return ResemblanceFit(Resemblance(*written["curve"]), spread, written["tasks"])


def _written(curve: Resemblance) -> list[float]:
    return [round(number, DIGITS) for number in (curve.level, curve.slope, curve.growth)]


def _log_odds(share: float, soft: float) -> float:
    return math.log((share + soft) / (1 - share + soft))
