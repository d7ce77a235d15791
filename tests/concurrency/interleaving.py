"""Threads that take turns at statements, drawn by a seed: what one order of them breaks is played again by its seed.

Each call runs in a thread with a connection of its own and stops before every statement, until the draw lets it go on.
Then all others stand still, so that nothing but the seed decides who comes next: until that thread stands before its
next statement, has ended, or waits for a lock of another's, as PostgreSQL says (``pg_blocking_pids``).
"""

import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

LONGEST_SECONDS = 60.0
LOOKED_AT_EVERY_SECONDS = 0.002
IDS = re.compile(r"'[^']*'|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b\d+\b")


@dataclass
class Player:
    """One call on its way: where it stands, and what came of it."""

    call: Callable[[], Any]
    may_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stands: threading.Event = field(default_factory=threading.Event)
    ended: bool = False
    pid: int = 0
    at: str = ""
    outcome: Any = None

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            with connection.execute_wrapper(self._wait_for_turn):
                self.outcome = self.call()
        except Exception as error:
            self.outcome = error
        finally:
            connection.close()
            self.ended = True
            self.stands.set()

    def _wait_for_turn(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        self.at = IDS.sub("?", " ".join(sql.split()))[:60]
        self.stands.set()
        self.may_go.acquire()
        return execute(sql, params, many, context)


@dataclass(frozen=True)
class Played:
    """What the calls came to, in their order, and who said what: the same for the same seed."""

    outcomes: list[Any]
    turns: list[tuple[int, str]]


def play(calls: Sequence[Callable[[], Any]], *, seed: int) -> Played:
    """Let ``calls`` take turns at statements as ``seed`` draws, until all have ended."""
    chance = random.Random(seed)
    players = [Player(call) for call in calls]
    threads = [threading.Thread(target=player.run, daemon=True) for player in players]
    turns: list[tuple[int, str]] = []
    for thread, player in zip(threads, players, strict=True):
        thread.start()
        _settle([player])
    while ready := [place for place, player in enumerate(players) if player.stands.is_set() and not player.ended]:
        place = chance.choice(ready)
        turns.append((place, players[place].at))
        players[place].stands.clear()
        players[place].may_go.release()
        _settle(players)
    for thread in threads:
        thread.join(LONGEST_SECONDS)
    return Played([player.outcome for player in players], turns)


def _settle(players: Sequence[Player]) -> None:
    """Wait until each either stands or waits for a lock; if all wait, until PostgreSQL has ended one of them."""
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        moving = [player for player in players if not player.stands.is_set()]
        if not moving:
            return
        if len(moving) < len(players) and all(_waits(player.pid) for player in moving):
            if not any(player.stands.is_set() for player in moving):
                return
            continue
        time.sleep(LOOKED_AT_EVERY_SECONDS)
    raise TimeoutError("The threads neither went on nor waited for one another.")


def _waits(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])
        return bool(cursor.fetchone()[0])
