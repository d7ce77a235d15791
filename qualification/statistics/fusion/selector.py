"""Which method labels a job: chosen from gold, held-out answers and agreement, with majority vote as the floor.

The rules and what they rest on are docs/adr/0017. No method wins everywhere, so each must earn its place on the job
itself:

1. A model learns from agreement. Where answers agree no better than chance, or where most come from workers who only
ever say one class (rules do: that they answer at all is what they say), there is nothing for it to learn from. 2. A
model must tell held-out answers better than majority vote does, by a standard error. Of those that do, the best leads.
3. A model that gives many tasks a class that nobody named for them has found something other than the classes. 4. Gold
overrules: what is right more often on gold, by a sign test, takes the lead, and majority vote takes it back from
whatever gold speaks against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from qualification.statistics.agreement import GivenValues, krippendorff_alpha
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Flags, Floats, Indices, checked_gold, leaders
from qualification.statistics.fusion.em import Fit, Method, fit
from qualification.statistics.fusion.heldout import GoldView, gold_view, held_out_folds, held_out_likelihood
from qualification.statistics.fusion.matrices import DawidSkene, Ibcc, InformedDawidSkene
from qualification.statistics.fusion.votes import GoldWeighted, Majority, OneCoin

MODELS: Final[tuple[Method, ...]] = (OneCoin(), InformedDawidSkene(), Ibcc(), DawidSkene())
"""What may lead beside votes, the simplest first."""

LARGEST_MATRICES: Final = 20_000_000
"""Cells of all workers' matrices together, beyond which only votes and one coin are tried: 160 MB an array."""

SURE_BETTER: Final = 0.05
SURE_WORSE: Final = 0.1
"""The chance, by a sign test, that gold only seems to prefer: to take the lead; for majority vote to take it back."""

MOST_UNNAMED: Final = 0.1
"""Of the tasks without gold, the share that may get a class that nobody named for them."""

ONE_CLASS_ANSWERS: Final = 10
"""Answers of a worker from which on it means something that all are of one class."""

MOST_ONE_CLASS: Final = 0.5
"""Of all answers, the share that may come from workers who only ever say one class."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A method on trial: its fit, what it makes of gold, and what was found about it.

    `told_better` is by how much the mean log-probability of a held-out answer exceeds that of what it is compared with
    (in `select` majority vote), with its standard error `told_error`; `unnamed` the share of tasks without gold whose
    class nobody named; `right_on_gold` the share of gold that it gets right without knowing. `against` says why it may
    not lead, if so. None where it was not looked at.
    """

    fit: Fit
    gold: GoldView
    told_better: float | None
    told_error: float | None
    unnamed: float
    right_on_gold: float | None
    against: str


@dataclass(frozen=True, eq=False)
class Selection:
    """The candidate that leads, why, and all that were on trial, majority vote first."""

    chosen: Candidate
    because: str
    candidates: tuple[Candidate, ...]
    alpha: float | None


def select(answers: Answers, *, gold: npt.ArrayLike | None = None, models: Sequence[Method] = MODELS) -> Selection:
    """Fit and try all methods on a job, and pick one. Deterministic; at most some hundred EM steps over the answers.

    `gold` holds a class or `UNKNOWN` per task. Raises ValueError for gold of another shape.
    """
    truths = checked_gold(answers, gold)
    alpha = agreement_of(answers)
    nothing_to_learn = why_nothing_to_learn(answers, alpha)
    floor = tried(Majority(), answers, truths)
    weighted = tried(GoldWeighted(), answers, truths)
    on_trial = [tried(model, answers, truths) for model in models if is_affordable(model, answers)]
    judged = told(on_trial, answers, truths, than=Majority(), nothing_to_learn=nothing_to_learn)
    candidates = (floor, weighted, *judged)
    chosen, because = _choose(floor, weighted, judged)
    return Selection(chosen=chosen, because=because, candidates=candidates, alpha=alpha)


def is_better(one: Candidate, other: Candidate, *, chance: float) -> bool:
    """Whether gold says so: `one` is right where `other` is wrong more often than the reverse, by a one-sided sign
    test.

    W. J. Conover, "Practical Nonparametric Statistics", 3rd edition (1999), 3.4. Each gold task counts once.
    """
    lead = _right_by_task(one.gold) - _right_by_task(other.gold)
    wins, losses = int((lead > 0).sum()), int((lead < 0).sum())
    return wins > losses and float(binom.sf(wins - 1, wins + losses, 0.5)) < chance


def _choose(floor: Candidate, weighted: Candidate, judged: Sequence[Candidate]) -> tuple[Candidate, str]:
    able = [candidate for candidate in judged if not candidate.against]
    leading, because = floor, "no model tells held-out answers better"
    if able:
        leading = max(able, key=lambda candidate: candidate.told_better or 0.0)
        because = "it tells held-out answers best"
    return overruled_by_gold(leading, because, everybody=[floor, weighted, *judged], floors=[floor])


