"""Steering, replayed: what a job takes when sure workers are asked first about unsure tasks, and when chance decides.

Workers come for a quarter of the course each, drawn, and as often as they answered in the recording, so that there are
newcomers all the time. They are given a turn at one of the tasks that they answered there, as a claim would give it:
nobody is turned away as long as there is one. Fits, beliefs and decisions are those of a job that runs.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from marketplace.bench.quality.recordings import Recording
from marketplace.bench.quality.replaying import LEAST_OVERLAP, first_turns
from marketplace.bench.quality.simulated_crowd import SimulatedCrowd
from marketplace.demo.recording import CONTROL, label_config
from marketplace.services.growth import FIRST_AT, GROWTH
from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.statistics.believing import believe
from qualification.statistics.consensus import Posterior, Vote
from qualification.statistics.fairness import gini_index
from qualification.statistics.fitted import UNFITTED, JobFit
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices
from qualification.statistics.fusion.fitting import learn_part
from qualification.statistics.parts import Rates, parts_of
from qualification.statistics.scoring import Score
from qualification.statistics.steering import accuracy_of, surest, way_in
from qualification.statistics.stopping import Decision, decide

CONFIDENCE: Final = 0.9
OVERLAP: Final = (2, 5)
STAYS: Final = 0.25
"""For how much of the course a worker comes."""

SIMULATED: Final = "simulated"
TASKS, WORKERS, CLASSES, MISLEADING = 400, 40, 2, 0.03


@dataclass(frozen=True, slots=True)
class Course:
    """What a job took: answers in all, gold's too, shares of labels that are right and of tasks that stayed unsure, and
    how unevenly the turns went to the workers (Gini).

    Of turns at unsure tasks, ``by_sure`` is the share that sure workers took, ``by_newcomers`` those whom no fit knew
    yet, and ``waited`` how many other answers came in before somebody took one, on average.
    """

    answers: int
    right: float
    unsure: float
    gini: float
    by_sure: float
    by_newcomers: float
    waited: float


@dataclass(frozen=True, slots=True)
class SteeringFindings:
    """One set in all draws, by chance and steered."""

    name: str
    by_chance: list[Course]
    steered: list[Course]


def measure_steering(
    recordings: Sequence[Recording], *, draws: int, share: float, tell: Callable[[str], None]
) -> list[SteeringFindings]:
    """All sets with at least nine answers a task, and a crowd that is made up, each with so many draws of gold."""
    crowds = [[first_turns(one)] * draws for one in recordings if one.overlap >= LEAST_OVERLAP]
    found = []
    for crowd in [*crowds, [simulated(seed) for seed in range(draws)]]:
        tell(f"{crowd[0].name}: with and without steering")
        by_chance, steered = (
            [work_off(one, seed=seed, share=share, is_steered=is_steered) for seed, one in enumerate(crowd)]
            for is_steered in (False, True)
        )
        found.append(SteeringFindings(crowd[0].name, by_chance, steered))
    return found


def simulated(seed: int) -> Recording:
    """A crowd that is made up, of which everybody could answer everything."""
    chance = np.random.default_rng(seed)
    crowd = SimulatedCrowd.draw(chance, tasks=TASKS, workers=WORKERS, classes=CLASSES, misleading=MISLEADING)
    task = np.repeat(np.arange(TASKS, dtype=np.int32), WORKERS)
    worker = np.tile(np.arange(WORKERS, dtype=np.int32), TASKS)
    said = crowd.say(chance, task=task, worker=worker)
    answers = Answers.of(task=task, worker=worker, said=said, tasks=TASKS, workers=WORKERS, classes=CLASSES)
    return Recording(SIMULATED, answers, crowd.truth)


def work_off(recording: Recording, *, seed: int, share: float, is_steered: bool) -> Course:
    """Let the crowd of a recording work on its tasks until all are decided; the same seed gives the same course."""
    gold, left = recording.draw(seed=seed, share=share)
    job = _Job(recording, gold, random.Random(seed), is_steered)  # noqa: S311  (it is drawn by the seed)
    job.work(gold_share=share)
    return Course(
        answers=len(job.given),
        right=float(np.mean([job.label_of(task) == recording.truth[task] for task in left.tolist()])),
        unsure=job.unsure / len(job.votes),
        gini=gini_index(list(Counter(worker for _, worker, _ in job.given).values())) or 0.0,
        by_sure=job.mean_of(lambda turn: turn.is_sure),
        by_newcomers=job.mean_of(lambda turn: turn.is_newcomer),
        waited=job.mean_of(lambda turn: turn.waited),
    )


class _Further(NamedTuple):
    """A turn at an unsure task: who took it, and how many answers came in before."""

    is_sure: bool
    is_newcomer: bool
    waited: int


@dataclass
class _Job:
    """A job that runs: who could answer what, which turns are free, and what is known so far."""

    recording: Recording
    gold: Indices
    chance: random.Random
    is_steered: bool
    given: list[tuple[int, int, int]] = field(default_factory=list)
    votes: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    beliefs: dict[int, Posterior] = field(default_factory=dict)
    further: list[_Further] = field(default_factory=list)
    opened_at: dict[int, int] = field(default_factory=dict)
    unsure: int = 0

    def __post_init__(self) -> None:
        answers = self.recording.answers
        self.schema = parse_schema(label_config([f"{place:03}" for place in range(answers.classes)]))
        (self.part,) = parts_of(self.schema)
        self.fit, self.rates, self.sure, self.fitted_at = UNFITTED, dict[int, Rates | None](), set[int](), 0
        self.known = set[int]()
        self.scores: dict[int, Score] = defaultdict(Score)
        self.said = {
            (task, worker): said
            for task, worker, said in zip(
                answers.task.tolist(), answers.worker.tolist(), answers.said.tolist(), strict=True
            )
        }
        self.most = {
            task: min(OVERLAP[1], int(votes))
            for task, votes in enumerate(answers.votes.sum(axis=1))
            if votes and self.gold[task] == UNKNOWN
        }
        self.free = {task: list(range(1, min(OVERLAP[0], most) + 1)) for task, most in self.most.items()}
        self.work_of: dict[int, list[int]] = defaultdict(list)
        self.gold_of: dict[int, list[int]] = defaultdict(list)
        for task, worker in self.said:
            (self.work_of if self.gold[task] == UNKNOWN else self.gold_of)[worker].append(task)

    def work(self, *, gold_share: float) -> None:
        """Everybody comes as often as they answered; who found nothing comes again as long as anything changes."""
        begins = {worker: self.chance.random() for worker in self.work_of}
        coming = sorted(
            (worker for worker, tasks in self.work_of.items() for _ in tasks),
            key=lambda worker: begins[worker] + STAYS * self.chance.random(),
        )
        wanted = self.chance.sample(range(len(coming)), min(len(coming), OVERLAP[1] * len(self.most)))
        in_time = set(wanted)  # the others come when these have found nothing more, as there are more than it takes
        coming = [coming[place] for place in sorted(wanted)] + [
            worker for place, worker in enumerate(coming) if place not in in_time
        ]
        while True:
            before = len(self.given)
            coming = [worker for worker in coming if not self._turn(worker, gold_share)]
            if len(self.given) == before:
                return

    def label_of(self, task: int) -> int:
        """The class in front, none where nobody answered."""
        return int(self.beliefs[task].leader.chosen(CONTROL)[0]) if task in self.beliefs else UNKNOWN

    def mean_of(self, what: Callable[[_Further], float]) -> float:
        """Over all turns at unsure tasks, 0 where there was none."""
        return float(np.mean(list(map(what, self.further)))) if self.further else 0.0

    def _turn(self, worker: int, gold_share: float) -> bool:
        """One claim with its answer, gold before it as chance has it; whether there was work for this worker."""
        if len(self.given) >= max(FIRST_AT, GROWTH * self.fitted_at):
            self._fit()
        while self.gold_of[worker] and self.chance.random() < gold_share:
            task = self.gold_of[worker].pop(self.chance.randrange(len(self.gold_of[worker])))
            said = self._give(task, worker)
            self.scores[worker] = self.scores[worker].after(correct=said == int(self.gold[task]))
        self.work_of[worker] = [task for task in self.work_of[worker] if task in self.free]
        turns = [(task, turn) for task in self.work_of[worker] for turn in self.free[task]]
        if not turns:
            return False
        task, turn = self.chance.choice(self._preferred(worker, turns) or turns)
        self.free[task].remove(turn)
        self.work_of[worker].remove(task)
        self.votes[task].append((worker, self._give(task, worker)))
        if turn > OVERLAP[0]:
            waited = len(self.given) - 1 - self.opened_at[task]
            self.further.append(_Further(worker in self.sure, worker not in self.known, waited))
        if not self.free[task]:
            self._decide(task)
        return True

    def _preferred(self, worker: int, turns: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        if not self.is_steered:
            return []
        unsure_first, _ = way_in(is_sure=worker in self.sure, drawn=self.chance.random())
        return [(task, turn) for task, turn in turns if (turn > OVERLAP[0]) is unsure_first]

    def _give(self, task: int, worker: int) -> int:
        said: int = self.said[task, worker]
        self.given.append((task, worker, said))
        return said

    def _decide(self, task: int) -> None:
        answer_of = lru_cache(maxsize=None)(lambda said: Answer.of({CONTROL: [f"{said:03}"]}))
        votes = [
            Vote(
                answer_of(said),
                self.scores[worker].mean,
                rates={self.part: rates} if (rates := self.rates.get(worker)) is not None else {},
            )
            for worker, said in self.votes[task]
        ]
        self.beliefs[task] = belief = believe(self.schema, votes, self.fit)
        decision = decide(
            belief.confidence,
            answers=len(votes),
            overlap_min=min(OVERLAP[0], self.most[task]),
            overlap_max=self.most[task],
            confidence=CONFIDENCE,
        )
        if decision is Decision.ONE_MORE:
            self.free[task], self.opened_at[task] = [len(votes) + 1], len(self.given)
        else:
            del self.free[task]
            self.unsure += decision is Decision.ESCALATE

    def _fit(self) -> None:
        of, self.fitted_at = self.recording.answers, len(self.given)
        task, worker, said = (np.array(column, dtype=np.int32) for column in zip(*self.given, strict=True))
        answers = Answers.of(
            task=task, worker=worker, said=said, tasks=of.tasks, workers=of.workers, classes=of.classes
        )
        learnt = learn_part(answers, gold=self.gold)
        counts = np.bincount(worker, minlength=of.workers).tolist()
        known = [place for place, count in enumerate(counts) if count]
        self.known = set(known)
        self.fit = JobFit({self.part: learnt.fitted})
        self.rates = {place: learnt.rates[place] for place in known}
        accuracies = [accuracy_of(learnt.rates[place], learnt.fitted.shares) for place in known]
        is_sure = surest(accuracies, [counts[place] for place in known])
        self.sure = {place for place, sure in zip(known, is_sure, strict=True) if sure}
