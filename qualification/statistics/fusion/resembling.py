"""What tasks of known truth teach of how likely merged answers are right (`qualification.statistics.resemblance`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qualification.statistics.fusion.answers import Floats
from qualification.statistics.fusion.priors import standard_points
from qualification.statistics.resemblance import DEVIATIONS, MEANS, UNTAUGHT, Resemblance, ResemblanceFit

MOST_STEPS: Final = 50
STILL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Merged:
    """Some answers to one task of known truth, merged: how close they were, how many, and whether it was right.

    `weight` is that of the task, shared by its pieces.
    """

    closeness: float
    answers: int
    is_right: bool
    weight: float = 1.0


def learn_resemblance(merged: Sequence[Merged]) -> ResemblanceFit:
    """The curve that is likeliest given these and what recorded crowds have in common, and others as likely.

    Logistic regression with a normal prior, by Newton's steps; its spread is Laplace's approximation
    (C. M. Bishop, *Pattern Recognition and Machine Learning* (2006), 4.5). Deterministic.
    """
    if not merged:
        return UNTAUGHT
    seen = np.array([[1.0, each.closeness, np.log(max(each.answers, 2) / 2)] for each in merged])
    right = np.array([float(each.is_right) for each in merged])
    weight = np.array([each.weight for each in merged])
    means, precision = np.array(MEANS), np.diag(1 / np.square(DEVIATIONS))
    found = means.copy()
    for _ in range(MOST_STEPS):
        chance = 1 / (1 + np.exp(-seen @ found))
        curvature = (seen * (weight * chance * (1 - chance))[:, None]).T @ seen + precision
        step = np.linalg.solve(curvature, seen.T @ (weight * (right - chance)) - precision @ (found - means))
        found += step
        if float(np.abs(step).max()) < STILL:
            break
    root: Floats = np.linalg.cholesky(np.linalg.inv(curvature))
    others = found + np.array(standard_points()) @ root.T
    return ResemblanceFit(
        curve=Resemblance(*found.tolist()),
        spread=tuple(Resemblance(*each) for each in others.tolist()),
        tasks=round(float(weight.sum())),
    )
