"""Whether running jobs claim more than they keep: many made-up jobs, and by how much confidence exceeds what is right.

One job's labels are right by chance a little more or less often than it says. Over many jobs that must even out, and it
must do so wherever the confidence lies.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from marketplace.bench.quality.attendance import Attendance, Coming
from marketplace.bench.quality.recordings import Recording
from marketplace.bench.quality.running import judged
from marketplace.bench.quality.running_job import Terms
from marketplace.bench.quality.simulated_crowd import SimulatedCrowd
from marketplace.demo.crowd import crowd
from marketplace.demo.digits import load_digits
from marketplace.demo.story import TERMS as DEMO
from marketplace.demo.task_shape import GOLD_SHARE, choose_gold, exam_digits
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Floats, Indices
from qualification.statistics.scoring import Score
from qualification.statistics.stopping import Decision

DEMO_CROWD: Final = "the demo's crowd reads digits"
SIMULATED: Final = "simulated, two to four classes, some spam"
JOBS: Final = 30
QUICK_JOBS: Final = 2
BINS: Final = (0.0, 0.9, 0.96, 0.97, 0.98, 0.99, 1.0)
TERMS: Final = Terms(
    confidence=int(str(DEMO["confidence_basis_points"])) / 10_000,
    overlap_min=int(str(DEMO["overlap_min"])),
    overlap_max=int(str(DEMO["overlap_max"])),
)
DEMO_WORKERS: Final = 60
TASKS: Final = (600, 1200)
WORKERS: Final = (25, 50)
CLASSES: Final = (2, 4)
MISLEADING: Final = 0.02
APPETITE: Final = (0.05, 1.0)
"""The share of the tasks that a worker of a simulated crowd comes for, drawn evenly."""


@dataclass(frozen=True, slots=True)
class HonestyFindings:
    """Jobs of one kind. Of each the answers, and of its labels by consensus how sure and how right they are.

    `bins` are by confidence, from, to below: labels, and by how much they claim too much, with its standard error over
    jobs.
    """

    name: str
    answers: list[int]
    claimed: list[float]
    right: list[float]
    bins: list[tuple[float, float, int, float, float]]

    @property
    def excess(self) -> tuple[float, float]:
        """By how much jobs claim too much, on average, with its standard error."""
        return _mean_and_error(np.array(self.claimed) - np.array(self.right))


def measure_honesty(jobs: int, *, tell: Callable[[str], None]) -> list[HonestyFindings]:
    """So many jobs of each kind."""
    return [_measured(name, make, jobs, tell) for name, make in ((DEMO_CROWD, _demo), (SIMULATED, _simulated))]


@dataclass(frozen=True, slots=True)
class _Opening:
    """A crowd before a job: what all could say, the gold, how often each comes, and what exams said of them."""

    recording: Recording
    gold: Indices
    appetites: list[int]
    scores: dict[int, Score]


def _measured(name: str, make: Callable[[int], _Opening], jobs: int, tell: Callable[[str], None]) -> HonestyFindings:
    answers: list[int] = []
    found: list[tuple[Floats, Floats]] = []
    for seed in range(jobs):
        tell(f"{name}: job {seed + 1} of {jobs}")
        given, right, confidence = _worked_off(make(seed), random.Random(seed))  # noqa: S311  (by the seed)
        answers.append(given)
        found.append((right, confidence))
    return HonestyFindings(
        name=name,
        answers=answers,
        claimed=[float(confidence.mean()) for _, confidence in found],
        right=[float(right.mean()) for right, _ in found],
        bins=list(_bins(found)),
    )


def _worked_off(opening: _Opening, chance: random.Random) -> tuple[int, Floats, Floats]:
    """All come side by side until they have had enough. Answers in all; right and confidence of labels by consensus."""
    at_work = Attendance(
        opening.recording,
        opening.gold,
        TERMS,
        chance=chance,
        gold_share=GOLD_SHARE,
        is_steered=True,
        scores=opening.scores,
    )
    coming = sorted(
        (turn + chance.random(), worker) for worker, turns in enumerate(opening.appetites) for turn in range(turns)
    )
    at_work.work([Coming(worker) for _, worker in coming])
    job = at_work.job
    by_consensus = [task for task, decision in job.settled.items() if decision is Decision.RESOLVED]
    right, confidence = judged(job, opening.recording, np.array(by_consensus, dtype=np.int32))
    return len(job.given), right, confidence


def _demo(seed: int) -> _Opening:
    """As `manage.py demo` has it: those who pass the exam, with what it showed of them."""
    digits = load_digits()
    truth = np.array([digit.label for digit in digits], dtype=np.int32)
    known = choose_gold(digits, seed=seed)
    exam = exam_digits(digits, gold=known, seed=seed)
    scores, said, appetites = dict[int, Score](), list[Indices](), list[int]()
    for worker in crowd(seed=seed, size=DEMO_WORKERS):
        passed = sum(worker.answer(digit, in_exam=True) == digit.label for digit in exam)
        score = Score(passed, len(exam) - passed)
        if score.lower_bound() >= float(str(DEMO["min_lower_bound"])):
            scores[len(said)] = score
            said.append(np.frombuffer(worker.answers, dtype=np.uint8).astype(np.int32))
            appetites.append(worker.appetite)
    gold = np.where(np.isin(np.arange(len(truth)), list(known)), truth, UNKNOWN).astype(np.int32)
    return _Opening(_recording(DEMO_CROWD, np.stack(said), truth, int(truth.max()) + 1), gold, appetites, scores)


def _simulated(seed: int) -> _Opening:
    """No exam, so that scores begin with the job's own gold."""
    chance = np.random.default_rng(seed)
    tasks, workers, classes = (int(chance.integers(least, most + 1)) for least, most in (TASKS, WORKERS, CLASSES))
    made_up = SimulatedCrowd.draw(chance, tasks=tasks, workers=workers, classes=classes, misleading=MISLEADING)
    said = np.stack(
        [
            made_up.say(chance, task=np.arange(tasks, dtype=np.int32), worker=np.full(tasks, worker, dtype=np.int32))
            for worker in range(workers)
        ]
    )
    recording = _recording(SIMULATED, said, made_up.truth, classes)
    gold, _ = recording.draw(seed=seed, share=GOLD_SHARE)
    appetites = np.ceil(chance.uniform(*APPETITE, size=workers) * tasks).astype(int).tolist()
    return _Opening(recording, gold, appetites, {})


def _recording(name: str, said: Indices, truth: Indices, classes: int) -> Recording:
    """From what each worker, by row, says of each task."""
    workers, tasks = said.shape
    answers = Answers.of(
        task=np.tile(np.arange(tasks), workers),
        worker=np.repeat(np.arange(workers), tasks),
        said=said.ravel(),
        tasks=tasks,
        workers=workers,
        classes=classes,
    )
    return Recording(name, answers, truth)


def _bins(found: list[tuple[Floats, Floats]]) -> Iterator[tuple[float, float, int, float, float]]:
    for low, high in pairwise(BINS):
        inside = [(confidence >= low) & (confidence < high) for _, confidence in found]
        labels = sum(int(within.sum()) for within in inside)
        if labels:
            excess = np.array(
                [(confidence - right)[within].sum() for (right, confidence), within in zip(found, inside, strict=True)]
            )
            spread = float(np.std(excess, ddof=1)) * np.sqrt(len(found)) if len(found) > 1 else 0.0
            yield low, high, labels, float(excess.sum()) / labels, spread / labels


def _mean_and_error(values: Floats) -> tuple[float, float]:
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), error
