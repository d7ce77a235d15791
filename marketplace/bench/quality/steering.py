"""Steering, replayed: what a job takes when sure workers are asked first about unsure tasks, and when chance decides.

Workers come for a quarter of the course each, drawn, and as often as they answered in the recording, so that there are
newcomers all the time; where the recording has times, they come when they came then.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.bench.quality.attendance import Attendance, Coming
from marketplace.bench.quality.recordings import Recording
from marketplace.bench.quality.replaying import LEAST_OVERLAP, first_turns
from marketplace.bench.quality.running_job import Terms
from marketplace.bench.quality.simulated_crowd import SimulatedCrowd
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices
from qualification.statistics.stopping import Decision

TERMS: Final = Terms(confidence=0.9, overlap_min=2, overlap_max=5)
STAYS: Final = 0.25
"""For how much of the course a worker comes."""

SIMULATED: Final = "simulated"
TASKS, WORKERS, CLASSES, MISLEADING = 400, 40, 2, 0.03


@dataclass(frozen=True, slots=True)
class Course:
    """What a job took: answers in all, gold's too, shares of labels that are right and of tasks that stayed unsure, and
    how unevenly the turns went to the workers (Gini).

    Of turns at unsure tasks, ``by_sure`` is the share that sure workers took, ``by_newcomers`` those whom no fit knew
    yet; ``waited`` how many other answers came in before somebody took one, on average, and ``minutes`` how long that
    took where the recording has times.
    """

    answers: int
    right: float
    unsure: float
    gini: float
    by_sure: float
    by_newcomers: float
    waited: float
    minutes: float | None


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
    chance = random.Random(seed)  # noqa: S311  (it is drawn by the seed)
    crowd = Attendance(recording, gold, TERMS, chance=chance, gold_share=share, is_steered=is_steered)
    crowd.work(_arrivals(recording, gold, chance))
    job = crowd.job
    return Course(
        answers=len(job.given),
        right=float(np.mean([job.label_of(task) == recording.truth[task] for task in left.tolist()])),
        unsure=float(np.mean([decision is Decision.ESCALATE for decision in job.settled.values()])),
        gini=crowd.gini,
        by_sure=crowd.mean_of(lambda turn: turn.is_sure) or 0.0,
        by_newcomers=crowd.mean_of(lambda turn: turn.is_newcomer) or 0.0,
        waited=crowd.mean_of(lambda turn: turn.waited) or 0.0,
        minutes=crowd.mean_of(lambda turn: turn.minutes),
    )


def _arrivals(recording: Recording, gold: Indices, chance: random.Random) -> list[Coming]:
    """Everybody as often as they answered; those whom it takes first, spread over the course, and then the others."""
    minutes = recording.minutes
    if minutes is not None:
        return [Coming(worker, minute) for (_, worker), minute in sorted(minutes.items(), key=lambda one: one[1])]
    at_work = gold[recording.answers.task] == UNKNOWN
    turns = Counter(recording.answers.worker[at_work].tolist())
    begins = {worker: chance.random() for worker in turns}
    coming = sorted(turns.elements(), key=lambda worker: begins[worker] + STAYS * chance.random())
    tasks = len(np.unique(recording.answers.task[at_work]))
    in_time = set(chance.sample(range(len(coming)), min(len(coming), TERMS.overlap_max * tasks)))
    places = sorted(range(len(coming)), key=lambda place: place not in in_time)
    return [Coming(coming[place]) for place in places]
