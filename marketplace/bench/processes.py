"""What other processes use of the machine, as Linux tells it: processor time and memory. Elsewhere nothing is known."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """Processor time that ``root`` and its children have used, those that have ended included."""
    own = [_times(pid) for pid in (root, *children(root))]
    ended = _times(root)[2:]
    return (sum(user + system for user, system, *_ in own) + sum(ended)) / TICKS_A_SECOND


def children(root: int) -> list[int]:
    """The processes that ``root`` has started and that still run."""
    return [pid for pid, parent in _processes() if parent == root]


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def memory_mb(pid: int, *, peak: bool = False) -> float:
    """The memory of a process that is resident now, or was at its peak."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    return 0.0


def _processes() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), int(_fields(int(folder.name))[1])
        except OSError:
            continue  # it has just ended


def _times(pid: int) -> tuple[int, ...]:
    try:
        return tuple(int(ticks) for ticks in _fields(pid)[11:15])
    except OSError:
        return (0, 0, 0, 0)


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
