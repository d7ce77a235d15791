"""The findings as tables for people and as JSON for programs."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from marketplace.bench.goals import Goal, goals
from marketplace.bench.measure import Findings
from marketplace.bench.windows import Seen

PERCENTILES = (50, 95, 99)
COSTS = ("CPU web", "CPU db", "client")


def show(findings: Findings, console: Console) -> None:
    """Print everything, goals last."""
    for part in _parts(findings):
        console.print(part)


def as_json(findings: Findings) -> dict[str, Any]:
    """Everything, as plain values."""
    return {
        "machine": asdict(findings.machine),
        "statements": findings.statements,
        "windows": [
            {"tasks": subject.tasks, "done_share": subject.done_share, "workers": workers, **_figures(system, seen)}
            for (subject, workers), by_system in findings.windows.items()
            for system, seen in by_system.items()
        ],
        "settlement": asdict(findings.settlement) if findings.settlement else None,
        "import": asdict(findings.imported) if findings.imported else None,
        "small_download": asdict(findings.small_download) if findings.small_download else None,
        "download": asdict(findings.download) if findings.download else None,
        "goals": [asdict(goal) for goal in goals(findings)],
    }


def _parts(findings: Findings) -> Iterator[RenderableType]:
    machine = findings.machine
    yield (
        f"{machine.processors} processors (load {machine.load:.1f} before), {machine.system}, Python {machine.python}, "
        f"PostgreSQL {machine.postgresql} with fsync on; a page takes {machine.fsync_ms:.1f} ms to this disk."
    )
    if findings.windows:
        said = findings.statements
        yield f"Statements: {said['claim']} for a claim, {said['submit']} for a submit, sign-in included."
        yield _windows_table(findings)
    if (settlement := findings.settlement) is not None:
        yield (
            f"Settlement, by one process beside all that: {settlement.answers:,} answers accepted and paid in "
            f"{settlement.seconds:.1f} s: {settlement.answers_a_second:,.0f} a second."
        )
    if (imported := findings.imported) is not None:
        yield (
            f"Import: {imported.tasks:,} tasks, {imported.megabytes:.1f} MB, in {imported.seconds:.1f} s: "
            f"{imported.tasks_a_second:,.0f} a second."
        )
    for download in (findings.small_download, findings.download):
        if download is not None:
            yield (
                f"Download: {download.tasks:,} results, {download.megabytes:.1f} MB, in {download.seconds:.1f} s: "
                f"{download.tasks_a_second:,.0f} a second; memory grew by {download.grown_mb:.1f} MB at most."
            )
    yield goals_table(list(goals(findings)))


def _windows_table(findings: Findings) -> Table:
    caption = (
        "Milliseconds from request to answer, and of processor time for one pair; the client's share of one processor"
    )
    table = Table(title="Claim and submit", caption=caption, box=box.SIMPLE_HEAD)
    for name in ("tasks", "workers", "system", "pairs/s"):
        table.add_column(name, justify="right" if name in ("workers", "pairs/s") else "left", no_wrap=True)
    for name in (*(f"{step} p{percent}" for step in ("claim", "submit") for percent in PERCENTILES), *COSTS):
        table.add_column(name, justify="right")
    for (subject, workers), by_system in findings.windows.items():
        for system, seen in by_system.items():
            figures = _figures(system, seen)
            delays = [f"{ms:.1f}" for step in zip(*figures["percentiles_ms"].values(), strict=True) for ms in step]
            table.add_row(
                *(subject.name, str(workers), system, f"{figures['pairs_a_second']:,.0f}"),
                *(delays or [""] * 2 * len(PERCENTILES)),
                *(f"{figures['web_cpu_ms']:.1f}" if delays else "", f"{figures['database_cpu_ms']:.1f}"),
                f"{figures['client_share']:.0%}" if delays else "",
            )
        table.add_section()
    return table


def goals_table(reached: Sequence[Goal]) -> Table:
    """What was asked for, what was measured, and whether that meets it."""
    table = Table(title="Goals", box=box.SIMPLE_HEAD)
    for name in ("goal", "measured", ""):
        table.add_column(name)
    for goal in reached:
        table.add_row(goal.what, goal.shown, "[green]met[/]" if goal.is_met else "[red]not met[/]")
    return table


def _figures(system: str, seen: Sequence[Seen]) -> dict[str, Any]:
    claims = [ms for window in seen for ms in window.claims_ms]
    submits = [ms for window in seen for ms in window.submits_ms]
    return {
        "system": system,
        "pairs_a_second": statistics.median(window.pairs_a_second for window in seen),
        "percentiles_ms": {
            percent: (_percentile(claims, percent), _percentile(submits, percent)) for percent in PERCENTILES if claims
        },
        "web_cpu_ms": statistics.median(window.web_cpu_ms for window in seen),
        "database_cpu_ms": statistics.median(window.database_cpu_ms for window in seen),
        "client_share": statistics.median(window.client_share for window in seen),
    }


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
