"""What the figures are held against."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from marketplace.bench.measure import Findings

OF_BARE_VIEW: Final = 0.6
OF_SMALLEST: Final = 0.8
IMPORTED_A_SECOND: Final = 10_000
GROWN_MB: Final = 16.0


@dataclass(frozen=True)
class Goal:
    """One goal, what was measured for it, and whether that meets it."""

    what: str
    measured: float
    asked: float
    shown: str
    is_met: bool


def goals(findings: Findings) -> Iterator[Goal]:
    """Every goal that something was measured for."""
    for subject, workers in findings.windows:
        name = f"{_people(workers)}, tasks {subject.name}: Assay's rate over the bare view's"
        yield _share(name, findings.ratio(subject, workers), OF_BARE_VIEW)
    subjects = findings.subjects()
    for subject in subjects[1:]:
        for workers in findings.worker_counts():
            name = f"{_people(workers)}, tasks {subject.name}: rate over the rate at {subjects[0].name}"
            yield _share(name, findings.rate_beside(subject, subjects[0], workers), OF_SMALLEST)
    if (imported := findings.imported) is not None:
        rate, asked = imported.tasks_a_second, IMPORTED_A_SECOND
        what = f"import of {imported.tasks:,} tasks, tasks a second"
        yield Goal(what, rate, asked, f"{rate:,.0f}, at least {asked:,}", rate >= asked)
    if (large := findings.download) is not None and (small := findings.small_download) is not None:
        more = large.grown_mb - small.grown_mb
        what = f"download of {large.tasks:,} results: memory beyond a download of {small.tasks:,}, MB"
        yield Goal(what, more, GROWN_MB, f"{more:.1f}, at most {GROWN_MB:.0f}", more <= GROWN_MB)


def _share(what: str, measured: float, asked: float) -> Goal:
    return Goal(what, measured, asked, f"{measured:.0%}, at least {asked:.0%}", measured >= asked)


def _people(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
