"""One short stretch of claims and submits, by Assay, by the bare view or by pgbench, and what it cost."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from marketplace.bench import client
from marketplace.bench.pgbench import Program, run_pgbench
from marketplace.bench.processes import cpu_seconds
from marketplace.bench.script import Script
from marketplace.bench.seeding import Signed, answer_of, keep_signed_in

ASSAY: Final = "assay"
BARE: Final = "bare view"
PGBENCH: Final = "pgbench"
PREFIXES: Final = {ASSAY: "/api/v1/assignments/", BARE: "/bare/assignments/"}
WARM_SECONDS: Final = 0.5
MOST_USED: Final = 0.6
"""A window ends when it has used up this share of its job's tasks."""
PGBENCH_PAIRS_A_SECOND: Final = 300
"""pgbench counts pairs, not seconds, so that it leaves the job about as much work as the others do."""


class WindowFailed(Exception):
    """A window measured something else than claims and submits; the message says what happened."""


@dataclass(frozen=True)
class Place:
    """Where it is measured: the server's address, and the processes of the web server and the database."""

    url: str
    web_pid: int
    database_pid: int


@dataclass(frozen=True)
class Seen:
    """What one window saw. Milliseconds of processor time are for one pair; shares are of one processor."""

    system: str
    pairs_a_second: float
    claims_ms: Sequence[float] = ()
    submits_ms: Sequence[float] = ()
    web_cpu_ms: float = 0.0
    database_cpu_ms: float = 0.0
    client_share: float = 0.0


@dataclass(frozen=True)
class Bench:
    """What all windows share: where they are measured, and what the bare view and pgbench say."""

    place: Place
    claim: Script
    submit: Script

    def window(self, system: str, *, job_id: UUID, tasks: int, workers: Sequence[Signed], seconds: float) -> Seen:
        """Let ``workers`` claim and submit in a job of so many open tasks, for so long. Raises WindowFailed."""
        keep_signed_in()
        most_pairs = int(tasks * MOST_USED)
        web, database = cpu_seconds(self.place.web_pid), cpu_seconds(self.place.database_pid)
        if system == PGBENCH:
            program = Program(self.claim, self.submit, [worker.token for worker in workers], job_id)
            pairs, seen = _by_pgbench(program, pairs=min(most_pairs, int(PGBENCH_PAIRS_A_SECOND * seconds)))
        else:
            order = self._order(system, job_id=job_id, workers=workers, seconds=seconds, most_pairs=most_pairs)
            pairs, seen = _over_http(system, order)
        return replace(
            seen,
            web_cpu_ms=1000 * (cpu_seconds(self.place.web_pid) - web) / pairs,
            database_cpu_ms=1000 * (cpu_seconds(self.place.database_pid) - database) / pairs,
        )

    def _order(
        self, system: str, *, job_id: UUID, workers: Sequence[Signed], seconds: float, most_pairs: int
    ) -> client.Order:
        address = urlsplit(self.place.url)
        return client.Order(
            host=address.hostname or "",
            port=address.port or 80,
            prefix=PREFIXES[system],
            job=str(job_id),
            tokens=[worker.token for worker in workers],
            result=list(answer_of("cat")),
            warm_seconds=WARM_SECONDS,
            seconds=seconds,
            most_pairs=most_pairs,
        )


def _by_pgbench(program: Program, *, pairs: int) -> tuple[int, Seen]:
    outcome = run_pgbench(program, pairs=pairs, folder=settings.VAR_DIR)
    return outcome.pairs, Seen(PGBENCH, outcome.pairs_a_second)


def _over_http(system: str, order: client.Order) -> tuple[int, Seen]:
    ended = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, client.__file__], input=json.dumps(asdict(order)), capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise WindowFailed(f"The load client failed: {ended.stderr[-2000:]}")
    sight = client.Sight(**json.loads(ended.stdout))
    if sight.failures or not sight.claims_ms:
        raise WindowFailed(f"{system}: {sight.failures[0] if sight.failures else 'no pair was finished in time'}")
    return sight.pairs, Seen(
        system=system,
        pairs_a_second=len(sight.claims_ms) / sight.seconds,
        claims_ms=sight.claims_ms,
        submits_ms=sight.submits_ms,
        client_share=sight.cpu_seconds / (sight.seconds + order.warm_seconds),
    )
