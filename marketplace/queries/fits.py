"""Fits as they are read back: what was learnt of a job, and of each worker who had answered by then."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from qualification.statistics.fitted import UNFITTED, JobFit, read_fit, read_rates
from qualification.statistics.parts import Part, Rates

LATEST_FIT: Final = """
SELECT fit.id, fit.parts FROM marketplace_fit fit WHERE fit.job_id = %(job)s ORDER BY fit.number DESC LIMIT 1
"""
"""The fit that weighs the answers of a job now, if there is one."""


@lru_cache(maxsize=256)
def fit_written(parts: str | None) -> JobFit:
    """The fit whose ``parts`` are written like this; without any, what is so before a job is fitted."""
    return read_fit(json.loads(parts)) if parts else UNFITTED


def rates_written(rates: str | None, fit: JobFit) -> Mapping[Part, Rates]:
    """What a fit knows of a worker, from how it is written; nothing of one who answered only later."""
    if not rates:
        return {}
    by_part = zip(fit.parts, json.loads(rates), strict=True)
    return {part: read_rates(each) for part, each in by_part if each is not None}
