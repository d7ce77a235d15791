"""Fits as they are read back: what was learnt of a job and of each worker who had answered by then, by which method."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from marketplace.models import Fit, Job
from qualification.labels.habits import Habits, read_habits
from qualification.labels.results import Answer
from qualification.statistics.automation.voter import measured_accuracy, rates_read
from qualification.statistics.consensus import Vote
from qualification.statistics.fitted import BY_SCORE, UNFITTED, JobFit, read_fit, read_rates
from qualification.statistics.parts import Part, Rates

HABITS: Final = "workers' habits"

LATEST_FIT: Final = """
SELECT fit.id,
       jsonb_build_object('number', fit.number, 'parts', fit.parts, 'resemblance', fit.resemblance) AS learnt
FROM marketplace_fit fit WHERE fit.job_id = %(job)s ORDER BY fit.number DESC LIMIT 1
"""
"""The fit that weighs the answers of a job now, if there is one."""


@lru_cache(maxsize=256)
def fit_written(learnt: str | None) -> JobFit:
    """The fit of which this is written; without any, what is so before a job is fitted."""
    if not learnt:
        return UNFITTED
    written = json.loads(learnt)
    return read_fit(written["parts"], written["resemblance"], number=written["number"])


def rates_written(rates: str | None, fit: JobFit) -> Mapping[Part, Rates]:
    """What a fit knows of a worker, from how it is written; nothing of one who answered only later."""
    if not rates:
        return {}
    by_part = zip(fit.parts, json.loads(rates), strict=True)
    return {part: read_rates(each) for part, each in by_part if each is not None}


def habits_written(habits: str | None) -> Habits:
    """How a worker answers what is no choice, from how it is written; nothing where only the score says."""
    return read_habits(json.loads(habits)) if habits else {}


def methods_by(job: Job, fit_number: int | None) -> list[str]:
    """By what this fit of a job weighs answers, or what weighs them before any: each method once."""
    if fit_number is None:
        return [BY_SCORE]
    parts, habits = Fit.objects.values_list("parts", "habits").get(job=job, number=fit_number)
    return methods_in(parts, habits)


def methods_in(parts: Iterable[Mapping[str, Any]], habits: Iterable[Mapping[str, Any]]) -> list[str]:
    """The methods that a fit has found for what has classes, and what weighs answers that are none: each once."""
    others = {HABITS if trial["is_used"] else BY_SCORE for trial in habits}
    return sorted({part["method"] for part in parts} | others)


@lru_cache(maxsize=256)
def predictor_rates_written(error_rates: str | None) -> Mapping[Part, Rates]:
    """How a model errs in the parts of its job, from how it is written; nothing before it is counted."""
    return rates_read(json.loads(error_rates)) if error_rates else {}


def model_vote(answer_key: str, *, right: int, wrong: int, error_rates: str | None, candidates: int) -> Vote | None:
    """A prediction by what its model has shown in its job; one that shows no more than guessing has no vote."""
    accuracy = measured_accuracy(right=right, wrong=wrong, candidates=candidates)
    if accuracy <= 1 / candidates:
        return None
    return Vote(Answer.from_key(answer_key), accuracy, is_model=True, rates=predictor_rates_written(error_rates))
