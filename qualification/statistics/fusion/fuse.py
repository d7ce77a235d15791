"""The whole way from a job's answers to its labels: choose a method, fit it, calibrate what it says."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qualification.statistics.fusion.answers import Answers, Floats, Indices, anchored, checked_gold, leaders
from qualification.statistics.fusion.calibration import FittedCalibration, calibrated, fit_calibration
from qualification.statistics.fusion.em import Fit, Method
from qualification.statistics.fusion.heldout import GoldView
from qualification.statistics.fusion.priors import LEARNT, VOTES, WEIGHTED, Prior
from qualification.statistics.fusion.selector import Candidate, Selection, select
from qualification.statistics.fusion.votes import GoldWeighted, Majority


@dataclass(frozen=True, eq=False)
class Fused:
    """A job's labels. `posterior` is tasks × classes and calibrated, gold certain; a task's label is its leader.

    `confidence` is the probability, 0 to 1, that the label is right. `selection` tells which method made it, and why.
    """

    labels: Indices
    confidence: Floats
    posterior: Floats
    selection: Selection
    calibration: FittedCalibration


def fuse(answers: Answers, *, gold: npt.ArrayLike | None = None) -> Fused:
    """Label a job. `gold` holds a class or `UNKNOWN` per task; raises ValueError for gold of another shape."""
    truths = checked_gold(answers, gold)
    selection = select(answers, gold=truths)
    fitted, calibration = selection.chosen.fit, calibrate(selection.chosen)
    posterior = calibrated(calibration.calibration, evidence_of(fitted), answers.votes)
    anchored(posterior, truths)
    labels = leaders(posterior)
    confidence = posterior[np.arange(answers.tasks), labels]
    return Fused(
        labels=labels, confidence=confidence, posterior=posterior, selection=selection, calibration=calibration
    )


def calibrate(candidate: Candidate, *, parts: int = 1) -> FittedCalibration:
    """The calibration of what a candidate says, from the gold that it was not told; of one of so many `parts`."""
    view, method = candidate.gold, candidate.fit.method
    if isinstance(method, Majority):
        view = GoldView(_alike(view.posterior), view.votes, view.truth, view.task, view.weight)
    return fit_calibration(view, prior_of(method).of_one_of(parts))


def evidence_of(fitted: Fit) -> Floats:
    """What is calibrated together with the vote shares: the posterior, except where it is the vote shares."""
    return _alike(fitted.posterior) if isinstance(fitted.method, Majority) else fitted.posterior


def prior_of(method: Method) -> Prior:
    """What is believed of a method's confidence before gold."""
    if isinstance(method, Majority):
        return VOTES
    return WEIGHTED if isinstance(method, GoldWeighted) else LEARNT


def _alike(posterior: Floats) -> Floats:
    return np.full_like(posterior, 1 / posterior.shape[1])
