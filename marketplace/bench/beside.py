"""Claims and submits of this checkout beside those of another one, an older one say, in runs that take turns."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich import box
from rich.table import Table

from marketplace.bench.measure import Plan
from marketplace.bench.windows import ASSAY

OURS: Final = Path(__file__).resolve().parents[2]


class NotMeasured(Exception):
    """A checkout did not come to figures; the message is what it said."""


@dataclass(frozen=True)
class Compared:
    """One kind of window: rates in pairs a second, and how each of ours stands to theirs; medians of the rounds."""

    tasks: int
    done_share: float
    workers: int
    our_rate: float
    their_rate: float
    rate_ratio: float
    cpu_ratio: float


def measure_beside(theirs: Path, plan: Plan, *, folder: Path, tell: Callable[[str], None]) -> list[Compared]:
    """Let the ``bench`` of both checkouts measure claims, ``plan.rounds`` times in turns, each in its own installation.

    Both run with the packages of this one. Raises NotMeasured.
    """
    ours_seen: list[Any] = []
    theirs_seen: list[Any] = []
    for number in range(plan.rounds):
        turns = [(OURS, ours_seen), (theirs, theirs_seen)]
        for checkout, seen in turns if number % 2 == 0 else reversed(turns):
            tell(f"round {number + 1} of {plan.rounds}: {checkout}")
            seen.append(_figures_of(checkout, plan, folder))
    return compare(ours_seen, theirs_seen)


def compare(ours: Sequence[Any], theirs: Sequence[Any]) -> list[Compared]:
    """Window by window, from the figures that ``bench --json`` wrote in each round."""
    rounds = [(_by_kind(one), _by_kind(other)) for one, other in zip(ours, theirs, strict=True)]
    return [_compared(kind, [(one[kind], other[kind]) for one, other in rounds]) for kind in rounds[0][0]]


def table_of(compared: Sequence[Compared]) -> Table:
    """For people. Above 100% is more: of rate that is better, of processor time for a pair it is worse."""
    table = Table(title="Claim and submit, beside another checkout", box=box.SIMPLE_HEAD)
    for name in ("tasks", "workers", "pairs/s here", "pairs/s there", "rate", "CPU a pair"):
        table.add_column(name, justify="right")
    for each in compared:
        tasks = f"{each.tasks:,}" + (", a third done" if each.done_share else "")
        rates = (f"{rate:,.0f}" for rate in (each.our_rate, each.their_rate))
        table.add_row(tasks, str(each.workers), *rates, f"{each.rate_ratio:.0%}", f"{each.cpu_ratio:.0%}")
    return table


def _figures_of(checkout: Path, plan: Plan, folder: Path) -> Any:
    written = folder / "figures.json"
    options = {
        "--only": "claims",
        "--sizes": ",".join(map(str, plan.sizes)),
        "--workers": ",".join(map(str, plan.workers)),
        "--seconds": str(plan.seconds),
        "--rounds": "1",
        "--json": str(written),
    }
    command = [sys.executable, "manage.py", "bench", *(word for option in options.items() for word in option)]
    environment = {**os.environ, "ASSAY_NO_BOOTSTRAP": "1", "ASSAY_VAR": str(folder)}
    ended = subprocess.run(  # noqa: S603  (whoever names a checkout wants its code run)
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise NotMeasured(f"{checkout} was not measured: {ended.stderr[-2000:]}")
    return json.loads(written.read_text(encoding="utf-8"))


def _by_kind(figures: Any) -> dict[tuple[int, float, int], Any]:
    return {
        (window["tasks"], window["done_share"], window["workers"]): window
        for window in figures["windows"]
        if window["system"] == ASSAY
    }


def _compared(kind: tuple[int, float, int], seen: Sequence[tuple[Any, Any]]) -> Compared:
    return Compared(
        *kind,
        our_rate=median(one["pairs_a_second"] for one, _ in seen),
        their_rate=median(other["pairs_a_second"] for _, other in seen),
        rate_ratio=median(one["pairs_a_second"] / other["pairs_a_second"] for one, other in seen),
        cpu_ratio=median(_cpu_ms(one) / _cpu_ms(other) for one, other in seen),
    )


def _cpu_ms(window: Any) -> float:
    return float(window["web_cpu_ms"] + window["database_cpu_ms"])
