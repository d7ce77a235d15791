"""What both embedded servers share: one start at a time, one server for all users, stopped by the last to leave."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kernel.embedded import launch

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0
LOG_LIMIT_BYTES = 20_000_000
STAND_INS = Path("/tmp")  # noqa: S108  (a private folder is made inside, and its owner checked)
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")
LONGEST_SOCKET_PATH_BYTES = 100  # the kernel's limit is 107 on Linux and 103 on macOS, its closing zero included

LEFT_RUNNING: list["subprocess.Popen[bytes] | None"] = []


class EmbeddedServerError(Exception):
    """An embedded server cannot be started, used or stopped; the message says why and what helps."""


class EmbeddedServer(ABC):
    """A server that lives in one folder and is shared by all processes that use the folder.

    `<folder>.lock` is held while somebody starts or stops it; `<folder>.users` is held, shared, by every process that
    uses it. The kernel drops both with their process, so neither can become stale.
    """

    label: str

    def __init__(self, *, folder: Path, log: Path) -> None:
        self.folder = folder.absolute()
        self.log = log.absolute()
        self.child: subprocess.Popen[bytes] | None = None
        self._lease: IO[str] | None = None
        self._holder_pid = 0

    @abstractmethod
    def answers(self) -> bool:
        """Whether a healthy server of this folder answers now; one that still starts is waited for."""

    @abstractmethod
    def process_id(self) -> int | None:
        """The running server's process, or None."""

    @abstractmethod
    def _check(self) -> None:
        """Raise EmbeddedServerError if the server cannot run here at all. The start lock is held."""

    @abstractmethod
    def _start(self) -> None:
        """Start the server and return when it answers. The start lock is held."""

    @abstractmethod
    def _stop(self) -> None:
        """Stop the server and return when it is gone. The start lock is held."""

    @property
    def socket_folder(self) -> Path:
        """Where the socket lies: the server's folder, or a stand-in for it."""
        return socket_folder_of(self.folder)

    def ensure_running(self) -> None:
        """Start the server unless it runs, and count this process as a user of it until `release`."""
        with self._one_at_a_time():
            self._check()
            self._take_lease()
            if not self.answers():
                self._start()

    def release(self) -> None:
        """Stop using the server, and stop the server itself if nobody else uses it."""
        if self._lease is None or self._holder_pid != os.getpid():
            return
        with self._one_at_a_time():
            try:
                fcntl.flock(self._lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                LEFT_RUNNING.append(self.child)  # Python would complain about a child that goes on without its object
                return
            else:
                self._stop()
                if self.socket_folder.parent == STAND_INS:
                    shutil.rmtree(self.socket_folder, ignore_errors=True)
            finally:
                self._lease.close()
                self._lease = None

    def alive(self) -> bool:
        """Whether the server's process lives; cheap, and true also while it starts."""
        pid = self.process_id()
        return pid is not None and process_lives(pid)

    def pid_of_child(self) -> int | None:
        """The process that was started here and runs still, though it may not have come so far as to say so."""
        return self.child.pid if self.child is not None and self.child.poll() is None else None

    def wait_until_answering(self, *, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Wait for a server that has just been spawned; raise with the end of its log when it dies or hangs."""
        deadline = time.monotonic() + timeout_seconds
        while not self.answers():
            if self.child is not None and self.child.poll() is not None:
                raise EmbeddedServerError(f"{self.label} stopped while starting. {end_of(self.log)}")
            if time.monotonic() > deadline:
                late = f"{self.label} did not answer within {timeout_seconds:.0f} s."
                raise EmbeddedServerError(f"{late} {end_of(self.log)}")
            time.sleep(0.02)

    def _take_lease(self) -> None:
        if self._lease is None or self._holder_pid != os.getpid():
            self._lease = self._open_lock("users")
            fcntl.flock(self._lease, fcntl.LOCK_SH)
            self._holder_pid = os.getpid()

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._open_lock("lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open_lock(self, suffix: str) -> IO[str]:
        path = self.folder.with_name(f"{self.folder.name}.{suffix}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return path.open("a", encoding="ascii")
        except PermissionError as error:
            raise EmbeddedServerError(
                f"{path.parent} is not writable for you, so {self.label} cannot run there. "
                "Run as its owner, or set ASSAY_VAR to a folder of your own."
            ) from error

    def _spawn(self, command: list[str]) -> None:
        if self.child is not None:
            self.child.poll()  # the one before was killed: take leave of it
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603  (our own binary, no shell)
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )

    def _wait_until_gone(self, pid: int, *, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while self.pid_of_child() == pid or process_lives(pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        self.pid_of_child()  # it may have ended just now: take leave of it
        return True

    def _make_socket_folder(self, *, owner: int) -> None:
        folder = self.socket_folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.parent != STAND_INS:
            return
        status = folder.lstat()
        if status.st_uid == os.geteuid() == 0:
            os.chown(folder, owner, -1)
        if folder.is_symlink() or status.st_uid not in (os.geteuid(), owner) or status.st_mode & 0o077:
            raise EmbeddedServerError(
                f"{folder} is not a private folder of yours, so {self.label} will not put its socket there. "
                "Remove it, or set ASSAY_VAR to a shorter path."
            )


def end_of(log: Path) -> str:
    """The last lines of a log, introduced by its place."""
    if not log.exists():
        return f"It wrote no log to {log}."
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 1500))
        return f"The end of {log} says:\n{file.read().decode(errors='replace').strip()}"


def launched(command: list[str], *, user: str = "same", dies_by: int = 0) -> list[str]:
    """The command as another user, or sent `dies_by` when the process that starts it ends; see `launch`."""
    return [sys.executable, "-I", "-S", launch.__file__, user, str(int(dies_by)), *command]


def socket_folder_of(folder: Path) -> Path:
    """The folder itself if a socket's address may be so long and has no character that URLs or libpq treat apart.

    Else a short stand-in under /tmp; not under TMPDIR, which may differ between the processes that must meet there.
    """
    is_short = len(os.fsencode(folder)) + len("/.s.PGSQL.5432") <= LONGEST_SOCKET_PATH_BYTES
    if is_short and PLAIN_PATH.fullmatch(str(folder)):
        return folder
    return STAND_INS / f"assay-{digest_of(folder)}"


def digest_of(folder: Path) -> str:
    """A short name that stands for a folder where its path cannot."""
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def process_lives(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return not Path("/proc/self").exists()  # no /proc on this system: the signal's word stands
    return status.rpartition(")")[2].split()[0] != "Z"
