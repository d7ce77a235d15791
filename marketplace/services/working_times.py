"""How long an answer takes: from what was measured, or else from what the client guesses."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from django.db import connection

from marketplace.models import Job

Basis = Literal["own_answers", "earlier_jobs", "guess"]

FEWEST_ANSWERS: Final = 5
"""From fewer answers no quartiles are taken."""

ANSWERS_LOOKED_AT: Final = 1_000
JOBS_LOOKED_AT: Final = 10


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """Seconds that one answer takes, from claim to answer: quartiles and median; and what that rests on.

    ``answers`` is how many were measured, 0 for a guess, whose range is from half of it to twice.
    """

    low_seconds: float
    expected_seconds: float
    high_seconds: float
    basis: Basis
    answers: int


def expected_seconds(job: Job, *, guess_seconds: int | None = None) -> WorkingTime | None:
    """How long an answer in ``job`` takes, or None when nothing was measured or guessed.

    Measured in this job, else in the client's latest jobs that need the same skill; else the guess that is given here
    or else with the job. Rejected and late answers do not count.
    """
    measured = _measured([job], "own_answers")
    if measured is None:
        same = Job.objects.filter(client=job.client_id, skill=job.skill_id, launched_at__isnull=False)
        measured = _measured(same.exclude(pk=job.pk).order_by("-launched_at", "-id")[:JOBS_LOOKED_AT], "earlier_jobs")
    if measured is not None:
        return measured
    guess = guess_seconds or job.guess_seconds
    return WorkingTime(guess / 2, float(guess), guess * 2.0, "guess", 0) if guess else None


def _measured(jobs: Iterable[Job], basis: Basis) -> WorkingTime | None:
    ids = [job.pk for job in jobs]
    with connection.cursor() as cursor:
        cursor.execute(_QUARTILES, {"jobs": ids, "most": ANSWERS_LOOKED_AT})
        answers, quartiles = cursor.fetchone()
    if answers < FEWEST_ANSWERS:
        return None
    low, median, high = quartiles
    return WorkingTime(low, median, high, basis, answers)


_QUARTILES: Final = """
SELECT count(*), percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY seconds) FROM (
    SELECT answer.seconds FROM marketplace_assignment turn
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    WHERE turn.job_id = ANY(%(jobs)s) AND turn.state IN ('submitted', 'accepted')
    ORDER BY turn.claimed_at DESC, turn.id DESC LIMIT %(most)s
) latest
"""
