"""How many honest workers may be flagged: one budget for all signals and all jobs of a worker (C. E. Bonferroni)."""

from typing import Final

NAMES: Final = ("gold_below_chance", "too_fast", "straight_lines", "one_place", "drift", "shared_errors")
"""The signals, in the order in which they are given."""

FALSE_FLAGS: Final = 0.005
"""How many of those with whom nothing is the matter may be flagged, by any signal."""


def is_flag(chance: float, *, jobs: int = 1) -> bool:
    """Whether a person should look at a signal of this chance, of somebody who is looked at in so many jobs."""
    return chance < FALSE_FLAGS / (len(NAMES) * jobs)
