"""Adaptive overlap, replayed: how many of the recorded answers it takes to be as right as the majority of all of them.

Gold tasks get all their answers first, and these count as spent. Then every open task is given one answer a round,
that of its best worker who is left; the model is fitted again; and `online.judge` decides, task by task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from marketplace.bench.quality.recordings import Recording
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Flags, Floats, Indices, leaders
from qualification.statistics.fusion.calibration import fit_calibration
from qualification.statistics.fusion.em import Fit, fit
from qualification.statistics.fusion.heldout import gold_view
from qualification.statistics.fusion.online import Belief, Calibration, Policy, judge
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.fusion.votes import GoldWeighted, OneCoin, majority
from qualification.statistics.stopping import Decision

LEAST_OVERLAP: Final = 9.0
CONFIDENCE: Final = 0.95
OVERLAP_MIN: Final = 2
CONSENSUS_WEIGHT: Final = 0.3
"""What an answer to a task without gold says of its worker, against one to gold: consensus repeats its own errors."""

CODE: Final = OneCoin(consensus_weight=CONSENSUS_WEIGHT)


@dataclass(frozen=True)
class Replay:
    """One set in one draw: answers spent of all, and accuracy on the tasks without gold beside the full majority's."""

    spent: int
    recorded: int
    right: float
    majority_right: float
    confidence: float

    @property
    def share(self) -> float:
        """The answers spent, of all that were recorded."""
        return self.spent / self.recorded


@dataclass(frozen=True)
class ReplayFindings:
    """One set over all draws."""

    name: str
    overlap: float
    judged: int
    replays: list[Replay]

    @property
    def share(self) -> float:
        """The mean share of answers spent."""
        return float(np.mean([replay.share for replay in self.replays]))

    @property
    def lead(self) -> float:
        """The mean lead in accuracy over the majority of all answers."""
        return float(np.mean([replay.right - replay.majority_right for replay in self.replays]))


def measure_replays(
    recordings: Sequence[Recording], *, draws: int, share: float, tell: Callable[[str], None]
) -> list[ReplayFindings]:
    """All sets with at least nine answers a task, each with so many draws of gold."""
    found = []
    for recording in recordings:
        if recording.overlap < LEAST_OVERLAP:
            continue
        once = first_turns(recording)
        replays = []
        for seed in range(draws):
            tell(f"{recording.name}: replay {seed + 1} of {draws}")
            gold, left = once.draw(seed=seed, share=share)
            replays.append(replay(once, gold, left, np.random.default_rng(seed)))
        found.append(ReplayFindings(recording.name, recording.overlap, len(left), replays))
    return found


def replay(recording: Recording, gold: Indices, left: Indices, chance: np.random.Generator) -> Replay:
    """Spend answers task by task until each is decided. Equals among workers go in an order drawn by `chance`."""
    answers, drawn = recording.answers, chance.random(recording.answers.size)
    recorded = np.bincount(answers.task, minlength=answers.tasks)
    spent: Flags = gold[answers.task] != UNKNOWN
    open_tasks: Flags = (gold == UNKNOWN) & (recorded > 0)
    calibration = _calibration(answers.only(spent), gold)
    fitted = _fitted(answers.only(spent), gold, None)
    labels = np.where(gold == UNKNOWN, 0, gold)
    confidence = np.ones(answers.tasks)
    while open_tasks.any():
        best, second = _best_two(answers, ~spent & open_tasks[answers.task], _accuracies(fitted), drawn)
        spent[best] = True
        given = answers.only(spent)
        fitted = _fitted(given, gold, fitted)
        scores, following = fitted.parameters.scores(given), _next_accuracies(answers, second, fitted)
        for task in np.flatnonzero(open_tasks).tolist():
            belief = Belief(tuple(scores[task].tolist()), tuple(given.votes[task].astype(int).tolist()))
            policy = Policy(
                confidence=CONFIDENCE, overlap_min=min(OVERLAP_MIN, recorded[task]), overlap_max=int(recorded[task])
            )
            verdict = judge(belief, policy=policy, calibration=calibration, next_accuracy=following[task])
            labels[task], confidence[task] = verdict.leader, verdict.confidence
            open_tasks[task] = verdict.decision is Decision.ONE_MORE
    truth = recording.truth[left]
    return Replay(
        spent=int(spent.sum()),
        recorded=answers.size,
        right=float(np.mean(labels[left] == truth)),
        majority_right=float(np.mean(leaders(majority(answers).posterior)[left] == truth)),
        confidence=float(confidence[left].mean()),
    )


def first_turns(recording: Recording) -> Recording:
    """The recording with each worker's first answer to a task only."""
    answers = recording.answers
    again = np.zeros(answers.size, dtype=bool)
    again[1:] = (np.diff(answers.task) == 0) & (np.diff(answers.worker) == 0)
    return replace(recording, answers=answers.only(~again))


def _calibration(of_gold: Answers, gold: Indices) -> Calibration:
    """What the answers to gold say of confidence, before any work is asked for."""
    view = gold_view(fit(GoldWeighted(), of_gold, gold=gold), of_gold, gold)
    return fit_calibration(view, WEIGHTED).calibration


def _fitted(given: Answers, gold: Indices, before: Fit | None) -> Fit:
    return fit(CODE, given, gold=gold, start=None if before is None else before.posterior)


def _accuracies(fitted: Fit) -> Floats:
    workers = np.arange(len(fitted.statistics.cells), dtype=np.int32)
    return np.asarray(fitted.parameters.confusion(workers)[:, 0, 0], dtype=np.float64)


def _best_two(answers: Answers, waiting: Flags, accuracy: Floats, drawn: Floats) -> tuple[Indices, Indices]:
    """Of each task's waiting answers, that of its best worker, and that of the next best if there is one."""
    rows = np.flatnonzero(waiting)
    order = np.lexsort((drawn[rows], -accuracy[answers.worker[rows]], answers.task[rows]))
    rows = rows[order]
    first = np.r_[True, np.diff(answers.task[rows]) != 0]
    second = np.r_[False, first[:-1]] & ~first
    return rows[first].astype(np.int32), rows[second].astype(np.int32)


def _next_accuracies(answers: Answers, second: Indices, fitted: Fit) -> Floats:
    """For each task the accuracy of who would answer next, the mean of all where nobody is left."""
    accuracy = _accuracies(fitted)
    following = np.full(answers.tasks, accuracy.mean())
    following[answers.task[second]] = accuracy[answers.worker[second]]
    return following
