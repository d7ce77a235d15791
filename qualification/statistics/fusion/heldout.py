"""What a fit is worth, seen on what it was not shown: gold without its truth, and answers that were held out."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from qualification.statistics.fusion.answers import UNKNOWN, Answers, Flags, Floats, Indices, normalised, vote_shares
from qualification.statistics.fusion.em import Fit, Method, fit

GOLD_FOLDS: Final = 10
GOLD_STEPS: Final = 10
"""A fit that starts from the one with all gold needs few steps to forget a tenth of it."""

ANSWER_FOLDS: Final = 5
ENOUGH_HELD_OUT: Final = 5_000
"""Answers held out, beyond which another fold would hardly make the comparison sharper."""

LEAST_PROBABLE: Final = 1e-6
"""No answer is taken for less likely: one surprise must not decide over a whole method."""


@dataclass(frozen=True, eq=False)
class GoldView:
    """Gold as its tasks look when their truth is not known.

    Where gold is answered several times as often as work, its tasks are cut into that many pieces, to look like work.
    `posterior` and `votes` are pieces × classes, `truth` and `task` one per piece, and the `weight` of a task's pieces
    sums to 1.
    """

    posterior: Floats
    votes: Floats
    truth: Indices
    task: Indices
    weight: Floats


def gold_view(fitted: Fit, answers: Answers, gold: Indices) -> GoldView:
    """What the method believes of gold that it is not told: fitted anew without a tenth of the gold, in turn."""
    pieces, task = _cut_like_work(answers, gold)
    truth = gold[task]
    posterior = np.empty((pieces.tasks, pieces.classes))
    known = np.unique(task)
    folds = min(GOLD_FOLDS, len(known))
    shares = vote_shares(answers.votes)
    for fold in range(folds):
        hidden = known[fold::folds]
        without, start = gold.copy(), fitted.posterior.copy()
        without[hidden], start[hidden] = UNKNOWN, shares[hidden]
        again = fit(fitted.method, answers, gold=without, start=start, most_steps=GOLD_STEPS)
        rows = np.isin(task, hidden)
        believed, _ = normalised(again.parameters.scores(pieces))
        posterior[rows] = believed[rows]
    weight = 1 / np.bincount(task, minlength=answers.tasks)[task] if len(task) else np.empty(0)
    return GoldView(posterior=posterior, votes=pieces.votes, truth=truth, task=task, weight=weight)


def held_out_folds(answers: Answers) -> list[Flags]:
    """Which answers are held out, fold by fold: a fifth of each task's, never all of them, until they are enough."""
    starts = np.searchsorted(answers.task, np.arange(answers.tasks))
    rank = np.arange(answers.size) - starts[answers.task]
    several = np.bincount(answers.task, minlength=answers.tasks)[answers.task] >= 2
    folds: list[Flags] = []
    while len(folds) < ANSWER_FOLDS and sum(int(fold.sum()) for fold in folds) < ENOUGH_HELD_OUT:
        folds.append(((rank + answers.task) % ANSWER_FOLDS == len(folds)) & several)
    return folds


def held_out_likelihood(method: Method, answers: Answers, gold: Indices, folds: list[Flags]) -> Floats:
    """For each held-out answer, fold by fold: the logarithm of the probability that the method gives it."""
    found = []
    for held in folds:
        fitted = fit(method, answers.only(~held), gold=gold)
        task, worker, said = answers.task[held], answers.worker[held], answers.said[held]
        chance = (fitted.posterior[task] * fitted.parameters.predicted(worker, said)).sum(axis=1)
        found.append(np.log(np.maximum(chance, LEAST_PROBABLE)))
    return np.concatenate(found) if found else np.empty(0)


def _cut_like_work(answers: Answers, gold: Indices) -> tuple[Answers, Indices]:
    """The answers to gold tasks as tasks of their own, cut to the size of work; and which task each comes from."""
    counts = np.bincount(answers.task, minlength=answers.tasks)
    known = np.flatnonzero((gold != UNKNOWN) & (counts > 0))
    work = counts[(gold == UNKNOWN) & (counts > 0)]
    oftener = counts[known].mean() / work.mean() if known.size and work.size else 1.0
    cuts = np.clip(np.round(oftener), 1, counts[known]).astype(np.int64)
    cuts[counts[known] <= (work.mean() if work.size else 0)] = 1  # like work as they are: work that was inspected
    first = np.zeros(answers.tasks, dtype=np.int64)
    first[known] = np.cumsum(cuts) - cuts
    of_task = np.ones(answers.tasks, dtype=np.int64)
    of_task[known] = cuts
    kept = gold[answers.task] != UNKNOWN
    rows = np.flatnonzero(kept)
    rank = rows - np.searchsorted(answers.task, answers.task[rows])
    piece = first[answers.task[rows]] + rank % of_task[answers.task[rows]]
    pieces = Answers.of(
        task=piece,
        worker=answers.worker[rows],
        said=answers.said[rows],
        tasks=int(cuts.sum()),
        workers=answers.workers,
        classes=answers.classes,
    )
    return pieces, np.repeat(known, cuts).astype(np.int32)
