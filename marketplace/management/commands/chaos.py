"""`manage.py chaos`: kill -9 of everything at random moments while money moves, and not a cent lost or paid twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.supervisor import SupervisorError
from marketplace.chaos.driving import Driver
from marketplace.chaos.killing import Killer
from marketplace.chaos.plan import LONG, Outcome, Plan
from marketplace.management.commands.up import on_signals
from marketplace.stack import Stack, StackError

UNLIMITED: Final = "1000000000"
NOT_INHERITED: Final = ("DATABASE_URL", "BROKER_URL", "ASSAY_ENV", "STRIPE_API_KEY", "STRIPE_API_BASE")
LAST_KILLS_SECONDS: Final = 120
COUNTS: Final = ("payouts", "kills", "database_kills", "faults")


class Command(BaseCommand):
    """Runs an installation of its own in a folder that is thrown away, on ports of its own, and kills its processes."""

    help = (
        "Kill app servers, Celery's processes, the relay and PostgreSQL (kill -9) at seeded random moments while "
        "answers are paid, payouts asked for, fundings and refunds made, parts of payouts and payments taken back, and "
        "Stripe's double misbehaves; then let it drain, and say what was lost, paid twice or stuck, in cents. Two "
        "minutes; --long takes half an hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--long", action="store_true", help="10,000 payouts, 1,250 kills, 100 of the database")
        parser.add_argument("--seconds", type=float, help="end the load after so long, whatever is left")
        parser.add_argument("--drain-seconds", type=float, help="what is under way then has so long to come to its end")
        for count in COUNTS:
            parser.add_argument(f"--{count.replace('_', '-')}", type=int, help=f"how many {count.replace('_', ' ')}")
        parser.add_argument("--seed", type=int, help="of every draw, default 1")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")
        parser.add_argument("--place", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        plan = plan_of(options)
        if options["place"]:
            self._drive(plan, url=options["place"])
            return
        on_signals(signal.default_int_handler)  # however it is ended, what was started is stopped and thrown away
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=settings.VAR_DIR))
        try:
            outcome, killed = self._in_its_own_installation(plan, folder)
        except (StackError, SupervisorError, EmbeddedServerError) as error:
            raise CommandError(str(error)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._show(plan, outcome, killed, as_json=options["json"])
        if not outcome.is_clean:
            raise CommandError("Money was lost, paid twice or stuck, a promise is broken, or a webhook is parked.")

    def _in_its_own_installation(self, plan: Plan, folder: Path) -> tuple[Outcome, Counter[str]]:
        """Start one, this same command again inside it, and kill while that one works."""
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        unthrottled = {
            "ASSAY_READS_A_MINUTE": UNLIMITED,
            "ASSAY_WRITES_A_MINUTE": UNLIMITED,
            "ASSAY_LOG_LEVEL": "ERROR",
        }
        stack = Stack(
            var=folder, environment={**inherited, **unthrottled}, port=0, celery_workers=4, tell=lambda _: None
        )
        stack.supervisor.longest_pause_seconds = 0.5
        with stack:
            killer = Killer(stack, plan)
            killer.start()
            command = [sys.executable, "manage.py", "chaos", *arguments_of(plan), "--place", stack.url]
            with (folder / "driver.log").open("w") as log:
                driver = subprocess.Popen(  # noqa: S603  (ourselves)
                    command,
                    cwd=settings.BASE_DIR,
                    env=stack.processes_environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
                try:
                    outcome = self._follow(driver, killer)
                finally:
                    killer.stop()
                    driver.kill()
                    driver.wait()
            if outcome is None:
                raise CommandError(f"The load was not finished. {(folder / 'driver.log').read_text()[-3000:]}")
            return outcome, killer.killed

    def _follow(self, driver: subprocess.Popen[str], killer: Killer) -> Outcome | None:
        assert driver.stdout is not None
        assert driver.stdin is not None
        for line in driver.stdout:
            said = json.loads(line)
            if "outcome" in said:
                return Outcome(**said["outcome"])
            killer.share = said["share"]
            if killer.share == 1.0:
                killer.join(LAST_KILLS_SECONDS)
                killer.stop()
                driver.stdin.write("quiet\n")
                driver.stdin.flush()
            if self.stderr.isatty():
                self.stderr.write(f"\r{killer.share:.0%}, {killer.killed.total()} kills ", ending="")
        return None

    def _drive(self, plan: Plan, *, url: str) -> None:
        def tell(share: float) -> None:
            self.stdout.write(json.dumps({"share": share}))
            self.stdout.flush()

        outcome = Driver(plan, url=url, tell=tell, wait_for_quiet=sys.stdin.readline).run()
        self.stdout.write(json.dumps({"outcome": asdict(outcome)}))

    def _show(self, plan: Plan, outcome: Outcome, killed: Counter[str], *, as_json: bool) -> None:
        if as_json:
            found = {"plan": asdict(plan), "killed": killed, "outcome": asdict(outcome), "is_clean": outcome.is_clean}
            self.stdout.write(json.dumps(found))
            return
        for line in lines_of(plan, outcome, killed):
            self.stdout.write(line)


def lines_of(plan: Plan, outcome: Outcome, killed: Mapping[str, int]) -> list[str]:
    """What is printed: counts first, then cents."""
    said = [
        f"chaos with seed {plan.seed}: {outcome.load_seconds:.0f} s of it, {outcome.drain_seconds:.0f} s to drain",
        "",
    ]
    counts = {
        **{f"killed: {whom}": number for whom, number in sorted(killed.items())},
        **{f"faulty answers: {kind}": number for kind, number in sorted(outcome.faults.items())},
        "faulty answers": sum(outcome.faults.values()),
        "webhooks taken": outcome.webhooks,
        "webhooks parked": len(outcome.webhooks_parked),
        "answers accepted and paid": outcome.turns_paid,
        "payouts asked for over HTTP": outcome.asked_over_http,
        "asked again under the same key": outcome.resent_over_http,
        **{f"payouts {state}": number for state, number in sorted(outcome.payouts.items())},
        **{f"fundings {state}": number for state, number in sorted(outcome.fundings.items())},
        **{f"refunds {state}": number for state, number in sorted(outcome.refunds.items())},
        **{f"disputes {state}": number for state, number in sorted(outcome.disputes.items())},
        "parts of payouts that were taken back": outcome.parts_taken_back,
        "parts of payments taken and given again": outcome.parts_of_disputes,
        "movements at Stripe that nothing explains": outcome.movements_unmatched,
        "parked reactions driven again": outcome.reactions_driven_again,
    }
    cents = {
        "cents paid out": outcome.paid_out_minor,
        "cents lost": outcome.lost_minor,
        "cents paid twice": outcome.paid_twice_minor,
        "cents stuck": outcome.stuck_minor,
        "promises broken": len(outcome.broken),
    }
    said += [f"{label:<42}{number:>12,}" for label, number in {**counts, **cents}.items()]
    said += [f"  {line}" for line in (*outcome.broken, *outcome.webhooks_parked)]
    return [*said, "It stalled: nothing came to its end any more."] if outcome.stalled else said


def plan_of(options: dict[str, Any]) -> Plan:
    """What the command line asks for."""
    names = ("seconds", "drain_seconds", "seed", *COUNTS)
    return replace(LONG if options["long"] else Plan(), **{n: options[n] for n in names if options[n] is not None})


def arguments_of(plan: Plan) -> list[str]:
    """The same, as a command line."""
    return [word for name, value in asdict(plan).items() for word in (f"--{name.replace('_', '-')}", str(value))]
