"""New answers between two fits: one pass over them, without the old ones."""

import numpy as np
import numpy.typing as npt

from qualification.statistics.fusion.answers import Answers, Floats, anchored, checked_gold, normalised
from qualification.statistics.fusion.em import Fit, Parameters, Statistics
from qualification.statistics.fusion.votes import Majority


def absorb(fitted: Fit, new: Answers, *, gold: npt.ArrayLike | None = None) -> Fit:
    """The fit after one pass over new answers.

    Incremental EM (R. M. Neal, G. E. Hinton, "A view of the EM algorithm that justifies incremental, sparse, and other
    variants" (1998); O. Cappé, E. Moulines, "On-line expectation-maximization algorithm for latent data models",
    Journal of the Royal Statistical Society B 71 (2009)): beliefs of the tasks that were answered move by what the new
    answers say, expected counts grow by them, and the parameters follow. What old answers to these tasks now say of
    their workers is left to the next `fit`, with this posterior as its start.

    `new` has at least as many tasks and workers as the fit; those beyond are new. `gold` is that of all tasks in `new`.
    Raises ValueError for fewer tasks or workers, other classes, and for majority vote, which is counted and not learnt.
    """
    if isinstance(fitted.method, Majority):
        raise ValueError("Majority vote is counted anew; there is nothing to add to.")
    truths = checked_gold(new, gold)
    grown = _grown_statistics(fitted, new)
    parameters = fitted.method.estimate(grown)
    before = _scores_before(parameters, new)
    touched = np.unique(new.task)
    posterior = _grown_posterior(fitted, before, new.tasks)
    scores = _logarithms(posterior[touched]) + parameters.scores(new)[touched] - before
    posterior[touched], _ = normalised(scores)
    anchored(posterior, truths)
    added = fitted.method.gather(new, posterior, truths)
    statistics = Statistics(cells=grown.cells + added.cells, classes=posterior.sum(axis=0))
    return Fit(
        method=fitted.method,
        posterior=posterior,
        parameters=fitted.method.estimate(statistics),
        statistics=statistics,
        steps=1,
        change=float("inf"),
        converged=False,
        log_likelihood=float("nan"),
    )


def _grown_statistics(fitted: Fit, new: Answers) -> Statistics:
    """The fit's expected counts with empty rows for workers that are new."""
    cells = fitted.statistics.cells
    if new.workers < len(cells) or new.classes != len(fitted.statistics.classes):
        raise ValueError(f"The fit knows {len(cells)} workers and {len(fitted.statistics.classes)} classes.")
    grown = np.zeros((new.workers, *cells.shape[1:]))
    grown[: len(cells)] = cells
    return Statistics(cells=grown, classes=fitted.statistics.classes)


def _grown_posterior(fitted: Fit, before: Floats, tasks: int) -> Floats:
    """The fit's posterior with a row for each new task: what is believed before any answer."""
    old = fitted.posterior
    if tasks < len(old):
        raise ValueError(f"The fit knows {len(old)} tasks, which is more than {tasks}.")
    share, _ = normalised(before.copy())
    grown = np.repeat(share, tasks, axis=0)
    grown[: len(old)] = old
    return grown


def _scores_before(parameters: Parameters, new: Answers) -> Floats:
    """The scores of a task without answers, 1 × classes."""
    nobody: list[int] = []
    empty = Answers.of(task=nobody, worker=nobody, said=nobody, tasks=1, workers=new.workers, classes=new.classes)
    return parameters.scores(empty)


def _logarithms(posterior: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(np.log(posterior), -690.0), dtype=np.float64)
