"""How often a worker meets hidden gold: more often as a newcomer and after a miss, less often the longer the record."""

from typing import Final

NEWCOMER: Final = 1.25
PROVEN: Final = 0.75
HALFWAY: Final = 40
"""After so many gold answers, in exams and work, a worker meets gold as often as the job's share says."""

AFTER_A_MISS: Final = 1.25
AT_MOST: Final = 0.5
"""No more than half of anybody's turns are made gold by this rule; a job may ask for more itself."""


def gold_rate(*, share: float, answers: float, missed_last: bool) -> float:
    """The probability, 0 to 1, that a worker's next turn is gold, in a job whose `share` of turns is to be gold.

    From `NEWCOMER` times the share without any gold answer it fades towards `PROVEN` times, as HALFWAY/(HALFWAY + n):
    halfway it is the share itself. The turns at gold of a job are bounded by its share whatever this says, and
    among its workers some are newcomers and some are proven, so that it averages to about the share.
    """
    factor = PROVEN + (NEWCOMER - PROVEN) * HALFWAY / (HALFWAY + answers)
    if missed_last:
        factor *= AFTER_A_MISS
    return min(share * factor, max(share, AT_MOST))
