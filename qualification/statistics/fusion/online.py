"""What becomes of one task after an answer: belief, honest confidence, and whether another answer is worth its price.

Plain Python on the few numbers that a fit leaves behind, so that a request can decide without NumPy; what it takes
grows with the classes and the answers of the one task, never with the job.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from qualification.statistics.stopping import Decision, check_policy, decide

LEAST_GAIN: Final = 0.005
"""Another answer must promise half a point of accuracy, if nothing else is asked for."""

MOST_LOOKED_AHEAD: Final = 15
"""Answers looked ahead; what is not decided by as many more is not worth the first of them."""

LEAST_PROBABILITY: Final = 1e-12
LEAST_LOGARITHM: Final = -690.0
LARGEST_LOGARITHM: Final = 700.0


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """How one worker errs: `chances[truth][said]`, each row summing to 1; classes in the order of the schema."""

    chances: tuple[tuple[float, ...], ...]

    @classmethod
    def of_coin(cls, accuracy: float, *, classes: int) -> "ErrorRates":
        """Right with probability `accuracy`, 0 to 1, and wrong in all other ways alike."""
        wrong = (1 - accuracy) / (classes - 1) if classes > 1 else 0.0
        right = accuracy if classes > 1 else 1.0
        return cls(
            tuple(tuple(right if said == truth else wrong for said in range(classes)) for truth in range(classes))
        )


@dataclass(frozen=True, slots=True)
class Belief:
    """What the answers to one task say: log-likelihoods and votes by class, in the order of the schema."""

    evidence: tuple[float, ...]
    votes: tuple[int, ...]

    @classmethod
    def before(cls, shares: Sequence[float]) -> "Belief":
        """Before any answer, with each class's share among tasks (positive; all alike if nothing is known)."""
        return cls(tuple(math.log(share) for share in shares), (0,) * len(shares))

    @property
    def answers(self) -> int:
        """How many answers have been counted in."""
        return sum(self.votes)

    def after(self, said: int, rates: ErrorRates) -> "Belief":
        """The belief after one more answer: class `said`, by a worker who errs with `rates`."""
        evidence = tuple(
            known + math.log(max(row[said], LEAST_PROBABILITY))
            for known, row in zip(self.evidence, rates.chances, strict=True)
        )
        votes = tuple(count + (place == said) for place, count in enumerate(self.votes))
        return Belief(evidence, votes)


@dataclass(frozen=True, slots=True)
class Calibration:
    """From what a model believes to what is so, in three numbers fitted on gold (`calibration.fit_calibration`).

    n answers to one task are not n independent ones. Log-posteriors are multiplied by n to the power of -`discount`,
    log vote shares by `vote_weight` are added, and every class keeps at least `floor` / classes: tasks where everybody
    errs together exist at any confidence. The discount grows with n up to `typical`: where tasks are asked as long as
    they are unsure, those with more answers are those whose answers differ, which are as independent as any.

    A temperature as in C. Guo et al., "On calibration of modern neural networks", ICML (2017), made to grow with n; the
    sum of logarithms is a logarithmic pool (C. Genest, J. V. Zidek, Statistical Science 1 (1986)).
    """

    discount: float = 0.0
    vote_weight: float = 0.0
    floor: float = 0.0
    typical: float = math.inf

    def weight(self, answers: int) -> float:
        """By how much log-posteriors are multiplied after so many answers."""
        return float(min(max(answers, 1), self.typical) ** -self.discount)

    def believed(self, belief: Belief) -> tuple[float, ...]:
        """The probability of each class that may be shown to people."""
        classes, answers = len(belief.votes), belief.answers
        highest = max(belief.evidence)
        total = math.log(math.fsum(math.exp(value - highest) for value in belief.evidence)) + highest
        weight = self.weight(answers)
        scores = [
            weight * max(value - total, LEAST_LOGARITHM)
            + self.vote_weight * math.log((votes + 1 / classes) / (answers + 1))
            for value, votes in zip(belief.evidence, belief.votes, strict=True)
        ]
        top = max(scores)
        likelihoods = [math.exp(score - top) for score in scores]
        whole = math.fsum(likelihoods)
        return tuple((1 - self.floor) * likelihood / whole + self.floor / classes for likelihood in likelihoods)


def calibration_at(discount: float, log_vote_weight: float, floor_odds: float) -> Calibration:
    """The calibration at a point where priors and fits are thought of: on the scales of `priors.Prior`."""
    return Calibration(
        discount=max(discount, 0.0), vote_weight=math.exp(log_vote_weight), floor=1 / (1 + math.exp(-floor_odds))
    )


Weighed = Sequence[tuple[float, float, float, float]]
"""Of each of many calibrations after some answers: what log-posteriors and log vote shares are multiplied by, what the
classes share of the probability, and what each keeps."""


def weighed(calibrations: Sequence[Calibration], *, answers: int, classes: int) -> Weighed:
    """What `confidences` needs of calibrations, which is the same for all tasks with so many answers."""
    return [(each.weight(answers), each.vote_weight, 1 - each.floor, each.floor / classes) for each in calibrations]


