"""Commands of manage.py that run whole installations, as a person at a terminal meets them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from kernel.embedded.broker import EmbeddedBroker
from kernel.embedded.postgres import EmbeddedPostgres

LONGEST_WAIT_SECONDS = 300


def environment(var: Path) -> dict[str, str]:
    """A person's, with no settings at all but the folder."""
    return {"PATH": os.environ["PATH"], "ASSAY_VAR": str(var), "ASSAY_NO_BOOTSTRAP": "1"}


class Command:
    """One command over a folder, and what it has printed so far."""

    def __init__(self, var: Path, *words: str) -> None:
        self.output = var.with_name(f"{words[0]}.out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=settings.BASE_DIR,
                env=environment(var),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        """All that it printed."""
        return self.output.read_text(encoding="utf-8")

    def wait_until_it_says(self, words: str) -> None:
        """Fail with its words if it ends before, or takes too long."""
        self.wait_until(lambda: words in self.said())

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Fail with its words if it ends before, or takes too long."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not is_so():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)


def servers(var: Path) -> tuple[EmbeddedPostgres, EmbeddedBroker]:
    """The embedded servers over a folder, which outlive a command that was killed."""
    log = var / "log" / "left.log"
    return EmbeddedPostgres(folder=var / "postgres", log=log), EmbeddedBroker(folder=var / "broker", log=log)


def stop_servers(var: Path) -> None:
    """Stop what a command that was killed has left behind."""
    for server in servers(var):
        if server.alive():
            server.ensure_running()
            server.release()


def processes_over(folder: Path) -> list[str]:
    """The command lines of all processes that were given the folder, by argument or by environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if os.fsencode(folder) in about and int(process.name) != os.getpid():
            found.append(line)
    return found
