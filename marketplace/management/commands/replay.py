"""`manage.py replay`: what a recorded crowd's answers would have come to here, in one command."""

import os
import random
import secrets
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from rich.console import Console

from billing.demo.stripe_double import DoubleControl, StripeDouble
from billing.stripe_gateway import StripeTrouble
from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.errors import Invalid, Refused
from marketplace.demo.fresh_folder import FolderInUse, fresh_folder, hold_folder
from marketplace.demo.in_process import NotDone
from marketplace.demo.outcome import Outcome
from marketplace.demo.progress import ShownProgress
from marketplace.demo.recording import Recording, UnusableRecording, read_recording
from marketplace.demo.replay_outcome import outcome_of
from marketplace.demo.replaying import Replay, Terms
from marketplace.demo.report import show_report
from marketplace.models import Job
from marketplace.stack import free_port

HERE: Final = "--in-its-own-installation"
NOT_HANDED_ON: Final = {
    "ASSAY_SECRET_KEY",
    "ASSAY_MASTER_KEYS",
    "ASSAY_AUDIT_KEY",
    "STRIPE_API_KEY",
    "STRIPE_API_BASE",
    "STRIPE_WEBHOOK_SECRET",
}


class Command(BaseCommand):
    """Begins again in an installation that is made for this run, replays the recording in it, and reports."""

    help = (
        "Run recorded answers (JSON Lines, also gzipped: task, worker, label; and of the truth: task, label) through "
        "the same services as any job, and report. A worker is offered only what they answered. See docs/replay.md."
    )
    requires_system_checks = ()
    _written: Sequence[str] | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Terms()
        parser.add_argument("--answers", type=Path, required=True, help="file of answers: task, worker, label, at")
        parser.add_argument("--truth", type=Path, required=True, help="file of true labels: task, label")
        parser.add_argument("--gold-share", type=_gold_share, default=usual.gold_share, help="0 to 0.5; default 0.05")
        parser.add_argument("--overlap", type=_overlap, default=(2, 10), help="answers to a task, as 2-10, the default")
        parser.add_argument(
            "--confidence", type=_confidence, default=usual.confidence, help="that settles a task; default 0.95"
        )
        parser.add_argument(
            "--when-unsure",
            choices=Job.WhenUnsure.values,
            default=usual.when_unsure,
            help="whether a person decides tasks that stay unsure; default escalate",
        )
        parser.add_argument("--reward", type=_reward, default=usual.reward_minor, help="US cents an answer; default 4")
        parser.add_argument("--seed", type=int, default=usual.seed, help="draws gold and, without times, the order")
        parser.add_argument("--limit", type=_count, help="replay only so many of the tasks, drawn by the seed")
        parser.add_argument(HERE, dest="here", action="store_true", help=SUPPRESS)

    def run_from_argv(self, argv: list[str]) -> None:
        """Remember what was written, to begin again with the same."""
        self._written = argv[2:]
        super().run_from_argv(argv)

    def handle(
        self, *args: Any, answers: Path, truth: Path, seed: int, limit: int | None, here: bool, **options: Any
    ) -> None:
        console = Console(highlight=False)
        try:
            recording = read_recording(answers=answers, truth=truth)
            if self._written is not None and not here:
                _begin_again(self._written)
            if limit is not None:
                recording = recording.limited(limit, chance=random.Random(seed))  # noqa: S311  (to be repeated)
            with hold_folder(settings.VAR_DIR):
                outcome = _play(recording, _terms(seed=seed, **options), console=console)
        except (UnusableRecording, FolderInUse, EmbeddedServerError, NotDone, StripeTrouble) as error:
            raise CommandError(str(error)) from error
        except (Refused, Invalid) as refusal:
            raise CommandError(refusal.message) from refusal
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped in the middle. Run it again: it begins afresh.") from None
        show_report(outcome, console=console)
        if not outcome.is_clean:
            raise CommandError("The books or the checks are not clean; see above.")


def _terms(
    *,
    gold_share: float,
    overlap: tuple[int, int],
    confidence: float,
    when_unsure: str,
    reward: int,
    seed: int,
    **_others: Any,
) -> Terms:
    low, high = overlap
    return Terms(
        gold_share=gold_share,
        overlap_min=low,
        overlap_max=high,
        confidence=confidence,
        when_unsure=when_unsure,
        reward_minor=reward,
        seed=seed,
    )


def _play(recording: Recording, terms: Terms, *, console: Console) -> Outcome:
    if connection.introspection.table_names():
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} is not empty, and a replay goes into one of its own. "
            "Unset DATABASE_URL to have one made, or name one that is empty."
        )
    call_command("migrate", interactive=False, verbosity=0)
    port = int(settings.STRIPE_API_BASE.rpartition(":")[2])
    with StripeDouble(port=port) as double, ShownProgress(console) as progress:
        replay = Replay(recording, terms, stripe=DoubleControl(double.base_url), tell=progress.tell)
        replay.play()
    return outcome_of(replay)


def _begin_again(arguments: Sequence[str]) -> None:
    """Replace this process by one over a fresh folder, with settings and keys of its own and a Stripe double."""
    if settings.PRODUCTION:
        raise CommandError("This is a production installation, and a replay invents people and money.")
    folder = fresh_folder(settings.VAR_DIR / "replay")
    environment = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    environment |= {
        "ASSAY_VAR": str(folder),
        "ASSAY_NO_BOOTSTRAP": "1",
        "STRIPE_API_KEY": "sk_test_" + secrets.token_hex(12),
        "STRIPE_API_BASE": f"http://127.0.0.1:{free_port()}",
    }
    environment.setdefault("ASSAY_LOG_LEVEL", "WARNING")
    if "DATABASE_URL" not in environment:
        # A replay whose machine stops begins afresh, so nothing waits for the disk.
        environment["PGOPTIONS"] = "-c synchronous_commit=off"
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "replay", *arguments, HERE]
    os.execve(sys.executable, command, environment)  # noqa: S606  (ourselves)


def _overlap(written: str) -> tuple[int, int]:
    low, _, high = written.partition("-")
    if not (low.isdecimal() and (high or low).isdecimal()) or not 1 <= int(low) <= int(high or low) <= 100:
        raise ArgumentTypeError(f"{written!r} is no overlap; write 2-10, or 5 for always 5, at most 100.")
    return int(low), int(high or low)


def _confidence(written: str) -> float:
    return _between(written, 0.0001, 0.9999)


def _gold_share(written: str) -> float:
    return _between(written, 0.0, 0.5)


def _between(written: str, low: float, high: float) -> float:
    try:
        number = float(written)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise ArgumentTypeError(f"{written!r} is no number from {low} to {high}.")
    return number


def _reward(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 1_000_000:
        raise ArgumentTypeError(f"{written!r} is no reward in cents; pay 1 to 1000000.")
    return int(written)


def _count(written: str) -> int:
    if not written.isdecimal() or int(written) < 2:
        raise ArgumentTypeError(f"{written!r} is no number of tasks; replay at least 2.")
    return int(written)
