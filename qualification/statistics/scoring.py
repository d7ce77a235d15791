"""How good a worker is in one skill: a Beta posterior over how often whole answers are right, moved by gold answers."""

import math
from dataclasses import dataclass
from functools import lru_cache

from qualification.statistics.beta import beta_quantile

PRIOR_CORRECT = 1.5
PRIOR_WRONG = 0.5
"""What is believed before the first gold answer, counted in answers: as if of two answers one and a half were right.

0.75 is about what single answers of paid crowds are right (15 published sets: 0.44 to 0.98, median 0.74). Two answers
weigh little: after twenty of the worker's own they make up a tenth.
"""


@dataclass(frozen=True, slots=True)
class Score:
    """What gold has shown about a worker in one skill: answers that were right and answers that were wrong.

    Both are counts of answers, at least 0; not whole where old or partial evidence counts for less. The prior is not in
    them. Source: A. Gelman et al., "Bayesian Data Analysis", 3rd edition, 2.4 (Beta-binomial).
    """

    correct: float = 0.0
    wrong: float = 0.0

    def __post_init__(self) -> None:
        for count in (self.correct, self.wrong):
            if not (0.0 <= count < math.inf):
                raise ValueError(f"A score counts answers, at least 0; {count!r} is no such count.")

    @property
    def mean(self) -> float:
        """The estimate: the probability, 0 to 1, that this worker's next whole answer is right."""
        return (self.correct + PRIOR_CORRECT) / (self.correct + self.wrong + PRIOR_CORRECT + PRIOR_WRONG)

    def lower_bound(self, level: float = 0.95) -> float:
        """The accuracy, 0 to 1, that this worker exceeds with probability `level` (one-sided; 0 < level < 1)."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"A level is a number between 0 and 1, both excluded, not {level!r}.")
        return _quantile(1 - level, self.correct + PRIOR_CORRECT, self.wrong + PRIOR_WRONG)

    def after(self, *, correct: bool) -> "Score":
        """The score after one more gold answer."""
        return Score(correct=self.correct + correct, wrong=self.wrong + (not correct))


@lru_cache(maxsize=4096)
def _quantile(p: float, a: float, b: float) -> float:
    return beta_quantile(p, a, b)
