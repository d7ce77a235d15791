"""The supervisor: starts in order, starts again what dies or no longer works, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kernel.embedded.lifecycle import process_lives
from kernel.supervisor import Process, ProcessService, Supervisor, SupervisorError, always, keep_short

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER


@pytest.fixture
def told() -> list[str]:
    """What the supervisor said."""
    return []


@pytest.fixture
def supervisor(told: list[str]) -> Iterator[Supervisor]:
    """One that is stopped at the end."""
    supervisor = Supervisor(tell=told.append, start_timeout_seconds=10)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def service(tmp_path: Path) -> Callable[..., ProcessService]:
    """Makes a service of a Python program."""

    def make(
        program: str,
        *arguments: str,
        name: str = "program",
        ready: Callable[[], bool] = always,
        healthy: Callable[[], bool] = always,
        stop_timeout_seconds: float = 5.0,
    ) -> ProcessService:
        return ProcessService(
            Process(
                name=name,
                command=[sys.executable, "-c", program, *arguments],
                log=tmp_path / f"{name}.log",
                environment=os.environ,
                folder=tmp_path,
                ready=ready,
                healthy=healthy,
                stop_timeout_seconds=stop_timeout_seconds,
            )
        )

    return make


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes within seconds."""
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "It did not come about."
        time.sleep(0.02)


def numbers_in(log: Path) -> list[int]:
    """The process ids that sleepers wrote."""
    return [int(line) for line in log.read_text(encoding="utf-8").split()] if log.exists() else []


def test_what_was_killed_is_started_again_and_it_is_said(
    supervisor: Supervisor, service: Callable[..., ProcessService], told: list[str]
) -> None:
    sleeper = service(SLEEPER)
    supervisor.start(sleeper)
    until(lambda: len(numbers_in(sleeper.log)) == 1)

    os.kill(numbers_in(sleeper.log)[0], signal.SIGKILL)

    until(lambda: len(numbers_in(sleeper.log)) == 2)
    assert supervisor.restarts() == {"program": 1}
    assert told == [f"program died; starting it again in 0.5 s. Its log is {sleeper.log}."]


def test_what_keeps_dying_is_started_again_after_longer_and_longer_pauses(
    supervisor: Supervisor, service: Callable[..., ProcessService], told: list[str]
) -> None:
    supervisor.start(service("raise SystemExit(3)"))

    until(lambda: len(told) == 3)

    assert [sentence.split(" again in ")[1].split(" s.")[0] for sentence in told] == ["0.5", "1", "2"]


def test_what_lives_but_does_not_work_is_started_again(
    supervisor: Supervisor, service: Callable[..., ProcessService], told: list[str]
) -> None:
    health = [True]
    sleeper = service(SLEEPER, healthy=lambda: health.pop() if len(health) > 1 else health[0])
    supervisor.start(sleeper)
    until(lambda: len(numbers_in(sleeper.log)) == 1)

    health.append(False)

    until(lambda: len(numbers_in(sleeper.log)) == 2)
    assert not process_lives(numbers_in(sleeper.log)[0])
    assert told == [f"program does not do its work; starting it again in 0.5 s. Its log is {sleeper.log}."]


def test_a_stop_ends_everything_in_reverse_order(
    supervisor: Supervisor, service: Callable[..., ProcessService], tmp_path: Path
) -> None:
    farewell = "import atexit, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); "
    farewell += "atexit.register(lambda: open('order', 'a').write(sys.argv[1] + ' ')); "
    farewell += "open(sys.argv[1], 'w').close(); time.sleep(600)"
    for name in ("first", "second", "third"):
        supervisor.start(service(farewell, name, name=name, ready=(tmp_path / name).exists))

    supervisor.stop()

    assert (tmp_path / "order").read_text(encoding="utf-8") == "third second first "


def test_a_stop_ends_what_will_not_end_and_its_children(
    supervisor: Supervisor, service: Callable[..., ProcessService]
) -> None:
    stubborn = service(STUBBORN, name="stubborn", stop_timeout_seconds=0.2)
    parent = service(PARENT, SLEEPER, name="parent")
    supervisor.start(stubborn, parent)
    until(lambda: len(numbers_in(stubborn.log)) == len(numbers_in(parent.log)) == 1)

    supervisor.stop()

    assert not process_lives(numbers_in(stubborn.log)[0])
    until(lambda: not process_lives(numbers_in(parent.log)[0]))


def test_what_dies_while_starting_is_an_error_with_the_end_of_its_log(
    supervisor: Supervisor, service: Callable[..., ProcessService], told: list[str]
) -> None:
    broken = service("raise SystemExit('The reason.')", ready=lambda: False)

    with pytest.raises(SupervisorError) as error:
        supervisor.start(broken)

    assert str(error.value) == f"program stopped while starting. The end of {broken.log} says:\nThe reason."


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_killed_supervisor_takes_its_processes_with_it(tmp_path: Path) -> None:
    program = """
import os, sys, time
from pathlib import Path
from kernel.supervisor import Process, ProcessService, Supervisor
folder = Path(sys.argv[1])
command = [sys.executable, "-c", sys.argv[2]]
process = Process(name="program", command=command, log=folder / "log", environment=os.environ, folder=folder)
Supervisor().start(ProcessService(process))
time.sleep(600)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", program, tmp_path, SLEEPER])
    until(lambda: len(numbers_in(tmp_path / "log")) == 1)

    supervisor.kill()
    supervisor.wait()

    until(lambda: not process_lives(numbers_in(tmp_path / "log")[0]))


def test_a_log_that_has_grown_long_starts_over_and_the_last_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel.supervisor.LOG_LIMIT_BYTES", 10)
    log = tmp_path / "log"
    log.write_text("more than ten bytes", encoding="ascii")

    keep_short(log)

    assert log.read_text(encoding="ascii") == ""
    assert (tmp_path / "log.1").read_text(encoding="ascii") == "more than ten bytes"
