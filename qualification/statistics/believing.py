"""What is believed of a task after its answers, whatever was asked: choices as classes, all else by likeness."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from statistics import fmean

from qualification.labels.habits import LEAST_WEIGHT
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import agrees, meant_answer, merge_answers, right_from, similarity_by_control
from qualification.statistics.calibrated import calibrated_posterior
from qualification.statistics.consensus import MOST_RELIABLE, Majority, Posterior, Vote
from qualification.statistics.fitted import UNFITTED, JobFit
from qualification.statistics.resemblance import Alike


def believe(schema: LabelSchema, votes: Sequence[Vote], fit: JobFit = UNFITTED, *, interval: bool = False) -> Posterior:
    """The belief about a task after these votes, in whatever order they came (docs/adr/0029, 0049).

    Choices are weighed as classes (`qualification.statistics.calibrated`) with what the job's `fit` knows. Where
    anything else is asked, the answer in front is all answers merged, each as its worker answers by what the fit has
    learnt (docs/adr/0050), or with the log odds of their reliability. The confidence is the probability that it would
    pass against gold, as the fit has it for answers that are so much alike, times that of the choices. One answer alone
    is believed as far as its worker is reliable.
    With the `interval` of the confidence, where it is known, for whoever shows it. Raises ValueError without votes.
    """
    if schema.asks_only_choices:
        return calibrated_posterior(schema, votes, fit, interval=interval)
    merged = merge_votes(schema, votes)
    leader, answers = merged.answer, [vote.answer for vote in votes]
    is_plain = len({weight_of(vote.reliability) for vote in votes}) == 1 and not any(vote.habits for vote in votes)
    plain = leader if is_plain else merge_answers(schema, answers)
    chosen = [_choices_of(schema, vote) for vote in votes] if schema.choices else []
    choices = calibrated_posterior(schema, chosen, fit, interval=interval) if chosen else None
    if choices is not None:
        leader = Answer.of({**dict(leader.selections), **dict(choices.leader.selections)})
    confidence, low, high = _confidence(merged, votes, fit, choices, interval=interval)
    return Posterior(
        leader=leader,
        confidence=confidence,
        low=low,
        high=high,
        controls=choices.controls if choices else (),
        majority=Majority(
            answer=plain, agreeing=sum(agrees(answer, plain, schema) for answer in answers), votes=len(votes)
        ),
        alike=merged.alike,
    )


@dataclass(frozen=True, slots=True)
class MergedVotes:
    """What votes make together, and how alike all are to it in what is no choice."""

    answer: Answer
    alike: Alike

    @property
    def closeness(self) -> float:
        """The least over its controls."""
        return self.alike.closeness


def merge_votes(schema: LabelSchema, votes: Sequence[Vote]) -> MergedVotes:
    """All answers merged, each as its worker answers, or with the log odds of their reliability.

    Raises ValueError without votes.
    """
    if not votes:
        raise ValueError("There is no consensus without a vote.")
    answers = [meant_answer(schema, vote.answer, vote.habits) for vote in votes]
    merged = merge_answers(
        schema, answers, [weight_of(vote.reliability) for vote in votes], [vote.habits for vote in votes]
    )
    near = [similarity_by_control(answer, merged, schema) for answer in answers]
    likeness = {name: _mean_likeness(name, near, votes) for name in near[0]}
    reliability = fmean(vote.reliability for vote in votes)
    by_control = [Alike(likeness[each.name], right_from(schema, each), reliability) for each in schema.others]
    return MergedVotes(merged, min(by_control, key=attrgetter("closeness")))


def _mean_likeness(control: str, near: Sequence[Mapping[str, float]], votes: Sequence[Vote]) -> float:
    """How alike all are in one control, each counting as it weighs there."""
    weights = [vote.habits[control].weight if control in vote.habits else weight_of(vote.reliability) for vote in votes]
    together = math.fsum(weight * each[control] for each, weight in zip(near, weights, strict=True))
    return min(1.0, together / math.fsum(weights))


def is_right_but_for_choices(answer: Answer, truth: Answer, schema: LabelSchema) -> bool:
    """Whether an answer would pass against gold in all that is no choice."""
    near = similarity_by_control(answer, truth, schema)
    return all(near[control.name] >= right_from(schema, control) for control in schema.others)


def _confidence(
    merged: MergedVotes, votes: Sequence[Vote], fit: JobFit, choices: Posterior | None, *, interval: bool
) -> tuple[float, float | None, float | None]:
    """The probability that all is right, and between which bounds it lies where that is asked and known."""
    if len(votes) == 1:
        alone = votes[0].reliability
        return (min(alone, choices.confidence) if choices else alone), None, None
    known = fit.resemblance
    chance = known.curve.chance(merged.closeness, len(votes))
    confidence = chance * choices.confidence if choices else chance
    if not interval:
        return confidence, None, None
    possible = [each.chance(merged.closeness, len(votes)) for each in known.spread]
    low, high = min(*possible, chance), max(*possible, chance)
    if choices is None or choices.low is None or choices.high is None:
        return confidence, low, high
    return confidence, low * choices.low, high * choices.high


def weight_of(reliability: float) -> float:
    """How much an answer weighs in a merge: the log odds that its worker is right, kept from nothing and from all."""
    share = min(reliability, MOST_RELIABLE)
    return max(math.log(share / (1 - share)), LEAST_WEIGHT) if share > 0 else LEAST_WEIGHT


def _choices_of(schema: LabelSchema, vote: Vote) -> Vote:
    names = {control.name for control in schema.choices}
    return replace(vote, answer=Answer(tuple(pair for pair in vote.answer.selections if pair[0] in names)))
