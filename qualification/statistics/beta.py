"""The Beta distribution in plain Python: importing SciPy for one quantile would cost every process 0.2 s and 40 MB."""

import math

PRECISION = 1e-14
SMALLEST = 1e-300
MOST_STEPS = 10_000


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X ≤ x) for X ~ Beta(a, b): the regularised incomplete beta function I_x(a, b), with a, b > 0.

    By the continued fraction of the NIST Digital Library of Mathematical Functions, 8.17.22, on the side where it
    converges fast (8.17.4 gives the other).
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    return math.exp(_log_density(x, a, b) + math.log(x) + math.log1p(-x)) / (a * _fraction(x, a, b))


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with P(X ≤ x) = p for X ~ Beta(a, b), to about 1e-10; 0 < p < 1.

    Newton's method, kept between bounds that each step narrows, so that it cannot run away where the density is flat.
    """
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(MOST_STEPS):
        excess = beta_cdf(x, a, b) - p
        low, high = (low, x) if excess > 0 else (x, high)
        density = math.exp(_log_density(x, a, b))
        following = x - excess / density if density > 0 else low
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - x) <= 1e-12 or high - low <= 1e-12:
            return following
        x = following
    return x


def _log_density(x: float, a: float, b: float) -> float:
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return (a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_beta


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + …)) with the coefficients of DLMF 8.17.22, by the modified Lentz method (DLMF 3.10)."""
    value, numerators, denominators = 1.0, 1.0, 0.0
    for n in range(1, MOST_STEPS):
        coefficient = _coefficient(n, x, a, b)
        denominators = 1.0 / _not_zero(1.0 + coefficient * denominators)
        numerators = _not_zero(1.0 + coefficient / numerators)
        value *= numerators * denominators
        if abs(numerators * denominators - 1.0) < PRECISION:
            break
    return value


def _coefficient(n: int, x: float, a: float, b: float) -> float:
    m, odd = divmod(n, 2)
    if odd:
        return -(a + m) * (a + b + m) * x / ((a + n - 1) * (a + n))
    return m * (b - m) * x / ((a + n - 1) * (a + n))


def _not_zero(value: float) -> float:
    return value if abs(value) > SMALLEST else SMALLEST
