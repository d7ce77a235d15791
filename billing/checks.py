"""Whether the books are true: each check is one promise of the ledger, tried against all rows in one query.

The database refuses what would break most of them. They are here to prove that it did.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction

from billing import queries
from billing.services import ledger_audit
from billing.services.ledger_audit import Moved, Posted


@dataclass(frozen=True, slots=True)
class Fault:
    """A promise that is broken: which one, where, and how."""

    check: str
    subject: str
    message: str


def check_books() -> list[Fault]:
    """Every broken promise of the books, from one snapshot; an empty list when they are true."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return [fault for name, check in CHECKS.items() for fault in check(name)]


def _rows(sql: str) -> Callable[[str], Iterator[Fault]]:
    """A check whose faults are the rows of ``sql``: subject, message."""

    def check(name: str) -> Iterator[Fault]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            found: list[tuple[Any, str]] = cursor.fetchall()
        return (Fault(check=name, subject=str(subject), message=message) for subject, message in found)

    return check


def _books_add_up(name: str) -> Iterator[Fault]:
    for currency in queries.currencies():
        books = queries.books(currency)
        if not books.is_balanced:
            message = f"{books.funded_minor} came in, but {books.accounted_minor} are accounted for: {books}"
            yield Fault(check=name, subject=currency, message=message)


def _audit_tells_of_postings(name: str) -> Iterator[Fault]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(POSTINGS_AS_TOLD, [ledger_audit.ACTION])
        for posting_id, key, kind, subject, at, reverses_id, details, entries, digest in cursor:
            if digest is None:
                yield Fault(check=name, subject=key, message="No audit event tells of it.")
            elif key is None:
                yield Fault(check=name, subject=str(posting_id), message="The audit tells of it, and it is not there.")
            elif (
                digest
                != Posted(
                    posting_id,
                    key,
                    kind,
                    subject,
                    at,
                    reverses_id,
                    json.loads(details),
                    [Moved(*entry) for entry in json.loads(entries)],
                ).digest
            ):
                yield Fault(check=name, subject=key, message="It is not what the audit was told of it.")


POSTINGS_AS_TOLD: Final = """
    SELECT coalesce(p.id, told.id), p.key, p.kind, p.subject, p.at, p.reverses_id, p.details::text,
        (SELECT coalesce(json_agg(json_build_array(
                s.kind, s.owner, t.kind, t.owner, e.amount_minor, s.currency) ORDER BY e.position), '[]')::text
         FROM billing_ledgerentry e
         JOIN billing_ledgeraccount s ON s.id = e.source_id JOIN billing_ledgeraccount t ON t.id = e.target_id
         WHERE e.posting_id = p.id),
        told.digest
    FROM billing_posting p
    FULL JOIN (
        SELECT posting.key::uuid AS id, posting.value AS digest
        FROM kernel_auditevent event, jsonb_each_text(event.details -> 'postings') posting WHERE event.action = %s
    ) told ON told.id = p.id
"""

BALANCES_EQUAL_ENTRIES: Final = """
    WITH moved AS (
        SELECT account_id, sum(delta) AS delta FROM (
            SELECT source_id AS account_id, -amount_minor AS delta FROM billing_ledgerentry
            UNION ALL SELECT target_id, amount_minor FROM billing_ledgerentry
        ) AS ends GROUP BY account_id
    )
    SELECT a.id,
        format('%s of %s keeps %s, its entries sum up to %s.', a.kind, a.owner, a.balance_minor, coalesce(m.delta, 0))
    FROM billing_ledgeraccount a LEFT JOIN moved m ON m.account_id = a.id
    WHERE a.balance_minor <> coalesce(m.delta, 0)
"""

NOTHING_HELD_BELOW_ZERO: Final = """
    SELECT id, format('%s of %s is %s.', kind, owner, balance_minor) FROM billing_ledgeraccount
    WHERE balance_minor < 0 AND kind NOT IN ('outside_world', 'loss', 'processor_fees')
"""

POSTINGS_ARE_COMPLETE: Final = """
    SELECT p.key, format('It says %s entries and has %s.', p.entry_count, count(e.id))
    FROM billing_posting p LEFT JOIN billing_ledgerentry e ON e.posting_id = p.id
    GROUP BY p.id HAVING count(e.id) <> p.entry_count
"""

