"""All processes of an installation as one thing that starts, is watched, and stops: for `up`, the demo and journeys."""

import contextlib
import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from kombu import Connection
from kombu.exceptions import OperationalError

from kernel.destinations import Origin
from kernel.embedded.broker import EmbeddedBroker
from kernel.embedded.lifecycle import end_of
from kernel.embedded.postgres import EmbeddedPostgres
from kernel.outbound import Internet, Outbound, OutboundRefused
from kernel.supervisor import EmbeddedService, Process, ProcessService, Service, Supervisor
from marketplace.pulse import Pulse

BASE_DIR = Path(__file__).resolve().parent.parent
SIGN_OF_LIFE = "/health/live"
WEBHOOK = "/webhooks/stripe/"
CONTENT = "marketplace.content:application"
LOOPBACK = "127.0.0.1"


class StackError(Exception):
    """The stack cannot be started; the message says why and what helps."""


@dataclass
class Stack:
    """An installation over the folder `var`, answering at `url` once it is started.

    `environment` is what its processes find, as settings are described in docs/configuration.md; DATABASE_URL and
    BROKER_URL in it replace the embedded servers. Port 0 takes a free one, for the web server and (`content_port`) for
    the server of media beside it, which answers at `content_origin`. Without `background` nothing but these two,
    database and broker runs. Outside production they listen where only this machine reaches them, unless `exposed`.
    Use it as a context, or call `stop`; start it in a thread that lives as long as it does.
    """

    var: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    host: str = LOOPBACK
    port: int = 8000
    content_port: int = 0
    web_workers: int = 2
    web_threads: int = 8
    celery_workers: int = 2
    application: str = "marketplace.wsgi:application"
    background: bool = True
    exposed: bool = False
    tell: Callable[[str], None] = print

    def __post_init__(self) -> None:
        self.var = self.var.absolute()
        self.supervisor = Supervisor(tell=self.tell)
        self.processes_environment: dict[str, str] = {}
        self._lock: IO[str] | None = None
        self._listener: socket.socket | None = None
        self._content_listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where its web server answers."""
        return f"http://{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where people reach it: as set, or by this machine's name, since security keys are bound to names only."""
        host = "localhost" if self.host == LOOPBACK else self.host
        return self.environment.get("ASSAY_BASE_URL") or f"http://{host}:{self.port}"

    @property
    def content_origin(self) -> str:
        """Where media are had from: as set, or the server's own address."""
        return self.environment.get("ASSAY_CONTENT_ORIGIN") or f"http://{self.host}:{self.content_port}"

    @property
    def logs(self) -> Path:
        """The folder with a log of each process."""
        return self.var / "log"

    @property
    def production(self) -> bool:
        """Whether it must do without all that is for trying out."""
        return self.environment.get("ASSAY_ENV") == "production"

    @property
    def stripe_double(self) -> str:
        """The address of the project's own Stripe double, or nothing when Stripe itself is used."""
        return self.processes_environment.get("STRIPE_API_BASE", "")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and return when all of it is ready. What was started is stopped again if something fails."""
        try:
            self._take_folder()
            self._listen()
            self.processes_environment = {
                **({} if self.production else self._addresses()),
                **self.environment,
                "ASSAY_VAR": str(self.var),
                "ASSAY_NO_BOOTSTRAP": "1",
                "DJANGO_SETTINGS_MODULE": "marketplace.settings",
                "PYTHONUNBUFFERED": "1",
            }
            self._start_servers()
            self._reach_servers()
            self._choose_stripe()
            self.manage("migrate", "--noinput", log=self.logs / "migrate.log")
            self.supervisor.start(*self._services())
        except BaseException:
            self.stop()
            raise

    def _addresses(self) -> dict[str, str]:
        return {"ASSAY_BASE_URL": self.base_url, "ASSAY_CONTENT_ORIGIN": self.content_origin}

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self.supervisor.stop()
        for listener in (self._listener, self._content_listener):
            if listener is not None:
                listener.close()
        if self._lock is not None:
            self._lock.close()

    def manage(self, *arguments: str, log: Path | None = None) -> str:
        """Run a command of manage.py on this installation; returns what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        result = subprocess.run(  # noqa: S603  (ourselves)
            command,
            cwd=BASE_DIR,
            env=self.processes_environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            log.write_text(result.stdout, encoding="utf-8")
        if result.returncode:
            where = end_of(log) if log is not None else result.stdout[-3000:]
            raise StackError(f"`manage.py {' '.join(arguments)}` failed. {where}")
        return result.stdout

    @staticmethod
    def is_up(folder: Path) -> bool:
        """Whether some process runs a stack over ``folder`` now."""
        lock = folder / "up.lock"
        if not lock.exists():
            return False
        with lock.open(encoding="utf-8") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _take_folder(self) -> None:
        """Two stacks over one folder would do everything twice; the kernel drops the lock with its process."""
        self.var.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self.var / "up.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            with contextlib.suppress(ValueError, KeyError):
                holder = json.loads(self._lock.read())
                raise StackError(
                    f"Assay is up already over {self.var}: process {holder['pid']}, {holder['url']}. "
                    "Stop it there with Ctrl-C, or choose another folder with ASSAY_VAR."
                ) from error
            raise StackError(f"Another process is just starting Assay over {self.var}.") from error

    def _listen(self) -> None:
        """Open the ports here and hand them down: taken once, and requests wait while the server starts again."""
        if not (self.production or self.exposed or is_loopback(self.host)):
            raise StackError(
                f"{self.host} can be reached from other machines, and this installation is for trying out: its secrets "
                "lie in a folder, and it speaks without TLS. Listen on 127.0.0.1, or set ASSAY_ENV=production for an "
                "installation that others use, or say that it is meant with ASSAY_EXPOSED=yes."
            )
        self._listener = self._listen_at(self.port, option="--port")
        self.port = self._listener.getsockname()[1]
        self._content_listener = self._listen_at(self.content_port, option="--content-port")
        self.content_port = self._content_listener.getsockname()[1]
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.write(json.dumps({"pid": os.getpid(), "url": self.base_url}))
            self._lock.flush()

    def _listen_at(self, port: int, *, option: str) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, port))
        except OSError as error:
            listener.close()
            raise StackError(
                f"Port {port} of {self.host} cannot be used: {error.strerror}. "
                f"Choose another with {option}, or let {option} 0 find a free one."
            ) from error
        return listener

    def _start_servers(self) -> None:
        servers: list[Service] = []
        if not self.environment.get("DATABASE_URL"):
            durable = self.environment.get("ASSAY_ENV") != "test"
            log = self.logs / "postgres.log"
            database = EmbeddedPostgres(folder=self.var / "postgres", log=log, durable=durable)
            servers.append(EmbeddedService("database", database))
            self.processes_environment["DATABASE_URL"] = database.url()
        if not self.environment.get("BROKER_URL"):
            broker = EmbeddedBroker(folder=self.var / "broker", log=self.logs / "broker.log")
            servers.append(EmbeddedService("broker", broker))
            self.processes_environment["BROKER_URL"] = broker.url()
        self.supervisor.start(*servers)

    def _reach_servers(self) -> None:
        """Try both addresses once here, where what is wrong with them can still be said in a sentence."""
        try:
            psycopg.connect(self.processes_environment["DATABASE_URL"], connect_timeout=10).close()
        except psycopg.Error as error:
            raise StackError(f"The database at DATABASE_URL cannot be used: {str(error).strip()}") from error
        try:
            with Connection(self.processes_environment["BROKER_URL"], connect_timeout=10) as broker:
                broker.ensure_connection(max_retries=1)
        except (OperationalError, OSError) as error:
            raise StackError(f"The broker at BROKER_URL cannot be used: {error}") from error

    def _choose_stripe(self) -> None:
        """Without an account at Stripe, and never in production, the double stands in."""
        if not self.environment.get("STRIPE_API_KEY") and not self.production:
            self.processes_environment["STRIPE_API_BASE"] = f"http://{LOOPBACK}:{free_port()}"
            self.processes_environment["STRIPE_API_KEY"] = "sk_test_" + secrets.token_hex(12)
            self.processes_environment["STRIPE_WEBHOOK_SECRET"] = "whsec_" + secrets.token_hex(24)

    def _services(self) -> list[Service]:
        if not self.background:
            return [self._web(), self._content()]
        web = [self._web(), self._content()]
        services = [*web, self._worker(), self._beat(), self._process("relay", "manage.py", "relay")]
        return [self._double(), *services] if self.stripe_double else services

    def _web(self) -> Service:
        return self._server("web", self.application, self._listener, workers=self.web_workers, ready=self.answers)

    def _content(self) -> Service:
        return self._server("content", CONTENT, self._content_listener, workers=1, ready=self.shows_media)

    def _server(
        self, name: str, application: str, listener: socket.socket | None, *, workers: int, ready: Callable[[], bool]
    ) -> Service:
        descriptor = listener.fileno() if listener is not None else -1
        return self._process(
            name,
            *("-m", "gunicorn", application, "--bind", f"fd://{descriptor}"),
            *("--worker-class", "gthread", "--workers", str(workers), "--threads", str(self.web_threads)),
            *("--graceful-timeout", "20", "--no-control-socket", "--error-logfile", "-"),
            ready=ready,
            inherits=(descriptor,),
        )

    def _worker(self) -> Service:
        pulse = Pulse(var=self.var, broker_url=self.processes_environment["BROKER_URL"])
        return self._process(
            "worker",
            *("-m", "celery", "-A", "marketplace", "worker", "--loglevel", "INFO"),
            *("--concurrency", str(self.celery_workers), "--queues", f"assay,sweeps,{pulse.queue}"),
            *("--hostname", f"{pulse.queue}@%h", "--without-gossip", "--without-mingle"),
            ready=pulse.beats,
            healthy=pulse.is_fresh,
        )

    def _beat(self) -> Service:
        return self._process("beat", "-m", "celery", "-A", "marketplace", "beat", "--loglevel", "INFO", "--pidfile=")

    def _double(self) -> Service:
        port = self.stripe_double.rpartition(":")[2]
        webhooks = f"{self.url}{WEBHOOK}"
        arguments = ("stripe_double", "--port", port, "--webhook-url", webhooks)
        memory = ("--state-file", str(self.var / "stripe_double.sqlite3"))
        return self._process("stripe", "manage.py", *arguments, *memory, ready=lambda: accepts(int(port)))

    def _process(
        self,
        name: str,
        *arguments: str,
        ready: Callable[[], bool] = lambda: True,
        healthy: Callable[[], bool] = lambda: True,
        inherits: tuple[int, ...] = (),
    ) -> Service:
        return ProcessService(
            Process(
                name=name,
                command=(sys.executable, *arguments),
                log=self.logs / f"{name}.log",
                environment=self.processes_environment,
                folder=BASE_DIR,
                ready=ready,
                healthy=healthy,
                inherits=inherits,
            )
        )

    def answers(self) -> bool:
        """Whether the web server serves, whatever the database says."""
        name = self.environment.get("ASSAY_HOSTS", "").split(",")[0].strip().lstrip("*.") or "localhost"
        return self._status_at(name, self.port, SIGN_OF_LIFE) == HTTPStatus.OK

    def shows_media(self) -> bool:
        """Whether the server of media serves: at an address that says nothing there is nothing."""
        return self._status_at("localhost", self.content_port, "/") == HTTPStatus.NOT_FOUND

    def _status_at(self, name: str, port: int, path: str) -> int | None:
        here = frozenset({Origin("http", name, port)})
        way = Outbound(only=here, internal=here, network=OnlyHere(self.host))
        try:
            return way.ask(method="GET", url=f"http://{name}:{port}{path}").status
        except OutboundRefused:
            return None


class OnlyHere(Internet):
    """A network on which every name and address is this server."""

    def __init__(self, host: str) -> None:
        self.host = host

    def resolve(self, host: str, port: int) -> list[str]:
        return [self.host]

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> socket.socket:
        return super().connect(self.host, port, timeout_seconds=timeout_seconds)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((LOOPBACK, port)) == 0
