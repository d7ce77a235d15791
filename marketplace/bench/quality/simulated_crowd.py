"""A crowd that is made up: tasks, honest workers and spammers, and what they say."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from qualification.statistics.fusion.answers import Flags, Floats, Indices

HONEST: Final = (0.72, 0.97)
"""Between which accuracies honest workers are drawn, evenly."""

SPAMMERS: Final = (0.1, 0.4)
MISLED: Final = 0.5
"""How often an honest answer to a misleading task is its decoy."""

ALWAYS_THE_SAME: Final = 0.98


@dataclass(frozen=True, eq=False)
class SimulatedCrowd:
    """Tasks with their `truth`, some of them misleading towards a `decoy`; workers with their matrix of error rates.

    Half of the spammers guess, the other half say one class nearly always.
    """

    truth: Indices
    decoy: Indices
    misleading: Flags
    rates: Floats
    spammers: Flags

    @classmethod
    def draw(
        cls, chance: np.random.Generator, *, tasks: int, workers: int, classes: int, misleading: float
    ) -> "SimulatedCrowd":
        """Classes of unequal size, a share of spammers between a tenth and four tenths."""
        shares = chance.dirichlet(np.full(classes, 4.0))
        truth = chance.choice(classes, size=tasks, p=shares).astype(np.int32)
        spammers = chance.random(workers) < chance.uniform(*SPAMMERS)
        rates = np.stack([_spammer(chance, classes) if spams else _honest(chance, classes) for spams in spammers])
        return cls(
            truth=truth,
            decoy=((truth + chance.integers(1, classes, size=tasks)) % classes).astype(np.int32),
            misleading=chance.random(tasks) < misleading,
            rates=rates,
            spammers=spammers,
        )

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.rates.shape[-1])

    @property
    def workers(self) -> int:
        """How many workers there are, spammers among them."""
        return len(self.rates)

    def say(self, chance: np.random.Generator, *, task: Indices, worker: Indices) -> Indices:
        """What each worker says of each task."""
        reached = self.rates[worker, self.truth[task]].cumsum(axis=1)
        said = (chance.random((len(task), 1)) >= reached[:, :-1]).sum(axis=1)
        is_misled = self.misleading[task] & ~self.spammers[worker] & (chance.random(len(task)) < MISLED)
        return np.where(is_misled, self.decoy[task], said).astype(np.int32)


def _honest(chance: np.random.Generator, classes: int) -> Floats:
    """One accuracy on all classes; errors fall unevenly, for each class in a way of its own."""
    accuracy = chance.uniform(*HONEST)
    errors = chance.dirichlet(np.ones(classes - 1), size=classes) * (1 - accuracy)
    return np.stack([np.insert(row, place, accuracy) for place, row in enumerate(errors)])


def _spammer(chance: np.random.Generator, classes: int) -> Floats:
    if chance.random() < 0.5:
        return np.full((classes, classes), 1 / classes)
    row = np.full(classes, (1 - ALWAYS_THE_SAME) / (classes - 1))
    row[chance.integers(classes)] = ALWAYS_THE_SAME
    return np.tile(row, (classes, 1))
