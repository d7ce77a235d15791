"""What fusion costs: an EM step over a million answers, memory for ten million, and a decision about one task."""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from marketplace.bench import processes
from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.statistics.calibrated import calibrated_posterior, gain_of_one_more
from qualification.statistics.consensus import Vote
from qualification.statistics.fitted import JobFit, unfitted
from qualification.statistics.fusion.answers import Answers
from qualification.statistics.fusion.em import fit
from qualification.statistics.fusion.matrices import DawidSkene
from qualification.statistics.fusion.online import Belief, Calibration, ErrorRates, Policy, judge
from qualification.statistics.parts import parts_of

CLASSES: Final = 4
OVERLAP: Final = 5
WORKERS: Final = 2_000
FEW, MANY = 100, 100_000
DECISIONS: Final = 2_000
MULTIPLE: Final = 20


@dataclass(frozen=True)
class Steps:
    """Dawid–Skene on simulated answers: processor seconds of a step, and of all steps to convergence."""

    answers: int
    steps: int
    seconds_a_step: float
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Decisions:
    """Processor milliseconds of a decision after an answer, in a job of few workers and of many.

    ``multiple_ms``: over a control of twenty choices of which several may hold, with the interval of the confidence.
    """

    few_ms: float
    many_ms: float
    multiple_ms: float


def simulated(answers: int) -> Answers:
    """Five answers a task, four classes, workers right in 50 to 95%: the same for every call."""
    chance = np.random.default_rng(0)
    tasks = answers // OVERLAP
    truth = chance.integers(CLASSES, size=tasks, dtype=np.int32)
    accuracy = chance.uniform(0.5, 0.95, WORKERS)
    task = np.repeat(np.arange(tasks, dtype=np.int32), OVERLAP)
    worker = chance.integers(WORKERS, size=len(task), dtype=np.int32)
    wrong = chance.integers(CLASSES, size=len(task), dtype=np.int32)
    said = np.where(chance.random(len(task), dtype=np.float32) < accuracy[worker], truth[task], wrong)
    return Answers.of(task=task, worker=worker, said=said, tasks=tasks, workers=WORKERS, classes=CLASSES)


def measure_steps(answers: int, *, most_steps: int = 100) -> Steps:
    """Fit Dawid–Skene by maximum likelihood to simulated answers; memory is what the process took beyond before."""
    pid = os.getpid()
    before = processes.memory_mb(pid)
    processes.forget_peak(pid)
    job = simulated(answers)
    began = time.process_time()
    fitted = fit(DawidSkene(), job, most_steps=most_steps)
    seconds = time.process_time() - began
    return Steps(
        answers=job.size,
        steps=fitted.steps,
        seconds_a_step=seconds / fitted.steps,
        seconds=seconds,
        peak_mb=max(processes.memory_mb(pid, peak=True) - before, 0.0),
    )


def measure_decisions() -> Decisions:
    """The belief of a task with six answers takes one more, and is judged, with few workers around and with many."""
    return Decisions(few_ms=_decision_ms(FEW), many_ms=_decision_ms(MANY), multiple_ms=_multiple_ms())


def _decision_ms(workers: int) -> float:
    chance = np.random.default_rng(1)
    rates = [ErrorRates.of_coin(float(accuracy), classes=CLASSES) for accuracy in chance.uniform(0.4, 0.95, workers)]
    belief = Belief.before([1 / CLASSES] * CLASSES)
    for said in (0, 1, 0, 2, 0, 1):
        belief = belief.after(said, rates[0])
    policy, calibration = Policy(confidence=0.95, overlap_min=2, overlap_max=10), Calibration(0.4, 0.3, 0.03)
    picked = chance.integers(workers, size=DECISIONS).tolist()

    def decide_all() -> None:
        for worker in picked:
            judge(belief.after(1, rates[worker]), policy=policy, calibration=calibration, next_accuracy=0.8)

    return 1000 * _processor_seconds(decide_all) / DECISIONS


def _multiple_ms() -> float:
    """Six answers by workers of different records, of a job that is fitted: each choice is calibrated by itself."""
    chance = np.random.default_rng(2)
    names = [f"c{number}" for number in range(MULTIPLE)]
    schema = parse_schema(_MULTIPLE.format(choices="".join(f'<Choice value="{name}"/>' for name in names)))
    parts = parts_of(schema)
    fit = JobFit({part: replace(unfitted(2, MULTIPLE), accuracy=float(chance.uniform(0.6, 0.9))) for part in parts})
    votes = [
        Vote(Answer.of({"c": chance.choice(names, size=3, replace=False).tolist()}), float(chance.uniform(0.5, 0.95)))
        for _ in range(6)
    ]

    def decide_all() -> None:
        for _ in range(DECISIONS // 10):
            belief = calibrated_posterior(schema, votes, fit, interval=True)
            gain_of_one_more(schema, belief, fit, answers=len(votes), left=4)

    return 1000 * _processor_seconds(decide_all) / (DECISIONS // 10)


_MULTIPLE: Final = """
<View>
  <Text name="t" value="$t"/><Choices name="c" toName="t" choice="multiple" required="true">{choices}</Choices>
</View>
"""


def _processor_seconds(work: Callable[[], None]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
