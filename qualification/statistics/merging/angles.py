"""Directions from several people: 350° and 10° are near each other."""

import math
from collections.abc import Sequence


def circular_mean(degrees: Sequence[float], weights: Sequence[float]) -> float:
    """The weighted mean direction in degrees, from -180 to 180; 0 where the directions cancel out.

    Source: K. V. Mardia and P. E. Jupp, "Directional Statistics" (2000), section 2.2.
    """
    turned = sorted(zip(degrees, weights, strict=True))
    up = math.fsum(weight * math.sin(math.radians(degree)) for degree, weight in turned)
    along = math.fsum(weight * math.cos(math.radians(degree)) for degree, weight in turned)
    return math.degrees(math.atan2(up, along)) if math.hypot(up, along) > 1e-12 else 0.0
