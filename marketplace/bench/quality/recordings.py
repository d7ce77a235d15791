"""Answers that real crowds gave, read from a folder with a manifest and a folder for each set."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from qualification.statistics.fusion.answers import UNKNOWN, Answers, Indices

MANIFEST: Final = "manifest.json"


class NoRecordings(Exception):
    """There is nothing to measure with; the message says where it was looked for."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One set of single choices: its answers, and each task's truth or `UNKNOWN`. Classes are in sorted order.

    `minutes` is when each worker first answered each task, since the first answer of all; none where it is not known.
    """

    name: str
    answers: Answers
    truth: Indices
    minutes: Mapping[tuple[int, int], float] | None = field(default=None, repr=False)

    @property
    def known(self) -> Indices:
        """The tasks whose truth is known and that somebody answered."""
        answered = self.answers.votes.sum(axis=1) > 0
        return np.flatnonzero((self.truth != UNKNOWN) & answered).astype(np.int32)

    @property
    def overlap(self) -> float:
        """Answers per task, on average."""
        return self.answers.size / self.answers.tasks

    def draw(self, *, seed: int, share: float) -> tuple[Indices, Indices]:
        """Gold for a share of the known tasks, one at least, drawn by the seed; and the known tasks that it leaves."""
        drawn = np.random.default_rng(seed).permutation(self.known)
        first = max(1, round(share * len(drawn)))
        gold = np.full(self.answers.tasks, UNKNOWN, dtype=np.int32)
        gold[drawn[:first]] = self.truth[drawn[:first]]
        return gold, np.sort(drawn[first:])


def read_recordings(folder: Path, *, only: Sequence[str] = ()) -> list[Recording]:
    """All sets of single choices in a folder that have some truth, or those named. Raises `NoRecordings`."""
    sets = read_manifest(folder)
    names = [one["name"] for one in sets if one["kind"] == "categorical" and one["truth_tasks"]]
    if strange := [name for name in only if name not in names]:
        raise NoRecordings(f"{', '.join(strange)}: no such set at {folder}. There are {', '.join(names) or 'none'}.")
    found = [read_recording(folder / name) for name in names if not only or name in only]
    if not found:
        raise NoRecordings(f"None of the sets at {folder} is of single choices with truth.")
    return found


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """What a folder says that it holds. Raises `NoRecordings`."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise NoRecordings(
            f"There are no recordings at {folder}: it has no {MANIFEST}. Name a folder with one, and with a folder for "
            "each set (answers.jsonl.gz, truth.jsonl.gz), by --data."
        )
    sets: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))
    return sets


def read_recording(folder: Path) -> Recording:
    """One set from its two files of JSON Lines."""
    rows = read_rows(folder / "answers.jsonl.gz")
    truth = {row["task"]: row["label"] for row in read_rows(folder / "truth.jsonl.gz")}
    tasks, workers = (_numbered([row[kind] for row in rows]) for kind in ("task", "worker"))
    classes = _numbered([*(row["label"] for row in rows), *truth.values()])
    answers = Answers.of(
        task=[tasks[row["task"]] for row in rows],
        worker=[workers[row["worker"]] for row in rows],
        said=[classes[row["label"]] for row in rows],
        tasks=len(tasks),
        workers=len(workers),
        classes=len(classes),
    )
    known = np.full(len(tasks), UNKNOWN, dtype=np.int32)
    for task, label in truth.items():
        if task in tasks:
            known[tasks[task]] = classes[label]
    minutes = _minutes(rows, tasks, workers) if all("at" in row for row in rows) else None
    return Recording(name=folder.name, answers=answers, truth=known, minutes=minutes)


def _minutes(
    rows: Sequence[Mapping[str, Any]], tasks: Mapping[str, int], workers: Mapping[str, int]
) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = {}
    begins = min(datetime.fromisoformat(row["at"]) for row in rows)
    for row in sorted(rows, key=lambda row: str(row["at"])):
        minute = (datetime.fromisoformat(row["at"]) - begins).total_seconds() / 60
        found.setdefault((tasks[row["task"]], workers[row["worker"]]), minute)
    return found


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(set(names)))}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of one file of JSON Lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
