"""What `bench quality` found, as tables for people and as JSON for programs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from rich.console import RenderableType
from rich.table import Table

from marketplace.bench.quality.accuracy import ENGINE, TIES_SHARED, SetFindings
from marketplace.bench.quality.certificates import EXPERT_PRICE
from marketplace.bench.quality.course import FLOOR, QualityFindings, quality_goals
from marketplace.bench.quality.kinds import KindFindings
from marketplace.bench.quality.learning import RIGHT
from marketplace.bench.quality.likenesses import GOLD, LikenessFindings
from marketplace.bench.quality.running_report import job_tables
from marketplace.bench.quality.tables import titled
from marketplace.bench.report import goals_table

OURS: Final = (
    FLOOR,
    TIES_SHARED,
    "votes weighted by gold",
    "one coin",
    "Dawid-Skene",
    "Dawid-Skene with priors",
    "IBCC",
)


def quality_as_json(findings: QualityFindings) -> dict[str, Any]:
    """Everything, as plain values."""
    return {
        "sets": [asdict(one) for one in findings.sets],
        "replays": [asdict(one) for one in findings.replays],
        **asdict(findings.jobs),
        "rivals": asdict(findings.rivals) if findings.rivals else None,
        "steps": asdict(findings.steps),
        "many": asdict(findings.many) if findings.many else None,
        "decisions": asdict(findings.decisions),
        "kinds": [asdict(one) for one in findings.kinds],
        "likenesses": [asdict(one) for one in findings.likenesses],
        "learning": findings.learning,
        "certificates": [asdict(one) for one in findings.certificates],
        "signals": {turns: found.written() for turns, found in findings.signals.items()},
        "goals": [asdict(goal) for goal in quality_goals(findings)],
    }


def quality_parts(findings: QualityFindings) -> Iterator[RenderableType]:
    """Everything to be printed, goals last."""
    yield _accuracy_table(findings)
    if findings.rivals is not None:
        yield _rivals_table(findings)
    yield _confidence_table(findings)
    if findings.replays:
        yield _replays_table(findings)
    yield from job_tables(findings.jobs)
    if findings.kinds:
        yield _kinds_table(findings.kinds)
    if findings.likenesses:
        yield _likenesses_table(findings.likenesses)
    steps, decisions = findings.steps, findings.decisions
    rival = findings.rivals.seconds_a_step if findings.rivals else None
    beside = f" (crowd-kit: {rival:.2f} s)" if rival is not None else ""
    yield (
        f"Dawid-Skene over {steps.answers:,} answers: {1000 * steps.seconds_a_step:.0f} ms of CPU a step{beside}, "
        f"{steps.steps} steps in {steps.seconds:.1f} s; {steps.peak_mb:,.0f} MB at the peak."
    )
    if (many := findings.many) is not None:
        yield (
            f"Over {many.answers:,} answers: {1000 * many.seconds_a_step:.0f} ms a step; "
            f"{many.peak_mb:,.0f} MB at the peak, the making of the answers included."
        )
    yield (
        f"A decision after an answer: {decisions.few_ms:.3f} ms of CPU in a job of a hundred workers, "
        f"{decisions.many_ms:.3f} ms in one of a hundred thousand; "
        f"{decisions.multiple_ms:.3f} ms over twenty choices of which several may hold."
    )
    learnt = ", ".join(f"{way} {labels:.0f}" for way, labels in findings.learning.items())
    yield f"Labels of digits after which a small model is right in {RIGHT:.0%} of those that it never saw: {learnt}."
    yield _certificates_table(findings)
    yield _signals_table(findings)
    yield goals_table(list(quality_goals(findings)))


def _accuracy_table(findings: QualityFindings) -> Table:
    draws = len(findings.sets[0].draws)
    table = titled(
        f"Accuracy on tasks without gold, mean of {draws} draws of gold",
        "Assay: what the selector picks, calibrated; ± over the draws. Worst: over majority vote, in any draw",
        ("set", "tasks", *OURS, ENGINE, "worst", "picked"),
    )
    for one in findings.sets:
        picked = ", ".join(
            f"{name} {count}" for name, count in Counter(draw.chosen for draw in one.draws).most_common()
        )
        table.add_row(
            one.name,
            f"{one.judged:,}",
            *(f"{one.right(method):.3f}" if method in one.draws[0].right else "" for method in OURS),
            f"{one.right(ENGINE):.3f} ± {one.spread(ENGINE):.3f}",
            f"{100 * one.worst_lead(ENGINE, FLOOR):+.1f}",
            picked,
        )
    table.add_section()
    table.add_row("mean", "", *(_mean(findings.sets, method) for method in OURS), _mean(findings.sets, ENGINE), "", "")
    return table


def _mean(sets: list[SetFindings], method: str) -> str:
    if any(method not in one.draws[0].right for one in sets):
        return ""
    return f"{np.mean([one.right(method) for one in sets]):.4f}"


def _rivals_table(findings: QualityFindings) -> Table:
    rivals = findings.rivals
    assert rivals is not None
    means = rivals.means()
    methods = list(next(iter(rivals.right.values())))
    table = titled("crowd-kit on the same tasks", "Empty where it raised an error", ("set", *methods, ENGINE))
    for one in findings.sets:
        found = [rivals.mean(method, one.name) for method in methods]
        table.add_row(one.name, *("" if mean is None else f"{mean:.3f}" for mean in found), f"{one.right(ENGINE):.3f}")
    table.add_section()
    table.add_row(
        "mean",
        *(f"{means[method]:.4f}" if method in means else "" for method in methods),
        f"{findings.engine_mean():.4f}",
    )
    return table


def _confidence_table(findings: QualityFindings) -> Table:
    table = titled(
        "Calibration error of confidence",
        "Ten bins. Perfect: what a forecast without fault would show on so few tasks",
        ("set", "posterior", "shown", "perfect"),
    )
    rows = [
        (
            one.name,
            one.mean_of(lambda draw: draw.raw_error),
            one.mean_of(lambda draw: draw.error),
            one.mean_of(lambda draw: draw.perfect_error),
        )
        for one in findings.sets
    ]
    for name, *errors in rows:
        table.add_row(name, *(f"{error:.3f}" for error in errors))
    table.add_section()
    table.add_row("mean", *(f"{np.mean([row[place] for row in rows]):.3f}" for place in (1, 2, 3)))
    return table


def _replays_table(findings: QualityFindings) -> Table:
    table = titled(
        "Answers spent by adaptive overlap, good workers first",
        "Gold's answers are counted in; accuracy on tasks without gold",
        ("set", "tasks", "answers a task", "spent", "right", "majority of all", "lead"),
    )
    for one in findings.replays:
        table.add_row(
            one.name,
            f"{one.judged:,}",
            f"{one.overlap:.1f}",
            f"{one.share:.1%}",
            f"{np.mean([replay.right for replay in one.replays]):.3f}",
            f"{np.mean([replay.majority_right for replay in one.replays]):.3f}",
            f"{100 * one.lead:+.1f}",
        )
    table.add_section()
    spent = np.mean([one.share for one in findings.replays])
    table.add_row(
        "mean", "", "", f"{spent:.1%}", "", "", f"{100 * np.mean([one.lead for one in findings.replays]):+.1f}"
    )
    return table


def _certificates_table(findings: QualityFindings) -> Table:
    table = titled(
        "Certificates of 95% in each class, with 95% assurance, for simulated jobs with spammers",
        f"Medians, per task; a look of an expert costs as much as {EXPERT_PRICE} answers",
        (
            "misleading tasks",
            "jobs",
            "answers",
            "escalated",
            "drawn",
            "doubted",
            "over fixed overlap 5",
            "wrong before",
            "wrong",
            "short before",
            "violated",
        ),
    )
    for one in findings.certificates:
        table.add_row(
            f"{one.misleading:.0%}",
            f"{len(one.jobs)}",
            f"{one.median_of(lambda job: job.answers / job.tasks):.2f}",
            f"{one.median_of(lambda job: job.escalated / job.tasks):.3f}",
            f"{one.median_of(lambda job: job.drawn / job.tasks):.3f}",
            f"{one.median_of(lambda job: job.doubted / job.tasks):.3f}",
            f"{one.median_of(lambda job: job.cost):.0%}",
            f"{one.median_of(lambda job: job.wrong_before):.1%}",
            f"{one.median_of(lambda job: job.wrong):.1%}",
            f"{one.was_short:.0%}",
            f"{one.violated:.1%}",
        )
    return table


def _signals_table(findings: QualityFindings) -> Table:
    table = titled(
        "Who is flagged by signals, of simulated workers",
        "By what, most often first; a worker may be flagged by several",
        ("turns of each", "who", "people", "flagged", "by"),
    )
    for turns, found in findings.signals.items():
        for who, people in found.people.items():
            by = ", ".join(f"{name} {count}" for name, count in found.by_signal[who].most_common())
            table.add_row(f"{turns}", who, f"{people:,}", f"{found.share(who):.2%}", by)
    return table


def _kinds_table(kinds: list[KindFindings]) -> Table:
    table = titled(
        "Boxes, spans and transcripts: one answer from several, without gold",
        "Word error rate is better when lower, the others when higher",
        ("set", "tasks", "measure", "one way and another"),
    )
    for one in kinds:
        ways = ", ".join(f"{way} {worth:.4f}" for way, worth in one.found.items())
        table.add_row(one.name, f"{one.tasks:,}", one.measure, ways)
    return table


def _likenesses_table(likenesses: list[LikenessFindings]) -> Table:
    table = titled(
        "Boxes, spans and transcripts of a job that runs: two to four answers a task",
        "Right: by equal weights, and by habits where a job would use them. Errors: of likeness as confidence, and of "
        "the confidence, taught by so much gold",
        ("set", "tasks", "right", "by habits", "used", "likeness", "its error", *(f"{gold} gold" for gold in GOLD)),
    )
    for one in likenesses:
        table.add_row(
            one.name,
            f"{one.tasks:,}",
            f"{one.right:.1%}",
            f"{one.right_by_habits:.1%}",
            f"{one.habits_used} of {one.draws}",
            f"{one.likeness:.2f}",
            f"{one.likeness_error:.3f}",
            *(f"{one.errors[gold]:.3f}" if gold in one.errors else "" for gold in GOLD),
        )
    return table
