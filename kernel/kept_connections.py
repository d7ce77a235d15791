"""Connections to another server that wait to be used again: few, not for long, and in their own process only."""

import os
import select
import socket
import ssl
import time
import weakref
from collections import deque
from typing import Final, NamedTuple

from kernel.destinations import Origin

MOST: Final = 8
IDLE_SECONDS: Final = 15.0
"""Shorter than servers wait for the next request, so that hardly any connection is closed while it is taken."""


class _Waiting(NamedTuple):
    connection: socket.socket
    origin: Origin
    since: float
    process: int


class KeptConnections:
    """Where connections wait. One that has waited too long, or on which the other side has said or ended something
    meanwhile, is closed and not given out; so is one that was opened before a fork, for its parent may use it.
    """

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._waiting: deque[_Waiting] = deque()
        weakref.finalize(self, _close_all, self._waiting)

    def take(self, origin: Origin) -> socket.socket | None:
        """A connection to ``origin`` that nobody else has now, if there is a good one."""
        while self._waiting:
            try:
                waiting = self._waiting.pop()
            except IndexError:  # another thread took the last one
                break
            is_ours = (waiting.origin, waiting.process) == (origin, os.getpid())
            if is_ours and time.monotonic() - waiting.since < self._idle_seconds and _is_silent(waiting.connection):
                return waiting.connection
            waiting.connection.close()
        return None

    def keep(self, origin: Origin, connection: socket.socket) -> None:
        """Let a connection wait on which a whole answer was read; it is closed when enough wait already."""
        if len(self._waiting) < MOST:
            self._waiting.append(_Waiting(connection, origin, time.monotonic(), os.getpid()))
        else:
            connection.close()

    def close(self) -> None:
        """Close those that wait."""
        _close_all(self._waiting)


def _is_silent(connection: socket.socket) -> bool:
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return False  # it has left the wire already, and a poll of that does not see it
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


def _close_all(waiting: deque[_Waiting]) -> None:
    while waiting:
        waiting.pop().connection.close()
