"""Boxes, spans and transcripts of recorded crowds: what merging makes of them, beside plain ways of doing it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rapidfuzz.distance import Levenshtein

from marketplace.bench.quality.accuracy import ENGINE
from marketplace.bench.quality.recordings import read_manifest, read_rows
from qualification.labels.kinds.base import About
from qualification.labels.kinds.boxes import KIND as BOXES
from qualification.labels.kinds.boxes import Box
from qualification.labels.kinds.texts import KIND as TEXTS
from qualification.labels.parts import Control
from qualification.statistics.fusion.em import Method
from qualification.statistics.fusion.matrices import DawidSkene
from qualification.statistics.fusion.votes import Majority
from qualification.statistics.merging.crowds import merge_job
from qualification.statistics.merging.spans import LabelledSpan, Marked, f1_of, fuse_spans
from qualification.statistics.merging.words import key_of

ONE_WORKER: Final = "one worker"
QUICK_TASKS: Final = 200
"""So many transcripts are enough for a quick run; aligning words takes its time."""


BOX: Final = About(Control("Rectangle", "c", "o"))
TRANSCRIPT: Final = About(Control("TextArea", "c", "o"), is_heard=True)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class KindFindings:
    """One set: what each way of making one answer from several is worth, by its measure."""

    name: str
    measure: str
    tasks: int
    found: dict[str, float]
    is_error: bool

    @property
    def best_plain(self) -> str:
        """The best of the others."""
        others = [way for way in self.found if way != ENGINE]
        return (min if self.is_error else max)(others, key=lambda way: self.found[way])

    @property
    def lead(self) -> float:
        """By how much Assay is better than the best of the others."""
        difference = self.found[ENGINE] - self.found[self.best_plain]
        return -difference if self.is_error else difference


def measure_kinds(folder: Path, *, quick: bool, tell: Callable[[str], None]) -> list[KindFindings]:
    """All sets of boxes, spans and texts in a folder that have truth and are there."""
    found = []
    for one in read_manifest(folder):
        measure = _MEASURES.get(one["kind"])
        if measure is None or not one["truth_tasks"] or not (folder / one["name"] / "answers.jsonl.gz").is_file():
            continue
        tell(f"{one['name']}: merging")
        found.append(measure(folder / one["name"], QUICK_TASKS if quick and one["kind"] == "text" else None))
    return found


def _measure_boxes(folder: Path, most: int | None) -> KindFindings:
    truth, given = _by_task(folder, most, lambda label: Box(*label[0]) if label else None)

    def worth(boxes: Sequence[Box]) -> float:
        return float(np.mean([near(box, right) for box, right in zip(boxes, truth, strict=True)]))

    def near(first: Box, second: Box) -> float:
        return BOXES.similarity(first, second, BOX)

    def merge(boxes: Sequence[Box], weights: Sequence[float]) -> Box:
        return BOXES.merge(boxes, weights, BOX)

    everyone = [np.mean([near(box, right) for _, box in own]) for own, right in zip(given, truth, strict=True)]
    found = {
        ONE_WORKER: float(np.mean(everyone)),
        "mean": worth([_mean_box([box for _, box in own]) for own in given]),
        "median": worth([merge([box for _, box in own], [1.0] * len(own)) for own in given]),
        ENGINE: worth(merge_job(given, similarity=near, merge=merge).shapes),
    }
    return KindFindings(folder.name, "intersection over union", len(given), found, is_error=False)


def _mean_box(boxes: Sequence[Box]) -> Box:
    left, top, width, height = np.mean([[box.x, box.y, box.width, box.height] for box in boxes], axis=0).tolist()
    return Box(left, top, width, height)


def _measure_spans(folder: Path, most: int | None) -> KindFindings:
    truth, given = _by_task(folder, most, lambda label: tuple((start, end, word) for start, end, word in label))
    lengths = [_length(own, right) for own, right in zip(given, truth, strict=True)]
    names = sorted({worker for own in given for worker, _ in own})
    numbers = {worker: number for number, worker in enumerate(names)}
    marked = [Marked(text, numbers[worker], spans) for text, own in enumerate(given) for worker, spans in own]

    def worth(method: Method | None) -> float:
        return f1_of(fuse_spans(marked, lengths=lengths, workers=len(names), method=method), truth)

    found = {
        ONE_WORKER: f1_of([one.spans for one in marked], [truth[one.text] for one in marked]),
        "majority of places": worth(Majority()),
        "Dawid-Skene of places": worth(DawidSkene()),
        ENGINE: worth(None),
    }
    return KindFindings(folder.name, "exact F1", len(given), found, is_error=False)


def _length(given: Sequence[tuple[str, tuple[LabelledSpan, ...]]], truth: tuple[LabelledSpan, ...]) -> int:
    """As many places as anybody says something of; those after them are outside of all spans."""
    return max((end for spans in [truth, *(own for _, own in given)] for _, end, _ in spans), default=0) + 1


def _measure_texts(folder: Path, most: int | None) -> KindFindings:
    truth, given = _by_task(folder, most, lambda label: (label,) if label.strip() else None)
    right = [_words(text) for text in truth]

    def worth(texts: Sequence[tuple[str, ...]]) -> float:
        """Word error rate: edits over the words of the truth, all tasks together."""
        edits = sum(Levenshtein.distance(_words(text), words) for text, words in zip(texts, right, strict=True))
        return edits / sum(map(len, right))

    def near(first: tuple[str, ...], second: tuple[str, ...]) -> float:
        return Levenshtein.normalized_similarity(_words(first), _words(second))

    def merge(texts: Sequence[tuple[str, ...]], weights: Sequence[float]) -> tuple[str, ...]:
        return TEXTS.merge(texts, weights, TRANSCRIPT)

    one_worker = [(text, words) for own, words in zip(given, right, strict=True) for _, text in own]
    edits = sum(Levenshtein.distance(_words(text), words) for text, words in one_worker)
    found = {
        ONE_WORKER: edits / sum(len(words) for _, words in one_worker),
        "nearest to all": worth([_nearest([text for _, text in own], near) for own in given]),
        "ROVER": worth([merge([text for _, text in own], [1.0] * len(own)) for own in given]),
        ENGINE: worth(merge_job(given, similarity=near, merge=merge, rounds=0).shapes),
    }
    return KindFindings(folder.name, "word error rate", len(given), found, is_error=True)


def _nearest(
    texts: Sequence[tuple[str, ...]], near: Callable[[tuple[str, ...], tuple[str, ...]], float]
) -> tuple[str, ...]:
    return max(texts, key=lambda text: sum(near(text, other) for other in texts))


def _words(text: tuple[str, ...]) -> list[str]:
    return [key_of(word) for word in text[0].split()]


def _by_task(
    folder: Path, most: int | None, read: Callable[[Any], Any]
) -> tuple[list[Any], list[list[tuple[str, Any]]]]:
    """The truth of each task that somebody answered, and its answers; what `read` makes nothing of is left out."""
    truth = {row["task"]: read(row["label"]) for row in read_rows(folder / "truth.jsonl.gz")}
    answers: dict[str, list[tuple[str, Any]]] = {}
    for row in read_rows(folder / "answers.jsonl.gz"):
        label = read(row["label"])
        if label is not None and truth.get(row["task"]) is not None:
            answers.setdefault(row["task"], []).append((row["worker"], label))
    tasks = sorted(answers)[:most]
    return [truth[task] for task in tasks], [answers[task] for task in tasks]


_MEASURES: Final[dict[str, Callable[[Path, int | None], KindFindings]]] = {
    "boxes": _measure_boxes,
    "spans": _measure_spans,
    "text": _measure_texts,
}
