"""What the ledger promises by itself, whatever the money is for."""

import json
from typing import Final

from django.db import connection

from billing import queries
from billing.checks.frame import Found, Promises
from billing.checks.guards import AUDIT, guards_of
from billing.checks.ways import MONEY_MOVES_ALONG_ITS_WAYS
from billing.services import ledger_audit
from billing.services.ledger_audit import Moved, Posted


def _books_add_up() -> Found:
    for currency in queries.currencies():
        books = queries.books(currency)
        if not books.is_balanced:
            message = f"{books.funded_minor} came in, but {books.accounted_minor} are accounted for: {books}"
            yield currency, message


def _audit_tells_of_postings() -> Found:
    with connection.chunked_cursor() as cursor:
        cursor.execute(NOT_AS_TOLD, [ledger_audit.ACTION])
        for posting_id, key, kind, subject, at, reverses_id, details, entries, digest in cursor:
            if digest is None:
                yield key, "No audit event tells of it."
            elif key is None:
                yield posting_id, "The audit tells of it, and it is not there."
            else:
                moved = [Moved(*entry) for entry in json.loads(entries)]
                posted = Posted(posting_id, key, kind, subject, at, reverses_id, json.loads(details), moved)
                if posted.digest != digest:
                    yield key, "It is not what the audit was told of it."


NOT_AS_TOLD: Final = """
    WITH account AS MATERIALIZED (
        SELECT id, to_json(kind)::text || ',' || to_json(owner)::text AS name, to_json(currency)::text AS currency
        FROM billing_ledgeraccount
    ), moved AS (
        SELECT e.posting_id, string_agg('[' || s.name || ',' || t.name || ',' || e.amount_minor || ',' || s.currency
            || ']', ',' ORDER BY e.position) AS entries
        FROM billing_ledgerentry e JOIN account s ON s.id = e.source_id JOIN account t ON t.id = e.target_id
        GROUP BY e.posting_id
    ), told AS (
        SELECT posting.key::uuid AS id, posting.value AS digest
        FROM kernel_auditevent event, jsonb_each_text(event.details -> 'postings') posting WHERE event.action = %s
    )
    SELECT coalesce(p.id, told.id), p.key, p.kind, p.subject, p.at, p.reverses_id, p.details::text,
        '[' || coalesce(m.entries, '') || ']', told.digest
    FROM billing_posting p LEFT JOIN moved m ON m.posting_id = p.id FULL JOIN told ON told.id = p.id
    WHERE p.details <> '{}' OR told.digest IS DISTINCT FROM encode(sha256(convert_to('["' || p.id || '",'
        || to_json(p.key)::text || ',' || to_json(p.kind)::text || ',' || to_json(p.subject)::text || ',"'
        || to_char(p.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00","'
        || coalesce(p.reverses_id::text, '') || '",{},[' || m.entries || ']]', 'UTF8')), 'hex')
"""
# The database reckons the digest of what has no details, which is nearly all; where it comes to the one that was told,
# nothing was changed. All else, whatever it is written in, is judged by the code that told of it.

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

POSTINGS_BALANCE: Final = """
    SELECT p.key, format('It says %s entries and has %s, of which %s move an amount between two accounts.',
        p.entry_count, count(e.id), count(e.id) FILTER (WHERE e.amount_minor > 0 AND e.source_id <> e.target_id))
    FROM billing_posting p LEFT JOIN billing_ledgerentry e ON e.posting_id = p.id
    GROUP BY p.id
    HAVING count(e.id) FILTER (WHERE e.amount_minor > 0 AND e.source_id <> e.target_id) <> p.entry_count
        OR count(e.id) <> p.entry_count
"""

NEVER_BELOW_ZERO: Final = """
    WITH ends AS (
        SELECT source_id AS account_id, posting_id, id AS entry_id, -amount_minor AS delta FROM billing_ledgerentry
        UNION ALL SELECT target_id, posting_id, id, amount_minor FROM billing_ledgerentry
    ), held AS (
        SELECT account_id, posting_id, sum(delta) OVER place AS minor, lead(posting_id) OVER place AS next
        FROM ends
        WHERE account_id IN (
            SELECT id FROM billing_ledgeraccount WHERE kind NOT IN ('outside_world', 'loss', 'processor_fees'))
        WINDOW place AS (PARTITION BY account_id ORDER BY entry_id)
    )
    SELECT p.key, format('After it, %s of %s was %s.', a.kind, a.owner, h.minor)
    FROM held h JOIN billing_ledgeraccount a ON a.id = h.account_id JOIN billing_posting p ON p.id = h.posting_id
    WHERE h.minor < 0 AND h.next IS DISTINCT FROM h.posting_id
"""
# A posting locks its accounts before its entries get their ids: along one account, ids are the order of commits, and
# what one posting moves stands together. Within it money may pass through an account; after it nothing may be missing.

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
    UNION ALL
    SELECT p.key, format('It was reversed %s times.', count(*))
    FROM billing_posting r JOIN billing_posting p ON p.id = r.reverses_id GROUP BY p.id HAVING count(*) > 1
"""

BOOKS: Final[Promises] = {
    "postings balance": POSTINGS_BALANCE,
    "balances equal their entries": BALANCES_EQUAL_ENTRIES,
    "nothing is held below zero": NOTHING_HELD_BELOW_ZERO,
    "nothing pays before its money has arrived": NEVER_BELOW_ZERO,
    "currencies never mix": CURRENCIES_NEVER_MIX,
    "money moves along its ways": MONEY_MOVES_ALONG_ITS_WAYS,
    "work is paid once": WORK_IS_PAID_ONCE,
    "reversals are exact, and once": REVERSALS_ARE_EXACT,
    "money in is money held, kept and out": _books_add_up,
    "entries never change": _audit_tells_of_postings,
    "the database guards its money": guards_of("billing", also=AUDIT),
}
"""Each promise of the ledger by its name."""
