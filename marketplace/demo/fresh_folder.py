"""The folder of an installation that is made for one run, and made anew for the next."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.embedded.postgres import EmbeddedPostgres
from marketplace.stack import Stack

LEFT_BEHIND_SECONDS: Final = 30.0


class FolderInUse(Exception):
    """Something runs over the folder now, so it can be neither emptied nor used."""


def fresh_folder(folder: Path) -> Path:
    """Empty ``folder``, with the database that belongs to it wherever that lies. Raises FolderInUse."""
    if Stack.is_up(folder):
        raise FolderInUse(f"Something is running over {folder} already. Stop it there with Ctrl-C.")
    with suppress(EmbeddedServerError):  # there are no binaries, so there is no such database
        database = EmbeddedPostgres(folder=folder / "postgres", log=folder / "log" / "postgres.log")
        _wait_until_gone(database)
        shutil.rmtree(database.account.data, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _wait_until_gone(database: EmbeddedPostgres) -> None:
    # The server of a run that was killed stops by itself; at its end it would take away the next one's socket.
    deadline = time.monotonic() + LEFT_BEHIND_SECONDS
    while database.alive():
        if time.monotonic() > deadline:
            raise FolderInUse(f"A database server of an earlier run still runs over {database.folder}. Stop it first.")
        time.sleep(0.1)


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