def confidences(belief: Belief, calibrations: Weighed, *, leader: int) -> list[float]:
    """`believed` of one class under each of many calibrations: what they have in common is computed once."""
    classes, answers = len(belief.votes), belief.answers
    highest = max(belief.evidence)
    total = math.log(math.fsum(math.exp(value - highest) for value in belief.evidence)) + highest
    logs = [max(value - total, LEAST_LOGARITHM) for value in belief.evidence]
    shares = [math.log((votes + 1 / classes) / (answers + 1)) for votes in belief.votes]
    if classes == 2:  # as in each part of a multiple choice, of which there are many
        other, most = 1 - leader, LARGEST_LOGARITHM
        log, share = logs[other] - logs[leader], shares[other] - shares[leader]
        return [
            shared / (1.0 + math.exp(x if (x := weight * log + vote_weight * share) < most else most)) + kept
            for weight, vote_weight, shared, kept in calibrations
        ]
    # Most classes have no vote and differ in nothing from one another.
    behind = Counter(
        (log - logs[leader], share - shares[leader])
        for place, (log, share) in enumerate(zip(logs, shares, strict=True))
        if place != leader
    )
    others = [1.0] * len(calibrations)
    for (log, share), alike in behind.items():
        others = [
            known + alike * math.exp(min(weight * log + vote_weight * share, LARGEST_LOGARITHM))
            for known, (weight, vote_weight, _, _) in zip(others, calibrations, strict=True)
        ]
    return [shared / total + kept for total, (_, _, shared, kept) in zip(others, calibrations, strict=True)]


@dataclass(frozen=True, slots=True)
class Policy:
    """When a job stops asking: sure enough (`confidence`, 0 to 1), asked enough, or no answer worth its price any more.

    `least_gain` is the price of an answer over the worth of a right label: by how much, 0 to 1, one more answer must be
    expected to make the label likelier to be right. 0 asks as long as there is overlap left.
    """

    confidence: float
    overlap_min: int
    overlap_max: int
    least_gain: float = LEAST_GAIN

    def __post_init__(self) -> None:
        check_policy(overlap_min=self.overlap_min, overlap_max=self.overlap_max, confidence=self.confidence)
        if not 0 <= self.least_gain < 1:
            raise ValueError(f"least_gain is a number from 0 to below 1, not {self.least_gain!r}.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a task: the decision, the class in front, how likely it is right, what each next answer adds."""

    decision: Decision
    leader: int
    confidence: float
    gain: float


def judge(
    belief: Belief, *, policy: Policy, calibration: Calibration, next_accuracy: float, unsure_is_escalated: bool = True
) -> Verdict:
    """Decide about a task after an answer.

    `next_accuracy` is how likely the next worker is right (the job's mean if nobody in particular comes next). A task
    that is not sure enough although no answer is worth its price any more is escalated, or resolved with its honest,
    lower confidence where the client wants no person for that (`unsure_is_escalated`). Among equals the first class
    leads. As in `stopping.decide`, a task that is asked only once is never escalated.
    """
    believed = calibration.believed(belief)
    leader = max(range(len(believed)), key=lambda place: round(believed[place], 9))
    confidence, answers = believed[leader], belief.answers
    left = policy.overlap_max - answers
    gain = gain_of_asking(believed, left=left, next_accuracy=next_accuracy, weight=calibration.weight(answers + 1))
    decision = decide(
        confidence,
        answers=answers,
        overlap_min=policy.overlap_min,
        overlap_max=policy.overlap_max,
        confidence=policy.confidence,
        is_worth_asking=gain >= policy.least_gain,
        unsure_is_escalated=unsure_is_escalated,
    )
    return Verdict(decision=decision, leader=leader, confidence=confidence, gain=gain)


def gain_of_asking(believed: Sequence[float], *, left: int, next_accuracy: float, weight: float = 1.0) -> float:
    """By how much each of the next answers makes the label likelier to be right, at the best number of them up to
    `left`.

    One answer alone often cannot turn a label, and two can; so the best mean over one answer, two, three… is taken: P.
    I. Frazier, W. B. Powell, "Paradoxes in learning and the marginal value of information", Decision Analysis 7
    (2010). The two classes in front are looked at, and what the next answer says counts by its `weight`, as
    in `Calibration`.
    """
    classes = len(believed)
    if classes < 2 or left < 1:
        return 0.0
    *_, second, first = sorted(believed)
    second = max(second, LEAST_PROBABILITY)
    accuracy = min(max(next_accuracy, 1 / classes), 1 - LEAST_PROBABILITY)
    odds = math.log(accuracy * (classes - 1) / max(1 - accuracy, LEAST_PROBABILITY))
    right = 1 / (1 + math.exp(-odds * weight))
    return max(
        (_right_after(first, second, ways) - first) / more
        for more, ways in enumerate(_ways(right, min(left, MOST_LOOKED_AHEAD)), start=1)
    )


Way = tuple[int, float, float, float, float]
"""That so many answers agree: in how many orders, and the chances of those that agree and of the others, either way."""


@lru_cache(maxsize=1024)
def _ways(right: float, most: int) -> list[list[Way]]:
    """For one answer, two, three… up to `most`, how they may come out."""
    wrong = 1 - right
    return [
        [
            (
                math.comb(more, agreeing),
                right**agreeing,
                wrong ** (more - agreeing),
                wrong**agreeing,
                right ** (more - agreeing),
            )
            for agreeing in range(more + 1)
        ]
        for more in range(1, most + 1)
    ]


def _right_after(first: float, second: float, ways: Sequence[Way]) -> float:
    """The probability that the class in front after more answers is the true one, of the two in front now."""
    return math.fsum(
        orders * max(first * agree * differ, second * disagree * concur)
        for orders, agree, differ, disagree, concur in ways
    )
