"""What must always hold of the money that is paid for work. A new promise is one entry."""

from typing import Final

from billing.checks import Promises
from billing.checks.guards import guards_of
from billing.checks.moved import beside_what_moved

_HOMES: Final = """
    SELECT account.id, 'client:' || job.client_id AS client, account.currency, account.balance_minor
    FROM billing_ledgeraccount account JOIN marketplace_job job ON account.owner = 'job:' || job.id
    WHERE account.kind IN ('job_escrow', 'pay_reserve')
    UNION ALL
    SELECT id, owner, currency, balance_minor FROM billing_ledgeraccount
    WHERE kind IN ('client_funds', 'refunds_in_flight', 'disputed')
"""
"""The accounts that hold money of a client: its own, and those of its jobs."""

_NOT_UNDONE: Final = """
    posting.kind <> 'reversal' AND NOT EXISTS (SELECT FROM billing_posting undo WHERE undo.reverses_id = posting.id)
"""

_CLIENT_BY_CLIENT: Final = f"""
WITH home AS ({_HOMES}), moved AS (
    SELECT giver.client AS giver, taker.client AS taker, source.kind AS source, target.kind AS target, posting.kind,
           posting.key, entry.amount_minor, source.currency
    FROM billing_ledgerentry entry JOIN billing_posting posting ON posting.id = entry.posting_id
    JOIN billing_ledgeraccount source ON source.id = entry.source_id
    JOIN billing_ledgeraccount target ON target.id = entry.target_id
    LEFT JOIN home giver ON giver.id = source.id LEFT JOIN home taker ON taker.id = target.id
    WHERE giver.client IS DISTINCT FROM taker.client AND (taker.client IS NOT NULL OR posting.kind <> 'work_paid')
      AND {_NOT_UNDONE}
), parts AS (
    SELECT client_owner AS client, currency, amount_minor AS came, 0 AS went FROM billing_funding
    WHERE state = 'settled'
    UNION ALL
    SELECT taker, currency, amount_minor, 0 FROM moved
    WHERE giver IS NULL AND kind <> 'funding_settled'
    UNION ALL
    SELECT client, currency, 0, balance_minor FROM home
    UNION ALL
    SELECT 'client:' || job.client_id, turn.currency, 0, turn.reward_minor + turn.fee_minor
    FROM marketplace_assignment turn JOIN marketplace_job job ON job.id = turn.job_id WHERE turn.state = 'accepted'
    UNION ALL
    SELECT giver, currency, 0, amount_minor FROM moved WHERE taker IS NULL
)
SELECT client, 'paid in and was lent ' || sum(came) || '; what is held, paid for, refunded and taken back is '
    || sum(went) || ' ' || currency
FROM parts GROUP BY client, currency HAVING sum(came) <> sum(went)
UNION ALL
SELECT giver, amount_minor || ' ' || currency || ' of it went to ' || taker || ' by ' || key
FROM moved WHERE giver <> taker
"""  # noqa: S608  (all of it ours)
"""Fundings and accepted turns as their rows say, the rest as the entries do; none of it across two clients."""

_EARNED: Final = f"""
WITH parts AS (
    SELECT 'worker:' || worker_id AS worker, currency, reward_minor AS agreed, 0 AS paid
    FROM marketplace_assignment WHERE state = 'accepted'
    UNION ALL
    SELECT target.owner, target.currency, CASE
           WHEN posting.kind IN ('bonus_paid', 'pay_lifted', 'interruption_paid') THEN entry.amount_minor ELSE 0 END,
           entry.amount_minor
    FROM billing_posting posting JOIN billing_ledgerentry entry ON entry.posting_id = posting.id
    JOIN billing_ledgeraccount target ON target.id = entry.target_id
    WHERE target.kind = 'worker_earnings' AND {_NOT_UNDONE}
      AND posting.kind NOT IN ('payout_cancelled', 'payout_failed', 'payout_returned')
)
SELECT worker, 'earned ' || sum(paid) || '; prices at their claims, lifts, bonuses and time come to ' || sum(agreed)
    || ' ' || currency
FROM parts WHERE worker LIKE 'worker:%' GROUP BY worker, currency HAVING sum(agreed) <> sum(paid)
"""  # noqa: S608  (all of it ours)

