"""`manage.py demo`: a real job from post to payout, in one command."""

import json
import os
import secrets
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.supervisor import SupervisorError
from marketplace.demo.api import ApiError
from marketplace.demo.client_and_admin import TookTooLong
from marketplace.demo.collecting import outcome_of
from marketplace.demo.fresh_folder import FolderInUse, fresh_folder
from marketplace.demo.mailbox import Mailboxes
from marketplace.demo.progress import ShownProgress
from marketplace.demo.report import show_report, show_where_to_look
from marketplace.demo.story import Story
from marketplace.management.commands.up import on_signals
from marketplace.stack import Stack, StackError

ADMIN: Final = "admin@example.org"
HANDED_OVER_IN: Final = "ASSAY_DEMO_PASSWORD"


class Command(BaseCommand):
    """Starts an installation of its own, plays the story in it, and shows what it came to."""

    help = "Run a real job over HTTP, from post to payout, with a simulated crowd, and report. Starts all it needs."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=7, help="another seed is another crowd")
        parser.add_argument("--workers", type=int, default=60, help="size of the crowd, at least 10")
        parser.add_argument("--serve", action="store_true", help="leave it running afterwards, until Ctrl-C")
        parser.add_argument("--port", type=int, default=0, help="port of the web server; 0 takes a free one")

    def handle(self, *args: Any, seed: int, workers: int, serve: bool, port: int, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This is a production installation, and the demo invents people and money.")
        if workers < 10:
            raise CommandError(f"A crowd of {workers} is too small for every kind of worker; take at least 10.")
        on_signals(signal.default_int_handler)
        console = Console(highlight=False)
        password = "demo-" + secrets.token_urlsafe(9)
        stack = Stack(
            var=_fresh_folder(settings.VAR_DIR / "demo"),
            environment=_environment(password),
            port=port,
            tell=console.log,
        )
        try:
            console.print("Starting PostgreSQL, broker, web server, worker, beat, relay and the Stripe double …")
            with stack:
                story = _play(stack, seed=seed, size=workers, password=password, console=console)
                outcome = outcome_of(story, checks=_run_checks(stack))
                show_report(outcome, console=console)
                if serve:
                    _serve(stack, password=password, totp_secret=story.admin.app.secret, console=console)
        except (StackError, SupervisorError, EmbeddedServerError, ApiError, TookTooLong) as error:
            raise CommandError(f"{error}\nThe logs are in {stack.logs}.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped in the middle. Run it again: it begins afresh.") from None
        if not outcome.is_clean:
            raise CommandError("The books or the checks are not clean; see above.")
        if not serve:
            console.print("Run it with --serve to look around in the browser afterwards.")


def _play(stack: Stack, *, seed: int, size: int, password: str, console: Console) -> Story:
    stack.manage("create_admin", ADMIN, "--first", "--password-from", HANDED_OVER_IN)
    with ShownProgress(console) as progress:
        story = Story(
            url=stack.url,
            admin_email=ADMIN,
            password=password,
            mailboxes=Mailboxes(stack.var / "mail"),
            seed=seed,
            size=size,
            tell=progress.tell,
        )
        story.play()
    return story


def _run_checks(stack: Stack) -> dict[str, int]:
    """What ``ledger_check`` finds, as a person would run it."""
    return {str(name): int(faults) for name, faults in json.loads(stack.manage("ledger_check", "--json")).items()}


def _fresh_folder(folder: Path) -> Path:
    try:
        return fresh_folder(folder)
    except FolderInUse as error:
        raise CommandError(str(error)) from error


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
