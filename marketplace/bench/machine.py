"""What the figures were measured on."""

import os
import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

WRITES = 50
PAGE_BYTES = 8192


@dataclass(frozen=True)
class Machine:
    """Processors and their load of the last minute when the benchmark began, versions, and how slow the disk is."""

    processors: int
    load: float
    system: str
    python: str
    postgresql: str
    fsync_ms: float


def this_machine(folder: Path) -> Machine:
    """The machine we are on; the disk is the one under ``folder``."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    return Machine(
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load=os.getloadavg()[0],
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        postgresql=str(version),
        fsync_ms=fsync_ms(folder),
    )


def fsync_ms(folder: Path) -> float:
    """How long a page takes to the disk: the median of some writes, each followed by fsync."""
    path, took = folder / "fsync.probe", []
    with path.open("wb", buffering=0) as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(bytes(PAGE_BYTES))
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    path.unlink()
    return 1000 * statistics.median(took)