_INVOICED: Final = """
WITH charged AS (
    SELECT coalesce('client:' || job.client_id, moved.owner) AS client, moved.currency,
           to_char(moved.at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
           coalesce(sum(moved.minor) FILTER (WHERE moved.taker <> 'platform_fees'), 0) AS pay,
           coalesce(sum(moved.minor) FILTER (WHERE moved.taker = 'platform_fees'), 0) AS fees
    FROM (
        SELECT posting.at, source.currency, CASE WHEN is_undone THEN target.owner ELSE source.owner END AS owner,
               CASE WHEN is_undone THEN source.kind ELSE target.kind END AS taker,
               CASE WHEN is_undone THEN -entry.amount_minor ELSE entry.amount_minor END AS minor
        FROM billing_posting posting JOIN billing_ledgerentry entry ON entry.posting_id = posting.id
        JOIN billing_ledgeraccount source ON source.id = entry.source_id
        JOIN billing_ledgeraccount target ON target.id = entry.target_id
        CROSS JOIN LATERAL (SELECT source.kind IN ('worker_earnings', 'platform_fees') AS is_undone) way
        WHERE posting.at >= (SELECT (min(month) || '-01')::timestamp AT TIME ZONE 'UTC' FROM marketplace_invoice)
          AND posting.at < (SELECT ((max(month) || '-01')::timestamp + interval '1 month') AT TIME ZONE 'UTC'
                            FROM marketplace_invoice)
          AND (source.kind IN ('client_funds', 'job_escrow', 'pay_reserve')
               AND target.kind IN ('worker_earnings', 'platform_fees')
            OR source.kind IN ('worker_earnings', 'platform_fees')
               AND target.kind IN ('client_funds', 'job_escrow', 'pay_reserve'))
    ) moved LEFT JOIN marketplace_job job ON moved.owner = 'job:' || job.id
    GROUP BY 1, 2, 3
)
SELECT 'invoice ' || invoice.number, 'says ' || invoice.pay_minor || ' + ' || invoice.fees_minor || ' = '
    || listed.minor || ' ' || invoice.currency || '; the postings of ' || invoice.month || ' come to '
    || coalesce(charged.pay, 0) || ' + ' || coalesce(charged.fees, 0)
FROM marketplace_invoice invoice
CROSS JOIN LATERAL (
    SELECT coalesce(sum((line ->> 'amount_minor')::bigint), 0) AS minor FROM jsonb_array_elements(invoice.lines) line
) listed
LEFT JOIN charged ON charged.client = 'client:' || invoice.client_id AND charged.currency = invoice.currency
    AND charged.month = invoice.month
WHERE (coalesce(charged.pay, 0), coalesce(charged.fees, 0), coalesce(charged.pay + charged.fees, 0))
    <> (invoice.pay_minor, invoice.fees_minor, listed.minor)
"""
"""What was charged in months of which there is an invoice: to workers and in fees, less what was undone."""

