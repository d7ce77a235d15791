"""Batches of tasks that differ from one another, so that ten labels are not spent on one picture and its copies."""

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from qualification.statistics.selection.uncertainty import Floats

Places = npt.NDArray[np.intp]

MOST_ROUNDS: Final = 20
AT_ONCE: Final = 4_000_000
"""Distances that are held at once."""


class Diversity(StrEnum):
    """How to make a batch diverse."""

    NONE = "none"
    CLUSTERS = "clusters"
    CORE_SET = "core_set"


def pick_batch(
    unsure: Floats,
    embeddings: Floats | None,
    *,
    size: int,
    diversity: Diversity,
    generator: np.random.Generator,
    labelled: Floats | None = None,
) -> Places:
    """The places of up to `size` tasks to ask about next, the best first; the same generator, the same batch.

    `unsure` has one number a task, `embeddings` one row, `labelled` a row for each task that has its label already.
    Among equals the first stands first.
    """
    count = min(size, len(unsure))
    if diversity is Diversity.NONE or embeddings is None or count == 0:
        return most_unsure(unsure, count)
    if embeddings.ndim != 2 or len(embeddings) != len(unsure) or not np.isfinite(embeddings).all():
        raise ValueError("Embeddings are one row of numbers for each task.")
    if diversity is Diversity.CLUSTERS:
        return one_of_each_cluster(unsure, embeddings, size=count, generator=generator)
    return core_set(unsure, embeddings, size=count, labelled=labelled)


def most_unsure(unsure: Floats, size: int) -> Places:
    """The tasks that the model is least sure of."""
    return np.asarray(np.argsort(-unsure, kind="stable")[:size], dtype=np.intp)


def one_of_each_cluster(unsure: Floats, embeddings: Floats, *, size: int, generator: np.random.Generator) -> Places:
    """The task nearest to the middle of each of `size` clusters, in which tasks weigh as much as they are unsure.

    Weighted k-means: F. Zhdanov, "Diverse mini-batch active learning" (2019), with the seeds of D. Arthur, S.
    Vassilvitskii, "k-means++: the advantages of careful seeding", SODA (2007).
    """
    weights = unsure + 1e-9
    middles = embeddings[_seeds(embeddings, weights, size, generator)]
    for _ in range(MOST_ROUNDS):
        nearest, _ = _nearest(embeddings, middles)
        moved = middles.copy()
        for cluster in range(len(middles)):
            members = nearest == cluster
            if members.any():
                moved[cluster] = np.average(embeddings[members], axis=0, weights=weights[members])
        if np.allclose(moved, middles):
            break
        middles = moved
    nearest, distances = _nearest(embeddings, middles)
    chosen = [
        members[np.lexsort((-unsure[members], distances[members]))[0]]
        for members in (np.flatnonzero(nearest == cluster) for cluster in range(len(middles)))
        if len(members)
    ]
    return _filled(np.array(chosen, dtype=np.intp), unsure, size)


def core_set(unsure: Floats, embeddings: Floats, *, size: int, labelled: Floats | None = None) -> Places:
    """Each time the task that is farthest from all that are labelled or chosen, times how unsure the model is of it.

    Greedy k-centre: O. Sener, S. Savarese, "Active learning for convolutional neural networks: a core-set approach",
    ICLR (2018). Without labels the most unsure task is the first.
    """
    if labelled is not None and len(labelled):
        _, gaps = _nearest(embeddings, labelled)
        chosen: list[int] = []
    else:
        chosen = [int(most_unsure(unsure, 1)[0])]
        gaps = _squared(embeddings, embeddings[chosen])[:, 0]
    weights = unsure + 1e-9
    while len(chosen) < size:
        worth = gaps * weights
        worth[chosen] = -1.0
        following = int(worth.argmax())
        chosen.append(following)
        gaps = np.minimum(gaps, _squared(embeddings, embeddings[[following]])[:, 0])
    return np.array(chosen, dtype=np.intp)


def _seeds(embeddings: Floats, weights: Floats, size: int, generator: np.random.Generator) -> list[int]:
    seeds = [int(generator.choice(len(embeddings), p=weights / weights.sum()))]
    gaps = _squared(embeddings, embeddings[seeds])[:, 0]
    while len(seeds) < size:
        chances = gaps * weights
        if chances.sum() <= 0:  # only copies of what is chosen are left
            break
        seeds.append(int(generator.choice(len(embeddings), p=chances / chances.sum())))
        gaps = np.minimum(gaps, _squared(embeddings, embeddings[seeds[-1:]])[:, 0])
    return seeds


def _nearest(points: Floats, middles: Floats) -> tuple[Places, Floats]:
    nearest, distances = np.empty(len(points), dtype=np.intp), np.empty(len(points))
    step = max(1, AT_ONCE // max(len(middles), 1))
    for start in range(0, len(points), step):
        gaps = _squared(points[start : start + step], middles)
        nearest[start : start + step] = gaps.argmin(axis=1)
        distances[start : start + step] = gaps.min(axis=1)
    return nearest, distances


def _squared(points: Floats, middles: Floats) -> Floats:
    products = points @ middles.T
    lengths = (points**2).sum(axis=1)[:, None] + (middles**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(lengths - 2 * products, 0.0), dtype=np.float64)


def _filled(chosen: Places, unsure: Floats, size: int) -> Places:
    everything = most_unsure(unsure, len(unsure))
    rest = everything[~np.isin(everything, chosen)]
    ordered = np.concatenate([chosen[np.argsort(-unsure[chosen], kind="stable")], rest])
    return np.asarray(ordered[:size], dtype=np.intp)
