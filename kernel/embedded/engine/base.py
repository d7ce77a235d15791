"""The backend itself: Django looks for `DatabaseWrapper` under this name."""

import atexit
import functools
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.postgresql import base

from kernel.embedded.postgres import ROLE, EmbeddedPostgres


@functools.cache
def server_in(*, folder: str, log: str, durable: bool) -> EmbeddedPostgres:
    """The running server over a folder; this process counts as its user until it exits."""
    server = EmbeddedPostgres(folder=Path(folder), log=Path(log), durable=durable)
    server.ensure_running()
    atexit.register(leave, server)
    return server


def leave(server: EmbeddedPostgres) -> None:
    """Close what this process has open, so that nothing of it calls a server that is stopping; then let go of it."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if isinstance(connection, DatabaseWrapper):
            connection.close_pool()
    server.release()


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL that is started by the first connection, so that `--help` and the like start nothing."""

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        embedded = parameters.pop("embedded")
        server = server_in(**embedded)
        return {**parameters, "host": server.host, "user": ROLE}
