"""How right the labels are and how honest their confidence: every method, and what the selector makes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from marketplace.bench.quality.recordings import Recording
from qualification.statistics.fusion.answers import Answers, Floats, Indices
from qualification.statistics.fusion.calibration import calibration_error
from qualification.statistics.fusion.fuse import Fused, fuse
from qualification.statistics.fusion.votes import majority

TIES_SHARED: Final = "majority, ties shared"
ENGINE: Final = "Assay"
PERFECT_DRAWS: Final = 20


@dataclass(frozen=True)
class Draw:
    """One draw of gold: what was right of the tasks that it left, by method, and gaps of confidence.

    `error` is that of the confidence shown, `raw_error` that of the chosen method's posterior, and `perfect_error`
    what a forecast without any fault would show on so few tasks.
    """

    right: dict[str, float]
    chosen: str
    because: str
    error: float
    raw_error: float
    perfect_error: float


@dataclass
class SetFindings:
    """One set over all draws."""

    name: str
    judged: int
    draws: list[Draw] = field(default_factory=list)

    def right(self, method: str) -> float:
        """A method's accuracy, the mean over the draws."""
        return float(np.mean([draw.right[method] for draw in self.draws]))

    def spread(self, method: str) -> float:
        """The standard deviation of a method's accuracy over the draws."""
        return float(np.std([draw.right[method] for draw in self.draws]))

    def worst_lead(self, method: str, floor: str) -> float:
        """The smallest lead of a method over another in any draw."""
        return min(draw.right[method] - draw.right[floor] for draw in self.draws)

    def mean_of(self, what: Callable[[Draw], float]) -> float:
        """The mean over the draws of anything else."""
        return float(np.mean([what(draw) for draw in self.draws]))


def measure_accuracy(
    recordings: Sequence[Recording], *, draws: int, share: float, tell: Callable[[str], None]
) -> list[SetFindings]:
    """All sets, each with so many draws of gold."""
    found = []
    for recording in recordings:
        findings = SetFindings(recording.name, judged=0)
        for seed in range(draws):
            tell(f"{recording.name}: draw {seed + 1} of {draws}")
            gold, left = recording.draw(seed=seed, share=share)
            findings.judged = len(left)
            findings.draws.append(_judged(recording, fuse(recording.answers, gold=gold), left, seed))
        found.append(findings)
    return found


def _judged(recording: Recording, fused: Fused, left: Indices, seed: int) -> Draw:
    truth = recording.truth[left]
    right = {
        candidate.fit.method.name: float(np.mean(candidate.fit.labels[left] == truth))
        for candidate in fused.selection.candidates
    }
    right[TIES_SHARED] = _ties_shared(recording.answers, left, truth)
    right[ENGINE] = float(np.mean(fused.labels[left] == truth))
    chosen = fused.selection.chosen.fit
    confidence = fused.confidence[left]
    return Draw(
        right=right,
        chosen=chosen.method.name,
        because=fused.selection.because,
        error=calibration_error(confidence, fused.labels[left] == truth),
        raw_error=calibration_error(chosen.posterior[left].max(axis=1), chosen.labels[left] == truth),
        perfect_error=_perfect_error(confidence, np.random.default_rng(seed)),
    )


def _ties_shared(answers: Answers, left: Indices, truth: Indices) -> float:
    """Majority vote where a tie is right as often as one of its classes drawn at random would be."""
    shares = majority(answers).posterior[left]
    leading = shares >= shares.max(axis=1, keepdims=True) - 1e-9
    return float(np.mean(leading[np.arange(len(left)), truth] / leading.sum(axis=1)))


def _perfect_error(confidence: Floats, chance: np.random.Generator) -> float:
    drawn = (chance.random(len(confidence)) < confidence for _ in range(PERFECT_DRAWS))
    return float(np.mean([calibration_error(confidence, right) for right in drawn]))
