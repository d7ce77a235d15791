"""From a part's answers, as a running job has them, to all that a decision about one of its tasks needs.

Not `selector.select`, which labels a job that is done: answers that are bought as long as a task is unsure agree too
well, since who agrees is asked no more. Models that learn from agreement, and comparisons by held-out answers, confirm
themselves on them (docs/adr/0035). So here what agreement says counts little, and only gold may let another method
lead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from qualification.statistics.fitted import TYPICAL_ANSWERS, PartFit
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Floats, Indices, checked_gold
from qualification.statistics.fusion.calibration import fit_calibration
from qualification.statistics.fusion.drifting import weights_by_age
from qualification.statistics.fusion.fuse import calibrate
from qualification.statistics.fusion.matrices import Ibcc, InformedDawidSkene, MatrixParameters
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.fusion.selector import SURE_BETTER, Candidate, is_affordable, is_better, tried
from qualification.statistics.fusion.votes import Majority, OneCoin, coin
from qualification.statistics.parts import MOST_CLASSES, Rates

CONSENSUS_WEIGHT: Final = 0.3
"""What an answer to a task without gold says of its worker, against one to gold: consensus repeats its own errors."""

DIGITS: Final = 6


@dataclass(frozen=True, eq=False)
class LearntPart:
    """What was learnt of a part, and of each worker by index; none where votes alone count."""

    fitted: PartFit
    rates: tuple[Rates | None, ...]


def learn_part(answers: Answers, *, gold: npt.ArrayLike, parts: int = 1, recency: Indices | None = None) -> LearntPart:
    """Fit one of so many parts of a job. `gold` holds a class or `UNKNOWN` for each task. Deterministic.

    With `recency`, which orders the answers by time, the lowest the latest, a single accuracy of whoever has changed is
    what their latest answers say.
    """
    truths = checked_gold(answers, gold)
    leading, because = _leading(answers, truths)
    found = (
        fit_calibration(leading.gold, WEIGHTED.of_one_of(parts))
        if isinstance(leading.fit.method, OneCoin)
        else calibrate(leading, parts=parts)
    )
    typical = _typical(answers, truths)
    weighs_workers = not isinstance(leading.fit.method, Majority)
    fitted = PartFit(
        shares=_shares(leading, answers.classes),
        calibration=replace(found.calibration, typical=typical),
        spread=tuple(replace(each, typical=typical) for each in found.spread()),
        accuracy=_accuracy(leading, answers),
        weighs_workers=weighs_workers,
        method=leading.fit.method.name,
        because=because,
    )
    if not weighs_workers:
        return LearntPart(fitted, (None,) * answers.workers)
    return LearntPart(fitted, _rates(leading, answers, truths, recency))


def _leading(answers: Answers, gold: Indices) -> tuple[Candidate, str]:
    """One accuracy per worker leads, unless gold says by a sign test that something else is right more often."""
    usual = tried(OneCoin(consensus_weight=CONSENSUS_WEIGHT), answers, gold)
    models: Sequence[InformedDawidSkene | Ibcc] = (InformedDawidSkene(), Ibcc())
    able = [model for model in models if answers.classes <= MOST_CLASSES and is_affordable(model, answers)]
    others = [tried(method, answers, gold) for method in (Majority(), *able)] if usual.gold.truth.size else []
    better = [other for other in others if is_better(other, usual, chance=SURE_BETTER)]
    if not better:
        return usual, "gold speaks for nothing else"
    return max(better, key=lambda other: other.right_on_gold or 0.0), "it is right on gold more often"


def _typical(answers: Answers, gold: Indices) -> float:
    """How many answers a task that was answered has, gold aside."""
    counts = np.bincount(answers.task, minlength=answers.tasks)
    work = counts[(gold == UNKNOWN) & (counts > 0)]
    return round(max(float(work.mean()), 1.0), DIGITS) if work.size else TYPICAL_ANSWERS


def _shares(leading: Candidate, classes: int) -> tuple[float, ...]:
    parameters = leading.fit.parameters
    if not isinstance(parameters, MatrixParameters):
        return (1 / classes,) * classes
    return tuple(_rounded(np.exp(parameters.log_classes)).tolist())


def _rates(leading: Candidate, answers: Answers, gold: Indices, recency: Indices | None) -> tuple[Rates | None, ...]:
    parameters = leading.fit.parameters
    if isinstance(parameters, MatrixParameters):
        chances = _rounded(np.exp(parameters.logs))
        return tuple(tuple(tuple(row) for row in matrix) for matrix in chances.tolist())
    accuracy = parameters.confusion(np.arange(answers.workers, dtype=np.int32))[:, 0, 0]
    if recency is not None:
        accuracy = _of_late(accuracy, leading, answers, gold, recency)
    return tuple(_rounded(accuracy).tolist())


def _of_late(accuracy: Floats, leading: Candidate, answers: Answers, gold: Indices, recency: Indices) -> Floats:
    """The accuracies, where somebody has changed with their answers of long ago counting for less."""
    right = leading.fit.posterior[answers.task, answers.said]
    weight = np.where(gold[answers.task] == UNKNOWN, CONSENSUS_WEIGHT, 1.0)
    kept = weights_by_age(recency=recency, worker=answers.worker, right=right, weight=weight, workers=answers.workers)
    rights, given = (
        np.bincount(answers.worker, each, minlength=answers.workers).astype(np.float64)
        for each in (weight * kept * right, weight * kept)
    )
    has_changed = np.bincount(answers.worker, kept < 1, minlength=answers.workers) > 0
    return np.where(has_changed, coin(rights, given - rights, classes=answers.classes).accuracy, accuracy)


def _accuracy(leading: Candidate, answers: Answers) -> float:
    """How often an answer is right, by what is believed of its task."""
    return round(float(leading.fit.posterior[answers.task, answers.said].mean()), DIGITS)


def _rounded(numbers: Floats) -> Floats:
    """To as many digits as are kept, none of them zero."""
    return np.maximum(np.round(numbers, DIGITS), 10.0**-DIGITS)
