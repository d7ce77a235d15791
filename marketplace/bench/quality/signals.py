"""What signals see: workers no better than chance, told by an exam and by ordinary work; and how many are flagged."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from marketplace.bench.quality.simulated_crowd import SimulatedCrowd
from qualification.statistics.fusion.answers import UNKNOWN, Flags, Floats, Indices
from qualification.statistics.scoring import Score
from qualification.statistics.signals.found import ABOVE_CHANCE, signals_of
from qualification.statistics.signals.turns import Turns

CROWDS: Final = 60
QUICK_CROWDS: Final = 6
WORKERS, CLASSES = (25, 50), (2, 4)
EXAM: Final = 20
TURNS: Final = 80
MANY_TURNS: Final = 200
OVERLAP: Final = 5
GOLD_SHARE: Final = 0.05
MISLEADING: Final = 0.02
RING: Final = 4
COPIED: Final = 0.9
"""How many of their answers the members of a ring give alike, whatever the task."""

SPAMMERS_LOG_SPEED: Final = 1.5
ITEM, PERSON, TURN = 0.4, 0.3, 0.4
"""How much the logarithm of the time differs between items, between people and from turn to turn."""


@dataclass
class SignalFindings:
    """All crowds: areas under the curve by crowd, and who of how many was flagged by what.

    Half of the crowds have a ring. `unproven` counts flags of ability where no gold answer was given.
    """

    exam: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    people: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    by_signal: dict[str, Counter[str]] = field(default_factory=dict)
    unproven: int = 0

    def share(self, who: str) -> float:
        """The share of such people who were flagged by any signal."""
        return self.flagged[who] / max(self.people[who], 1)

    def written(self) -> dict[str, Any]:
        """As plain values."""
        by_signal = {who: dict(counts) for who, counts in self.by_signal.items()}
        people = {who: [count, self.flagged[who]] for who, count in self.people.items()}
        return {
            "exam": self.exam,
            "work": self.work,
            "people": people,
            "by_signal": by_signal,
            "unproven": self.unproven,
        }


def measure_signals(crowds: int, *, turns: int, tell: Callable[[str], None]) -> SignalFindings:
    """So many crowds, each worker with about so many turns."""
    found = SignalFindings()
    for seed in range(crowds):
        tell(f"signals: crowd {seed + 1} of {crowds}")
        chance = np.random.default_rng(seed)
        workers, classes = (int(chance.integers(low, high + 1)) for low, high in (WORKERS, CLASSES))
        crowd = SimulatedCrowd.draw(
            chance, tasks=workers * turns // OVERLAP, workers=workers, classes=classes, misleading=MISLEADING
        )
        ring = np.flatnonzero(~crowd.spammers)[: RING * (seed % 2)].astype(np.int32)
        _watch(found, crowd, _work(chance, crowd, ring), ring, exam=_exam(chance, crowd))
    return found


def _watch(found: SignalFindings, crowd: SimulatedCrowd, turns: Turns, ring: Indices, *, exam: Floats) -> None:
    right = crowd.rates[:, np.arange(crowd.classes), np.arange(crowd.classes)].mean(axis=1)
    poor = right < 1 / crowd.classes + ABOVE_CHANCE
    if poor.any() and not poor.all():
        found.exam.append(_area(exam, poor))
        if not ring.size:
            found.work.append(_area(turns.accuracy, poor))
    for worker, signals in enumerate(signals_of(turns)):
        who = "spammers" if crowd.spammers[worker] else "in a ring" if worker in ring else "honest"
        flags = [signal for signal in signals if signal.is_flagged]
        found.people[who] += 1
        found.flagged[who] += bool(flags)
        found.by_signal.setdefault(who, Counter()).update(signal.name for signal in flags)
        found.unproven += sum(not signal.evidence["gold"] for signal in flags if signal.name == "gold_below_chance")


def _work(chance: np.random.Generator, crowd: SimulatedCrowd, ring: Indices) -> Turns:
    """Everybody's turns in a random order; a twentieth of the tasks is gold, and spammers are quick."""
    tasks = len(crowd.truth)
    who = np.argsort(chance.random((tasks, crowd.workers)), axis=1)[:, :OVERLAP]
    order = chance.permutation(tasks * OVERLAP)
    task = np.repeat(np.arange(tasks, dtype=np.int32), OVERLAP)[order]
    worker = who.ravel()[order].astype(np.int32)
    said = crowd.say(chance, task=task, worker=worker)
    shared = chance.integers(crowd.classes, size=tasks)
    copied = np.isin(worker, ring) & (chance.random(len(worker)) < COPIED)
    said[copied] = shared[task[copied]]
    logarithms = (
        ITEM * chance.standard_normal(tasks)[task]
        + PERSON * chance.standard_normal(crowd.workers)[worker]
        + TURN * chance.standard_normal(len(task))
        - SPAMMERS_LOG_SPEED * crowd.spammers[worker]
    )
    return Turns(
        task=task,
        worker=worker,
        said=said,
        seconds=10 * np.exp(logarithms),
        gold=np.where(chance.random(tasks) < GOLD_SHARE, crowd.truth, UNKNOWN).astype(np.int32),
        workers=crowd.workers,
        classes=crowd.classes,
    )


def _exam(chance: np.random.Generator, crowd: SimulatedCrowd) -> Floats:
    """The estimate of each worker's score after an exam."""
    scores = []
    for worker in range(crowd.workers):
        task = chance.choice(len(crowd.truth), size=EXAM, replace=False).astype(np.int32)
        said = crowd.say(chance, task=task, worker=np.full(EXAM, worker, dtype=np.int32))
        right = int((said == crowd.truth[task]).sum())
        scores.append(Score(correct=right, wrong=EXAM - right).mean)
    return np.array(scores)


def _area(score: Floats, poor: Flags) -> float:
    """The area under the curve: how often a poor worker has the lower score of two; ties count half."""
    bad, good = score[poor][:, None], score[~poor]
    return float(np.mean((bad < good) + 0.5 * (bad == good)))
