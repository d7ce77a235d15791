"""Keeps services running: starts them in order, starts again what dies, stops them in reverse.

Start a supervisor in a thread that lives as long as it does: on Linux its processes are told to end with that thread,
so that not even a kill -9 of the supervisor leaves any behind.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kernel.embedded.lifecycle import LOG_LIMIT_BYTES, EmbeddedServer, end_of, launched

TICK_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
FORGIVEN_AFTER_SECONDS = 60.0


class SupervisorError(Exception):
    """A service could not be started; the message names it and its log."""


class Service(Protocol):
    """Something that can be started, watched and stopped."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def log(self) -> Path:
        """Where it says what it does."""

    def start(self) -> None:
        """Start it; it need not be ready yet."""

    def is_alive(self) -> bool:
        """Whether it runs; asked several times a second."""

    def is_ready(self) -> bool:
        """Whether it does its work already; asked while it starts."""

    def is_healthy(self) -> bool:
        """Whether it still does its work; if not, it is stopped and started again."""

    def stop(self) -> None:
        """Stop it, gently at first, and return when it is gone."""


def always() -> bool:
    """For a process that has no better sign of life than to live."""
    return True


@dataclass(frozen=True)
class Process:
    """A program to be kept running. `inherits` are descriptors that it finds open under the same numbers."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    folder: Path
    ready: Callable[[], bool] = always
    healthy: Callable[[], bool] = always
    inherits: Sequence[int] = ()
    stop_timeout_seconds: float = 30.0


@dataclass
class ProcessService:
    """A process that runs in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    process: Process
    child: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.process.name

    @property
    def log(self) -> Path:
        return self.process.log

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603  (programs of the project, no shell)
                launched([*self.process.command], dies_by=signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.process.folder,
                env=dict(self.process.environment),
                pass_fds=self.process.inherits,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def is_ready(self) -> bool:
        return self.process.ready()

    def is_healthy(self) -> bool:
        return self.process.healthy()

    def stop(self) -> None:
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(self.process.stop_timeout_seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)  # children of a process that was killed would go on without it
        self.child.wait()


@dataclass
class EmbeddedService:
    """An embedded server; another process that uses it keeps it alive when the supervisor stops."""

    name: str
    server: EmbeddedServer

    @property
    def log(self) -> Path:
        return self.server.log

    def start(self) -> None:
        self.server.ensure_running()

    def is_alive(self) -> bool:
        return self.server.alive()

    def is_ready(self) -> bool:
        return True

    def is_healthy(self) -> bool:
        return True

    def stop(self) -> None:
        self.server.release()


@dataclass
class Watched:
    """A service and how it has fared."""

    service: Service
    restarts: int = 0
    started_at: float = 0.0
    next_start_at: float = 0.0
    pause_seconds: float = FIRST_PAUSE_SECONDS


@dataclass
class Supervisor:
    """Runs services until `stop`; `tell` receives a sentence whenever one had to be started again."""

    tell: Callable[[str], None] = print
    start_timeout_seconds: float = 60.0
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
    watched: list[Watched] = field(default_factory=list)
    _starting: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None

    def start(self, *services: Service) -> None:
        """Start services side by side, wait until all are ready, and keep them running from then on."""
        with self._starting:
            for service in services:
                self.watched.append(Watched(service=service))  # first: a start that is interrupted is to be stopped too
                self._start_one(self.watched[-1])
        for service in services:
            self._wait_until_ready(service)
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
            self._watcher.start()

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
        while self.watched:
            self.watched.pop().service.stop()

    def restarts(self) -> dict[str, int]:
        """How often each service had to be started again."""
        return {watched.service.name: watched.restarts for watched in self.watched}

    def _start_one(self, watched: Watched) -> None:
        watched.started_at = time.monotonic()
        watched.service.start()

    def _wait_until_ready(self, service: Service) -> None:
        deadline = time.monotonic() + self.start_timeout_seconds
        while not service.is_ready():
            if not service.is_alive():
                raise SupervisorError(f"{service.name} stopped while starting. {end_of(service.log)}")
            if time.monotonic() > deadline:
                seconds = self.start_timeout_seconds
                raise SupervisorError(f"{service.name} was not ready within {seconds:.0f} s. {end_of(service.log)}")
            time.sleep(0.05)

    def _watch(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            with self._starting:
                for watched in self.watched:
                    self._look_after(watched)

    def _look_after(self, watched: Watched) -> None:
        """Start a service again if it died or is ill, with growing pauses while it keeps dying."""
        service, now = watched.service, time.monotonic()
        if watched.next_start_at:
            if now >= watched.next_start_at:
                self._start_again(watched)
            return
        alive = service.is_alive()
        if alive and service.is_healthy():
            keep_short(service.log)
            return
        if now - watched.started_at > FORGIVEN_AFTER_SECONDS:
            watched.pause_seconds = FIRST_PAUSE_SECONDS
        what = "does not do its work" if alive else "died"
        self.tell(f"{service.name} {what}; starting it again in {watched.pause_seconds:g} s. Its log is {service.log}.")
        if isinstance(service, ProcessService):
            service.stop()
        watched.next_start_at = now + watched.pause_seconds
        watched.pause_seconds = min(2 * watched.pause_seconds, self.longest_pause_seconds)

    def _start_again(self, watched: Watched) -> None:
        watched.restarts += 1
        watched.next_start_at = 0.0
        try:
            self._start_one(watched)
        except Exception as error:  # whatever it is, the other services still need their supervisor
            self.tell(f"{watched.service.name} cannot be started: {error}")


def keep_short(log: Path) -> None:
    """Start a log over when it is long, and keep the last one; programs append, so they need not know."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
