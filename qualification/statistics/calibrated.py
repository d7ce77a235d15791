"""The belief about a task's choices: answers weighed as a job's fit has them, with confidence that holds.

docs/adr/0035; the parts are those of `fusion.online`: log-likelihoods of classes, discounted as answers are not
independent, together with vote shares, above a floor.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer
from qualification.labels.schema import LabelSchema
from qualification.statistics.consensus import (
    ControlPosterior,
    Posterior,
    Vote,
    check_votes,
    majority_vote,
    part_accuracy,
)
from qualification.statistics.fitted import UNFITTED, JobFit, PartFit
from qualification.statistics.fusion.online import (
    LEAST_PROBABILITY,
    Belief,
    Weighed,
    confidences,
    gain_of_asking,
    weighed,
)
from qualification.statistics.fusion.priors import POINTS_KEPT
from qualification.statistics.parts import LEFT_OUT, Part, parts_of


@dataclass(frozen=True, slots=True)
class _Believed:
    """A part: its classes' probabilities, and for any of them what it could be as well."""

    part: Part
    fitted: PartFit
    belief: Belief
    probabilities: tuple[float, ...]

    def possible(self, place: int) -> list[float]:
        """The probability of one class under each calibration that gold leaves possible."""
        return confidences(self.belief, _weighed(self.fitted, self.belief.answers), leader=place)


@lru_cache(maxsize=1024)
def _weighed(fitted: PartFit, answers: int) -> Weighed:
    return weighed(fitted.spread, answers=answers, classes=len(fitted.shares))


def calibrated_posterior(
    schema: LabelSchema, votes: Sequence[Vote], fit: JobFit = UNFITTED, *, interval: bool = False
) -> Posterior:
    """The belief about a task after these votes, in whatever order they came.

    Each part is judged by itself; the confidence of the task is the product, since a label is sold as a whole, and so
    is what it could be as well: with the `interval`, which takes ten times as long. Predictions move what is believed,
    and are no votes. Among equals the choice that
    stands first in the schema leads. Raises ValueError when there are no votes or one does not fit the schema.
    """
    check_votes(schema, votes)
    parts = {(each.part.control, each.part.label): each for each in _believed_parts(schema, votes, fit)}
    controls = tuple(_of_control(control, parts) for control in schema.choices)
    confidence = math.prod(control.confidence for control in controls)
    low, high = _interval(schema, controls, parts, confidence) if interval else (None, None)
    return Posterior(
        leader=Answer.of({control.control: control.leader for control in controls}),
        confidence=confidence,
        controls=controls,
        majority=majority_vote(schema, [vote for vote in votes if not vote.is_model] or votes),
        low=low,
        high=high,
    )


def gain_of_one_more(schema: LabelSchema, belief: Posterior, fit: JobFit, *, answers: int, left: int) -> float:
    """By how much, 0 to 1, each of up to `left` more answers is expected to make the label likelier to be right.

    An answer speaks of all parts: what it gains in each counts by how sure all the others are. What is merged is one of
    them.
    """
    parts = parts_of(schema)
    by_control = {control.control: dict(control.probabilities) for control in belief.controls}
    gains = []
    for part in parts:
        known, fitted = by_control[part.control], fit.of(part, parts=len(parts))
        holds = known.get(part.label, 0.0)
        believed = [1 - holds, holds] if part.label else [known[each] for each in part.classes]
        gain = gain_of_asking(
            believed, left=left, next_accuracy=fitted.accuracy, weight=fitted.calibration.weight(answers + 1)
        )
        gains.append(gain * belief.confidence / max(believed))
    if belief.alike is not None:
        others = math.prod(control.confidence for control in belief.controls)
        chance = belief.confidence / others
        gains.append(fit.resemblance.curve.gain(belief.alike, chance=chance, answers=answers, left=left) * others)
    return math.fsum(gains)


def _believed_parts(schema: LabelSchema, votes: Sequence[Vote], fit: JobFit) -> list[_Believed]:
    parts = parts_of(schema)
    found = []
    for place, part in enumerate(parts):
        fitted = fit.of(part, parts=len(parts))
        belief = _belief(part, place, votes, fitted, parts=len(parts))
        found.append(_Believed(part, fitted, belief, fitted.calibration.believed(belief)))
    return found


