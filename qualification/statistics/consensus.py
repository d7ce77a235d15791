"""One answer computed from several: majority vote, and the rule that the engine is measured against.

The rule is docs/adr/0006: each worker has one accuracy, errors are independent and fall on every wrong choice alike.
It is the one-coin form of A. P. Dawid and A. M. Skene, "Maximum likelihood estimation of observer error-rates using
the EM algorithm", Applied Statistics 28 (1979), with the accuracies taken from gold instead of estimated here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qualification.labels.habits import Habits
from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.statistics.parts import LEFT_OUT, Part, Rates
from qualification.statistics.resemblance import Alike

MOST_RELIABLE = 0.99
"""No worker is taken to be right more often: a score near 1 rests on few answers, and one vote must not decide alone
against several."""

ABOVE_CHANCE = 0.01
"""No vote counts for less than this above guessing: a bad score is too weak evidence to read a vote as its contrary."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One worker's answer to a task, or a prediction; `reliability` is how likely, 0 to 1, a whole answer is right.

    `rates` says of some parts what a fit has learnt of the worker, and `habits` of some controls that are no choices;
    for the others there is the reliability.
    """

    answer: Answer
    reliability: float
    is_model: bool = False
    rates: Mapping[Part, Rates] = field(default_factory=dict, hash=False)
    habits: Habits = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.reliability <= 1.0:
            raise ValueError(f"A reliability is a number from 0 to 1, not {self.reliability!r}.")


@dataclass(frozen=True, slots=True)
class Majority:
    """What most votes say, each counting the same: `agreeing` of `votes` votes equal `answer` in every control."""

    answer: Answer
    agreeing: int
    votes: int

    @property
    def share(self) -> float:
        return self.agreeing / self.votes


@dataclass(frozen=True, slots=True)
class ControlPosterior:
    """What is believed about one control.

    `probabilities` gives each candidate of a single choice, in the order of the schema, its probability (summing to 1,
    with `LEFT_OUT` for an optional control), and each choice of a multiple one the probability that it holds.
    `confidence` is the probability that `leader`, the labels in front, is right as a whole.
    """

    control: str
    probabilities: tuple[tuple[str, float], ...]
    leader: tuple[str, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed about a task: the answer in front, and the probability that it is right in every control.

    That probability lies between `low` and `high` at 95%; none where it is not known how sure it is. `alike` is how far
    answers coincide that were merged, none where all are choices.
    """

    leader: Answer
    confidence: float
    controls: tuple[ControlPosterior, ...]
    majority: Majority
    low: float | None = None
    high: float | None = None
    alike: Alike | None = None


def posterior(schema: LabelSchema, votes: Sequence[Vote]) -> Posterior:
    """The belief about a task after these votes, in whatever order they came.

    Before any vote all answers are equally likely. Labels that nobody chose keep their share of the probability. Each
    control is judged by itself, each choice of a multiple control too; the confidence of the task is the product, since
    a label is sold as a whole. Among equals the choice that stands first in the schema leads. Raises ValueError when
    there are no votes or one does not fit the schema.
    """
    check_votes(schema, votes)
    parts = sum(len(control.choices) if control.multiple else 1 for control in schema.choices)
    controls = tuple(_control_posterior(control, votes, parts=parts) for control in schema.choices)
    return Posterior(
        leader=Answer.of({control.control: control.leader for control in controls}),
        confidence=math.prod(control.confidence for control in controls),
        controls=controls,
        majority=majority_vote(schema, votes),
    )


def majority_vote(schema: LabelSchema, votes: Sequence[Vote]) -> Majority:
    """What most votes say, control by control, whoever gave them.

    Single choice: the choice with most votes; a tie goes to the choice that stands first in the schema, leaving an
    optional control out comes last. Multiple: every choice with more than half of the votes; where one is required and
    none has, the one with most. Raises ValueError when there are no votes or one does not fit the schema.
    """
    check_votes(schema, votes)
    winner = Answer.of({control.name: _most_chosen(control, votes) for control in schema.choices})
    return Majority(answer=winner, agreeing=sum(vote.answer == winner for vote in votes), votes=len(votes))


def part_accuracy(reliability: float, *, parts: int, candidates: int) -> float:
    """How often a worker is right about one part, when whole answers of `parts` parts are right with `reliability`.

    The parts are taken to fail independently, so it is the root; kept between just above guessing among the candidates
    and what nobody is believed to exceed.
    """
    floor = 1 / candidates + ABOVE_CHANCE * (1 - 1 / candidates)
    ceiling = math.pow(MOST_RELIABLE, 1 / parts)
    return min(max(math.pow(reliability, 1 / parts), floor), max(ceiling, floor))


