"""`manage.py up` as an operator meets it: start, look, crash, start again, stop."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from kernel.embedded.broker import EmbeddedBroker
from kernel.embedded.postgres import EmbeddedPostgres

pytestmark = [pytest.mark.journey, pytest.mark.slow]

LONGEST_START_SECONDS = 120


class Up:
    """One `manage.py up` and what it has printed so far."""

    def __init__(self, var: Path) -> None:
        self.output = var.with_name("up.out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", "0"],
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
        deadline = time.monotonic() + LONGEST_START_SECONDS
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def address(self) -> str:
        """Where its web server listens."""
        found = re.search(r"web +(http://\S+?)/\n", self.said())
        assert found is not None, self.said()
        return found[1]


def environment(var: Path) -> dict[str, str]:
    """An operator's, with no settings at all but the folder."""
    return {"PATH": os.environ["PATH"], "ASSAY_VAR": str(var), "ASSAY_NO_BOOTSTRAP": "1"}


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """The folder of the installation."""
    return tmp_path / "var"


@pytest.fixture
def up(var: Path) -> Iterator[Callable[[], Up]]:
    """Starts `up`; at the end nothing runs over the folder, whatever happened."""
    started: list[Up] = []

    def start() -> Up:
        started.append(Up(var))
        return started[-1]

    yield start
    for one in started:
        one.process.terminate()
        one.process.wait(60)
    for server in servers(var):
        server.ensure_running()
        server.release()


def servers(var: Path) -> tuple[EmbeddedPostgres, EmbeddedBroker]:
    """The embedded servers over a folder, which outlive an `up` that was killed."""
    log = var / "log" / "left.log"
    return EmbeddedPostgres(folder=var / "postgres", log=log), EmbeddedBroker(folder=var / "broker", log=log)


def processes_over(folder: Path) -> list[str]:
    """The command lines of all processes that were given the folder, by argument or by environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in about and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_up_from_nothing_through_a_crash_to_a_clean_stop(up: Callable[[], Up], var: Path) -> None:
    first = up()
    first.wait_until_it_says("Stop with Ctrl-C.")
    first.wait_until_it_says("Nobody has an account here yet. Become an admin at ")
    connection = http.client.HTTPConnection(first.address().removeprefix("http://"), timeout=30)
    connection.request("GET", "/static/admin/css/base.css")
    assert connection.getresponse().status == 200
    connection.close()

    second = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", "0"],
        cwd=settings.BASE_DIR,
        env=environment(var),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr == (
        f"CommandError: Assay is up already over {var}: process {first.process.pid}, {first.address()}. "
        "Stop it there with Ctrl-C, or choose another folder with ASSAY_VAR.\n"
    )

    database, broker = servers(var)
    pids = database.process_id(), broker.process_id()
    first.process.kill()
    first.process.wait()

    again = up()
    again.wait_until_it_says("Stop with Ctrl-C.")
    assert (database.process_id(), broker.process_id()) == pids
    assert json.loads((var / "up.lock").read_text(encoding="utf-8")) == {
        "pid": again.process.pid,
        "url": again.address(),
    }

    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(60) == 0
    assert again.said().endswith("Stopping.\nStopped.\n")
    assert processes_over(var) == []


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_up_that_is_stopped_while_it_starts_leaves_nothing_running(up: Callable[[], Up], var: Path) -> None:
    starting = up()
    starting.wait_until_it_says("Starting")
    database, _ = servers(var)
    while database.process_id() is None:
        time.sleep(0.05)

    starting.process.terminate()

    assert starting.process.wait(60) == 0
    assert starting.said().endswith("Stopped before everything had started.\n")
    assert processes_over(var) == []
