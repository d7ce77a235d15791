"""A crowd at a job that runs: workers come, and are given turns at tasks that they could answer, as a claim gives them.

Nobody is turned away as long as there is a turn for them. With steering, sure workers are asked first about unsure
tasks (docs/adr/0047).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from marketplace.bench.quality.recordings import Recording
from marketplace.bench.quality.running_job import RunningJob, Terms
from qualification.statistics.fairness import gini_index
from qualification.statistics.fusion.answers import UNKNOWN, Indices
from qualification.statistics.scoring import Score
from qualification.statistics.steering import way_in
from qualification.statistics.stopping import Decision

TRIES: Final = 16
"""Turns that are looked at from a random place before all are, as in a claim."""


class Coming(NamedTuple):
    """A worker comes for a turn; `minute` of the recording, where it has times."""

    worker: int
    minute: float | None = None


class Further(NamedTuple):
    """A turn at an unsure task: who took it, how many answers came in before, and how many minutes that took."""

    is_sure: bool
    is_newcomer: bool
    waited: int
    minutes: float | None


class Attendance:
    """A running job, who could answer what, and which turns are free."""

    def __init__(
        self,
        recording: Recording,
        gold: Indices,
        terms: Terms,
        *,
        chance: random.Random,
        gold_share: float,
        is_steered: bool,
        scores: Mapping[int, Score] | None = None,
    ) -> None:
        self.job = RunningJob(recording, gold, terms, scores=scores)
        self.terms, self.chance, self.gold_share, self.is_steered = terms, chance, gold_share, is_steered
        answers = recording.answers
        pairs = zip(answers.task.tolist(), answers.worker.tolist(), strict=True)
        self.left = dict(zip(pairs, answers.said.tolist(), strict=True))
        self.gold_of: dict[int, list[int]] = defaultdict(list)
        for task, worker in self.left:
            if gold[task] != UNKNOWN:
                self.gold_of[worker].append(task)
        self.first = [task for task, most in self.job.most.items() for _ in range(min(terms.overlap_min, most))]
        self.more: list[int] = []
        self.free = Counter(self.first)
        self.opened_at: dict[int, tuple[int, float | None]] = {}
        self.further: list[Further] = []

    def work(self, coming: Sequence[Coming]) -> None:
        """Everybody comes in this order; who found nothing comes again as long as anything changes."""
        while True:
            before = len(self.job.given)
            coming = [one for one in coming if not self._turn(one)]
            if len(self.job.given) == before and not self._look_again(None):
                return

    def mean_of(self, what: Callable[[Further], float | None]) -> float | None:
        """Over all turns at unsure tasks of which it is known."""
        found = [one for one in map(what, self.further) if one is not None]
        return float(np.mean(found)) if found else None

    @property
    def gini(self) -> float:
        """How unevenly the turns went to those who had any."""
        return gini_index(list(Counter(worker for _, worker, _ in self.job.given).values())) or 0.0

    def _turn(self, coming: Coming) -> bool:
        """One claim with its answer, gold before it as chance has it; whether there was work for this worker."""
        worker = coming.worker
        self._look_again(coming.minute)
        unsure_first = False
        if self.is_steered:
            unsure_first, _ = way_in(is_sure=worker in self.job.sure, drawn=self.chance.random())
            found = self._pick([self.more] if unsure_first else [self.first], worker)
            task = found if found is not None else self._pick([self.first] if unsure_first else [self.more], worker)
        else:
            task = self._pick([self.first, self.more], worker)
        if task is None:
            return False
        while self.gold_of[worker] and self.chance.random() < self.gold_share:
            own = self.gold_of[worker]
            self._give(own.pop(self.chance.randrange(len(own))), worker)
        if task in self.opened_at:
            answers, minute = self.opened_at.pop(task)
            minutes = coming.minute - minute if coming.minute is not None and minute is not None else None
            waited = len(self.job.given) - answers
            self.further.append(Further(worker in self.job.sure, worker not in self.job.rates, waited, minutes))
        self._give(task, worker)
        self.free[task] -= 1
        if not self.free[task] and self.job.decide(task) is Decision.ONE_MORE:
            self._open(task, coming.minute)
        return True

    def _pick(self, queues: Sequence[list[int]], worker: int) -> int | None:
        """Take a turn that this worker may have, any as likely as another; none where there is none."""
        turns = sum(map(len, queues))
        tries = (self.chance.randrange(turns) for _ in range(min(TRIES, turns)))
        for place in (*tries, -1):
            queue, at = queues[0], place
            if place < 0:
                able = [(queue, at) for queue in queues for at, task in enumerate(queue) if (task, worker) in self.left]
                if not able:
                    return None
                queue, at = self.chance.choice(able)
            elif place >= len(queue):
                queue, at = queues[1], place - len(queue)
            if (queue[at], worker) in self.left:
                queue[at], queue[-1] = queue[-1], queue[at]
                return queue.pop()
        return None

    def _give(self, task: int, worker: int) -> None:
        self.job.answer(task, worker, self.left.pop((task, worker)))

    def _open(self, task: int, minute: float | None) -> None:
        self.more.append(task)
        self.free[task] += 1
        self.opened_at[task] = len(self.job.given), minute

    def _look_again(self, minute: float | None) -> bool:
        opened = self.job.look_again()
        for task in opened:
            self._open(task, minute)
        return bool(opened)
