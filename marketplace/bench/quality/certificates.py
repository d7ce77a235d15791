"""What a certificate costs and whether it holds: jobs with spammers, simulated from the first answer to the promise.

A job's tasks are answered one by one until `online.judge` is sure or an expert must decide; then experts look at labels
as `certificates.course` says, until each class is promised. Everything that is paid is counted: answers to gold, and
each look of an expert as several answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.bench.quality.simulated_crowd import SimulatedCrowd
from qualification.statistics.certificates.bound import Inspection
from qualification.statistics.certificates.course import ClassCourse, Terms
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Flags, Floats, Indices
from qualification.statistics.fusion.calibration import fit_calibration
from qualification.statistics.fusion.em import Fit, fit
from qualification.statistics.fusion.heldout import gold_view
from qualification.statistics.fusion.online import Belief, Calibration, Policy, judge
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.fusion.votes import GoldWeighted, OneCoin
from qualification.statistics.stopping import Decision

JOBS: Final = 500
QUICK_JOBS: Final = 10
FIXED_OVERLAP: Final = 5
EXPERT_PRICE: Final = 3
"""What one look of an expert costs, in answers of a worker."""

TASKS, WORKERS, CLASSES = (1_000, 3_000), (25, 50), (2, 4)
MISLEADING: Final = 0.01
HARD: Final = 0.03
GOLD_SHARE: Final = 0.05
FIRST_GOLD: Final = 6
"""Gold questions that each worker meets first; after them a twentieth of their turns is gold."""

ASKED_AT_ONCE: Final = 6
"""An answer goes to the best of so many workers who come by."""

CONFIDENCE, OVERLAP_MIN, OVERLAP_MAX, LEAST_GAIN = 0.9, 2, 6, 0.002
CODE: Final = OneCoin(consensus_weight=0.3)
TERMS: Final = Terms()


@dataclass(frozen=True)
class CertifiedJob:
    """One job: what was paid by kind, counted in answers of a worker; and what was true at the end.

    `wrong_before` and `wrong` are shares of its labels before experts looked at any and at the end. `was_short` is
    whether some class was below the target before, `is_violated` whether one is at the end, certified as it is.
    """

    tasks: int
    answers: int
    escalated: int
    drawn: int
    doubted: int
    wrong_before: float
    wrong: float
    was_short: bool
    is_violated: bool

    @property
    def cost(self) -> float:
        """What it cost, over what a fixed overlap of five costs."""
        looks = self.escalated + self.drawn + self.doubted
        return (self.answers + EXPERT_PRICE * looks) / (FIXED_OVERLAP * self.tasks)


@dataclass(frozen=True)
class CertificateFindings:
    """All jobs with such a share of misleading tasks."""

    misleading: float
    jobs: list[CertifiedJob]

    @property
    def violated(self) -> float:
        """The share of certificates that promised too much."""
        return float(np.mean([job.is_violated for job in self.jobs]))

    @property
    def was_short(self) -> float:
        """The share of jobs that would have broken the promise, had they been delivered without experts' looks."""
        return float(np.mean([job.was_short for job in self.jobs]))

    def median_of(self, what: Callable[[CertifiedJob], float]) -> float:
        """The median over the jobs."""
        return float(np.median([what(job) for job in self.jobs]))


def measure_certificates(jobs: int, *, misleading: float, tell: Callable[[str], None]) -> CertificateFindings:
    """So many jobs, each drawn by its own number."""
    found = []
    for seed in range(jobs):
        tell(f"certificates: job {seed + 1} of {jobs}")
        found.append(certify(np.random.default_rng(seed), misleading=misleading))
    return CertificateFindings(misleading, found)


def certify(chance: np.random.Generator, *, misleading: float) -> CertifiedJob:
    """One job from its first answer to its certificate."""
    work = _Work(chance, misleading=misleading)
    work.ask()
    return work.inspect()