def _control_posterior(control: ChoicesControl, votes: Sequence[Vote], *, parts: int) -> ControlPosterior:
    if control.multiple:
        return _multiple(control, votes, parts=parts)
    return _single(control, votes, parts=parts)


def _single(control: ChoicesControl, votes: Sequence[Vote], *, parts: int) -> ControlPosterior:
    candidates = _candidates(control)
    odds_against = len(candidates) - 1
    weights: dict[str, list[float]] = {candidate: [] for candidate in candidates}
    for vote in votes:
        accuracy = part_accuracy(vote.reliability, parts=parts, candidates=len(candidates))
        # log P(vote | this is true) - log P(vote | another is true): all that a vote tells.
        weights[_chosen(control, vote)].append(math.log(accuracy * odds_against / (1 - accuracy)))
    # fsum rounds once, so the order in which the answers came cannot turn a tie.
    evidence = {candidate: math.fsum(weights[candidate]) for candidate in candidates}
    leader = max(candidates, key=lambda candidate: evidence[candidate])
    likelihoods = [math.exp(evidence[candidate] - evidence[leader]) for candidate in candidates]
    total = math.fsum(likelihoods)
    return ControlPosterior(
        control=control.name,
        probabilities=tuple((c, likelihood / total) for c, likelihood in zip(candidates, likelihoods, strict=True)),
        leader=() if leader == LEFT_OUT else (leader,),
        confidence=1 / total,
    )


def _multiple(control: ChoicesControl, votes: Sequence[Vote], *, parts: int) -> ControlPosterior:
    weights = []
    for vote in votes:
        accuracy = part_accuracy(vote.reliability, parts=parts, candidates=2)
        weights.append((frozenset(vote.answer.chosen(control.name)), math.log(accuracy / (1 - accuracy))))
    log_odds = {
        label: math.fsum(weight if label in chosen else -weight for chosen, weight in weights)
        for label in control.labels
    }
    leader = tuple(label for label in control.labels if log_odds[label] > 0)
    if control.required and not leader:
        leader = (max(control.labels, key=lambda label: log_odds[label]),)
    log_confidence = math.fsum(_log_logistic(x if label in leader else -x) for label, x in log_odds.items())
    if control.required:
        # Nothing at all cannot be the answer, so its probability falls to the others in proportion.
        log_confidence -= math.log(-math.expm1(math.fsum(_log_logistic(-x) for x in log_odds.values())))
    return ControlPosterior(
        control=control.name,
        probabilities=tuple((label, math.exp(_log_logistic(log_odds[label]))) for label in control.labels),
        leader=leader,
        confidence=min(1.0, math.exp(log_confidence)),
    )


def _log_logistic(x: float) -> float:
    """log(1 / (1 + exp(-x))) without overflow or loss for large x of either sign."""
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def _most_chosen(control: ChoicesControl, votes: Sequence[Vote]) -> tuple[str, ...]:
    counts = dict.fromkeys((*control.labels, LEFT_OUT), 0)
    for vote in votes:
        for label in vote.answer.chosen(control.name) or (LEFT_OUT,):
            counts[label] += 1
    if not control.multiple:
        first = max(_candidates(control), key=lambda candidate: counts[candidate])
        return () if first == LEFT_OUT else (first,)
    chosen = tuple(label for label in control.labels if 2 * counts[label] > len(votes))
    if control.required and not chosen:
        return (max(control.labels, key=lambda label: counts[label]),)
    return chosen


def _candidates(control: ChoicesControl) -> tuple[str, ...]:
    return control.labels if control.required else (*control.labels, LEFT_OUT)


def _chosen(control: ChoicesControl, vote: Vote) -> str:
    chosen = vote.answer.chosen(control.name)
    return chosen[0] if chosen else LEFT_OUT


def check_votes(schema: LabelSchema, votes: Sequence[Vote]) -> None:
    """Raise ValueError when there are no votes or one does not fit the schema."""
    if not votes:
        raise ValueError("There is no consensus without a vote.")
    for vote in votes:
        if not _fits(schema, vote.answer):
            raise ValueError(f"The vote {vote.answer.key} does not fit the schema.")


def _fits(schema: LabelSchema, answer: Answer) -> bool:
    for name, labels in answer.selections:
        control = schema.control(name)
        if not isinstance(control, ChoicesControl) or not control.known_labels.issuperset(labels):
            return False
        if len(labels) > 1 and not control.multiple:
            return False
    return all(answer.chosen(control.name) for control in schema.choices if control.required)
