"""From a part's answers, as a running job has them, to all that a decision about one of its tasks needs.

Not `selector.select`, which labels a job that is done: answers that are bought as long as a task is unsure agree too
well, since who agrees is asked no more. Models that learn from agreement, and comparisons by held-out answers, confirm
themselves on them (docs/adr/0035). So while a job runs what agreement says counts little, and only gold may let another
method lead. Once all answers are in, what tells held-out answers surely better may too (docs/adr/0051).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from qualification.statistics.fitted import TYPICAL_ANSWERS, PartFit, Trial
from qualification.statistics.fusion.answers import UNKNOWN, Answers, Floats, Indices, checked_gold
from qualification.statistics.fusion.calibration import fit_calibration
from qualification.statistics.fusion.drifting import weights_by_age
from qualification.statistics.fusion.em import Method
from qualification.statistics.fusion.fuse import calibrate
from qualification.statistics.fusion.matrices import DawidSkene, Ibcc, InformedDawidSkene, MatrixParameters
from qualification.statistics.fusion.priors import WEIGHTED
from qualification.statistics.fusion.selector import (
    Candidate,
    agreement_of,
    is_affordable,
    overruled_by_gold,
    told,
    tried,
    why_nothing_to_learn,
)
from qualification.statistics.fusion.votes import MOST_ACCURATE, GoldWeighted, Majority, OneCoin, coin
from qualification.statistics.parts import MOST_CLASSES, Rates

CONSENSUS_WEIGHT: Final = 0.3
"""What an answer to a task without gold says of its worker, against one to gold: consensus repeats its own errors."""

USUAL: Final = OneCoin(consensus_weight=CONSENSUS_WEIGHT)
MODELS: Final[tuple[Method, ...]] = (InformedDawidSkene(), Ibcc())
MODELS_AT_THE_END: Final[tuple[Method, ...]] = (*MODELS, DawidSkene())
"""What may lead in its place, beside majority vote."""

SURELY: Final = 2.0
"""Standard errors by which a matrix must tell held-out answers better to lead at the end."""

SURELY_VOTES: Final = 5.0
"""Those by which majority vote must: it tells them by one matrix for all, which says which errors are frequent, and so
better than its labels are. From four to six are alike on recorded crowds."""

LEAST_LEAD_OF_VOTES: Final = -2 * math.log(MOST_ACCURATE)
"""And the least by which it must: so much it seems better where nobody errs, as no accuracy is taken for a higher one,
of whom is told and of whom it is told by."""

MOST_TOLD: Final = 1_000_000
"""Answers times parts up to which held-out answers are looked at: beyond it the end of a job would wait too long."""

FEWEST_TOLD: Final = 30
"""Tasks with several answers from which on: of fewer, no standard error says much."""

DIGITS: Final = 6


@dataclass(frozen=True, eq=False)
class LearntPart:
    """What was learnt of a part, and of each worker by index; none where votes alone count. And what was tried."""

    fitted: PartFit
    rates: tuple[Rates | None, ...]
    tried: tuple[Trial, ...]


def learn_part(
    answers: Answers,
    *,
    gold: npt.ArrayLike,
    parts: int = 1,
    recency: Indices | None = None,
    is_last: bool = False,
) -> LearntPart:
    """Fit one of so many parts of a job. `gold` holds a class or `UNKNOWN` for each task. Deterministic.

    With `recency`, which orders the answers by time, the lowest the latest, a single accuracy of whoever has changed is
    what their latest answers say. Where `is_last`, as no task is asked for any more, held-out answers have a say.
    """
    truths = checked_gold(answers, gold)
    leading, because, on_trial = _leading(answers, truths, is_last=is_last and _can_be_told(answers, parts))
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
    rates = _rates(leading, answers, truths, recency) if weighs_workers else (None,) * answers.workers
    return LearntPart(fitted, rates, tuple(map(_trial, on_trial)))


def _leading(answers: Answers, gold: Indices, *, is_last: bool) -> tuple[Candidate, str, list[Candidate]]:
    """What leads and why, and all that was on trial.

    One accuracy per worker leads, unless gold says by a sign test that something else is right more often. Where gold
    has not said so, at the end a model leads that tells held-out answers surely better, or else majority vote if it
    does, and gold does not speak against it. Majority vote is the floor: gold gives it the lead by less than any other
    needs.
    """
    usual, floor = tried(USUAL, answers, gold), tried(Majority(), answers, gold)
    possible = [model for model in (MODELS_AT_THE_END if is_last else MODELS) if _is_possible(model, answers)]
    models = [tried(model, answers, gold) for model in possible] if is_last or usual.gold.truth.size else []
    on_trial = [usual, floor, *models]
    if is_last:
        floor, *models = _told_at_the_end(floor, models, answers, gold)
        on_trial = [usual, floor, tried(GoldWeighted(), answers, gold), *models]
    overruled = partial(overruled_by_gold, everybody=on_trial, floors=[usual, floor])
    leading, because = overruled(usual, "gold speaks for nothing else")
    if is_last and leading is usual:
        able = [model for model in models if not model.against] or ([] if floor.against else [floor])
        best = max(able, key=lambda candidate: candidate.told_better or 0.0, default=usual)
        told_best = "it tells held-out answers best" if able else "nothing else tells held-out answers surely better"
        leading, because = overruled(best, told_best)
    return leading, because, on_trial


def _told_at_the_end(
    floor: Candidate, models: Sequence[Candidate], answers: Answers, gold: Indices
) -> Iterator[Candidate]:
    """Majority vote and the models, with how much better each tells held-out answers than one accuracy per worker."""
    nothing_to_learn = why_nothing_to_learn(answers, agreement_of(answers))
    yield from told(
        [floor], answers, gold, than=USUAL, nothing_to_learn="", errors=SURELY_VOTES, least=LEAST_LEAD_OF_VOTES
    )
    yield from told(models, answers, gold, than=USUAL, nothing_to_learn=nothing_to_learn, errors=SURELY)


def _can_be_told(answers: Answers, parts: int) -> bool:
    several = int(np.count_nonzero(np.bincount(answers.task, minlength=answers.tasks) > 1))
    return answers.size * parts <= MOST_TOLD and several >= FEWEST_TOLD


def _is_possible(model: Method, answers: Answers) -> bool:
    return answers.classes <= MOST_CLASSES and is_affordable(model, answers)


def _trial(candidate: Candidate) -> Trial:
    return Trial(
        method=candidate.fit.method.name,
        right_on_gold=_short(candidate.right_on_gold),
        told_better=_short(candidate.told_better),
        told_error=_short(candidate.told_error),
        against=candidate.against,
    )


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS)


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