def _belief(part: Part, place: int, votes: Sequence[Vote], fitted: PartFit, *, parts: int) -> Belief:
    classes = len(part.classes)
    said_of: list[list[float]] = [[math.log(max(share, LEAST_PROBABILITY))] for share in fitted.shares]
    counts = [0] * classes
    for vote in votes:
        said = part.said_in(vote.answer)
        if not vote.is_model:
            counts[said] += 1
            if not fitted.weighs_workers:
                continue
        rates = vote.rates.get(part)
        if isinstance(rates, tuple):
            for truth, row in enumerate(rates):
                said_of[truth].append(math.log(max(row[said], LEAST_PROBABILITY)))
        else:
            weight = _weight_by_score(vote.reliability, parts, classes) if rates is None else _weight(rates, classes)
            said_of[said].append(weight)
    # fsum rounds once, so the order in which the answers came cannot turn a tie.
    return Belief(tuple(map(math.fsum, said_of)), tuple(counts))


def _weight(right: float, classes: int) -> float:
    """By how much the logarithm of what was said grows when it is said by somebody who is right so often."""
    right = min(max(right, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(right * max(classes - 1, 1) / (1 - right))


@lru_cache(maxsize=1024)
def _weight_by_score(reliability: float, parts: int, classes: int) -> float:
    """The same for each of the parts of a multiple choice."""
    return _weight(part_accuracy(reliability, parts=parts, candidates=classes), classes)


def _of_control(control: ChoicesControl, parts: Mapping[tuple[str, str], _Believed]) -> ControlPosterior:
    if control.multiple:
        return _multiple(control, {label: parts[control.name, label].probabilities[1] for label in control.labels})
    part = parts[control.name, ""]
    classes = part.part.classes
    place = max(range(len(classes)), key=lambda place: round(part.probabilities[place], 9))
    leader = classes[place]
    return ControlPosterior(
        control=control.name,
        probabilities=tuple(zip(classes, part.probabilities, strict=True)),
        leader=() if leader == LEFT_OUT else (leader,),
        confidence=part.probabilities[place],
    )


def _multiple(control: ChoicesControl, holds: Mapping[str, float]) -> ControlPosterior:
    leader = tuple(label for label in control.labels if round(holds[label], 9) > 0.5)
    if control.required and not leader:
        leader = (max(control.labels, key=lambda label: round(holds[label], 9)),)
    return ControlPosterior(control.name, tuple(holds.items()), leader, _as_whole(control, leader, holds))


def _interval(
    schema: LabelSchema,
    controls: Sequence[ControlPosterior],
    parts: Mapping[tuple[str, str], _Believed],
    confidence: float,
) -> tuple[float, float]:
    """Between which bounds the confidence lies, under all calibrations that gold leaves possible.

    Parts of a label are taken to be calibrated too high or too low together.
    """
    possible = [1.0] * POINTS_KEPT
    for asked, found in zip(schema.choices, controls, strict=True):
        if asked.multiple:
            holds = [parts[asked.name, label].possible(1) for label in asked.labels]
            each = _possible_wholes(asked, found.leader, holds)
        else:
            part = parts[asked.name, ""]
            each = part.possible(part.part.classes.index(found.leader[0] if found.leader else LEFT_OUT))
        possible = [one * other for one, other in zip(possible, each, strict=True)]
    return min(*possible, confidence), max(*possible, confidence)


def _possible_wholes(control: ChoicesControl, leader: Sequence[str], holds: Sequence[Sequence[float]]) -> list[float]:
    """`_as_whole` under each calibration, `holds` by choice."""
    whole, none = [1.0] * POINTS_KEPT, [1.0] * POINTS_KEPT
    for label, ways in zip(control.labels, holds, strict=True):
        fails = [1 - each for each in ways]
        whole = list(map(mul, whole, ways if label in leader else fails))
        none = list(map(mul, none, fails)) if control.required else none
    if control.required:
        whole = [each / max(1 - nothing, LEAST_PROBABILITY) for each, nothing in zip(whole, none, strict=True)]
    return [min(1.0, each) for each in whole]


def _as_whole(control: ChoicesControl, leader: Sequence[str], holds: Mapping[str, float]) -> float:
    """The probability that each choice is as it is said to be."""
    confidence = math.prod(each if label in leader else 1 - each for label, each in holds.items())
    if control.required:
        # Nothing at all cannot be the answer, so its probability falls to the others in proportion.
        confidence /= max(1 - math.prod(1 - each for each in holds.values()), LEAST_PROBABILITY)
    return min(1.0, confidence)
