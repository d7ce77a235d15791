"""The ledger's rows as its writer reads and writes them: a hundred postings in as few statements as one (ADR 0045)."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from billing.models import Posting
from kernel.rows import Columns, Statement, planned_cursor

End = tuple[str, str]
"""An account by its kind and its owner."""


class Held(NamedTuple):
    """An account that is locked, and what it holds."""

    id: int
    kind: str
    minor: int


class Move(NamedTuple):
    """An entry between accounts that are locked."""

    posting_id: UUID
    position: int
    source: Held
    target: Held
    amount_minor: int


def accounts_locked(ends: Sequence[End], currency: str) -> dict[End, Held] | None:
    """Lock these accounts, each named once, by ascending id; None, and none is locked, while one was never opened."""
    kinds, owners = [kind for kind, _ in ends], [owner for _, owner in ends]
    with planned_cursor() as cursor:
        cursor.execute(_LOCK, [owners, kinds, currency, len(ends)])
        found = {(kind, owner): Held(pk, kind, minor) for kind, owner, pk, minor in cursor.fetchall()}
    return found if len(found) == len(ends) else None


def postings_under(keys: Sequence[str]) -> dict[str, Posting]:
    """The postings that were made under these keys, by key."""
    with planned_cursor() as cursor:
        cursor.execute(_MADE, [list(keys)])
        found = [_POSTING.row(values) for values in cursor.fetchall()]
    return {posting.key: posting for posting in found}


def write(*, told: Statement, postings: Sequence[Posting], moves: Sequence[Move]) -> None:
    """Insert the audit event that ``told`` returns a row of, the ``postings`` and their entries, in this order.

    The database's guard then finds the event as each row comes, and need not look again at the commit.
    """
    rows = [
        {
            "id": str(posting.id),
            "key": posting.key,
            "kind": posting.kind,
            "subject": posting.subject,
            "at": posting.at.isoformat(),
            "entry_count": posting.entry_count,
            "reverses_id": str(posting.reverses_id) if posting.reverses_id else None,
            "details": posting.details,
        }
        for posting in postings
    ]
    entries = [
        {
            "posting_id": str(move.posting_id),
            "position": move.position,
            "source_id": move.source.id,
            "target_id": move.target.id,
            "amount_minor": move.amount_minor,
        }
        for move in moves
    ]
    with planned_cursor() as cursor:
        cursor.execute(_writing(told.sql), [*told.values, json.dumps(rows), json.dumps(entries)])
    for posting in postings:
        posting._state.adding, posting._state.db = False, connection.alias


_POSTING: Final = Columns(Posting, "posting")

_LOCK: Final = """
WITH wanted AS (
    SELECT account.id
    FROM unnest(%s::text[], %s::text[]) AS named (owner, kind)
    JOIN billing_ledgeraccount account
      ON account.owner = named.owner AND account.kind = named.kind AND account.currency = %s
)
SELECT kind, owner, id, balance_minor FROM billing_ledgeraccount
WHERE id IN (SELECT id FROM wanted) AND (SELECT count(*) FROM wanted) = %s
ORDER BY id FOR NO KEY UPDATE
"""

_MADE: Final = f"SELECT {_POSTING.selected} FROM billing_posting posting WHERE key = ANY(%s::text[])"  # noqa: S608  (ours)


@cache
def _writing(told: str) -> str:
    return f"""
        WITH told AS ({told}), posted AS (
            INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, reverses_id, details)
            SELECT posting.* FROM told, json_to_recordset(%s::json) AS posting (
                id uuid, key text, kind text, subject text, at timestamptz, entry_count smallint, reverses_id uuid,
                details jsonb)
            RETURNING id
        )
        INSERT INTO billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor)
        SELECT entry.* FROM json_to_recordset(%s::json) AS entry (
            posting_id uuid, position smallint, source_id bigint, target_id bigint, amount_minor bigint)
        WHERE EXISTS (SELECT FROM posted)
    """  # noqa: S608  (all of it ours)
