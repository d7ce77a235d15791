"""The signals in plain words: for admins with all numbers, for workers without what would tell gold or another worker.

What a worker reads must not move with a single answer to gold, so counts of gold are left out, shares are in whole
per cent, and who the others are stays untold.
"""

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[dict[str, str]] = {
    "gold_below_chance": "Answers to questions whose right answer is known are right less often than a tenth above "
    "what guessing gives. It can also be a gold question that is wrong, or instructions that mislead.",
    "too_fast": "Answers take far less time than others take for the same items. Practice and shortcuts make people "
    "fast, too.",
    "straight_lines": "The answer is the same as the one just before more often than the order of the tasks explains. "
    "Tasks that come in runs can look like that.",
    "one_place": "One choice is picked more often than the tasks explain. An instruction that is read differently can "
    "look like that.",
    "drift": "Answers agree with what others say less than they did in the first half of the work. Harder tasks, "
    "another version of the instructions or weariness can be behind it.",
    "shared_errors": "Two workers give the same wrong answers more often than their errors would coincide. Two who "
    "learnt the same misreading can look like that.",
}
"""What each signal means, and what innocent cause it may have."""

_FOR_ADMINS: Final[dict[str, str]] = {
    "gold_below_chance": "{right:.0f} of {gold:.0f} answers to gold are right.",
    "too_fast": "{times_as_fast:.1f} times as fast as others at the same items, over {turns:.0f} answers.",
    "straight_lines": "The same as just before {times:.0f} times of {turns:.0f}; the order of the tasks explains "
    "{expected:.1f}.",
    "one_place": "Choice {choice} was picked {times:.0f} times of {turns:.0f}; the tasks explain {expected:.1f}.",
    "drift": "Agreed with others in {agreed_before:.0%} at first, and in {agreed_since:.0%} since.",
    "shared_errors": "{same_errors:.0f} same wrong answers at {tasks_of_both:.0f} tasks that both had; {expected:.1f} "
    "would be expected.",
}
_FOR_WORKERS: Final[dict[str, str]] = {
    **_FOR_ADMINS,
    "gold_below_chance": "How many were right in all, up to the last midnight (UTC), stands with your scores.",
    "shared_errors": "Many of your wrong answers equal those of another worker at the same tasks.",
}


def meaning_of(name: str) -> str:
    """What the signal of that name means."""
    return MEANINGS[name]


def in_words(name: str, numbers: Mapping[str, float], *, choice: str = "", for_worker: bool = False) -> str:
    """What was seen of one worker, as a sentence with its numbers; ``choice`` is the label of the place, if any."""
    sentence = (_FOR_WORKERS if for_worker else _FOR_ADMINS)[name]
    return sentence.format(**numbers, choice=choice)
