"""What was paid for work in a year, quarter by quarter, as tax reports ask for it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db import connection


@dataclass(frozen=True, slots=True)
class EarnedInQuarter:
    """What one owner earned in one quarter and currency, in minor units, less what was undone.

    ``activities`` counts what was paid for; ``fees_minor`` is what the platform took for it from the clients.
    """

    owner: str
    currency: str
    quarter: int
    earned_minor: int
    activities: int
    fees_minor: int


def earned_in(year: int) -> list[EarnedInQuarter]:
    """What everybody who earns was credited in a year (in UTC), by owner, currency and quarter, in order."""
    bounds = [datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)]
    with connection.cursor() as cursor:
        cursor.execute(_EARNED, bounds)
        return [EarnedInQuarter(*row) for row in cursor.fetchall()]


_EARNED: Final = """
WITH posting AS (
    SELECT posting.id, posting.at, CASE WHEN undone.id IS NULL THEN 1 ELSE -1 END AS sign
    FROM billing_posting posting LEFT JOIN billing_posting undone ON undone.id = posting.reverses_id
    WHERE posting.at >= %s AND posting.at < %s
      AND coalesce(undone.kind, posting.kind) IN ('work_paid', 'bonus_paid', 'pay_lifted', 'interruption_paid')
), moved AS (
    SELECT posting.id, posting.at, posting.sign, entry.amount_minor,
           CASE WHEN posting.sign = 1 THEN entry.target_id ELSE entry.source_id END AS account_id
    FROM posting JOIN billing_ledgerentry entry ON entry.posting_id = posting.id
), fees AS (
    SELECT moved.id, sum(moved.amount_minor) AS minor
    FROM moved JOIN billing_ledgeraccount account ON account.id = moved.account_id AND account.kind = 'platform_fees'
    GROUP BY moved.id
)
SELECT account.owner, account.currency, extract(quarter FROM moved.at AT TIME ZONE 'UTC')::int,
       sum(moved.sign * moved.amount_minor)::bigint, sum(moved.sign)::bigint,
       sum(moved.sign * coalesce(fees.minor, 0))::bigint
FROM moved JOIN billing_ledgeraccount account ON account.id = moved.account_id AND account.kind = 'worker_earnings'
LEFT JOIN fees ON fees.id = moved.id
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
