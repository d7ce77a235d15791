"""Spans over a whole job: each place of a text is a class, weighed by what every worker says when each is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from qualification.statistics.fusion.answers import Answers, Indices
from qualification.statistics.fusion.em import Method, fit
from qualification.statistics.fusion.matrices import Ibcc

OUTSIDE: Final = 0

PLACES_OF_PRIOR: Final = 30.0
"""Places that a prior row weighs: five times the answers it does for classes, as neighbours say much the same."""

LabelledSpan = tuple[int, int, str]
"""First place, the one after the last, and the label."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One worker's spans of one text; they do not overlap, or the later one counts."""

    text: int
    worker: int
    spans: tuple[LabelledSpan, ...]


def fuse_spans(
    marked: Sequence[Marked], *, lengths: Sequence[int], workers: int, method: Method | None = None
) -> list[list[LabelledSpan]]:
    """The spans of each text: neighbouring places whose most likely class is the same label.

    `lengths` are the places (words, characters) of each text. A worker who marks too little is seen to: where one says
    nothing and others do not, it weighs as much as that worker's silence deserves. So spans are found that plain votes
    on places lose. The model is variational IBCC (`qualification.statistics.fusion.matrices.Ibcc`) place by place; a
    hidden Markov model over neighbouring places, as in A. T. Nguyen and others, "Aggregating and predicting sequence
    labels from crowd annotations", ACL (2017), was tried without the words themselves and found nothing more.
    """
    labels = sorted({label for one in marked for _, _, label in one.spans})
    if not labels:
        return [[] for _ in lengths]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = [np.arange(starts[one.text], starts[one.text + 1]) for one in marked]
    answers = Answers.of(
        task=np.concatenate(places),
        worker=np.repeat([one.worker for one in marked], [len(place) for place in places]),
        said=np.concatenate([_classes(one, lengths[one.text], labels) for one in marked]),
        tasks=int(starts[-1]),
        workers=workers,
        classes=1 + len(labels),
    )
    fitted = fit(method or Ibcc(strength=PLACES_OF_PRIOR), answers)
    classes = fitted.labels
    return [spans_in(classes[first:last], labels) for first, last in pairwise(starts.tolist())]


def _classes(marked: Marked, length: int, labels: Sequence[str]) -> Indices:
    classes = np.zeros(length, dtype=np.int32)
    for start, end, label in marked.spans:
        classes[start:end] = 1 + labels.index(label)
    return classes


def spans_in(classes: Indices, labels: Sequence[str]) -> list[LabelledSpan]:
    """The runs of places of one class, without those outside of all spans."""
    edges = np.flatnonzero(np.diff(classes)) + 1
    bounds = [0, *edges.tolist(), len(classes)]
    return [
        (first, last, labels[classes[first] - 1])
        for first, last in pairwise(bounds)
        if last > first and classes[first] != OUTSIDE
    ]


def f1_of(found: Sequence[Sequence[LabelledSpan]], truth: Sequence[Sequence[LabelledSpan]]) -> float:
    """Exact F1 over all texts: a span counts when both ends and the label are right."""
    right = sum(len(set(ours) & set(theirs)) for ours, theirs in zip(found, truth, strict=True))
    said = sum(len(set(ours)) for ours in found) + sum(len(set(theirs)) for theirs in truth)
    return 2 * right / said if said else 1.0
