"""Clusters: which regions of several answers are the same thing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from qualification.labels.matching import similarity_of_regions
from qualification.labels.overlaps import Floats, overlaps_of
from qualification.labels.units import Question, Unit

LABELS_COUNT: Final = 0.25
"""How much of being the same thing is being called the same, where several shapes overlap."""


@dataclass
class Cluster:
    """Units of different answers that are the same thing, by the place of their answer, and their numbers in it."""

    members: dict[int, Unit] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def add(self, place: int, number: int, unit: Unit) -> None:
        self.members[place], self.numbers[place] = unit, number


def clusters_of(question: Question, units: Sequence[Sequence[Unit]], weights: Sequence[float]) -> list[Cluster]:
    """The things that all answers mark, each with the unit of every answer that marks it.

    The answer that is nearest to all others comes first, and the next nearest is matched to it; each unit joins the
    cluster to whose members it is nearest on average, at most one of an answer to each, or begins its own.
    """
    clusters: list[Cluster] = []
    for place in _nearest_first(question, units, weights):
        _join(question, clusters, place, units)
    return clusters


def _nearest_first(question: Question, units: Sequence[Sequence[Unit]], weights: Sequence[float]) -> list[int]:
    size = len(units)
    near = np.zeros((size, size))
    for one in range(size):
        for other in range(one):
            near[one, other] = near[other, one] = similarity_of_regions(question, units[one], units[other])
    nearness = near @ np.asarray(weights)
    return sorted(range(size), key=lambda place: (-round(float(nearness[place]), 9), -weights[place], place))


def _join(question: Question, clusters: list[Cluster], place: int, units: Sequence[Sequence[Unit]]) -> None:
    near = _nearness(question, clusters, place, units)
    rows, columns = linear_sum_assignment(near, maximize=True)
    taken = {int(c): int(r) for r, c in zip(rows, columns, strict=True) if near[r, c] > 0}
    for number, unit in enumerate(units[place]):
        if number not in taken:
            clusters.append(Cluster())
        clusters[taken.get(number, -1)].add(place, number, unit)


def _nearness(question: Question, clusters: Sequence[Cluster], place: int, units: Sequence[Sequence[Unit]]) -> Floats:
    """Clusters × units of an answer: how near a unit is to a cluster's members on average; 0 if it is another thing."""
    if not clusters or not units[place]:
        return np.zeros((len(clusters), len(units[place])))
    members = [(other, cluster.numbers[other]) for cluster in clusters for other in sorted(cluster.members)]
    sizes = np.array([len(cluster.members) for cluster in clusters])
    starts = np.cumsum(sizes) - sizes
    labels = [units[other][number].labels for other, number in members]
    names = {
        own: number for number, own in enumerate(dict.fromkeys([*labels, *(unit.labels for unit in units[place])]))
    }
    theirs, ours = (np.array([names[own] for own in all_]) for all_ in (labels, [unit.labels for unit in units[place]]))
    overlap, named = (
        np.add.reduceat(table, starts) / sizes[:, None]
        for table in (_overlaps_with(question, members, place, units), (theirs[:, None] == ours).astype(np.float64))
    )
    same = overlap >= question.kind.same
    return np.where(same, overlap * (1 - LABELS_COUNT + LABELS_COUNT * named), 0.0)


def _overlaps_with(
    question: Question, members: Sequence[tuple[int, int]], place: int, units: Sequence[Sequence[Unit]]
) -> Floats:
    """Members × units of an answer. Each two answers have been compared already, to see which comes first."""
    others, numbers = (np.array(column) for column in zip(*members, strict=True))
    found = np.empty((len(members), len(units[place])))
    for other in set(others.tolist()):
        rows = others == other
        found[rows] = overlaps_of(question, units[other], units[place])[numbers[rows]]
    return found
