"""The whole course of a benchmark: seed, measure in short windows that take turns, measure import and download."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final
from uuid import UUID

from marketplace.bench.bulk import (
    Download,
    Import,
    Settlement,
    a_finished_job,
    measure_download,
    measure_import,
    measure_settlement,
)
from marketplace.bench.machine import Machine, this_machine
from marketplace.bench.overhear import overhear
from marketplace.bench.seeding import Scene, an_open_job, finish_some, set_scene, settle_down
from marketplace.bench.windows import ASSAY, BARE, PGBENCH, Bench, Place, Seen

SMALL: Final = 20_000
"""A job of fewer tasks would run low within a few windows, so each window gets one of its own."""
WARM_UP_SECONDS: Final = 2.0
DONE_SHARE: Final = 1 / 3
WAITING_SHARE: Final = 0.2
"""Of the answers in a job that is partly done, those that wait for review."""
SETTLED: Final = 2_000
SYSTEMS: Final = (ASSAY, BARE, PGBENCH)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be measured. ``rounds`` times, each combination gets a window of so many ``seconds``."""

    parts: frozenset[str]
    sizes: Sequence[int]
    workers: Sequence[int]
    seconds: float
    rounds: int
    bulk_tasks: int


@dataclass(frozen=True)
class Subject:
    """A kind of job that is measured: of so many tasks, fresh or with a part of them done."""

    tasks: int
    done_share: float = 0.0

    @property
    def name(self) -> str:
        """How it is called in the report."""
        return f"{self.tasks:,}" + (", a third done" if self.done_share else "")

    @property
    def left(self) -> int:
        """How many of its tasks are open when it is measured, about."""
        return round(self.tasks * (1 - self.done_share))


@dataclass
class Findings:
    """All that was seen. Windows by subject and number of workers, in the order of the rounds."""

    machine: Machine
    statements: dict[str, int] = field(default_factory=dict)
    windows: dict[tuple[Subject, int], dict[str, list[Seen]]] = field(default_factory=dict)
    settlement: Settlement | None = None
    imported: Import | None = None
    small_download: Download | None = None
    download: Download | None = None

    def ratio(self, subject: Subject, workers: int) -> float:
        """Assay's rate over the bare view's, in the same round; the median of the rounds."""
        seen = self.windows[subject, workers]
        return median(
            one.pairs_a_second / other.pairs_a_second for one, other in zip(seen[ASSAY], seen[BARE], strict=True)
        )

    def rate_beside(self, subject: Subject, least: Subject, workers: int) -> float:
        """Assay's rate at ``subject`` over that at ``least``, in the same round; the median of the rounds."""
        one, other = self.windows[subject, workers][ASSAY], self.windows[least, workers][ASSAY]
        return median(a.pairs_a_second / b.pairs_a_second for a, b in zip(one, other, strict=True))

    def subjects(self) -> list[Subject]:
        """Each kind of job, once."""
        return list(dict.fromkeys(subject for subject, _ in self.windows))

    def worker_counts(self) -> list[int]:
        """Each number of workers, once."""
        return list(dict.fromkeys(workers for _, workers in self.windows))


def measure(place: Place, plan: Plan, *, folder: Path, tell: Tell) -> Findings:
    """Do all of ``plan`` on the installation at ``place``, which is fresh and will be thrown away."""
    findings = Findings(this_machine(folder))
    scene = set_scene(workers=max(2, *plan.workers), tell=tell)
    if "claims" in plan.parts:
        _measure_claims(place, plan, scene, findings, tell)
        tell("paying what was answered")
        findings.settlement = measure_settlement(answers=SETTLED)
    if "import" in plan.parts:
        tell(f"importing {plan.bulk_tasks:,} tasks")
        measure_import(place, scene, tasks=plan.bulk_tasks // 100)  # warm
        findings.imported = measure_import(place, scene, tasks=plan.bulk_tasks)
    if "results" in plan.parts:
        _measure_downloads(place, plan, scene, findings, tell)
    return findings


def _measure_claims(place: Place, plan: Plan, scene: Scene, findings: Findings, tell: Tell) -> None:
    claim, submit = overhear(scene)
    findings.statements = {"claim": len(claim.statements), "submit": len(submit.statements)}
    subjects = [*(Subject(size) for size in plan.sizes), Subject(max(plan.sizes), DONE_SHARE)]
    jobs = {subject: _seeded(subject, scene, tell) for subject in subjects if subject.tasks >= SMALL}
    settle_down()
    bench = Bench(place, claim, submit)
    _warm_up(bench, scene, tell)
    windows: dict[tuple[Subject, int], dict[str, list[Seen]]] = defaultdict(lambda: defaultdict(list))
    for workers in plan.workers:
        for number in range(plan.rounds):
            for subject in subjects:
                for system in SYSTEMS:
                    tell(f"round {number + 1} of {plan.rounds}: {subject.name} tasks, {workers} workers, {system}")
                    job_id = jobs.get(subject) or _seeded(subject, scene, lambda sentence: None)
                    hands = scene.workers[:workers]
                    seen = bench.window(system, job_id=job_id, tasks=subject.left, workers=hands, seconds=plan.seconds)
                    windows[subject, workers][system].append(seen)
    findings.windows = dict(windows)


def _warm_up(bench: Bench, scene: Scene, tell: Tell) -> None:
    """Let every thread of the server have its connection, and every connection its plans."""
    tell("warming up")
    job = an_open_job(scene, tasks=SMALL)
    for system in (ASSAY, BARE):
        bench.window(system, job_id=job.pk, tasks=SMALL, workers=scene.workers, seconds=WARM_UP_SECONDS)


def _seeded(subject: Subject, scene: Scene, tell: Tell) -> UUID:
    tell(f"seeding a job of {subject.name} tasks")
    job = an_open_job(scene, tasks=subject.tasks)
    if subject.done_share:
        finish_some(job, worker_ids=scene.worker_ids, share=subject.done_share, waiting=WAITING_SHARE)
    return job.pk


def _measure_downloads(place: Place, plan: Plan, scene: Scene, findings: Findings, tell: Tell) -> None:
    small, large = plan.bulk_tasks // 100, plan.bulk_tasks
    tell(f"seeding a finished job of {large:,} tasks")
    jobs = {tasks: a_finished_job(scene, tasks=tasks) for tasks in (small, large)}
    settle_down()
    tell(f"downloading the results of {large:,} tasks")
    findings.small_download = measure_download(place, scene, job_id=jobs[small], tasks=small)
    findings.download = measure_download(place, scene, job_id=jobs[large], tasks=large)
