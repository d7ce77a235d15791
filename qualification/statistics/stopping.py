"""When a task has been asked often enough: after each answer it is resolved, gets one more answer, or is escalated."""

from enum import StrEnum

ROUNDING = 1e-9
"""What sums of logarithms may lose; a belief this near to what was asked for has reached it."""


class Decision(StrEnum):
    """What becomes of a task after an answer."""

    RESOLVED = "resolved"
    ONE_MORE = "one_more"
    ESCALATE = "escalate"


def decide(
    believed: float,
    *,
    answers: int,
    overlap_min: int,
    overlap_max: int,
    confidence: float,
    is_worth_asking: bool = True,
    unsure_is_escalated: bool = True,
) -> Decision:
    """What becomes of a task that has `answers` answers, and of whose label a probability of `believed` is believed.

    - Fewer than `overlap_min` answers: one more, however sure (if it is not already on its way).
    - Sure enough, a belief of at least `confidence`: resolved.
    - Unsure with fewer than `overlap_max` answers: one more, as long as it `is_worth_asking`.
    - Unsure else: a person decides; or, where the client does not want that (`unsure_is_escalated`), it is resolved
      with its honest, lower confidence. So it always is where `overlap_max` is 1: who asks each task once gets what
      that one worker says, as there is nothing to agree with.

    Raises ValueError for a policy that `check_policy` refuses.
    """
    check_policy(overlap_min=overlap_min, overlap_max=overlap_max, confidence=confidence)
    if answers < overlap_min:
        return Decision.ONE_MORE
    if believed >= confidence - ROUNDING:
        return Decision.RESOLVED
    if answers < overlap_max and is_worth_asking:
        return Decision.ONE_MORE
    return Decision.ESCALATE if unsure_is_escalated and overlap_max > 1 else Decision.RESOLVED


def check_policy(*, overlap_min: int, overlap_max: int, confidence: float) -> None:
    """Raise ValueError, with a sentence, unless 1 ≤ `overlap_min` ≤ `overlap_max` and 0 < `confidence` < 1."""
    for name, overlap in (("overlap_min", overlap_min), ("overlap_max", overlap_max)):
        if type(overlap) is not int or overlap < 1:
            raise ValueError(f"{name} is a whole number from 1, not {overlap!r}.")
    if overlap_min > overlap_max:
        raise ValueError(f"overlap_min is {overlap_min}, which is more than overlap_max, {overlap_max}.")
    if type(confidence) not in (int, float) or not 0 < confidence < 1:
        raise ValueError(f"confidence is a number between 0 and 1, both excluded, not {confidence!r}.")
