"""Recordings of crowds, as files, for the tests of what reads and replays them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from marketplace.demo.recording import Recording, read_recording

Row = dict[str, Any]


def row(task: str, worker: str, label: str, **more: object) -> Row:
    return {"task": task, "worker": worker, "label": label, **more}


def true(task: str, label: str) -> Row:
    return {"task": task, "label": label}


def a_file(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in rows))
    return path


def a_recording(folder: Path, answers: Sequence[object], truth: Sequence[object]) -> Recording:
    return read_recording(answers=a_file(folder / "answers", answers), truth=a_file(folder / "truth", truth))


def a_crowd() -> list[Row]:
    """Ten workers who answered all of twenty tasks; each is wrong about two that follow one another."""
    return [
        row(f"t{task}", f"w{worker}", "dog" if task // 2 == worker else "cat")
        for task in range(20)
        for worker in range(10)
    ]


GOOD: Final = row("t", "ann", "cat")
