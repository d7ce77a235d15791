"""Rankings: the entries of a list in order, or sorted into buckets and in order there."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from qualification.labels.errors import listed, quoted
from qualification.labels.kinds.base import FINE_WORD, About, OfWhole, Value
from qualification.labels.parts import Control
from qualification.statistics.merging.rankings import strengths_of

MOST_ENTRIES: Final = 200
REST: Final = "_"
"""The bucket of what was put into none."""

Ranking = tuple[tuple[str, tuple[str, ...]], ...]
"""Bucket and its entries, the best first; one bucket, with the name of the control, where the schema has none."""


class RankingKind(OfWhole):
    """Near by the share of pairs that both put in the same order; with buckets, half of it by the share of entries that
    both put into the same one. Merged: into the bucket with most weight, and by Bradley–Terry strengths in it.

    Sources: M. G. Kendall, Biometrika 30 (1938); R. A. Bradley and M. E. Terry, Biometrika 39 (1952).
    """

    right: Final = 0.9

    def read(self, value: Value, about: About) -> Ranking:
        buckets = buckets_of(about)
        inner = Value(value.get("ranker"), f"{value.path}.ranker")
        found = []
        for bucket in buckets:
            if not inner.has(bucket) and len(buckets) > 1:
                continue
            entries = inner.list(bucket, most=MOST_ENTRIES) if inner.has(bucket) else inner.get(bucket)
            if not all(isinstance(entry, str) and FINE_WORD.fullmatch(entry) for entry in entries):
                raise inner.error("is a list of ids of the list's entries.", bucket)
            found.append((bucket, tuple(entries)))
        inner.finish()
        _check_entries([entry for _, entries in found for entry in entries], about, value)
        return tuple((bucket, entries) for bucket, entries in found if entries)

    def write(self, shape: Ranking) -> dict[str, object]:
        return {"ranker": {bucket: list(entries) for bucket, entries in shape}}

    def similarity(self, first: Ranking, second: Ranking, about: About) -> float:
        buckets = buckets_of(about)
        ours, theirs = _places(first, buckets), _places(second, buckets)
        everything = sorted(ours.keys() | theirs.keys())
        shared = ours.keys() & theirs.keys()
        pairs = list(combinations(everything, 2))
        alike = sum(
            (ours[one] < ours[other]) == (theirs[one] < theirs[other])
            for one, other in pairs
            if one in shared and other in shared
        )
        in_order = alike / len(pairs) if pairs else float(len(shared) == len(everything))
        if len(buckets) == 1 or not everything:
            return in_order
        return (in_order + sum(ours[one][0] == theirs[one][0] for one in shared) / len(everything)) / 2

    def merge(self, shapes: Sequence[Ranking], weights: Sequence[float], about: About) -> Ranking:
        if len(set(shapes)) == 1:
            return shapes[0]
        buckets = buckets_of(about)
        ordered = sorted(zip(shapes, weights, strict=True))
        placed = [_places(shape, buckets) for shape, _ in ordered]
        votes = [weight for _, weight in ordered]
        entries = sorted(set().union(*placed))
        strengths = _strengths(placed, votes, entries)
        by_bucket: dict[str, list[str]] = {}
        for entry in sorted(entries, key=lambda one: (-round(strengths[one], 9), one)):
            by_bucket.setdefault(_bucket(entry, placed, votes, buckets), []).append(entry)
        return tuple((bucket, tuple(by_bucket[bucket])) for bucket in buckets if bucket in by_bucket)


def buckets_of(about: About) -> tuple[str, ...]:
    """The buckets in order, and the one for what was put into none."""
    control = about.control
    assert isinstance(control, Control)
    return (*control.labels, REST) if control.labels else (control.name,)


def _check_entries(entries: list[str], about: About, value: Value) -> None:
    if len(set(entries)) < len(entries):
        raise value.error("an entry is ranked twice.", "ranker")
    if not entries:
        raise value.error("nothing is ranked; leave the region out.", "ranker")
    if not isinstance(about.content, list):
        return
    known = [str(entry["id"]) for entry in about.content]
    strange = [entry for entry in entries if entry not in known]
    if strange:
        raise value.error(f"{quoted(strange[0])} is no entry of the list. Entries: {listed(known)}.", "ranker")
    missing = [entry for entry in known if entry not in entries]
    if missing and len(buckets_of(about)) == 1:
        raise value.error(f"{listed([quoted(entry) for entry in missing])} is not ranked.", "ranker")


def _places(shape: Ranking, buckets: Sequence[str]) -> dict[str, tuple[int, int]]:
    number = {bucket: n for n, bucket in enumerate(buckets)}
    return {entry: (number[bucket], place) for bucket, entries in shape for place, entry in enumerate(entries)}


def _strengths(
    placed: Sequence[dict[str, tuple[int, int]]], votes: Sequence[float], entries: Sequence[str]
) -> dict[str, float]:
    wins = np.zeros((len(entries), len(entries)))
    for own, weight in zip(placed, votes, strict=True):
        for (one, first), (other, second) in combinations(enumerate(entries), 2):
            if first in own and second in own:
                better, worse = (one, other) if own[first] < own[second] else (other, one)
                wins[better, worse] += weight
    return dict(zip(entries, strengths_of(wins).tolist(), strict=True))


def _bucket(
    entry: str, placed: Sequence[dict[str, tuple[int, int]]], votes: Sequence[float], buckets: Sequence[str]
) -> str:
    said = [(own[entry][0], weight) for own, weight in zip(placed, votes, strict=True) if entry in own]
    totals = {number: math.fsum(weight for n, weight in said if n == number) for number, _ in said}
    return buckets[min(totals, key=lambda number: (-round(totals[number], 9), number))]


KIND = RankingKind()
