"""The folder of an installation that is made for one run, and made anew for the next."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kernel.embedded.broker import EmbeddedBroker
from kernel.embedded.lifecycle import EmbeddedServer, EmbeddedServerError
from kernel.embedded.postgres import EmbeddedPostgres
from marketplace.stack import Stack


class FolderInUse(Exception):
    """Something runs over the folder now, so it can be neither emptied nor used."""


def fresh_folder(folder: Path) -> Path:
    """Empty ``folder``, with the database that belongs to it wherever that lies. Raises FolderInUse."""
    if Stack.is_up(folder):
        raise FolderInUse(f"Something is running over {folder} already. Stop it there with Ctrl-C.")
    _stop_left_behind(EmbeddedBroker(folder=folder / "broker", log=folder / "log" / "broker.log"))
    with suppress(EmbeddedServerError):  # there are no binaries, so there is no such database
        database = EmbeddedPostgres(folder=folder / "postgres", log=folder / "log" / "postgres.log")
        _stop_left_behind(database)
        if database.alive():  # a run that was killed leaves its server behind; the last to let go of it stops it
            database.ensure_running()
            database.release()
        shutil.rmtree(database.account.data, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _stop_left_behind(server: EmbeddedServer) -> None:
    """Stop a server that outlived a run which was killed; at its own end it would take away the next one's socket."""
    if server.alive():
        server.ensure_running()
        server.release()
    if server.alive():
        raise FolderInUse(f"{server.label} is used over {server.folder} by another process. Stop that one first.")


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Let nobody else run over ``folder`` meanwhile; the kernel drops the lock with its process. Raises FolderInUse."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "up.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(f"Something is running over {folder} already. Stop it there with Ctrl-C.") from error
        yield
