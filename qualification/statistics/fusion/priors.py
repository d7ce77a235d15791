"""What crowds are like before anybody has seen any gold of a job, in numbers that need no NumPy."""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

from qualification.statistics.fusion.online import Calibration, calibration_at

POINTS_KEPT: Final = 40
"""So many calibrations, as likely as one another, stand for all that are possible: 95% of these lie between them."""

_BASES: Final = (2, 3, 5)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a calibration before gold: means and standard deviations.

    Of the discount as it is, of the vote weight's logarithm, of the floor's log-odds.
    """

    means: tuple[float, float, float]
    deviations: tuple[float, float, float]

    def of_one_of(self, parts: int) -> "Prior":
        """The same for each of `parts` parts, of which an answer as a whole is wrong when any is."""
        return self if parts == 1 else _of_one_of(self, parts)

    @property
    def calibration(self) -> Calibration:
        """The calibration where there is no gold: the prior's mean."""
        return calibration_at(*self.means)

    @property
    def points(self) -> tuple[Calibration, ...]:
        """Calibrations spread as the prior has them.

        Points of J. H. Halton's sequence, *Numerische Mathematik* 2 (1960), which fill the cube evenly.
        """
        return _spread(self)


LEARNT: Final = Prior((0.75, -1.2, -4.0), (0.3, 1.0, 1.0))
"""Models that learn from agreement confirm themselves: n answers of published crowds are worth about n to the 1/4."""

WEIGHTED: Final = Prior((0.4, -1.2, -3.5), (0.3, 1.0, 1.0))
"""Votes weighted by gold do not, but workers still err together."""

VOTES: Final = Prior((0.0, 0.74, -3.5), (0.3, 0.5, 1.0))
"""A vote share is no probability: it is sharpened, to about its square."""


@lru_cache(maxsize=64)
def _of_one_of(prior: Prior, parts: int) -> Prior:
    floor = prior.calibration.floor
    of_one = -math.expm1(math.log1p(-floor) / parts)
    discount, vote_weight, _ = prior.means
    return Prior((discount, vote_weight, math.log(of_one / (1 - of_one))), prior.deviations)


@lru_cache(maxsize=64)
def _spread(prior: Prior) -> tuple[Calibration, ...]:
    return tuple(
        calibration_at(*(m + d * z for m, d, z in zip(prior.means, prior.deviations, point, strict=True)))
        for point in standard_points()
    )


@lru_cache(maxsize=1)
def standard_points() -> tuple[tuple[float, ...], ...]:
    """Points spread evenly as three standard normal numbers are: J. H. Halton's sequence through their quantiles."""
    normal = NormalDist()
    return tuple(tuple(normal.inv_cdf(_halton(place, base)) for base in _BASES) for place in range(1, POINTS_KEPT + 1))


def _halton(place: int, base: int) -> float:
    """The place written in this base, backwards behind the point."""
    found, step = 0.0, 1.0
    while place:
        place, digit = divmod(place, base)
        step /= base
        found += digit * step
    return found
