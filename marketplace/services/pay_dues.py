"""What workers are owed up to the floor on hourly pay, reckoned from their time, and paid from the job's reserve."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from billing.models import LedgerAccount
from billing.services import pay_reserve
from billing.services.ledger import AccountKey
from kernel.money import Money
from kernel.services.audit import Actor, record
from marketplace.models import Job, Lift
from marketplace.services.pay_floors import floors_in_force, hold_reserve, reward_for

Kind = LedgerAccount.Kind
PAY_FLOOR: Final = Actor.system("pay_floor")

FEWEST_ANSWERS: Final = 5
"""Of fewer accepted answers no hourly pay is told."""

FEWEST_WORKERS: Final = 3
"""With fewer to compare, nobody's time is capped; the reserve is the limit."""

MOST_TIMES_MEDIAN: Final = 2.0
"""An answer counts with at most so many times the median of the workers' medians: who dawdles is not paid for it."""


@dataclass(frozen=True, slots=True)
class Due:
    """What one worker is still owed to reach the floor, and what that was reckoned from."""

    worker_id: UUID
    minor: int
    hourly_minor: int
    answers: int
    median_seconds: float
    rewards_minor: int
    lifted_minor: int


def accounts_of(job: Job, dues: Iterable[Due]) -> list[AccountKey]:
    """What paying ``dues`` moves money between, for whoever locks all that a transaction moves at once."""
    earnings = [AccountKey(Kind.WORKER_EARNINGS, f"worker:{due.worker_id}") for due in dues]
    return [pay_reserve.reserve_account(job.billing_owner), *earnings]


def pay(job: Job, dues: Iterable[Due]) -> tuple[int, int]:
    """Pay ``dues`` from the reserve, whose account the caller has locked; how many were paid, and what was missing."""
    left = pay_reserve.left_in_reserve(job_owner=job.billing_owner, currency=job.currency).minor
    lifts, missing = [], 0
    for due in dues:
        amount = min(due.minor, left)
        left, missing = left - amount, missing + due.minor - amount
        if amount:
            lifts.append(_written(job, due, amount))
    pay_reserve.pay_lifts(
        job_owner=job.billing_owner,
        lifts=[
            pay_reserve.PayLift(f"worker:{lift.worker_id}", Money(lift.amount_minor, lift.currency), f"lift:{lift.pk}")
            for lift in lifts
        ],
    )
    return len(lifts), missing


def _written(job: Job, due: Due, amount: int) -> Lift:
    inputs = {
        "hourly_floor_minor": due.hourly_minor,
        "answers": due.answers,
        "median_seconds": due.median_seconds,
        "rewards_minor": due.rewards_minor,
        "lifted_before_minor": due.lifted_minor,
    }
    lift = Lift.objects.create(
        job=job, worker_id=due.worker_id, amount_minor=amount, currency=job.currency, inputs=inputs
    )
    record(action="lift.paid", subject=lift, by=PAY_FLOOR, details={**inputs, "amount_minor": amount})
    return lift


def dues_in(job: Job) -> list[Due]:
    """What workers of ``job`` are owed: their median time at the floor of their country, less what they were paid.

    Reads all accepted answers of the job, inside the caller's transaction.
    """
    floors = floors_in_force(job.currency)
    if not any(floors.values()):
        return []
    with connection.cursor() as cursor:
        given: dict[str, Any] = {
            "job": job.pk,
            "answers": FEWEST_ANSWERS,
            "workers": FEWEST_WORKERS,
            "times": MOST_TIMES_MEDIAN,
        }
        cursor.execute("SET LOCAL work_mem = '64MB'")  # a hundred thousand answers are joined and sorted in memory
        cursor.execute(_EARNED, given)
        rows = cursor.fetchall()
    dues = []
    for worker_id, country, answers, seconds, rewards, lifted in rows:
        hourly = floors.get(country, floors.get("", 0))
        minor = reward_for(seconds * answers, hourly) - rewards - lifted
        if minor > 0:
            dues.append(Due(worker_id, minor, hourly, answers, seconds, rewards, lifted))
    return dues


# Rounded to milliseconds, so that a lift that was paid is never owed again for the last digit of a float.
_EARNED: Final = """
WITH answered AS (
    SELECT turn.worker_id, turn.reward_minor, answer.seconds FROM marketplace_assignment turn
    JOIN marketplace_annotation answer ON answer.assignment_id = turn.id
    WHERE turn.job_id = %(job)s AND turn.state = 'accepted'
), usual AS (
    SELECT worker_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
    FROM answered GROUP BY worker_id HAVING count(*) >= %(answers)s
), most AS (
    SELECT CASE WHEN count(*) >= %(workers)s
        THEN %(times)s * percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) ELSE 'infinity' END AS seconds FROM usual
)
SELECT worker.id, worker.country, count(*),
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY least(answered.seconds, most.seconds))::numeric, 3)::float8,
       sum(answered.reward_minor)::bigint,
       (SELECT coalesce(sum(lift.amount_minor), 0)::bigint FROM marketplace_lift lift
        WHERE lift.job_id = %(job)s AND lift.worker_id = worker.id)
FROM answered JOIN usual USING (worker_id) CROSS JOIN most
JOIN workforce_worker worker ON worker.id = answered.worker_id
GROUP BY worker.id, worker.country ORDER BY worker.id
"""


def fill_reserve(job: Job) -> None:
    """Take what a locked, paused job's reserve lacks from its client's funds. Raises InsufficientFunds."""
    dues = dues_in(job)
    if not dues:
        return
    left = pay_reserve.left_in_reserve(job_owner=job.billing_owner, currency=job.currency).minor
    missing = sum(due.minor for due in dues) - left
    if missing > 0:
        hold_reserve(job, Money(missing, job.currency))
