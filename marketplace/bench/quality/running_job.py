"""A job that runs, in memory: answers come one by one, and what is learnt, believed and decided is as on the platform.

Who answers what is for others to say (`attendance`, `running`).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from marketplace.bench.quality.recordings import Recording
from marketplace.demo.recording import CONTROL, label_config
from marketplace.services.growth import FIRST_AT, GROWTH, GROWTH_AT_THE_END
from marketplace.services.second_looks import NOTICED
from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.statistics.believing import believe
from qualification.statistics.consensus import Posterior, Vote, posterior
from qualification.statistics.fitted import UNFITTED, JobFit
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices
from qualification.statistics.fusion.fitting import learn_part
from qualification.statistics.parts import Rates, parts_of
from qualification.statistics.scoring import Score
from qualification.statistics.steering import accuracy_of, surest
from qualification.statistics.stopping import Decision, decide

SETTLED: Final = (Decision.RESOLVED, Decision.ESCALATE)


@dataclass(frozen=True, slots=True)
class Terms:
    """How sure a task must be, 0 to 1, and how many answers it gets at least and at most.

    By the rule that decided before (docs/adr/0006) where `is_before`: without fits, and so without second looks.
    """

    confidence: float
    overlap_min: int
    overlap_max: int
    is_before: bool = False


@cache
def _answer(said: int) -> Answer:
    return Answer.of({CONTROL: [f"{said:03}"]})


class RunningJob:
    """All that was answered so far, and what came of it.

    `beliefs` are those that stand beside the labels, `settled` what became of each task that asks for no more; `opened`
    counts how often a second look asked for one more answer.
    """

    def __init__(
        self, recording: Recording, gold: Indices, terms: Terms, *, scores: Mapping[int, Score] | None = None
    ) -> None:
        answers = recording.answers
        self.tasks, self.workers, self.classes = answers.tasks, answers.workers, answers.classes
        self.gold, self.terms = gold, terms
        self.schema = parse_schema(label_config([f"{place:03}" for place in range(answers.classes)]))
        (self.part,) = parts_of(self.schema)
        self.most = {
            task: min(terms.overlap_max, int(votes))
            for task, votes in enumerate(answers.votes.sum(axis=1))
            if votes and gold[task] == UNKNOWN
        }
        self.scores = defaultdict(Score, scores or {})
        self.given: list[tuple[int, int, int]] = []
        self.votes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.beliefs: dict[int, Posterior] = {}
        self.settled: dict[int, Decision] = {}
        self.fit, self.fitted_at, self.opened = UNFITTED, 0, 0
        self.rates: dict[int, Rates | None] = {}
        self.sure: set[int] = set()

    def answer(self, task: int, worker: int, said: int) -> None:
        """One more answer; gold tells its worker's score."""
        self.given.append((task, worker, said))
        if self.gold[task] == UNKNOWN:
            self.votes[task].append((worker, said))
        else:
            self.scores[worker] = self.scores[worker].after(correct=said == int(self.gold[task]))

    def decide(self, task: int) -> Decision:
        """What becomes of a task now that its answers are in."""
        self.beliefs[task] = belief = self._believed(task)
        decision = self._decision(task, belief)
        if decision in SETTLED:
            self.settled[task] = decision
        return decision

    def look_again(self) -> list[int]:
        """Fit the job if it has grown, and weigh settled tasks again; those that ask for one more answer now."""
        if not self._is_grown():
            return []
        self._fit()
        opened = []
        for task, before in list(self.settled.items()):
            belief = self._believed(task)
            decision = self._decision(task, belief)
            if before is Decision.ESCALATE and decision is not Decision.RESOLVED:
                continue
            if before is Decision.RESOLVED and not _is_noticed(self.beliefs[task], belief):
                continue
            self.beliefs[task] = belief
            if decision in SETTLED:
                self.settled[task] = decision
            else:
                del self.settled[task]
                opened.append(task)
        self.opened += len(opened)
        return opened

    def label_of(self, task: int) -> int:
        """The class in front, none where nobody answered."""
        return int(self.beliefs[task].leader.chosen(CONTROL)[0]) if task in self.beliefs else UNKNOWN

    def _is_grown(self) -> bool:
        if self.terms.is_before:
            return False
        is_over = len(self.settled) == len(self.most)
        growth = GROWTH_AT_THE_END if is_over else GROWTH
        return len(self.given) >= max(FIRST_AT, growth * self.fitted_at)

    def _believed(self, task: int) -> Posterior:
        votes = [
            Vote(
                _answer(said),
                self.scores[worker].mean,
                rates={self.part: rates} if (rates := self.rates.get(worker)) is not None else {},
            )
            for worker, said in self.votes[task]
        ]
        if self.terms.is_before:
            return posterior(self.schema, votes)
        return believe(self.schema, votes, self.fit, interval=True)

    def _decision(self, task: int, belief: Posterior) -> Decision:
        return decide(
            belief.confidence,
            answers=len(self.votes[task]),
            overlap_min=min(self.terms.overlap_min, self.most[task]),
            overlap_max=self.most[task],
            confidence=self.terms.confidence,
        )

    def _fit(self) -> None:
        self.fitted_at = len(self.given)
        task, worker, said = (np.array(column, dtype=np.int32) for column in zip(*self.given, strict=True))
        answers = Answers.of(
            task=task, worker=worker, said=said, tasks=self.tasks, workers=self.workers, classes=self.classes
        )
        order = np.lexsort((said, worker, task))
        recency = (len(order) - 1 - order).astype(np.int32)  # the latest answer has the lowest
        learnt = learn_part(answers, gold=self.gold, recency=recency, is_last=len(self.settled) == len(self.most))
        counts = np.bincount(worker, minlength=self.workers).tolist()
        known = [place for place, count in enumerate(counts) if count]
        self.fit = JobFit({self.part: learnt.fitted})
        self.rates = {place: learnt.rates[place] for place in known}
        accuracies = [accuracy_of(learnt.rates[place], learnt.fitted.shares) for place in known]
        is_sure = surest(accuracies, [counts[place] for place in known])
        self.sure = {place for place, sure in zip(known, is_sure, strict=True) if sure}


def _is_noticed(shown: Posterior, now: Posterior) -> bool:
    """As `marketplace.services.second_looks` has it."""
    if now.leader != shown.leader or abs(now.confidence - shown.confidence) >= NOTICED:
        return True
    ends = ((shown.low, now.low), (shown.high, now.high))
    return any(one is not None and other is not None and abs(one - other) >= 2 * NOTICED for one, other in ends)
