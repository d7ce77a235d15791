"""What another policy would have made of a job: its own answers again, in their order, decided by the same functions.

Where a policy asks for more answers than were given, they are drawn: the truth from what is believed of the task by
then, and each answer right as often as the job's workers are. Intervals come from drawing the tasks anew (B. Efron, R.
J. Tibshirani, "An Introduction to the Bootstrap" (1993)), those of shares from Jeffreys' prior (L. D. Brown, T. T. Cai,
A. DasGupta, Statistical Science 16 (2001)): of five tasks that are all right, drawing anew would prove that all are.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import agrees
from qualification.statistics.believing import believe
from qualification.statistics.beta import beta_quantile
from qualification.statistics.calibrated import gain_of_one_more
from qualification.statistics.consensus import Posterior, Vote
from qualification.statistics.fitted import UNFITTED, JobFit
from qualification.statistics.stopping import Decision, decide

DRAWS: Final = 500
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy that is tried; `gold_share` of all turns is hidden gold, 0 to below 1.

    `least_gain` is the price of an answer over the worth of a right label, 0 where nobody said what that is.
    """

    overlap_min: int
    overlap_max: int
    confidence: float
    gold_share: float
    unsure_is_escalated: bool = True
    least_gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """One task: its answers in their order, its truth where gold or an expert told it, and what models predicted."""

    votes: tuple[Vote, ...]
    truth: str | None
    predicted: tuple[Vote, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One task under the rules: `right` is none where nobody knows, or where a person must decide."""

    answers: int
    drawn: int
    escalated: bool
    right: bool | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean, or a share, with bounds of 95%; none where nothing is known."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the rules come to per task: answers (gold's share on top), escalations, and how often labels are right.

    `judged` tasks have a truth and a label by consensus; `drawn` is the share of answers that had to be made up.
    """

    tasks: int
    judged: int
    answers: Figure
    escalated: Figure
    right: Figure
    drawn: float


def predict(
    schema: LabelSchema, tasks: Sequence[Recorded], rules: Rules, *, chance: random.Random, fit: JobFit = UNFITTED
) -> Prediction:
    """Try the rules on recorded tasks. Raises ValueError without tasks, or for rules that `check_policy` refuses."""
    if not any(task.votes for task in tasks):
        raise ValueError("Nobody has answered yet, so there is nothing to replay.")
    given = [vote for task in tasks for vote in task.votes]
    crowd = _Crowd(
        keys=Counter(vote.answer.key for vote in given),
        reliability=sum(vote.reliability for vote in given) / len(given),
        fit=fit,
    )
    outcomes = [_replayed(schema, task, rules, crowd, chance) for task in tasks if task.votes]
    more = 1 / (1 - rules.gold_share)
    return Prediction(
        tasks=len(outcomes),
        judged=sum(outcome.right is not None for outcome in outcomes),
        answers=_figure(outcomes, lambda outcome: outcome.answers * more, chance),
        escalated=_share(outcomes, lambda outcome: outcome.escalated),
        right=_share(outcomes, lambda outcome: outcome.right),
        drawn=sum(outcome.drawn for outcome in outcomes) / sum(outcome.answers for outcome in outcomes),
    )


@dataclass(frozen=True, slots=True)
class _Crowd:
    keys: Counter[str]
    reliability: float
    fit: JobFit

    def answer(self, truth: str, chance: random.Random) -> Vote:
        """What somebody of the job's workers would say."""
        wrong = [key for key in self.keys if key != truth]
        if wrong and chance.random() >= self.reliability:
            truth = chance.choices(wrong, [self.keys[key] for key in wrong])[0]
        return Vote(Answer.from_key(truth), self.reliability)


def _replayed(schema: LabelSchema, task: Recorded, rules: Rules, crowd: _Crowd, chance: random.Random) -> Outcome:
    votes: list[Vote] = []
    truth = task.truth
    while True:
        if len(votes) < len(task.votes):
            votes.append(task.votes[len(votes)])
        else:
            all_votes = [*votes, *task.predicted]
            truth = truth or _believed(believe(schema, all_votes, crowd.fit), all_votes, chance)
            votes.append(crowd.answer(truth, chance))
        belief = believe(schema, [*votes, *task.predicted], crowd.fit)
        decision = decide(
            belief.confidence,
            answers=len(votes),
            overlap_min=rules.overlap_min,
            overlap_max=rules.overlap_max,
            confidence=rules.confidence,
            is_worth_asking=_is_worth_asking(schema, belief, rules, crowd, answers=len(votes)),
            unsure_is_escalated=rules.unsure_is_escalated,
        )
        if decision is not Decision.ONE_MORE:
            break
    is_judged = decision is Decision.RESOLVED and task.truth is not None
    return Outcome(
        answers=len(votes),
        drawn=max(0, len(votes) - len(task.votes)),
        escalated=decision is Decision.ESCALATE,
        right=agrees(belief.leader, Answer.from_key(task.truth), schema) if is_judged and task.truth else None,
    )


def _is_worth_asking(schema: LabelSchema, belief: Posterior, rules: Rules, crowd: _Crowd, *, answers: int) -> bool:
    if not rules.least_gain:
        return True
    left = rules.overlap_max - answers
    return gain_of_one_more(schema, belief, crowd.fit, answers=answers, left=left) >= rules.least_gain


def _believed(belief: Posterior, votes: Sequence[Vote], chance: random.Random) -> str:
    """A truth for a task of which none is known: what is in front, as likely as is believed, else what another said."""
    others = [vote.answer.key for vote in votes if vote.answer.key != belief.leader.key]
    return chance.choice(others) if others and chance.random() >= belief.confidence else belief.leader.key


def _share(outcomes: Sequence[Outcome], value: Callable[[Outcome], bool | None]) -> Figure:
    known = [each for each in map(value, outcomes) if each is not None]
    if not known:
        return Figure(None, None, None)
    yes, no, outside = sum(known), len(known) - sum(known), (1 - LEVEL) / 2
    low = beta_quantile(outside, yes + 0.5, no + 0.5) if yes else 0.0
    high = beta_quantile(1 - outside, yes + 0.5, no + 0.5) if no else 1.0
    return Figure(yes / len(known), low, high)


def _figure(outcomes: Sequence[Outcome], value: Callable[[Outcome], float], chance: random.Random) -> Figure:
    known = [value(each) for each in outcomes]
    means = sorted(sum(chance.choices(known, k=len(known))) / len(known) for _ in range(DRAWS))
    cut = round(DRAWS * (1 - LEVEL) / 2)
    return Figure(sum(known) / len(known), means[cut], means[-cut - 1])
