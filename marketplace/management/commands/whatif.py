"""`manage.py whatif JOB …`: what another policy would have made of a job, from the job's own answers."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kernel.errors import Invalid, Refused
from kernel.money import Money
from marketplace.models import Job
from marketplace.services.replaying import SEED, Compared, WhatIf, what_if

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
        parser.add_argument("job", type=UUID, metavar="JOB", help="id of the job, as the API and the console show it")
        parser.add_argument("--overlap", type=overlap, metavar="MIN-MAX", help="default: the job's")
        parser.add_argument(
            "--confidence", type=float, metavar="SHARE", help="that settles a task, such as 0.9; default: the job's"
        )
        parser.add_argument(
            "--gold-share", "--gold", type=float, help="share of turns that are hidden gold, default: the job's"
        )
        parser.add_argument(
            "--seed", type=int, default=SEED, help="draws answers that were never given, and the intervals"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        job = Job.objects.filter(pk=options["job"]).first()
        if job is None:
            raise CommandError("There is no such job.")
        try:
            found = what_if(
                job=job,
                overlap=options["overlap"],
                confidence=options["confidence"],
                gold_share=options["gold_share"],
                seed=options["seed"],
            )
        except (Invalid, Refused) as refusal:
            raise CommandError(refusal.message) from refusal
        shown = StringIO()
        Console(file=shown, width=WIDTH).print(_table(job, found))
        self.stdout.write(shown.getvalue(), ending="")


def _table(job: Job, found: WhatIf) -> Table:
    table = Table(title=_title(job, found), caption=_caption(found), box=box.SIMPLE_HEAD)
    for name in ("", "happened", "predicted", "95% bounds"):
        table.add_column(name, justify="right" if name else "left")

    def row(what: str, figure: Compared, shown: Callable[[float], str], more: str = "") -> None:
        really = "unknown" if figure.happened is None else f"{shown(figure.happened)}{more}"
        value, low, high = figure.predicted.value, figure.predicted.low, figure.predicted.high
        if value is None or low is None or high is None:
            table.add_row(what, really, "unknown", "")
        else:
            table.add_row(what, really, shown(value), f"{shown(low)} to {shown(high)}")

    row("answers a task, gold's on top", found.answers, lambda value: f"{value:.2f}")
    row("cost", found.cost_minor, lambda value: str(Money(int(value), job.currency)))
    row(
        "time, at the pace that was",
        found.hours,
        lambda value: f"{value:.1f} h" if value >= 1 else f"{60 * value:.1f} min",
    )
    row("for a person to decide", found.escalated, lambda value: f"{value:.1%}")
    row("right by consensus", found.right, lambda value: f"{value:.1%}", f" of {found.really_judged}")
    return table


def _title(job: Job, found: WhatIf) -> Text:
    """The job and the policy that was tried; as text, for a client's title is no markup of ours."""
    rules = found.rules
    return Text(
        f"What if: {job.title}\noverlap {rules.overlap_min} to {rules.overlap_max}, confidence {rules.confidence:g}, "
        f"gold {rules.gold_share:.1%} of turns"
    )


def _caption(found: WhatIf) -> str:
    seen = "" if found.looked_at == found.tasks else f", what happened is estimated from {found.looked_at:,}"
    return (
        f"{found.replayed:,} of {found.tasks:,} tasks{seen}; {found.drawn:.0%} of the answers were never given and are "
        f"drawn; accuracy on {found.judged:,} tasks whose truth gold, inspections or admins told"
    )
