"""Patience with a database that is killed again and again."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import psycopg
from django.db import DatabaseError, InterfaceError, connection

DATABASE_AWAY: Final = (DatabaseError, InterfaceError, psycopg.Error)

Answer = TypeVar("Answer")


def stubborn(ask: Callable[[], Answer]) -> Answer:
    """What the database answers, once it does."""
    while True:
        try:
            return ask()
        except DATABASE_AWAY:
            pause()


def pause() -> None:
    """Let it come up again, and begin with a new connection."""
    connection.close()
    time.sleep(0.2)
