"""kill -9, by a seeded draw: processes that do the work, those that lead them, the relay, and PostgreSQL."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from kernel.supervisor import EmbeddedService, ProcessService
from marketplace.bench.processes import children
from marketplace.chaos.plan import Plan
from marketplace.stack import Stack

DATABASE: Final = "PostgreSQL"
WHOM: Final = {
    "Celery process at work": ("worker", True, 80),
    "app server process": ("web", True, 8),
    "relay": ("relay", False, 6),
    "Celery's leading process": ("worker", False, 3),
    "app server's leading process": ("web", False, 3),
}
"""Who is killed, as which service, whether one of its children, and how often in a hundred."""

BETWEEN_DATABASE_KILLS_SECONDS: Final = 2.0


class Killer(threading.Thread):
    """Kills as the work goes on, of which ``share`` is done by now, until all kills are done or it is told to stop."""

    def __init__(self, stack: Stack, plan: Plan) -> None:
        super().__init__(name="killer", daemon=True)
        self.share = 0.0
        self.killed: Counter[str] = Counter()
        self._stack = stack
        self._plan = plan
        self._chance = random.Random(plan.seed)  # noqa: S311  (to be repeated)
        self._stopping = threading.Event()
        self._next_database_kill_at = 0.0

    def stop(self) -> None:
        """End after what is being done now."""
        self._stopping.set()
        self.join()

    def run(self) -> None:
        while not self._stopping.wait(self._chance.uniform(0.01, 0.12)) and self.killed.total() < self._plan.all_kills:
            of_database = self.killed[DATABASE]
            of_others = self.killed.total() - of_database
            if of_database < self._plan.database_kills * self.share and time.monotonic() > self._next_database_kill_at:
                self._kill_database()
            elif of_others < self._plan.kills * self.share:
                self._kill_one()

    def _kill_database(self) -> None:
        for watched in self._stack.supervisor.watched:
            service = watched.service
            if isinstance(service, EmbeddedService) and service.name == "database":
                pid = service.server.process_id()
                if pid is not None and self._kill(pid, DATABASE):
                    self._next_database_kill_at = time.monotonic() + BETWEEN_DATABASE_KILLS_SECONDS

    def _kill_one(self) -> None:
        (whom,) = self._chance.choices(list(WHOM), [weight for _, _, weight in WHOM.values()])
        name, of_children, _ = WHOM[whom]
        pids = [pid for leader in self._leaders(name) for pid in (children(leader) if of_children else [leader])]
        if pids:
            self._kill(self._chance.choice(sorted(pids)), whom)

    def _leaders(self, name: str) -> Iterator[int]:
        for watched in self._stack.supervisor.watched:
            service = watched.service
            if isinstance(service, ProcessService) and service.name == name and service.is_alive() and service.child:
                yield service.child.pid

    def _kill(self, pid: int, whom: str) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[whom] += 1
            return True
        return False
