"""What is believed of a task after its answers, whatever was asked: choices as classes, all else by likeness."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.labels.similarity import agrees, merge_answers, similarity_by_control
from qualification.statistics.calibrated import calibrated_posterior
from qualification.statistics.consensus import MOST_RELIABLE, Majority, Posterior, Vote
from qualification.statistics.fitted import UNFITTED, JobFit

LEAST_WEIGHT: Final = 0.1
"""No answer weighs less than this: a bad score is weak evidence, and everybody's box may be the right one."""


def believe(schema: LabelSchema, votes: Sequence[Vote], fit: JobFit = UNFITTED, *, interval: bool = False) -> Posterior:
    """The belief about a task after these votes, in whatever order they came (docs/adr/0029).

    Choices are weighed as classes (`qualification.statistics.calibrated`) with what the job's `fit` knows. Where
    anything else is asked, the answer in front is all answers merged, each with the log odds of its worker's
    reliability, and the confidence is the least of: the posterior of the choices, and for every other control the mean
    similarity of the answers to what they were merged to. One answer alone is believed as far as its worker is
    reliable. With the `interval` of the confidence, where it is a probability, for whoever shows it. Raises ValueError
    without votes.
    """
    if schema.asks_only_choices:
        return calibrated_posterior(schema, votes, fit, interval=interval)
    if not votes:
        raise ValueError("There is no consensus without a vote.")
    answers, weights = [vote.answer for vote in votes], [weight_of(vote.reliability) for vote in votes]
    leader = merge_answers(schema, answers, weights)
    plain = merge_answers(schema, answers) if len(set(weights)) > 1 else leader
    chosen = [_choices_of(schema, vote) for vote in votes] if schema.choices else []
    choices = calibrated_posterior(schema, chosen, fit) if chosen else None
    likeness = _likeness(schema, leader, answers, weights) if len(votes) > 1 else votes[0].reliability
    if choices is not None:
        leader = Answer.of({**dict(leader.selections), **dict(choices.leader.selections)})
    return Posterior(
        leader=leader,
        confidence=min(likeness, choices.confidence) if choices else likeness,
        controls=choices.controls if choices else (),
        majority=Majority(
            answer=plain, agreeing=sum(agrees(answer, plain, schema) for answer in answers), votes=len(votes)
        ),
    )


def weight_of(reliability: float) -> float:
    """How much an answer weighs in a merge: the log odds that its worker is right, kept from nothing and from all."""
    share = min(reliability, MOST_RELIABLE)
    return max(math.log(share / (1 - share)), LEAST_WEIGHT) if share > 0 else LEAST_WEIGHT


def _likeness(schema: LabelSchema, merged: Answer, answers: Sequence[Answer], weights: Sequence[float]) -> float:
    choices = {control.name for control in schema.choices}
    near = [similarity_by_control(answer, merged, schema) for answer in answers]
    total = math.fsum(weights)
    by_control = (
        math.fsum(weight * each[name] for each, weight in zip(near, weights, strict=True)) / total
        for name in near[0]
        if name not in choices
    )
    return min(1.0, *by_control)


def _choices_of(schema: LabelSchema, vote: Vote) -> Vote:
    names = {control.name for control in schema.choices}
    return replace(vote, answer=Answer(tuple(pair for pair in vote.answer.selections if pair[0] in names)))
