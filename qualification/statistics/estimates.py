"""What a job is likely to cost before it is launched, and what it can cost at most."""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from qualification.statistics.fitted import unfitted
from qualification.statistics.stopping import ROUNDING, check_policy

ACCURACY_LOW_COST = 0.95
ACCURACY_EXPECTED = 0.85
ACCURACY_HIGH_COST = 0.70
"""How often single answers are right in the three forecasts: an easy job, a usual one after an exam, a hard one."""

MOST_CLASSES = 10_000
"""Beyond this many possible answers two wrong ones practically never coincide, so more make no difference."""

MANY_ANSWERS, FEW_CLASSES = 30, 4
"""Where every task gets more answers than this, wrong ones are taken to fall on few classes: the ways in which they can
be spread over many would take minutes to go through, and few make the forecast dearer, not cheaper."""

NEGLIGIBLE = 1e-9
"""Courses of answers less likely than this are taken to go on to the end: the forecast errs on the dear side."""


Spread = tuple[int, tuple[int, ...]]
"""How many answers are right, and how many fell on each wrong class, most first."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How one task is likely to go: the expected number of answers, and the probability that a person must decide."""

    answers: float
    escalated: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """One case of an estimate: answers paid for (gold among them), tasks that a person must decide, minor units."""

    answers: int
    gold_answers: int
    escalations: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job costs in minor units, reward and fee: three forecasts, and the most that it can cost."""

    low: Forecast
    expected: Forecast
    high: Forecast
    worst_answers: int
    worst_cost_minor: int


def estimate_job(
    *,
    tasks: int,
    gold_tasks: int,
    overlap_min: int,
    overlap_max: int,
    confidence: float,
    classes: int,
    gold_share_basis_points: int,
    reward_minor: int,
    fee_minor: int,
) -> Estimate:
    """What `tasks` tasks cost beside `gold_tasks` gold ones, at `reward_minor` and `fee_minor` per answer.

    `classes` is how many different answers are possible (`LabelSchema.possible_answers`). The forecasts assume workers
    who are all alike, right in 95, 85 or 70% of their answers and known to be, with errors spread evenly; a real crowd
    differs. The worst case is exact: every task at `overlap_max` and every gold turn taken. Raises ValueError for
    numbers that make no sense.
    """
    counts = {"tasks": tasks, "gold_tasks": gold_tasks, "reward_minor": reward_minor, "fee_minor": fee_minor}
    for name, count in counts.items():
        if type(count) is not int or count < 0:
            raise ValueError(f"{name} is a whole number from 0, not {count!r}.")
    gold_turns = gold_tasks * turns_per_gold_task(
        tasks=tasks,
        gold_tasks=gold_tasks,
        overlap_max=overlap_max,
        gold_share_basis_points=gold_share_basis_points,
    )

    def forecast(accuracy: float) -> Forecast:
        outlook = task_outlook(
            overlap_min=overlap_min,
            overlap_max=overlap_max,
            confidence=confidence,
            classes=classes,
            accuracy=accuracy,
        )
        work = math.ceil(tasks * outlook.answers - ROUNDING)
        gold = min(gold_turns, _gold_beside(work, gold_share_basis_points))
        return Forecast(
            answers=work + gold,
            gold_answers=gold,
            escalations=math.ceil(tasks * outlook.escalated - ROUNDING),
            cost_minor=(work + gold) * (reward_minor + fee_minor),
        )

    worst_answers = tasks * overlap_max + gold_turns
    return Estimate(
        low=forecast(ACCURACY_LOW_COST),
        expected=forecast(ACCURACY_EXPECTED),
        high=forecast(ACCURACY_HIGH_COST),
        worst_answers=worst_answers,
        worst_cost_minor=worst_answers * (reward_minor + fee_minor),
    )


def turns_per_gold_task(*, tasks: int, gold_tasks: int, overlap_max: int, gold_share_basis_points: int) -> int:
    """How many times each gold task may be given out, so that gold can keep its share while every task goes to the end.

    Were there fewer, gold would be used up while work goes on, and what comes last be known not to be gold. As many as
    have that share beside the most answers that the work can need, rounded up, spread over the gold tasks, rounded up.
    """
    if type(gold_share_basis_points) is not int or not 0 <= gold_share_basis_points < 10_000:
        raise ValueError(f"A gold share is 0 to 9999 basis points, not {gold_share_basis_points!r}.")
    if gold_tasks == 0:
        return 0
    return _divided_up(_gold_beside(tasks * overlap_max, gold_share_basis_points), gold_tasks)


@lru_cache(maxsize=512)
def task_outlook(*, overlap_min: int, overlap_max: int, confidence: float, classes: int, accuracy: float) -> Outlook:
    """How a task goes under the rule of `stopping.decide`, when every worker is right with probability `accuracy`.

    Confidence is that of a job that is not fitted yet (`fitted.unfitted`), to whom every worker is known.

    Computed, not simulated: the probability of each way in which the answers so far can be spread over the classes.
    Raises ValueError unless `accuracy` lies between guessing among the `classes` and 1.
    """
    check_policy(overlap_min=overlap_min, overlap_max=overlap_max, confidence=confidence)
    classes = min(classes, FEW_CLASSES if overlap_min > MANY_ANSWERS else MOST_CLASSES)
    if classes < 2 or not 1 / classes < accuracy < 1:
        raise ValueError(f"An accuracy of {accuracy!r} is not between guessing among {classes} answers and 1.")
    weight = math.log(accuracy * (classes - 1) / (1 - accuracy))
    unsure: dict[Spread, float] = {(0, ()): 1.0}
    neglected = 0.0
    answers = 0.0
    for given in range(1, overlap_max + 1):
        answers += math.fsum(unsure.values()) + neglected
        following = _after_one_answer(unsure, accuracy=accuracy, classes=classes)
        if given >= overlap_min:
            following = {
                spread: chance
                for spread, chance in following.items()
                if _confidence_of(spread, weight=weight, classes=classes) < confidence - ROUNDING
            }
        neglected += math.fsum(chance for chance in following.values() if chance <= NEGLIGIBLE)
        unsure = {spread: chance for spread, chance in following.items() if chance > NEGLIGIBLE}
    escalated = 0.0 if overlap_max == 1 else math.fsum(unsure.values()) + neglected
    return Outlook(answers=answers, escalated=escalated)


def _after_one_answer(unsure: dict[Spread, float], *, accuracy: float, classes: int) -> dict[Spread, float]:
    following: dict[Spread, float] = defaultdict(float)
    each_wrong = (1 - accuracy) / (classes - 1)
    for (right, wrong), chance in unsure.items():
        following[right + 1, wrong] += chance * accuracy
        fresh = classes - 1 - len(wrong)
        if fresh:
            following[right, (*wrong, 1)] += chance * each_wrong * fresh
        for votes in set(wrong):
            position = wrong.index(votes)
            grown = (*wrong[:position], votes + 1, *wrong[position + 1 :])
            following[right, grown] += chance * each_wrong * wrong.count(votes)
    return following


def _confidence_of(spread: Spread, *, weight: float, classes: int) -> float:
    calibration = unfitted(2, 1).calibration
    right, wrong = spread
    voted = (right, *wrong)
    weight *= calibration.weight(sum(voted))

    def score(votes: int) -> float:
        return weight * votes + calibration.vote_weight * math.log(votes + 1 / classes)

    most = score(max(voted))
    others = math.fsum(math.exp(score(votes) - most) for votes in voted)
    others += (classes - len(voted)) * math.exp(score(0) - most)
    return (1 - calibration.floor) / others + calibration.floor / classes


def _gold_beside(work: int, gold_share_basis_points: int) -> int:
    return _divided_up(work * gold_share_basis_points, 10_000 - gold_share_basis_points)


def _divided_up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
