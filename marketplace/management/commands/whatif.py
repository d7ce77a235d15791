"""`manage.py whatif JOB …`: what another policy would have made of a job, from the job's own answers."""

import random
import re
from argparse import ArgumentParser, ArgumentTypeError
from io import StringIO
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich import box
from rich.console import Console
from rich.table import Table

from kernel.money import Money
from marketplace.models import Job
from marketplace.queries import schema_of
from marketplace.queries.recorded import History, history_of
from qualification.statistics.whatif import Figure, Prediction, Rules, predict

WIDTH = 100


def overlap(written: str) -> tuple[int, int]:
    """The least and the most answers, written 2-4, or one number for both."""
    found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", written)
    if found is None:
        raise ArgumentTypeError(f"{written!r} is no overlap such as 2-4.")
    return int(found[1]), int(found[2] or found[1])


class Command(BaseCommand):
    """Reads, and changes nothing."""

    help = "Replay a job's answers under another policy: accuracy, cost and time, beside what really happened."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", type=UUID)
        parser.add_argument("--overlap", type=overlap, metavar="MIN-MAX", help="default: the job's")
        parser.add_argument("--confidence", type=float, help="default: the job's")
        parser.add_argument("--gold", type=float, help="share of turns that are hidden gold, default: the job's")
        parser.add_argument(
            "--seed", type=int, default=7, help="draws answers that were never given, and the intervals"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        job = Job.objects.filter(pk=options["job"]).first()
        if job is None:
            raise CommandError("There is no such job.")
        least, most = options["overlap"] or (job.overlap_min, job.overlap_max)
        gold = job.gold_share_basis_points / 10_000 if options["gold"] is None else options["gold"]
        if not 0 <= gold < 1:
            raise CommandError("--gold is a share from 0 to below 1.")
        confidence = options["confidence"] or job.confidence_basis_points / 10_000
        rules = Rules(least, most, confidence, gold)
        schema = schema_of(job.versions.latest("number").pk)
        history = history_of(job)
        try:
            work = predict(schema, history.work, rules, chance=random.Random(options["seed"]))  # noqa: S311
            known = [task for task in [*history.work, *history.gold] if task.truth and task.votes]
            judged = predict(schema, known, rules, chance=random.Random(options["seed"])) if known else None  # noqa: S311
        except ValueError as error:
            raise CommandError(str(error)) from error
        table = _table(job, history, work, judged)
        shown = StringIO()
        Console(file=shown, width=WIDTH).print(table)
        self.stdout.write(shown.getvalue(), ending="")


def _table(job: Job, history: History, work: Prediction, judged: Prediction | None) -> Table:
    happened = sum(len(task.votes) for task in history.work) + history.gold_answers
    answered = max(work.tasks, 1)
    table = Table(title=f"What if: {job.title}", caption=_caption(work, judged), box=box.SIMPLE_HEAD)
    for name in ("", "happened", "predicted", "95% of draws"):
        table.add_column(name, justify="right" if name else "left")

    def row(what: str, really: str, figure: Figure, shown: Any) -> None:
        if figure.value is None or figure.low is None or figure.high is None:
            table.add_row(what, really, "unknown", "")
        else:
            table.add_row(what, really, shown(figure.value), f"{shown(figure.low)} to {shown(figure.high)}")

    price, hours = history.spent_minor / max(happened, 1), history.hours / max(happened, 1)
    row("answers a task, gold's on top", f"{happened / answered:.2f}", work.answers, lambda value: f"{value:.2f}")
    row(
        "cost",
        str(Money(history.spent_minor, job.currency)),
        work.answers,
        lambda value: str(Money(round(value * answered * price), job.currency)),
    )
    row("hours, at the pace that was", f"{history.hours:.1f}", work.answers, lambda v: f"{v * answered * hours:.1f}")
    row("for a person to decide", f"{history.escalated / answered:.1%}", work.escalated, lambda value: f"{value:.1%}")
    really = f"{history.right / history.judged:.1%} of {history.judged}" if history.judged else "unknown"
    row("right by consensus", really, judged.right if judged else Figure(None, None, None), lambda v: f"{v:.1%}")
    return table


def _caption(work: Prediction, judged: Prediction | None) -> str:
    known = judged.judged if judged else 0
    return (
        f"{work.tasks:,} tasks; {work.drawn:.0%} of the answers were never given and are drawn; accuracy on "
        f"{known:,} tasks whose truth gold, inspections or admins told"
    )
