"""Jobs that run, replayed: recorded answers in a random order, bought as long as they are wanted, by the rule of today
and by the one before.

Gold comes between at its share of the turns. What is reported is the label in front of every task at the end, settled
or not, and the confidence beside it.
"""

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.bench.quality.recordings import Recording
from marketplace.bench.quality.replaying import LEAST_OVERLAP, first_turns
from marketplace.bench.quality.running_job import RunningJob, Terms
from qualification.statistics.fusion.answers import UNKNOWN, Floats, Indices, leaders
from qualification.statistics.fusion.calibration import calibration_error
from qualification.statistics.fusion.votes import majority
from qualification.statistics.stopping import Decision

OVERLAP: Final = (2, 10)
ASKED: Final = (0.85, 0.9, 0.95)
ASKED_BEFORE: Final = (0.9, 0.95, 0.98)
RUNS: Final = 2
FEWEST_JUDGED: Final = 50
"""Tasks whose truth is known, below which shares of right labels say little."""


@dataclass(frozen=True, slots=True)
class Run:
    """One job: answers bought, gold's too; shares of labels that are right, and how sure they are, on average.

    `majority_right` is of all that was recorded of the same tasks; `error` the calibration error; `sure` the share of
    tasks that were sure enough; `opened` how often one more answer was asked for at a second look.
    """

    answers: int
    recorded: int
    right: float
    majority_right: float
    claimed: float
    error: float
    sure: float
    opened: int


@dataclass(frozen=True, slots=True)
class RunningFindings:
    """One recording on the same terms, in several draws of gold and order."""

    name: str
    terms: Terms
    runs: list[Run]

    def mean_of(self, what: Callable[[Run], float]) -> float:
        """Over the draws."""
        return float(np.mean([what(run) for run in self.runs]))


def measure_running(
    recordings: Sequence[Recording], *, share: float, tell: Callable[[str], None]
) -> list[RunningFindings]:
    """All sets with nine answers a task and enough truth, on several terms each."""
    found = []
    for recording in recordings:
        if recording.overlap < LEAST_OVERLAP or len(recording.known) < FEWEST_JUDGED:
            continue
        once = first_turns(recording)
        for terms in _terms():
            tell(f"{recording.name}: a job that asks for {terms.confidence:.0%}")
            runs = [_run(once, terms, seed=seed, share=share) for seed in range(RUNS)]
            found.append(RunningFindings(recording.name, terms, runs))
    return found


def _terms() -> Iterator[Terms]:
    for is_before, asked in ((True, ASKED_BEFORE), (False, ASKED)):
        for confidence in asked:
            yield Terms(confidence, *OVERLAP, is_before=is_before)


def _run(recording: Recording, terms: Terms, *, seed: int, share: float) -> Run:
    gold, left = recording.draw(seed=seed, share=share)
    job = worked_off(recording, gold, terms, chance=random.Random(seed), share=share)  # noqa: S311  (by the seed)
    right, confidence = judged(job, recording, left)
    by_all = leaders(majority(recording.answers).posterior)[left] == recording.truth[left]
    return Run(
        answers=len(job.given),
        recorded=recording.answers.size,
        right=float(right.mean()),
        majority_right=float(by_all.mean()),
        claimed=float(confidence.mean()),
        error=calibration_error(confidence, right > 0),
        sure=float(np.mean([decision is Decision.RESOLVED for decision in job.settled.values()])),
        opened=job.opened,
    )


def judged(job: RunningJob, recording: Recording, tasks: Indices) -> tuple[Floats, Floats]:
    """Of these tasks, whether the label is right (1 or 0), and how sure it is said to be."""
    found = tasks.tolist()
    right = np.array([float(job.label_of(task) == recording.truth[task]) for task in found])
    return right, np.array([job.beliefs[task].confidence for task in found])


def worked_off(recording: Recording, gold: Indices, terms: Terms, *, chance: random.Random, share: float) -> RunningJob:
    """The answers to work in an order that is drawn, as long as they are wanted; each worker's gold between."""
    job, answers = RunningJob(recording, gold, terms), recording.answers
    work: list[tuple[int, int, int]] = []
    gold_of: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for one in zip(answers.task.tolist(), answers.worker.tolist(), answers.said.tolist(), strict=True):
        (work if gold[one[0]] == UNKNOWN else gold_of[one[1]]).append(one)
    for some in (work, *gold_of.values()):
        chance.shuffle(some)
    waiting, passed_by = deque(work), defaultdict[int, list[tuple[int, int, int]]](list)
    while True:
        for task in job.look_again():
            waiting.extend(passed_by.pop(task, ()))
        if not waiting:
            return job
        one = waiting.popleft()
        task, worker, _ = one
        if task in job.settled:
            passed_by[task].append(one)
            continue
        while gold_of[worker] and chance.random() < share:
            job.answer(*gold_of[worker].pop())
        job.answer(*one)
        if len(job.votes[task]) >= min(terms.overlap_min, job.most[task]):
            job.decide(task)
