"""How a promise is earned: who looks at which label next, until the bound says that all classes are as right as asked.

Each class has an equal part of the risk, so that the promises hold for all classes at once, and so for the whole.
"""

from dataclasses import dataclass, field
from typing import Final

from qualification.statistics.certificates.bound import Inspection, is_at_most, most_wrong
from qualification.statistics.stopping import ROUNDING

AFTER_A_MISS: Final = 4
"""How many of the least sure labels of a class are gone through when one that was drawn turned out to be wrong."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked: a share of right labels in each class, and so over all, and how sure that must be; both 0 to 1."""

    target: float = 0.95
    assurance: float = 0.95

    def __post_init__(self) -> None:
        for name, share in (("target", self.target), ("assurance", self.assurance)):
            if not 0.5 <= share < 1.0:
                raise ValueError(f"The {name} is a number from 0.5 to below 1, not {share!r}.")

    def risk(self, classes: int) -> float:
        """With what probability the promise about one of so many classes may be wrong."""
        return (1 - self.assurance) / classes

    def allowed(self, labels: int) -> int:
        """How many of so many labels may be wrong."""
        return int((1 - self.target) * labels + ROUNDING)


@dataclass(slots=True)
class ClassCourse:
    """The labels of one class that answers gave, from the moment on when they stand.

    `inspectable` is how many there were then; `labels` how many tasks have this label now, from answers or from
    experts; `looks` what experts found, in the order in which tasks were taken.
    """

    inspectable: int
    labels: int
    looks: list[Inspection] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many nobody has looked at."""
        return self.inspectable - len(self.looks)

    @property
    def draws_next(self) -> bool:
        """Whether the next task is drawn at random; after a miss the least sure ones are gone through instead."""
        misses = sum(look.drawn and not look.right for look in self.looks)
        return sum(not look.drawn for look in self.looks) >= AFTER_A_MISS * misses

    def wrong_at_most(self, terms: Terms, *, classes: int) -> int:
        """The bound on how many are still wrong, of a job with so many classes."""
        return most_wrong(self.looks, labels=self.inspectable, risk=terms.risk(classes))

    def is_kept(self, terms: Terms, *, classes: int) -> bool:
        """Whether the promise can be made about this class now."""
        allowed = terms.allowed(self.labels)
        return is_at_most(allowed, self.looks, labels=self.inspectable, risk=terms.risk(classes))
