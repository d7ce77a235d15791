"""Simulated crowds for the tests of fusion: truths, workers with known ways to err, and the answers that follow."""

from dataclasses import dataclass

import numpy as np

from qualification.statistics.fusion.answers import UNKNOWN, Answers, Floats, Indices


@dataclass(frozen=True)
class Crowd:
    """Answers together with what nobody outside a simulation knows: truths, and each worker's matrix."""

    answers: Answers
    truth: Indices
    matrices: Floats

    def gold(self, share: float) -> Indices:
        """The truths of the first tasks, as many as the share says; the others unknown."""
        known = np.full(self.answers.tasks, UNKNOWN, dtype=np.int32)
        first = round(share * self.answers.tasks)
        known[:first] = self.truth[:first]
        return known

    def right(self, labels: Indices) -> float:
        """The share of tasks whose label is the truth."""
        return float(np.mean(labels == self.truth))


def matrices_of(accuracies: Floats, classes: int) -> Floats:
    """One matrix a worker: right with the accuracy, wrong in all other ways alike."""
    wrong = (1 - accuracies) / (classes - 1)
    matrices = np.repeat(wrong, classes * classes).reshape(-1, classes, classes)
    matrices[:, np.arange(classes), np.arange(classes)] = accuracies[:, None]
    return matrices


def a_crowd(
    *,
    matrices: Floats,
    tasks: int = 400,
    overlap: int = 5,
    shares: tuple[float, ...] | None = None,
    seed: int = 1,
) -> Crowd:
    """Every task is answered by so many different workers, drawn at random, who err as their matrices say."""
    chance = np.random.default_rng(seed)
    workers, classes, _ = matrices.shape
    truth = chance.choice(classes, size=tasks, p=shares).astype(np.int32)
    who = np.argsort(chance.random((tasks, workers)), axis=1)[:, :overlap]
    task, worker = np.repeat(np.arange(tasks), overlap), who.ravel()
    bounds = matrices[worker, truth[task]].cumsum(axis=1)
    said = np.minimum((chance.random(len(task))[:, None] > bounds).sum(axis=1), classes - 1)
    answers = Answers.of(task=task, worker=worker, said=said, tasks=tasks, workers=workers, classes=classes)
    return Crowd(answers=answers, truth=truth, matrices=matrices)


def a_mixed_crowd(*, classes: int = 3, tasks: int = 400, overlap: int = 5, seed: int = 1) -> Crowd:
    """Ten good workers, ten fair ones, ten who guess."""
    accuracies = np.repeat([0.9, 0.65, 1 / classes], 10)
    return a_crowd(matrices=matrices_of(accuracies, classes), tasks=tasks, overlap=overlap, seed=seed)


def a_biased_crowd(*, tasks: int = 600, overlap: int = 7, seed: int = 2) -> Crowd:
    """Two classes: most workers rarely see the second one, some see it everywhere; one accuracy cannot tell."""
    blind, eager = [[0.98, 0.02], [0.7, 0.3]], [[0.6, 0.4], [0.02, 0.98]]
    return a_crowd(matrices=np.array([blind] * 20 + [eager] * 10), tasks=tasks, overlap=overlap, seed=seed)
