"""`manage.py up` as an operator meets it: start, look, crash, start again, stop."""

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.marketplace.commands import Command, environment, processes_over, servers, stop_servers

pytestmark = [pytest.mark.journey, pytest.mark.slow]


class Up(Command):
    """One `manage.py up`."""

    def address(self) -> str:
        """Where its web server listens."""
        found = re.search(r"web +(http://\S+?)/\n", self.said())
        assert found is not None, self.said()
        return found[1]


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """The folder of the installation."""
    return tmp_path / "var"


@pytest.fixture
def up(var: Path) -> Iterator[Callable[[], Up]]:
    """Starts `up`; at the end nothing runs over the folder, whatever happened."""
    started: list[Up] = []

    def start() -> Up:
        started.append(Up(var, "up", "--port", "0"))
        return started[-1]

    yield start
    for one in started:
        one.process.terminate()
        one.process.wait(60)
    stop_servers(var)


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
    starting.wait_until(lambda: database.process_id() is not None)

    starting.process.terminate()

    assert starting.process.wait(60) == 0
    assert starting.said().endswith("Stopped before everything had started.\n")
    assert processes_over(var) == []
