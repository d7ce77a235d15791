"""How evenly the turns of a job went to those who could have had them, week by week."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any, Final

from django.db import connection

from kernel import clock
from marketplace.models import Job
from marketplace.queries.fits import LATEST_FIT
from qualification.statistics.fairness import gini_index, jain_index

A_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Fairness:
    """The turns of one week among the workers who were certified for the job's skill and at work, or asked for some.

    Whoever had no turn here, but had some elsewhere or asked for one here when none was free, counts with 0;
    ``asked_in_vain`` are all who asked so, ``empty_handed`` those of them who had no turn here all week. ``jain`` is 1
    and ``gini`` 0 where all had alike; both are None where nobody had a turn. The others say what steering did (ADR
    0047): ``sure_workers`` are those whom the latest fit would have asked first about unsure tasks, and turns at such
    tasks are *further* ones. How long these waited is from the answer that left their task unsure to the claim.
    """

    since: datetime
    until: datetime
    workers: int
    without_a_turn: int
    asked_in_vain: int
    empty_handed: int
    turns: int
    median_turns: float
    most_turns: int
    jain: float | None
    gini: float | None
    sure_workers: int
    median_turns_of_sure: float
    median_turns_of_others: float
    further_turns: int
    further_turns_of_sure: int
    median_wait_seconds: float | None
    longest_wait_seconds: float | None


def fairness_of(job: Job, *, weeks_ago: int) -> Fairness:
    """The week from Monday on (UTC) that was so many weeks ago; 0 is the one that runs."""
    since = datetime.combine(monday_of(clock.now().date()), time.min, UTC) - weeks_ago * A_WEEK
    until = since + A_WEEK
    given: dict[str, Any] = {
        "job": job.pk,
        "skill": job.skill_id,
        "since": since,
        "until": until,
        "week": since.date(),
        "least": job.overlap_min,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TURNS, given)
        turns = cursor.fetchall()
        cursor.execute(_FURTHER, given)
        further, of_sure, usual_wait, longest_wait = cursor.fetchone()
    shares = [here for here, *_ in turns]
    return Fairness(
        since=since,
        until=until,
        workers=len(shares),
        without_a_turn=shares.count(0),
        asked_in_vain=sum(has_asked for *_, has_asked in turns),
        empty_handed=sum(has_asked and not here for here, _, has_asked in turns),
        turns=sum(shares),
        median_turns=_median(shares),
        most_turns=max(shares, default=0),
        jain=jain_index(shares),
        gini=gini_index(shares),
        sure_workers=sum(is_sure for _, is_sure, _ in turns),
        median_turns_of_sure=_median([here for here, is_sure, _ in turns if is_sure]),
        median_turns_of_others=_median([here for here, is_sure, _ in turns if not is_sure]),
        further_turns=further,
        further_turns_of_sure=of_sure,
        median_wait_seconds=usual_wait,
        longest_wait_seconds=longest_wait,
    )


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def _median(shares: list[int]) -> float:
    return float(median(shares)) if shares else 0.0


_SURE: Final = f"""
SELECT known.worker_id FROM ({LATEST_FIT}) latest JOIN marketplace_fittedworker known ON known.fit_id = latest.id
WHERE known.is_sure
"""  # noqa: S608  (all of it ours)
# By worker and time there is an index: the cost is that of one week's turns of those who are certified.
_TURNS: Final = f"""
SELECT had.here, certified.worker_id IN ({_SURE}), asked.id IS NOT NULL FROM (
    SELECT DISTINCT worker_id FROM qualification_certification
    WHERE skill_id = %(skill)s AND granted_at < %(until)s
      AND (expires_at IS NULL OR expires_at > %(since)s) AND (ended_at IS NULL OR ended_at > %(since)s)
) certified CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE turn.job_id = %(job)s) AS here, count(*) AS anywhere
    FROM marketplace_assignment turn
    WHERE turn.worker_id = certified.worker_id AND turn.claimed_at >= %(since)s AND turn.claimed_at < %(until)s
) had
LEFT JOIN marketplace_emptyclaim asked
    ON asked.job_id = %(job)s AND asked.week = %(week)s AND asked.worker_id = certified.worker_id
WHERE had.anywhere > 0 OR asked.id IS NOT NULL ORDER BY had.here
"""  # noqa: S608  (all of it ours)
_FURTHER: Final = f"""
SELECT count(*), count(*) FILTER (WHERE turn.worker_id IN ({_SURE})),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY waited.seconds), max(waited.seconds)
FROM marketplace_assignment turn CROSS JOIN LATERAL (
    SELECT extract(epoch FROM turn.claimed_at - max(before.submitted_at))::float8 AS seconds
    FROM marketplace_assignment before WHERE before.task_id = turn.task_id AND before.submitted_at <= turn.claimed_at
) waited
WHERE turn.job_id = %(job)s AND turn.lane = 0 AND turn.ordinal > %(least)s
  AND turn.claimed_at >= %(since)s AND turn.claimed_at < %(until)s
"""  # noqa: S608  (all of it ours)
