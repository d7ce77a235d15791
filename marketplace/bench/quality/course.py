"""The whole course of `bench quality`, and what its figures are held against."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from marketplace.bench.goals import Goal
from marketplace.bench.quality import certificates
from marketplace.bench.quality.accuracy import ENGINE, SetFindings, measure_accuracy
from marketplace.bench.quality.certificates import CertificateFindings, measure_certificates
from marketplace.bench.quality.honesty import JOBS, QUICK_JOBS, HonestyFindings, measure_honesty
from marketplace.bench.quality.kinds import KindFindings, measure_kinds
from marketplace.bench.quality.learning import measure_learning
from marketplace.bench.quality.likenesses import LikenessFindings, measure_likenesses
from marketplace.bench.quality.recordings import Recording, read_recordings
from marketplace.bench.quality.replaying import ReplayFindings, measure_replays
from marketplace.bench.quality.rivals import RivalFindings, check_rival, measure_rivals
from marketplace.bench.quality.running import RunningFindings, measure_running
from marketplace.bench.quality.signals import (
    CROWDS,
    MANY_TURNS,
    QUICK_CROWDS,
    TURNS,
    SignalFindings,
    measure_signals,
)
from marketplace.bench.quality.speed import Decisions, Steps, measure_decisions, measure_steps
from marketplace.bench.quality.steering import SteeringFindings, measure_steering

MILLION: Final = 1_000_000
QUICK_MILLION: Final = 200_000
FLOOR: Final = "majority vote"
OFF_THE_FLOOR: Final = 0.01
ANSWERS_NEEDED: Final = 0.3
ERROR: Final = 0.04
CLAIMED_TOO_MUCH: Final = 0.005
TIMES_FASTER: Final = 25
DECISION_MS: Final = 1.0
VIOLATED: Final = 0.05
OF_FIXED_OVERLAP: Final = 0.7
BY_EXAM: Final = 0.92
BY_WORK: Final = 0.83
FALSELY: Final = 0.006


@dataclass(frozen=True)
class Course:
    """What is to be measured: the sets of a folder (or those named), each with so many draws of a share of gold."""

    folder: Path
    only: tuple[str, ...]
    draws: int
    share: float
    rival: str | None
    quick: bool
    jobs: int


@dataclass(frozen=True)
class JobFindings:
    """What was seen of jobs that run."""

    running: list[RunningFindings]
    honesty: list[HonestyFindings]
    steering: list[SteeringFindings]


@dataclass(frozen=True)
class QualityFindings:
    """All that was seen."""

    sets: list[SetFindings]
    replays: list[ReplayFindings]
    jobs: JobFindings
    rivals: RivalFindings | None
    steps: Steps
    many: Steps | None
    decisions: Decisions
    certificates: list[CertificateFindings]
    signals: dict[int, SignalFindings]
    kinds: list[KindFindings]
    likenesses: list[LikenessFindings]
    learning: dict[str, float]

    def engine_mean(self) -> float:
        """The engine's accuracy, the mean over the sets."""
        return float(np.mean([one.right(ENGINE) for one in self.sets]))


