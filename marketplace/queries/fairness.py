"""How evenly the turns of a job went to those who could have had them, week by week."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from statistics import median
from typing import Final

from django.db import connection

from kernel import clock
from marketplace.models import Job
from qualification.statistics.fairness import gini_index, jain_index

A_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Fairness:
    """The turns of one week among the workers who were certified for the job's skill and at work that week.

    Whoever had no turn here, but had some elsewhere, counts with 0. ``jain`` is 1 and ``gini`` 0 where all had alike;
    both are None where nobody had a turn.
    """

    since: datetime
    until: datetime
    workers: int
    without_a_turn: int
    turns: int
    median_turns: float
    most_turns: int
    jain: float | None
    gini: float | None


def fairness_of(job: Job, *, weeks_ago: int) -> Fairness:
    """The week from Monday on (UTC) that was so many weeks ago; 0 is the one that runs."""
    today = clock.now().date()
    this_week = datetime.combine(today - timedelta(days=today.weekday()), time.min, UTC)
    since = this_week - weeks_ago * A_WEEK
    until = since + A_WEEK
    with connection.cursor() as cursor:
        cursor.execute(_TURNS, {"job": job.pk, "skill": job.skill_id, "since": since, "until": until})
        shares = [turns for (turns,) in cursor.fetchall()]
    return Fairness(
        since=since,
        until=until,
        workers=len(shares),
        without_a_turn=shares.count(0),
        turns=sum(shares),
        median_turns=float(median(shares)) if shares else 0.0,
        most_turns=max(shares, default=0),
        jain=jain_index(shares),
        gini=gini_index(shares),
    )


# By worker and time there is an index: the cost is that of one week's turns of those who are certified.
_TURNS: Final = """
SELECT had.here FROM (
    SELECT DISTINCT worker_id FROM qualification_certification
    WHERE skill_id = %(skill)s AND granted_at < %(until)s
      AND (expires_at IS NULL OR expires_at > %(since)s) AND (ended_at IS NULL OR ended_at > %(since)s)
) certified CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE turn.job_id = %(job)s) AS here, count(*) AS anywhere
    FROM marketplace_assignment turn
    WHERE turn.worker_id = certified.worker_id AND turn.claimed_at >= %(since)s AND turn.claimed_at < %(until)s
) had WHERE had.anywhere > 0 ORDER BY had.here
"""
