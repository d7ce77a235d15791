"""`manage.py bench`: how fast Assay is beside the least that could do the same, and how good its labels are."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console, RenderableType

from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.supervisor import EmbeddedService, ProcessService, SupervisorError
from marketplace.bench.beside import NotMeasured, measure_beside, table_of
from marketplace.bench.ledger import LedgerPlan, lines_of, measure_ledger
from marketplace.bench.measure import Plan, measure
from marketplace.bench.quality.certificates import JOBS, QUICK_JOBS
from marketplace.bench.quality.course import Course, measure_jobs, measure_quality
from marketplace.bench.quality.recordings import NoRecordings
from marketplace.bench.quality.report import quality_as_json, quality_parts
from marketplace.bench.quality.rivals import NoRival
from marketplace.bench.quality.running_report import job_tables
from marketplace.bench.report import as_json, show
from marketplace.bench.windows import Place
from marketplace.management.commands.up import on_signals
from marketplace.stack import Stack, StackError

SPEED: Final = "speed"
QUALITY: Final = "quality"
LEDGER: Final = "ledger"
PARTS: Final = ("claims", "import", "results")
JOBS_ALONE: Final = "jobs"
RECORDINGS: Final = settings.BASE_DIR.parent / "shared" / "data"
WIDTH: Final = 144
WIDE: Final = 200
UNLIMITED: Final = "1000000000"
NOT_INHERITED: Final = ("DATABASE_URL", "BROKER_URL", "ASSAY_ENV", "STRIPE_API_KEY", "STRIPE_API_BASE")


def numbers(written: str) -> list[int]:
    """Whole numbers with commas between them."""
    try:
        found = [int(word) for word in written.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"{written!r} is not a list of whole numbers such as 1,8,32.") from None
    if min(found) < 1:
        raise ArgumentTypeError("Each number must be at least 1.")
    return found


def checkout(written: str) -> Path:
    """The folder of a checkout of the project."""
    folder = Path(written).resolve()
    if not (folder / "marketplace" / "bench").is_dir():
        raise ArgumentTypeError(f"{written!r} is not a checkout of Assay that has a benchmark.")
    return folder


class Command(BaseCommand):
    """Runs an installation of its own in a folder that is thrown away, and measures it."""

    help = (
        "Measure claims, submits, imports and downloads on a throw-away installation with a real web server and a real "
        "PostgreSQL, in turns with a bare Django view and pgbench doing the same: about ten minutes; --quick takes "
        "two. `bench quality` measures on recorded crowds how right and how honest labels are, and what they cost; "
        "`bench ledger` how fast money is posted beside raw SQL, a payout run, and a check of a million entries."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("suite", nargs="?", choices=(SPEED, QUALITY, LEDGER), default=SPEED, help="default speed")
        parser.add_argument("--quick", action="store_true", help="small sizes, one short round")
        parser.add_argument("--sizes", type=numbers, help="open tasks, default 1000,100000,1000000")
        parser.add_argument("--workers", type=numbers, help="workers at once, default 1,8,32")
        parser.add_argument("--seconds", type=float, help="length of a window, default 2.5")
        parser.add_argument("--rounds", type=int, help="windows of each kind, default 5")
        parser.add_argument("--bulk", type=int, help="tasks of the import and the download, default 100000")
        parser.add_argument(
            "--only", choices=(*PARTS, JOBS_ALONE), help=f"leave the other parts out ({JOBS_ALONE}: of quality)"
        )
        parser.add_argument(
            "--beside",
            type=checkout,
            metavar="PATH",
            help="measure claims only, in turns with those of another checkout of Assay, and print the ratios",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
        parser.add_argument("--place", help=SUPPRESS)
        quality = parser.add_argument_group("quality")
        quality.add_argument("--data", type=Path, default=RECORDINGS, metavar="DIR", help="recorded crowds")
        quality.add_argument("--sets", type=lambda written: tuple(written.split(",")), default=(), help="only these")
        quality.add_argument("--draws", type=int, help="draws of gold, default 5")
        quality.add_argument("--jobs", type=int, help="simulated jobs that are to be certified, default 500")
        quality.add_argument("--gold-share", type=float, default=0.05, help="of the tasks with truth, default 0.05")
        quality.add_argument(
            "--rivals",
            nargs="?",
            const=sys.executable,
            metavar="PYTHON",
            help="run crowd-kit too, in this Python or in the one named",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["only"] and (options["only"] == JOBS_ALONE) != (options["suite"] == QUALITY):
            raise CommandError(f"{options['only']} is no part of `bench {options['suite']}`.")
        if options["suite"] == QUALITY:
            self._measure_quality(options)
            return
        if options["place"]:
            self._measure_money(options) if options["suite"] == LEDGER else self._measure(options)
            return
        on_signals(signal.default_int_handler)  # however it is ended, what was started is stopped and thrown away
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=_made(settings.VAR_DIR)))
        try:
            if options["beside"]:
                self._measure_beside(options, folder)
            else:
                self._in_its_own_installation(folder)
        except (NotMeasured, StackError, SupervisorError, EmbeddedServerError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("The benchmark was stopped before its end.") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _measure_beside(self, options: dict[str, Any], folder: Path) -> None:
        console = Console(width=None if self.stdout.isatty() else WIDTH)
        with console.status("starting") as status:
            compared = measure_beside(options["beside"], plan_of(options), folder=folder, tell=status.update)
        console.print(table_of(compared))
        if options["json"]:
            options["json"].write_text(json.dumps([asdict(each) for each in compared], indent=1), encoding="utf-8")

    def _in_its_own_installation(self, folder: Path) -> None:
        """Start one, and this same command again inside it."""
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        unthrottled = {"ASSAY_READS_A_MINUTE": UNLIMITED, "ASSAY_WRITES_A_MINUTE": UNLIMITED}
        stack = Stack(
            var=folder,
            environment={**inherited, **unthrottled},
            port=0,
            web_workers=settings.WEB_WORKERS,
            web_threads=settings.WEB_THREADS,
            application="marketplace.bench.wsgi:application",
            background=False,
            tell=self.stderr.write,
        )
        with stack:
            command = [sys.executable, *sys.argv, "--place", json.dumps(asdict(place_of(stack)))]
            ended = subprocess.run(command, env=stack.processes_environment, check=False)  # noqa: S603  (ourselves)
        if ended.returncode:
            raise CommandError("The benchmark was not finished.")

    def _measure_quality(self, options: dict[str, Any]) -> None:
        console = Console(width=None if self.stdout.isatty() else WIDE)
        course = course_of(options)
        tables: list[RenderableType]
        with console.status("reading") as status:
            try:
                if options["only"] == JOBS_ALONE:
                    jobs = measure_jobs(course, tell=status.update)
                    tables, found = [*job_tables(jobs)], asdict(jobs)
                else:
                    findings = measure_quality(course, tell=status.update)
                    tables, found = [*quality_parts(findings)], quality_as_json(findings)
            except (NoRecordings, NoRival) as error:
                raise CommandError(str(error)) from error
        for table in tables:
            console.print(table)
        if options["json"]:
            options["json"].write_text(json.dumps(found, indent=1), encoding="utf-8")

    def _measure_money(self, options: dict[str, Any]) -> None:
        plan = (
            LedgerPlan(seconds=1, rounds=2, escrows=20, payees=200, entries=20_000)
            if options["quick"]
            else LedgerPlan()
        )
        console = Console(width=None if self.stdout.isatty() else WIDTH)
        with console.status("starting") as status:
            findings = measure_ledger(plan, tell=status.update)
        for line in lines_of(findings):
            self.stdout.write(line)
        if options["json"]:
            options["json"].write_text(json.dumps(asdict(findings), indent=1), encoding="utf-8")

    def _measure(self, options: dict[str, Any]) -> None:
        console = Console(width=None if self.stdout.isatty() else WIDTH)
        with console.status("starting") as status:
            findings = measure(
                Place(**json.loads(options["place"])), plan_of(options), folder=settings.VAR_DIR, tell=status.update
            )
        show(findings, console)
        if options["json"]:
            options["json"].write_text(json.dumps(as_json(findings), indent=1), encoding="utf-8")


def plan_of(options: dict[str, Any]) -> Plan:
    """What the command line asks for."""
    quick = options["quick"]
    return Plan(
        parts=frozenset([options["only"]] if options["only"] else PARTS),
        sizes=options["sizes"] or ([1_000, 20_000] if quick else [1_000, 100_000, 1_000_000]),
        workers=options["workers"] or ([1, 8] if quick else [1, 8, 32]),
        seconds=options["seconds"] or (1.5 if quick else 2.5),
        rounds=options["rounds"] or (2 if quick else 5),
        bulk_tasks=options["bulk"] or (20_000 if quick else 100_000),
    )


def course_of(options: dict[str, Any]) -> Course:
    """What the command line asks for, of quality."""
    if not 0 < options["gold_share"] < 1:
        raise CommandError("--gold-share is a number between 0 and 1, both excluded.")
    draws = options["draws"] or (2 if options["quick"] else 5)
    jobs = options["jobs"] or (QUICK_JOBS if options["quick"] else JOBS)
    if min(draws, jobs) < 1:
        raise CommandError("--draws is at least 1, and so is --jobs.")
    return Course(
        folder=options["data"],
        only=options["sets"],
        draws=draws,
        share=options["gold_share"],
        rival=options["rivals"],
        quick=options["quick"],
        jobs=jobs,
    )


def place_of(stack: Stack) -> Place:
    """Where the stack's web server answers, and its processes."""
    pids = {}
    for watched in stack.supervisor.watched:
        service = watched.service
        if isinstance(service, EmbeddedService):
            pids[service.name] = service.server.process_id() or 0
        elif isinstance(service, ProcessService) and service.child is not None:
            pids[service.name] = service.child.pid
    return Place(url=stack.url, web_pid=pids["web"], database_pid=pids["database"])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