class _Work:
    """A job under way. Gold tasks stand behind the others; `seen` is who had which task."""

    def __init__(self, chance: np.random.Generator, *, misleading: float) -> None:
        tasks, workers, classes = (int(chance.integers(low, high + 1)) for low, high in (TASKS, WORKERS, CLASSES))
        self.chance, self.tasks = chance, tasks
        gold_tasks = round(GOLD_SHARE * tasks)
        self.crowd = SimulatedCrowd.draw(
            chance, tasks=tasks + gold_tasks, workers=workers, classes=classes, misleading=misleading
        )
        self.gold = np.where(np.arange(tasks + gold_tasks) < tasks, UNKNOWN, self.crowd.truth).astype(np.int32)
        self.seen = np.zeros((tasks + gold_tasks, workers), dtype=bool)
        self.given: list[tuple[Indices, Indices, Indices]] = []
        self.label = np.zeros(tasks, dtype=np.int32)
        self.confidence = np.zeros(tasks)
        self.escalated: Flags = np.zeros(tasks, dtype=bool)

    def ask(self) -> None:
        """Answers, round by round, until every task is decided or waits for an expert."""
        everybody = np.arange(self.crowd.workers, dtype=np.int32)
        for _ in range(FIRST_GOLD):
            self._answer_gold(everybody)
        answers = self._answers()
        fitted = fit(CODE, answers, gold=self.gold)
        is_open: Flags = np.ones(self.tasks, dtype=bool)
        while is_open.any():
            asked = np.flatnonzero(is_open).astype(np.int32)
            accuracy = fitted.parameters.confusion(everybody)[:, 0, 0]
            chosen = self._choose(asked, accuracy)
            self._answer(asked, chosen)
            self._answer_gold(chosen[self.chance.random(len(chosen)) < GOLD_SHARE])
            answers = self._answers()
            fitted = fit(CODE, answers, gold=self.gold, start=fitted.posterior)
            is_open[asked] = self._judge(asked, answers, fitted, float(accuracy.mean()))

    def inspect(self) -> CertifiedJob:
        """Experts decide what was escalated, then look at labels until the promise can be made."""
        truth = self.crowd.truth[: self.tasks]
        wrong_before, was_short = float(np.mean(self.label != truth)), self._is_short()
        self.label[self.escalated] = truth[self.escalated]
        stand = [np.flatnonzero((self.label == label) & ~self.escalated) for label in range(self.crowd.classes)]
        labels = np.bincount(self.label, minlength=self.crowd.classes)
        courses = [ClassCourse(len(tasks), int(count)) for tasks, count in zip(stand, labels, strict=True)]
        looks = [0, 0]
        for label, (course, tasks) in enumerate(zip(courses, stand, strict=True)):
            by_doubt = tasks[np.argsort(self.confidence[tasks], kind="stable")].tolist()
            by_chance, seen = self.chance.permutation(tasks).tolist(), set[int]()
            while course.left and not course.is_kept(TERMS, classes=len(courses)):
                drawn = course.draws_next
                task = next(task for task in (by_chance if drawn else by_doubt) if task not in seen)
                seen.add(task)
                course.looks.append(Inspection(drawn, bool(truth[task] == label)))
                course.labels -= 1
                courses[truth[task]].labels += 1
                self.label[task] = truth[task]
                looks[drawn] += 1
        return CertifiedJob(
            tasks=self.tasks,
            answers=sum(len(task) for task, _, _ in self.given),
            escalated=int(self.escalated.sum()),
            drawn=looks[True],
            doubted=looks[False],
            wrong_before=wrong_before,
            wrong=float(np.mean(self.label != truth)),
            was_short=was_short,
            is_violated=self._is_short(),
        )

    def _is_short(self) -> bool:
        right = self.label == self.crowd.truth[: self.tasks]
        classes = [right[self.label == label] for label in range(self.crowd.classes)]
        return any(int((~of_class).sum()) > TERMS.allowed(len(of_class)) for of_class in classes)

    def _choose(self, task: Indices, accuracy: Floats) -> Indices:
        """For each task, the best of some workers who come by and have not had it."""
        come = np.where(self.seen[task], -1.0, self.chance.random((len(task), self.crowd.workers)))
        few = np.argpartition(-come, ASKED_AT_ONCE, axis=1)[:, :ASKED_AT_ONCE]
        best = np.where(np.take_along_axis(come, few, axis=1) < 0, -1.0, accuracy[few]).argmax(axis=1)
        return np.asarray(few[np.arange(len(task)), best], dtype=np.int32)

    def _answer_gold(self, workers: Indices) -> None:
        """Each of these workers answers a gold task that they never had, if one is left."""
        drawn = self.chance.random((len(self.gold) - self.tasks, len(workers)))
        drawn[self.seen[self.tasks :, workers]] = -1.0
        fresh = drawn.max(axis=0) >= 0
        self._answer((self.tasks + drawn.argmax(axis=0)[fresh]).astype(np.int32), workers[fresh])

    def _answer(self, task: Indices, worker: Indices) -> None:
        pairs = np.unique(task.astype(np.int64) * self.crowd.workers + worker)
        task, worker = (half.astype(np.int32) for half in np.divmod(pairs, self.crowd.workers))
        self.seen[task, worker] = True
        self.given.append((task, worker, self.crowd.say(self.chance, task=task, worker=worker)))

    def _answers(self) -> Answers:
        task, worker, said = (np.concatenate(parts) for parts in zip(*self.given, strict=True))
        return Answers.of(
            task=task,
            worker=worker,
            said=said,
            tasks=len(self.gold),
            workers=self.crowd.workers,
            classes=self.crowd.classes,
        )

    def _judge(self, asked: Indices, answers: Answers, fitted: Fit, next_accuracy: float) -> Flags:
        """Which of the tasks that were asked get one more answer."""
        calibration = _calibration(answers, self.gold)
        scores, votes = fitted.parameters.scores(answers), answers.votes.astype(int)
        policy = Policy(CONFIDENCE, OVERLAP_MIN, OVERLAP_MAX, LEAST_GAIN)
        more = np.zeros(len(asked), dtype=bool)
        for place, task in enumerate(asked.tolist()):
            belief = Belief(tuple(scores[task].tolist()), tuple(votes[task].tolist()))
            verdict = judge(belief, policy=policy, calibration=calibration, next_accuracy=next_accuracy)
            self.label[task], self.confidence[task] = verdict.leader, verdict.confidence
            self.escalated[task] = verdict.decision is Decision.ESCALATE
            more[place] = verdict.decision is Decision.ONE_MORE
        return more


def _calibration(answers: Answers, gold: Indices) -> Calibration:
    return fit_calibration(gold_view(fit(GoldWeighted(), answers, gold=gold), answers, gold), WEIGHTED).calibration
