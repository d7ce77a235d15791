"""What was found of jobs that run, as tables: what they buy, whether they claim too much, and who is asked next."""

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
from rich.table import Table

from marketplace.bench.quality.course import JobFindings
from marketplace.bench.quality.honesty import HonestyFindings
from marketplace.bench.quality.running import OVERLAP, RUNS, RunningFindings
from marketplace.bench.quality.steering import TERMS, SteeringFindings
from marketplace.bench.quality.tables import titled


def job_tables(findings: JobFindings) -> Iterator[Table]:
    """All of them."""
    if findings.running:
        yield _running_table(findings.running)
    yield from map(_honesty_table, findings.honesty)
    yield _steering_table(findings.steering)


def _running_table(findings: list[RunningFindings]) -> Table:
    """What recorded answers a job buys, by either rule and on several terms."""
    table = titled(
        f"Jobs that run: {OVERLAP[0]} to {OVERLAP[1]} answers a task, in an order drawn anew, mean of {RUNS} draws",
        "Right, claimed and its calibration error: the label in front of every task at the end, settled or not. "
        "Opened: one more answer asked for at a second look",
        ("set", "rule", "asked", "answers", "of all", "right", "majority of all", "claimed", "error", "sure", "opened"),
    )
    for one in findings:
        table.add_row(
            one.name,
            "before" if one.terms.is_before else "now",
            f"{one.terms.confidence:.0%}",
            f"{one.mean_of(lambda run: run.answers):,.0f}",
            f"{one.mean_of(lambda run: run.answers / run.recorded):.0%}",
            f"{one.mean_of(lambda run: run.right):.1%}",
            f"{one.mean_of(lambda run: run.majority_right):.1%}",
            f"{one.mean_of(lambda run: run.claimed):.1%}",
            f"{one.mean_of(lambda run: run.error):.3f}",
            f"{one.mean_of(lambda run: run.sure):.1%}",
            f"{one.mean_of(lambda run: run.opened):,.0f}",
        )
    return table


def _honesty_table(one: HonestyFindings) -> Table:
    """By how much jobs of one kind claim too much, together and by confidence."""
    excess, error = one.excess
    table = titled(
        f"Claimed and right: {one.name}, {len(one.answers)} jobs of {np.mean(one.answers):,.0f} answers",
        "Labels by consensus. ±: standard error over jobs",
        ("confidence", "labels", "claims too much, points", "±"),
    )
    for low, high, labels, too_much, off in one.bins:
        table.add_row(f"{low:.0%} to {high:.0%}", f"{labels:,}", f"{100 * too_much:+.2f}", f"{100 * off:.2f}")
    table.add_section()
    claimed, right = np.mean(one.claimed), np.mean(one.right)
    together = f"all: {claimed:.1%} claimed, {right:.1%} right"
    table.add_row(together, "", f"{100 * excess:+.2f}", f"{100 * error:.2f}")
    return table


def _steering_table(findings: list[SteeringFindings]) -> Table:
    """What a job takes where sure workers are asked first about unsure tasks."""
    table = titled(
        f"Steering: {TERMS.overlap_min} to {TERMS.overlap_max} answers a task, {TERMS.confidence:.0%} confidence",
        "Turns at unsure tasks: taken by sure workers, by newcomers, and after how many other answers; in minutes "
        "where the recording has times",
        ("set", "who", "answers", "right", "unsure", "by sure", "by newcomers", "waited", "minutes", "Gini of turns"),
    )
    for one in findings:
        for how, way in (("by chance", one.by_chance), ("steered", one.steered)):
            means = {
                name: None if value is None else np.mean([getattr(course, name) for course in way])
                for name, value in asdict(way[0]).items()
            }
            table.add_row(
                one.name,
                how,
                f"{means['answers']:,.0f}",
                f"{means['right']:.3f}",
                f"{means['unsure']:.3f}",
                f"{means['by_sure']:.0%}",
                f"{means['by_newcomers']:.0%}",
                f"{means['waited']:,.0f}",
                "" if means["minutes"] is None else f"{means['minutes']:.1f}",
                f"{means['gini']:.3f}",
            )
    return table