def measure_quality(course: Course, *, tell: Callable[[str], None]) -> QualityFindings:
    """Do all of it. Raises `NoRecordings` and `NoRival` before anything is measured."""
    recordings = read_recordings(course.folder, only=course.only)
    if course.rival is not None:
        check_rival(course.rival)
    tell("a million answers")
    answers = QUICK_MILLION if course.quick else MILLION
    steps = measure_steps(answers)
    many = None if course.quick else measure_steps(10 * answers, most_steps=5)
    rivals = None
    if course.rival is not None:
        rivals = measure_rivals(
            recordings,
            python=course.rival,
            draws=course.draws,
            share=course.share,
            quick=course.quick,
            answers=answers,
            tell=tell,
        )
    return QualityFindings(
        sets=measure_accuracy(recordings, draws=course.draws, share=course.share, tell=tell),
        replays=measure_replays(recordings, draws=course.draws, share=course.share, tell=tell),
        jobs=_measure_jobs(course, recordings, tell),
        rivals=rivals,
        steps=steps,
        many=many,
        decisions=measure_decisions(),
        kinds=[] if course.only else measure_kinds(course.folder, quick=course.quick, tell=tell),
        likenesses=[] if course.only else measure_likenesses(course.folder, quick=course.quick, tell=tell),
        learning=measure_learning(quick=course.quick, tell=tell),
        certificates=[
            measure_certificates(course.jobs, misleading=certificates.MISLEADING, tell=tell),
            measure_certificates(max(course.jobs // 5, 1), misleading=certificates.HARD, tell=tell),
        ],
        signals={
            turns: measure_signals(QUICK_CROWDS if course.quick else CROWDS, turns=turns, tell=tell)
            for turns in (TURNS, MANY_TURNS)
        },
    )


def measure_jobs(course: Course, *, tell: Callable[[str], None]) -> JobFindings:
    """Of all of it the jobs that run alone. Raises `NoRecordings` before anything is measured."""
    return _measure_jobs(course, read_recordings(course.folder, only=course.only), tell)


def _measure_jobs(course: Course, recordings: Sequence[Recording], tell: Callable[[str], None]) -> JobFindings:
    return JobFindings(
        running=measure_running(recordings, share=course.share, tell=tell),
        honesty=measure_honesty(QUICK_JOBS if course.quick else JOBS, tell=tell),
        steering=measure_steering(recordings, draws=course.draws, share=course.share, tell=tell),
    )


def quality_goals(findings: QualityFindings) -> Iterator[Goal]:
    """Every goal that something was measured for."""
    yield from _accuracy_goals(findings)
    if findings.replays:
        share = float(np.mean([one.share for one in findings.replays]))
        what = "answers spent, mean over sets with nine a task"
        yield Goal(what, share, ANSWERS_NEEDED, f"{share:.1%}, at most {ANSWERS_NEEDED:.0%}", share <= ANSWERS_NEEDED)
        worst = min(one.lead for one in findings.replays)
        what = "accuracy then over that of the majority of all answers, worst set"
        shown = f"{100 * worst:+.1f} points, at least {-100 * OFF_THE_FLOOR:.0f}"
        yield Goal(what, worst, -OFF_THE_FLOOR, shown, worst >= -OFF_THE_FLOOR)
    error = float(np.mean([one.mean_of(lambda draw: draw.error) for one in findings.sets]))
    yield Goal("calibration error, mean", error, ERROR, f"{error:.3f}, at most {ERROR:.2f}", error <= ERROR)
    for crowd in findings.jobs.honesty:
        excess, off = crowd.excess
        shown = f"{100 * excess:+.2f} ± {100 * off:.2f} points, at most {100 * CLAIMED_TOO_MUCH:.1f}"
        what = f"claimed beyond what is right, mean of {len(crowd.answers)} running jobs ({crowd.name})"
        yield Goal(what, excess, CLAIMED_TOO_MUCH, shown, excess <= CLAIMED_TOO_MUCH)
    if findings.rivals is not None and findings.rivals.seconds_a_step is not None:
        times = findings.rivals.seconds_a_step / findings.steps.seconds_a_step
        what = f"a step of Dawid-Skene over {findings.steps.answers:,} answers, times as fast as crowd-kit's"
        yield Goal(what, times, TIMES_FASTER, f"{times:.0f}, at least {TIMES_FASTER}", times >= TIMES_FASTER)
    slowest = max(astuple(findings.decisions))
    shown = f"{slowest:.3f}, below {DECISION_MS:.0f}"
    yield Goal("a decision after an answer, ms of CPU", slowest, DECISION_MS, shown, slowest < DECISION_MS)
    yield from _certificate_goals(findings.certificates[0])
    yield from _signal_goals(findings.signals[TURNS])
    for one in findings.kinds:
        ours, best = one.found[ENGINE], one.found[one.best_plain]
        shown = f"{ours:.4f}, better than {best:.4f}"
        yield Goal(f"{one.name}: {one.measure}, beside {one.best_plain}", ours, best, shown, one.lead > 0)


def _certificate_goals(found: CertificateFindings) -> Iterator[Goal]:
    what = f"certificates of 95% that promised too much, of {len(found.jobs)} jobs"
    shown = f"{found.violated:.1%}, at most {VIOLATED:.0%}"
    yield Goal(what, found.violated, VIOLATED, shown, found.violated <= VIOLATED)
    cost = found.median_of(lambda job: job.cost)
    shown = f"{cost:.0%}, at most {OF_FIXED_OVERLAP:.0%}"
    what = f"what they cost over a fixed overlap of {certificates.FIXED_OVERLAP}, median"
    yield Goal(what, cost, OF_FIXED_OVERLAP, shown, cost <= OF_FIXED_OVERLAP)


def _signal_goals(found: SignalFindings) -> Iterator[Goal]:
    for what, areas, asked in (("an exam", found.exam, BY_EXAM), (f"{TURNS} answers", found.work, BY_WORK)):
        area = float(np.mean(areas))
        shown = f"{area:.3f}, at least {asked:.2f}"
        yield Goal(
            f"workers below chance + 10% told by {what}, area under the curve", area, asked, shown, area >= asked
        )
    falsely = found.share("honest")
    shown = f"{falsely:.2%} of {found.people['honest']:,}, at most {FALSELY:.1%}"
    yield Goal("honest workers flagged", falsely, FALSELY, shown, falsely <= FALSELY)
    shown = f"{found.unproven}, none"
    yield Goal("flagged as unable without an answer to gold", found.unproven, 0, shown, found.unproven == 0)


def _accuracy_goals(findings: QualityFindings) -> Iterator[Goal]:
    mean = findings.engine_mean()
    if findings.rivals is not None and (means := findings.rivals.means()):
        best = max(means, key=lambda method: means[method])
        what = f"accuracy, mean over all sets, beside crowd-kit's best ({best})"
        yield Goal(what, mean, means[best], f"{mean:.4f}, above {means[best]:.4f}", mean > means[best])
    worst = min(findings.sets, key=lambda one: one.right(ENGINE) - one.right(FLOOR))
    lead = worst.right(ENGINE) - worst.right(FLOOR)
    shown = f"{100 * lead:+.1f} points ({worst.name}), at least {-100 * OFF_THE_FLOOR:.0f}"
    yield Goal("accuracy over majority vote, worst set", lead, -OFF_THE_FLOOR, shown, lead >= -OFF_THE_FLOOR)