def overruled_by_gold(
    leading: Candidate, because: str, *, everybody: Sequence[Candidate], floors: Sequence[Candidate]
) -> tuple[Candidate, str]:
    """What leads once gold has spoken, and why: by the fourth rule. What is a floor takes the lead back, in turn."""
    better = [candidate for candidate in everybody if is_better(candidate, leading, chance=SURE_BETTER)]
    if better:
        leading = max(better, key=lambda candidate: candidate.right_on_gold or 0.0)
        because = "it is right on gold more often"
    for floor in floors:
        if leading is not floor and is_better(floor, leading, chance=SURE_WORSE):
            leading, because = floor, "gold speaks against what would lead"
    return leading, because


def tried(method: Method, answers: Answers, gold: Indices) -> Candidate:
    """A method fitted to a job, and what it makes of gold that it is not told; not yet compared with others."""
    fitted = fit(method, answers, gold=gold)
    view = gold_view(fitted, answers, gold)
    open_tasks = np.flatnonzero((gold == UNKNOWN) & (answers.votes.sum(axis=1) > 0))
    unnamed = answers.votes[open_tasks, fitted.labels[open_tasks]] == 0
    return Candidate(
        fit=fitted,
        gold=view,
        told_better=None,
        told_error=None,
        unnamed=float(unnamed.mean()) if open_tasks.size else 0.0,
        right_on_gold=float(_right(view) @ view.weight / view.weight.sum()) if view.weight.size else None,
        against="",
    )


def told(
    on_trial: Sequence[Candidate],
    answers: Answers,
    gold: Indices,
    *,
    than: Method,
    nothing_to_learn: str,
    errors: float = 1.0,
    least: float = 0.0,
) -> list[Candidate]:
    """The candidates with what held-out answers say of them, compared with another method.

    Against one speaks that it does not tell them better by so many standard errors and by `least`, by the second rule;
    and the first and the third rule (`nothing_to_learn` is what `why_nothing_to_learn` says).
    """
    folds = held_out_folds(answers)
    task = np.concatenate([answers.task[held] for held in folds]) if folds else np.empty(0, dtype=np.int32)
    if nothing_to_learn or not task.size:
        why = nothing_to_learn or "no task has two answers"
        return [_with(candidate, told_better=None, told_error=None, against=why) for candidate in on_trial]
    floor = held_out_likelihood(than, answers, gold, folds)
    judged = []
    for candidate in on_trial:
        lead = held_out_likelihood(candidate.fit.method, answers, gold, folds) - floor
        mean, error = float(lead.mean()), _error_by_task(lead, task, answers.tasks)
        against = "" if mean > max(errors * error, least) else f"it tells held-out answers no better than {than.name}"
        if candidate.unnamed > MOST_UNNAMED:
            against = f"it gives {candidate.unnamed:.0%} of the tasks a class that nobody named for them"
        judged.append(_with(candidate, told_better=mean, told_error=error, against=against))
    return judged


def _with(candidate: Candidate, *, told_better: float | None, told_error: float | None, against: str) -> Candidate:
    return Candidate(
        fit=candidate.fit,
        gold=candidate.gold,
        told_better=told_better,
        told_error=told_error,
        unnamed=candidate.unnamed,
        right_on_gold=candidate.right_on_gold,
        against=against,
    )


def _error_by_task(lead: Floats, task: Indices, tasks: int) -> float:
    """The standard error of the mean; answers to one task are not independent, so their sums are what varies."""
    centred = np.bincount(task, lead - lead.mean(), minlength=tasks)
    return float(np.sqrt((centred**2).sum())) / len(lead)


def why_nothing_to_learn(answers: Answers, alpha: float | None) -> str:
    """Why models cannot learn from answers that agree so much, by the first rule; empty where they can."""
    if alpha is None or alpha <= 0:
        return "answers agree no better than chance"
    said = np.zeros((answers.workers, answers.classes))
    np.add.at(said, (answers.worker, answers.said), 1)
    given = said.sum(axis=1)
    one_class = (said.max(axis=1) == given) & (given >= ONE_CLASS_ANSWERS)
    if given[one_class].sum() > MOST_ONE_CLASS * answers.size:
        return "most answers come from workers who only ever say one class"
    return ""


def agreement_of(answers: Answers) -> float | None:
    """Krippendorff's alpha of the answers; of repeated ones the first counts."""
    pairs = answers.task.astype(np.int64) * max(answers.workers, 1) + answers.worker
    _, first = np.unique(pairs, return_index=True)
    return krippendorff_alpha(
        GivenValues.of(task=answers.task[first], worker=answers.worker[first], value=answers.said[first])
    )


def is_affordable(model: Method, answers: Answers) -> bool:
    """Whether the matrices of all workers together stay within what is kept in memory."""
    return isinstance(model, OneCoin) or answers.workers * answers.classes**2 <= LARGEST_MATRICES


def _right(view: GoldView) -> Floats:
    right: Flags = leaders(view.posterior) == view.truth
    return right.astype(np.float64)


def _right_by_task(view: GoldView) -> Floats:
    """For each gold task, in order, the share of its pieces that are right."""
    _, place = np.unique(view.task, return_inverse=True)
    return np.bincount(place, _right(view) * view.weight).astype(np.float64)