MONEY: Final[Promises] = {
    "an invoice equals the postings of its month": _INVOICED,
    "funded is everything, client by client": _CLIENT_BY_CLIENT,
    "what is earned is what was agreed at the claim, lifts, bonuses and time": _EARNED,
    "lifts are paid once, as they were reckoned, and nothing else is": beside_what_moved(
        "posting.kind = 'pay_lifted'",
        """
        SELECT 'lift ' || coalesce(lift.id::text, substr(paid.key, 6)), CASE
            WHEN lift.id IS NULL THEN 'does not exist, but is paid'
            WHEN paid.key IS NULL THEN 'is not paid' ELSE 'is paid otherwise than reckoned: ' || paid.moved END
        FROM paid FULL JOIN marketplace_lift lift ON 'lift:' || lift.id = paid.key
        WHERE paid.moved IS DISTINCT FROM 'pay_reserve job:' || lift.job_id || ' > worker_earnings worker:'
            || lift.worker_id || ': ' || lift.amount_minor || ' ' || lift.currency
    """,
    ),
    "a turn that was cut short is paid for its time once, within its reward, and nothing else is": beside_what_moved(
        "posting.kind = 'interruption_paid'",
        """
        SELECT 'assignment ' || coalesce(turn.id::text, substr(paid.key, 14)), CASE
            WHEN cut.assignment_id IS NULL THEN 'is ' || coalesce(turn.state, 'gone') || ' without an interruption'
            WHEN paid.key IS NULL THEN 'was cut short, and its time was not paid'
            ELSE 'was cut short, and its time was paid as ' || paid.moved END
        FROM paid FULL JOIN (SELECT * FROM marketplace_assignment WHERE state = 'cut_short') turn
          ON 'interruption:' || turn.id = paid.key
        LEFT JOIN marketplace_interruption cut ON cut.assignment_id = turn.id
        WHERE cut.amount_minor > turn.reward_minor
           OR paid.moved IS DISTINCT FROM 'job_escrow job:' || turn.job_id || ' > worker_earnings worker:'
            || turn.worker_id || ': ' || cut.amount_minor || ' ' || cut.currency
        UNION ALL
        SELECT 'assignment ' || turn.id, 'is ' || turn.state || ' beside its interruption'
        FROM marketplace_interruption cut JOIN marketplace_assignment turn ON turn.id = cut.assignment_id
        WHERE turn.state <> 'cut_short'
    """,
    ),
    "an ended job that holds nothing for turns holds nothing for pay": """
        SELECT 'job ' || job.id, 'is ' || job.state || ' and holds ' || account.balance_minor || ' ' || account.currency
            || ' in reserve'
        FROM marketplace_job job JOIN billing_ledgeraccount account
          ON account.kind = 'pay_reserve' AND account.owner = 'job:' || job.id
        WHERE job.state IN ('completed', 'cancelled') AND account.balance_minor <> 0 AND NOT EXISTS (
            SELECT FROM billing_ledgeraccount other WHERE other.owner = account.owner
            AND other.kind IN ('job_escrow', 'platform_fees') AND other.balance_minor <> 0)
    """,
    "a suspended worker's balance stays payable": """
        SELECT 'payout ' || payout.id, 'of a worker who is ' || worker.state || ' was called off by somebody else'
        FROM workforce_worker worker JOIN billing_payout payout ON payout.owner = 'worker:' || worker.id
        JOIN kernel_auditevent event ON event.subject_id = payout.id::text AND event.to_state = 'cancelled'
        WHERE payout.state = 'cancelled' AND event.actor_id <> worker.user_id::text
        UNION ALL
        SELECT account.owner, 'lost ' || entry.amount_minor || ' ' || account.currency
            || ' of earnings by ' || posting.key
        FROM billing_ledgeraccount account JOIN billing_ledgerentry entry ON entry.source_id = account.id
        JOIN billing_posting posting ON posting.id = entry.posting_id
        WHERE account.kind = 'worker_earnings' AND posting.kind NOT IN ('payout_requested', 'reversal')
    """,
    "an answer that is kept under a key is true": """
        SELECT 'answer ' || kept.id, 'was kept although its request was not done: status ' || kept.status
        FROM kernel_idempotencyrecord kept WHERE kept.status NOT BETWEEN 200 AND 399
        UNION ALL
        SELECT 'answer ' || kept.id, 'tells of ' || (kept.answer -> 'body' ->> 'amount_minor') || ' '
            || (kept.answer -> 'body' ->> 'currency') || ' as ' || (kept.answer -> 'body' ->> 'id') || '; there '
            || coalesce('are ' || there.amount_minor || ' ' || there.currency, 'is nothing')
        FROM kernel_idempotencyrecord kept LEFT JOIN (
            SELECT id::text, amount_minor, currency FROM billing_payout
            UNION ALL SELECT id::text, amount_minor, currency FROM billing_funding
        ) there ON there.id = kept.answer -> 'body' ->> 'id'
        WHERE kept.path ~ '/(payouts|fundings)/$' AND (there.id IS NULL
           OR there.amount_minor::text <> kept.answer -> 'body' ->> 'amount_minor'
           OR there.currency <> kept.answer -> 'body' ->> 'currency')
    """,
    "the database guards what was agreed": guards_of("marketplace"),
}
"""Each promise by its name."""
