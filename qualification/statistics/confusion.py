"""What a worker says when each class is true, from gold: a Dirichlet posterior by class, with a bound of being right.

The prior weighs as much as that of scores (`qualification.statistics.scoring`): as if of two answers one and a half
were right, and the rest spread over the other classes. So the bound of a class is that of a score of its answers alone
(the marginal of a Dirichlet is a Beta: A. Gelman et al., "Bayesian Data Analysis", 3rd edition, 3.4).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from qualification.statistics.scoring import PRIOR_CORRECT, PRIOR_WRONG, Score


@dataclass(frozen=True, slots=True)
class ClassConfusion:
    """The answers to gold of one class: how often each class was said, in the order of the classes."""

    truth: int
    said: tuple[int, ...]

    @property
    def answers(self) -> int:
        """How many answers it rests on."""
        return sum(self.said)

    @property
    def likely(self) -> tuple[float, ...]:
        """How likely the worker says each class when this one is true; they add up to 1."""
        others = PRIOR_WRONG / max(len(self.said) - 1, 1)
        prior = [PRIOR_CORRECT if said == self.truth else others for said in range(len(self.said))]
        total = self.answers + sum(prior)
        return tuple((count + more) / total for count, more in zip(self.said, prior, strict=True))

    def right_at_least(self, level: float = 0.95) -> float:
        """What being right, when this class is true, exceeds with probability `level`."""
        right = self.said[self.truth]
        return Score(correct=right, wrong=self.answers - right).lower_bound(level)


def confusion_of(answers: Iterable[tuple[int, int]], *, classes: int) -> tuple[ClassConfusion, ...]:
    """By class that is true: from pairs of what is true and what was said, each a place below ``classes``."""
    counts = [[0] * classes for _ in range(classes)]
    for truth, said in answers:
        counts[truth][said] += 1
    return tuple(ClassConfusion(truth, tuple(said)) for truth, said in enumerate(counts))