CURRENCIES_NEVER_MIX: Final = """
    SELECT e.id, format('It takes %s and gives %s.', s.currency, t.currency)
    FROM billing_ledgerentry e
    JOIN billing_ledgeraccount s ON s.id = e.source_id JOIN billing_ledgeraccount t ON t.id = e.target_id
    WHERE s.currency <> t.currency
"""

WORK_IS_PAID_ONCE: Final = """
    SELECT p.subject, format('It was paid %s times.', count(*))
    FROM billing_posting p
    WHERE p.kind = 'work_paid' AND NOT EXISTS (SELECT FROM billing_posting r WHERE r.reverses_id = p.id)
    GROUP BY p.subject HAVING count(*) > 1
"""

REVERSALS_ARE_EXACT: Final = """
    WITH paired AS (
        SELECT r.id, r.key, e.source_id, e.target_id, e.amount_minor, 1 AS side
        FROM billing_posting r JOIN billing_ledgerentry e ON e.posting_id = r.id WHERE r.reverses_id IS NOT NULL
        UNION ALL
        SELECT r.id, r.key, e.target_id, e.source_id, e.amount_minor, -1
        FROM billing_posting r JOIN billing_ledgerentry e ON e.posting_id = r.reverses_id
    ), unpaired AS (
        SELECT id, key FROM paired GROUP BY id, key, source_id, target_id, amount_minor HAVING sum(side) <> 0
    )
    SELECT DISTINCT key, 'It is not the exact mirror of what it reverses.' FROM unpaired
"""

MONEY_COMES_FROM_FUNDINGS: Final = """
    SELECT p.key, 'Money came in by it, but it is no settled funding of that amount.'
    FROM billing_posting p
    JOIN billing_ledgerentry e ON e.posting_id = p.id
    JOIN billing_ledgeraccount s ON s.id = e.source_id AND s.kind = 'outside_world'
    LEFT JOIN billing_funding f ON f.state = 'settled' AND p.kind = 'funding_settled'
        AND p.key = 'funding:' || f.id AND f.amount_minor = e.amount_minor AND f.currency = s.currency
        AND f.client_owner = s.owner
    WHERE f.id IS NULL AND p.kind <> 'reversal'
    UNION ALL
    SELECT 'funding:' || f.id, 'It is settled, but was never credited.'
    FROM billing_funding f WHERE f.state = 'settled'
        AND NOT EXISTS (SELECT FROM billing_posting p WHERE p.key = 'funding:' || f.id)
"""

FUNDINGS_KNOW_THEIR_REFUNDS: Final = """
    SELECT f.id,
        format('It says %s refunded; its refunds sum up to %s.', f.refunded_minor, coalesce(sum(r.amount_minor), 0))
    FROM billing_funding f LEFT JOIN billing_refund r ON r.funding_id = f.id AND r.state <> 'failed'
    GROUP BY f.id HAVING f.refunded_minor <> coalesce(sum(r.amount_minor), 0)
"""


ENDS_ARE_POSTED: Final = """
    WITH sent AS (
        SELECT 'payout' AS noun, id, state, amount_minor, currency FROM billing_payout
        UNION ALL SELECT 'refund', id, state, amount_minor, currency FROM billing_refund
    ), expected AS (
        SELECT *, CASE WHEN state IN ('settled', 'failed', 'cancelled') THEN noun || '_' || state END AS ending
        FROM sent
    )
    SELECT x.noun || ':' || x.id,
        format('It is %s; it has: %s.', x.state, coalesce(string_agg(p.kind, ', ' ORDER BY p.kind), 'no posting'))
    FROM expected x
    LEFT JOIN billing_posting p
        ON p.key IN (x.noun || ':' || x.id || ':requested', x.noun || ':' || x.id || ':finished')
        AND EXISTS (
            SELECT FROM billing_ledgerentry e JOIN billing_ledgeraccount a ON a.id = e.source_id
            WHERE e.posting_id = p.id AND e.amount_minor = x.amount_minor AND a.currency = x.currency
        )
    GROUP BY x.noun, x.id, x.state, x.ending
    HAVING count(*) FILTER (WHERE p.kind = x.noun || '_requested') <> 1
        OR count(*) FILTER (WHERE p.kind = x.ending) <> (x.ending IS NOT NULL)::int
        OR count(p.id) <> 1 + (x.ending IS NOT NULL)::int
"""

