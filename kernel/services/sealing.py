"""The sealer: gives committed audit events their places in the log, and signs what the log has become.

One at a time, by an advisory lock. It takes only events of transactions that ended before any that is still under way,
in the order of transaction and id: so no event can come later to a place before one that is taken.
"""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from kernel import clock
from kernel.audit_content import leaf_of, selected
from kernel.checkpoints import Checkpoint
from kernel.merkle import Frontier, leaf_hash
from kernel.models import AuditCheckpoint, AuditSubtree
from kernel.services.audit_log import TIER_LEVELS, BrokenLog, latest_checkpoint, signing_key, stored_tree

logger = logging.getLogger(__name__)

AT_ONCE: Final = 5_000
SEALER: Final = 0x5EA1E12  # the advisory lock that stands for "there is one sealer"

Row = tuple[int, UUID, Sequence[str]]


def seal_events(*, at_once: int = AT_ONCE, look_everywhere: bool = False) -> int:
    """Seal every event that can be sealed now, a batch in each transaction; how many there were.

    Another sealer at the same moment leaves all to the first. ``look_everywhere`` looks at every event there is, not
    only at what comes behind the last sealed one. Raises BrokenLog, sealing nothing, when what is stored of the log is
    not what its last checkpoint says.
    """
    sealed = 0
    while True:
        batch = seal_batch(at_most=at_once, look_everywhere=look_everywhere)
        sealed += batch
        if batch < at_once:
            return sealed


@transaction.atomic
def seal_batch(*, at_most: int, look_everywhere: bool = False) -> int:
    """Seal the next events, with one checkpoint over them; how many, and 0 when another sealer is at it."""
    if not _is_the_only_one():
        return 0
    last = latest_checkpoint()
    below, next_tx = _horizon()
    # A database that was loaded from a dump counts its transactions anew: what the dump brought unsealed bears a number
    # that has not come yet, and what happened since stands before what was sealed. Then every event is looked at, once.
    if look_everywhere or last is None or last.last_tx >= next_tx:
        rows = _select(_ANYWHERE, [below, at_most])
    else:
        rows = _select(_AFTER, [last.last_tx, last.last_event_id, below, at_most])
    if not rows:
        return 0
    frontier = _footing(last)
    seals, subtrees = [], list[AuditSubtree]()
    for _, event_id, values in rows:
        hash_ = leaf_hash(leaf_of(values))
        seals.append((frontier.size, event_id, hash_))
        for level, place, above in frontier.add(hash_):
            if level % TIER_LEVELS == 0:
                subtrees.append(AuditSubtree(tier=level // TIER_LEVELS, place=place, hash=above))
    _insert(seals)
    AuditSubtree.objects.bulk_create(subtrees)
    _sign(frontier, last_tx=rows[-1][0], last_event_id=rows[-1][1])
    return len(rows)


def _is_the_only_one() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALER])
        return bool(cursor.fetchone()[0])


def _horizon() -> tuple[int, int]:
    """Below which transaction none can leave an event any more, and which transaction comes next.

    Only transactions of this database count: those of the server's others leave no events here. The numbers are taken
    before the sessions are looked at, and events are read after both: what had begun by then and is in no session has
    ended, and is seen.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # or the sessions would be those of an earlier look
        cursor.execute(_HORIZON)
        below, next_tx = cursor.fetchone()
    return below, next_tx


def _select(sql: str, values: Sequence[int | UUID]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [(tx, event_id, leaf) for tx, event_id, *leaf in cursor.fetchall()]


_HORIZON: Final = """
WITH now AS MATERIALIZED (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_tx),
running AS (
    SELECT backend_xid AS xid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
    AND backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()
)
SELECT least(next_tx, (SELECT min(next_tx - ((next_tx - xid::text::bigint) & 4294967295)) FROM running)), next_tx
FROM now
"""  # a session tells the lower half of a transaction's number, which is no more than 2^31 behind the next one

_EVENTS: Final = f"""
SELECT event.tx, event.id, {selected("event")} FROM kernel_auditevent event
WHERE NOT EXISTS (SELECT FROM kernel_auditseal seal WHERE seal.event_id = event.id)
"""  # noqa: S608  (all of it ours)
_ENDED: Final = "event.tx < %s"
_FROM_A_DUMP: Final = "event.tx >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_AFTER: Final = f"{_EVENTS} AND (event.tx, event.id) > (%s, %s) AND {_ENDED} ORDER BY event.tx, event.id LIMIT %s"
_ANYWHERE: Final = f"""
{_EVENTS} AND ({_ENDED} OR {_FROM_A_DUMP}) ORDER BY ({_FROM_A_DUMP}) DESC, event.tx, event.id LIMIT %s
"""


def _footing(last: AuditCheckpoint | None) -> Frontier:
    """The tree as it is stored, if it is what ``last`` says: nothing is ever built on what was tampered with."""
    if last is None:
        return Frontier()
    frontier = Frontier(last.size, stored_tree())
    if frontier.root() != bytes(last.root):
        raise BrokenLog(f"The log is not what its checkpoint of {last.size} events says. Run: manage.py audit verify")
    return frontier


def _insert(seals: Sequence[tuple[int, UUID, bytes]]) -> None:
    into = "COPY kernel_auditseal (position, event_id, leaf_hash) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(into) as copy:
        copy.set_types(["int8", "uuid", "bytea"])
        for seal in seals:
            copy.write_row(seal)


def _sign(frontier: Frontier, *, last_tx: int, last_event_id: UUID) -> None:
    key, now = signing_key(), clock.now().replace(microsecond=0)
    checkpoint = Checkpoint(origin=key.name, size=frontier.size, root=frontier.root(), at=now)
    AuditCheckpoint.objects.create(
        size=checkpoint.size,
        root=checkpoint.root,
        note=checkpoint.signed(key),
        signed_at=now,
        last_tx=last_tx,
        last_event_id=last_event_id,
    )
