"""The turns of a job as arrays, in the order in which they were answered, and what the others said of each task."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qualification.statistics.fusion.answers import UNKNOWN, Answers, Flags, Floats, Indices, normalised
from qualification.statistics.fusion.em import fit
from qualification.statistics.fusion.votes import OneCoin

CODE: Final = OneCoin(consensus_weight=0.3)
"""What is known of workers: gold, and agreement at less than a third of its weight, as it repeats its own errors."""


@dataclass(frozen=True, eq=False)
class Turns:
    """Five arrays of one length, by the time of the answer; and each task's truth, or `UNKNOWN`.

    `said` is the place of the choice in the schema, which is also where it stands on the page; `seconds` from claim to
    answer, above 0.
    """

    task: Indices
    worker: Indices
    said: Indices
    seconds: Floats
    gold: Indices
    workers: int
    classes: int

    @property
    def is_gold(self) -> Flags:
        """Which turns were at gold."""
        return np.asarray(self.gold[self.task] != UNKNOWN)

    @property
    def is_right_at_gold(self) -> Flags:
        """Which turns were at gold, and right."""
        return np.asarray(self.gold[self.task] == self.said)

    @cached_property
    def answers(self) -> Answers:
        """The same without times."""
        return Answers.of(
            task=self.task,
            worker=self.worker,
            said=self.said,
            tasks=len(self.gold),
            workers=self.workers,
            classes=self.classes,
        )

    @cached_property
    def accuracy(self) -> Floats:
        """How likely each worker is right, from gold and from shrunk agreement."""
        fitted = fit(CODE, self.answers, gold=self.gold)
        everybody = np.arange(self.workers, dtype=np.int32)
        return np.asarray(fitted.parameters.confusion(everybody)[:, 0, 0], dtype=np.float64)

    @cached_property
    def of_others(self) -> Floats:
        """Turns × classes: what the task is likely to be, by gold or by everybody's answers but this one."""
        weight = np.log(self.accuracy * max(self.classes - 1, 1) / (1 - self.accuracy))
        scores = self._totals[self.task]
        scores[np.arange(len(self.task)), self.said] -= weight[self.worker]
        return self._believed(scores)

    @cached_property
    def wrong(self) -> Floats:
        """For each turn how likely its answer is wrong, by gold or by everybody's answers, this one too."""
        believed = self._believed(self._totals[self.task])
        return np.asarray(1 - believed[np.arange(len(self.task)), self.said], dtype=np.float64)

    @cached_property
    def _totals(self) -> Floats:
        weight = np.log(self.accuracy * max(self.classes - 1, 1) / (1 - self.accuracy))
        totals = np.zeros((len(self.gold), self.classes))
        np.add.at(totals, (self.task, self.said), weight[self.worker])
        return totals

    def _believed(self, scores: Floats) -> Floats:
        believed, _ = normalised(scores)
        known = self.is_gold
        believed[known] = np.eye(self.classes)[self.gold[self.task[known]]]
        return believed

    def of_workers(self, values: Floats) -> Floats:
        """The sum of a value over each worker's turns."""
        return np.bincount(self.worker, values, minlength=self.workers).astype(np.float64)
