"""`manage.py demo`: a real job from post to payout, in one command."""

import os
import secrets
import threading
from argparse import ArgumentParser
from dataclasses import asdict
from json import dumps, loads
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.supervisor import SupervisorError
from marketplace.demo.api import ApiError, NoAnswer
from marketplace.demo.client_and_admin import TookTooLong
from marketplace.demo.collecting import outcome_of
from marketplace.demo.crowd import SMALLEST_CROWD
from marketplace.demo.fresh_folder import FolderInUse, fresh_folder
from marketplace.demo.mailbox import Mailboxes, NoMail
from marketplace.demo.outcome import Outcome
from marketplace.demo.progress import ShownProgress
from marketplace.demo.report import show_report, show_where_to_look
from marketplace.demo.story import FEWEST_TASKS, Story
from marketplace.management.commands.up import interrupt_once, on_signals
from marketplace.stack import Stack, StackError

ADMIN: Final = "admin@example.org"
HANDED_OVER_IN: Final = "ASSAY_DEMO_PASSWORD"
ALL_TASKS: Final = 1_797
TROUBLE: Final = (
    StackError,
    SupervisorError,
    EmbeddedServerError,
    ApiError,
    NoAnswer,
    TookTooLong,
    NoMail,
    OSError,
)


class Command(BaseCommand):
    """Starts an installation of its own, plays the story in it, and shows what it came to."""

    help = "Run a real job over HTTP, from post to payout, with a simulated crowd, and report. Starts all it needs."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=7, help="another seed is another crowd")
        parser.add_argument("--workers", type=int, default=60, help="size of the crowd, at least 10")
        parser.add_argument(
            "--tasks",
            type=int,
            default=ALL_TASKS,
            help=f"how many pictures are labelled, hidden gold among them; all {ALL_TASKS:,} by default. "
            "With --workers 14, 120 take about a minute",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
        parser.add_argument("--serve", action="store_true", help="leave it running afterwards, until Ctrl-C")
        parser.add_argument("--port", type=int, default=0, help="port of the web server; 0 takes a free one")

    def handle(self, *args: Any, serve: bool, **options: Any) -> None:
        _require_possible(**options)
        on_signals(interrupt_once)
        console = Console(highlight=False)
        folder = settings.VAR_DIR / "demo"
        try:
            outcome = _run(folder, serve=serve, console=console, **options)
        except FolderInUse as error:
            raise CommandError(str(error)) from error
        except TROUBLE as error:
            raise CommandError(f"{error}\nThe logs are in {folder / 'log'}.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped in the middle. Run it again: it begins afresh.") from None
        if not outcome.is_clean:
            raise CommandError("\n".join(["Not all is as it should be:", *outcome.faults]))
        if not serve:
            console.print("Run it with --serve to look around in the browser afterwards.")


def _require_possible(*, workers: int, tasks: int, **_others: Any) -> None:
    if settings.PRODUCTION:
        raise CommandError("This is a production installation, and the demo invents people and money.")
    if workers < SMALLEST_CROWD:
        raise CommandError(f"A crowd of {workers} is too small for every kind of worker; take at least 10.")
    if not FEWEST_TASKS <= tasks <= ALL_TASKS:
        raise CommandError(
            f"There are {ALL_TASKS:,} pictures, and {tasks:,} were asked for; take {FEWEST_TASKS} or more."
        )


def _run(
    folder: Path,
    *,
    seed: int,
    workers: int,
    tasks: int,
    json: Path | None,
    serve: bool,
    port: int,
    console: Console,
    **_others: Any,
) -> Outcome:
    password = "demo-" + secrets.token_urlsafe(9)
    stack = Stack(var=fresh_folder(folder), environment=_environment(password), port=port, tell=console.log)
    console.print("Starting PostgreSQL, broker, web server, worker, beat, relay and the Stripe double …")
    with stack:
        story = _play(stack, seed=seed, size=workers, tasks=tasks, password=password, console=console)
        outcome = outcome_of(story, checks=_run_checks(stack), restarts=stack.supervisor.restarts())
        show_report(outcome, console=console)
        if json is not None:
            json.write_text(dumps(asdict(outcome), indent=1), encoding="utf-8")
        if serve:
            _serve(stack, password=password, totp_secret=story.admin.app.secret, console=console)
    return outcome


def _play(stack: Stack, *, seed: int, size: int, tasks: int, password: str, console: Console) -> Story:
    stack.manage("create_admin", ADMIN, "--first", "--password-from", HANDED_OVER_IN)
    with ShownProgress(console) as progress:
        story = Story(
            url=stack.url,
            admin_email=ADMIN,
            password=password,
            mailboxes=Mailboxes(stack.var / "mail"),
            seed=seed,
            size=size,
            tasks=tasks,
            tell=progress.tell,
        )
        story.play()
    return story


def _run_checks(stack: Stack) -> dict[str, int]:
    """What ``ledger_check`` finds, as a person would run it."""
    return {str(name): int(faults) for name, faults in loads(stack.manage("ledger_check", "--json")).items()}


def _environment(password: str) -> dict[str, str]:
    others = ("STRIPE_", "ASSAY_EMAIL_URL")
    own = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**own, HANDED_OVER_IN: password}


def _serve(stack: Stack, *, password: str, totp_secret: str, console: Console) -> None:
    sign_ins = {"admin": ADMIN, "client": "client@example.org"}
    show_where_to_look(
        url=stack.base_url, sign_ins=sign_ins, password=password, totp_secret=totp_secret, console=console
    )
    console.print("It keeps running until you press Ctrl-C.")
    stop = threading.Event()
    on_signals(lambda number, frame: stop.set())
    stop.wait()
    console.print("Stopping.")
