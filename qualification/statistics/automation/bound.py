"""How often predictions err at most, by random audits, at any moment; and the score from which they may be accepted.

The bounds hold at all moments together, so that one may look after every audit and act at the first good moment: they
are those of a confidence sequence, {p : M(p) < 1 / alpha} with M the likelihood ratio of a Beta mixture, a martingale
while p is the truth (H. Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of
Mathematical Statistics 41 (1970); S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", Annals of Statistics 49 (2021)), by Ville's inequality. A Clopper–Pearson bound
holds for one look only; `clopper_pearson` stands beside it, for who wants to compare.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qualification.statistics.beta import beta_quantile

ALPHA: Final = 0.05
"""How likely at most a bound is wrong that is shown or acted upon."""

HALVINGS: Final = 50


@dataclass(frozen=True, slots=True)
class Audits:
    """Random audits of one kind of predictions: how many, and how many of them were wrong."""

    number: int
    wrong: int

    def __post_init__(self) -> None:
        if not 0 <= self.wrong <= self.number:
            raise ValueError(f"{self.wrong} of {self.number} audits cannot be wrong.")


@dataclass(frozen=True, slots=True)
class Checked:
    """One audit: the score that the model gave, and whether people found its prediction right."""

    score: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """The score from which predictions may be accepted, what audits say of those, and the bound of their error."""

    score: float
    audits: Audits
    error_bound: float


def upper_bound(audits: Audits, *, allowed: float, alpha: float = ALPHA) -> float:
    """What the share of errors does not exceed, with probability 1 - `alpha` at all moments together.

    The mixture expects about half of the `allowed` error (0 to 1, both excluded); it holds whatever is expected.
    """
    if audits.wrong == audits.number:
        return 1.0
    inside, outside, limit = audits.wrong / audits.number, 1.0, -math.log(alpha)
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if not inside < middle < outside:
            break  # no number stands between them any more
        if _log_evidence(audits, middle, expects=_expected(allowed)) < limit:
            inside = middle
        else:
            outside = middle
    return outside


def holds(audits: Audits, *, allowed: float, alpha: float = ALPHA) -> bool:
    """Whether `upper_bound` is at most `allowed`, without looking for where it is."""
    if not audits.number or audits.wrong >= allowed * audits.number:
        return False
    return _log_evidence(audits, allowed, expects=_expected(allowed)) >= -math.log(alpha)


def lowest_threshold(
    checks: Sequence[Checked], *, thresholds: Sequence[float], allowed: float, alpha: float = ALPHA
) -> Threshold | None:
    """The lowest of `thresholds` at or above which the error is surely at most `allowed`, or None.

    `alpha` is shared among them evenly (Bonferroni), so the choice is paid for. They must be chosen without a look at
    who was right.
    """
    share = alpha / max(len(thresholds), 1)
    for score in sorted(thresholds):
        reached = [check for check in checks if check.score >= score]
        audits = Audits(number=len(reached), wrong=sum(not check.is_right for check in reached))
        if holds(audits, allowed=allowed, alpha=share):
            return Threshold(score, audits, upper_bound(audits, allowed=allowed, alpha=share))
    return None


def is_broken(audits: Audits, *, allowed: float, alpha: float = ALPHA) -> bool:
    """Whether the error is surely above what is `allowed`: a lower bound of the same kind, at all moments, has passed.

    Its mixture expects any error alike: who has reason to ask this cannot know which it is.
    """
    if audits.wrong <= allowed * audits.number:
        return False
    return _log_evidence(audits, allowed, expects=(1.0, 1.0)) >= -math.log(alpha)


def clopper_pearson(audits: Audits, *, alpha: float = ALPHA) -> float:
    """The upper bound for one look, chosen beforehand: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934)."""
    if audits.wrong >= audits.number:
        return 1.0
    return beta_quantile(1 - alpha, audits.wrong + 1, audits.number - audits.wrong)


def share_right(audits: Audits) -> tuple[float, float, float]:
    """How likely a prediction like these is right, and between what bounds that lies at 95%.

    The mean and the quantiles of a Beta posterior whose prior knows nothing: one more of either kind (Laplace's rule of
    succession).
    """
    right, wrong = audits.number - audits.wrong + 1, audits.wrong + 1
    low, high = (beta_quantile(p, right, wrong) for p in (ALPHA / 2, 1 - ALPHA / 2))
    return right / (right + wrong), low, high


def _expected(allowed: float) -> tuple[float, float]:
    return 1.0, 2 / allowed - 1


def _log_evidence(audits: Audits, error: float, *, expects: tuple[float, float]) -> float:
    """The logarithm of the likelihood of a Beta mixture with these two counts over that of `error`."""
    right = audits.number - audits.wrong
    against = audits.wrong * math.log(error) if audits.wrong else 0.0
    against += right * math.log1p(-error) if right else 0.0
    return _log_beta(expects[0] + audits.wrong, expects[1] + right) - _log_beta(*expects) - against


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