IN_FLIGHT_IS_UNDER_WAY: Final = """
    WITH under_way AS (
        SELECT 'payouts_in_flight' AS kind, owner, currency, sum(amount_minor) AS minor FROM billing_payout
        WHERE state IN ('requested', 'sending', 'sent') GROUP BY owner, currency
        UNION ALL
        SELECT 'refunds_in_flight', f.client_owner, r.currency, sum(r.amount_minor)
        FROM billing_refund r JOIN billing_funding f ON f.id = r.funding_id
        WHERE r.state IN ('requested', 'sending', 'sent') GROUP BY f.client_owner, r.currency
        UNION ALL
        SELECT 'disputed', f.client_owner, d.currency, sum(d.amount_minor)
        FROM billing_dispute d JOIN billing_funding f ON f.id = d.funding_id
        WHERE d.state = 'open' GROUP BY f.client_owner, d.currency
    ), held AS (
        SELECT kind, owner, currency, balance_minor AS minor FROM billing_ledgeraccount
        WHERE kind IN ('payouts_in_flight', 'refunds_in_flight', 'disputed')
    )
    SELECT coalesce(h.owner, u.owner),
        format('%s are %s, but %s are under way.', coalesce(h.kind, u.kind), coalesce(h.minor, 0), coalesce(u.minor, 0))
    FROM held h FULL JOIN under_way u ON (u.kind, u.owner, u.currency) = (h.kind, h.owner, h.currency)
    WHERE coalesce(h.minor, 0) <> coalesce(u.minor, 0)
"""

DISPUTES_ARE_POSTED: Final = """
    WITH moved AS (
        SELECT p.subject, p.kind, sum(e.amount_minor) AS minor
        FROM billing_posting p JOIN billing_ledgerentry e ON e.posting_id = p.id
        WHERE p.kind IN ('dispute_opened', 'dispute_won', 'dispute_lost')
            AND NOT EXISTS (SELECT FROM billing_posting r WHERE r.reverses_id = p.id)
        GROUP BY p.id
    ), told AS (
        SELECT subject, string_agg(kind || ' ' || minor, ', ' ORDER BY kind) AS said FROM moved GROUP BY subject
    ), expected AS (
        SELECT 'dispute:' || id AS subject, state, CASE state
            WHEN 'open' THEN format('dispute_opened %s', amount_minor)
            WHEN 'won' THEN format('dispute_opened %1$s, dispute_won %1$s', amount_minor)
            WHEN 'lost' THEN format('dispute_lost %1$s, dispute_opened %1$s', amount_minor)
            END AS due
        FROM billing_dispute
    )
    SELECT coalesce(x.subject, t.subject),
        format('It is %s; it has: %s.', coalesce(x.state, 'not known'), coalesce(t.said, 'no posting'))
    FROM expected x FULL JOIN told t ON t.subject = x.subject
    WHERE t.said IS DISTINCT FROM x.due
"""

CHECKS: Final[dict[str, Callable[[str], Iterator[Fault]]]] = {
    "balances equal their entries": _rows(BALANCES_EQUAL_ENTRIES),
    "nothing is held below zero": _rows(NOTHING_HELD_BELOW_ZERO),
    "postings are complete": _rows(POSTINGS_ARE_COMPLETE),
    "currencies never mix": _rows(CURRENCIES_NEVER_MIX),
    "work is paid once": _rows(WORK_IS_PAID_ONCE),
    "reversals are exact": _rows(REVERSALS_ARE_EXACT),
    "money comes from settled fundings": _rows(MONEY_COMES_FROM_FUNDINGS),
    "fundings know their refunds": _rows(FUNDINGS_KNOW_THEIR_REFUNDS),
    "payouts and refunds end as they are posted": _rows(ENDS_ARE_POSTED),
    "what is in flight is under way": _rows(IN_FLIGHT_IS_UNDER_WAY),
    "disputes are posted as they stand": _rows(DISPUTES_ARE_POSTED),
    "money in is money held, kept and out": _books_add_up,
    "postings are what the audit was told": _audit_tells_of_postings,
}
"""Each promise by its name."""
