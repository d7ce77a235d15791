"""Checking the log: all of it is read again, from the first event to the last, and the first fault is told in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from kernel.audit_content import event_of, leaf_of, selected
from kernel.checkpoints import Checkpoint, WrongCheckpoint, read_checkpoint
from kernel.merkle import Frontier, leaf_hash
from kernel.models import AuditCheckpoint, AuditSeal, AuditSubtree
from kernel.services.audit_log import TIER_LEVELS, latest_checkpoint, trusted_keys

AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Report:
    """What was read: sealed events, their checkpoints, events that wait for the sealer; and the first fault, if any."""

    events: int
    checkpoints: int
    waiting: int
    fault: str


class _Fault(Exception):
    """The log is not as it was sealed; the message is a sentence."""


def check_log(*, kept: Sequence[str] = ()) -> Report:
    """Read the whole log again, in one snapshot and in constant memory, and hold it against its checkpoints.

    ``kept`` are checkpoints that were kept elsewhere, as their text: only they can show that the end of the log was cut
    off, or that all of it was made anew by somebody who has the key.
    """
    is_outermost, fault = not connection.in_atomic_block, ""
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        reading = _Reading()
        try:
            reading.go_through(_trusted(kept))
        except _Fault as found:
            fault = str(found)
        return Report(reading.frontier.size, reading.checkpoints, _waiting(), fault)


class _Reading:
    """One pass over events, seals, subtrees and checkpoints, side by side."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.checkpoints = 0
        self._last_event = ("", "")

    def go_through(self, kept: Sequence[Checkpoint]) -> None:
        own, elsewhere = iter(AuditCheckpoint.objects.order_by("size").iterator(AT_ONCE)), iter(kept)
        next_own, next_kept = next(own, None), next(elsewhere, None)
        for position, event_id, sealed, values in _rows():
            self._take(position, event_id, sealed, values)
            if next_own is not None and next_own.size == self.frontier.size:
                self._hold_against(next_own)
                next_own = next(own, None)
            while next_kept is not None and next_kept.size == self.frontier.size:
                self._hold_against_kept(next_kept)
                next_kept = next(elsewhere, None)
        self._close(next_own, next_kept)

    def _take(self, position: int, event_id: str, sealed: bytes, values: Sequence[str]) -> None:
        expected = self.frontier.size
        if position != expected:
            raise _Fault(f"Position {expected} is missing: the event that stood there was deleted with its seal.")
        if values[0] is None:
            raise _Fault(f"The event at position {position} ({event_id}) was deleted.")
        hash_ = leaf_hash(leaf_of(values))
        if hash_ != bytes(sealed):
            raise _Fault(_edited(position, event_id, hash_))
        event = event_of(values)
        self._last_event = (event["tx"], event["id"])
        for level, place, above in self.frontier.add(hash_):
            if level % TIER_LEVELS == 0:
                _hold_against_subtree(level // TIER_LEVELS, place, above)

    def _hold_against(self, stored: AuditCheckpoint) -> None:
        name = f"The checkpoint of {stored.size} events"
        try:
            said = read_checkpoint(stored.note, trusted=trusted_keys())
        except WrongCheckpoint as fault:
            raise _Fault(f"{name} cannot be believed: {fault}") from fault
        if (said.size, said.root, said.at) != (stored.size, bytes(stored.root), stored.signed_at):
            raise _Fault(f"{name} is stored beside another size, root or time than it says.")
        if said.root != self.frontier.root():
            raise _Fault(
                f"The log up to position {stored.size - 1} is not what its checkpoint says, which was signed at "
                f"{said.at:%Y-%m-%d %H:%M:%S} UTC: since then an event was edited, deleted, inserted or moved, and the "
                "hashes were made to fit."
            )
        if (str(stored.last_tx), str(stored.last_event_id)) != self._last_event:
            raise _Fault(f"{name} names another event as its last than the one at position {stored.size - 1}.")
        self.checkpoints += 1

    def _hold_against_kept(self, kept: Checkpoint) -> None:
        if kept.root != self.frontier.root():
            raise _Fault(
                f"The first {kept.size} events are not those of the checkpoint that was kept elsewhere, of "
                f"{kept.at:%Y-%m-%d %H:%M:%S} UTC: the log was made anew since."
            )

    def _close(self, next_own: AuditCheckpoint | None, next_kept: Checkpoint | None) -> None:
        size = self.frontier.size
        if next_own is not None:
            raise _Fault(
                f"The log ends after {size} events, and there is a checkpoint of {next_own.size}: its end was cut."
            )
        if next_kept is not None:
            raise _Fault(
                f"The log ends after {size} events, and the checkpoint that was kept elsewhere is of {next_kept.size}, "
                f"at {next_kept.at:%Y-%m-%d %H:%M:%S} UTC: its end was cut off, together with the checkpoints over it."
            )
        last = latest_checkpoint()
        if size and (last is None or last.size != size):
            signed = last.size if last else 0
            raise _Fault(
                f"Positions {signed} to {size - 1} are under no checkpoint: they were inserted, or it was deleted."
            )
        if AuditSubtree.objects.count() != _subtrees_of(size):
            raise _Fault("There are more hashes of subtrees than the log has events for: some were inserted.")
        if last is not None:
            _refuse_inserted(last)


def _rows() -> Iterator[tuple[int, str, bytes, Sequence[str]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SEALED)
        while rows := cursor.fetchmany(AT_ONCE):
            for position, event_id, sealed, *values in rows:
                yield position, event_id, sealed, values


_SEALED: Final = f"""
SELECT seal.position, seal.event_id, seal.leaf_hash, {selected("event")}
FROM kernel_auditseal seal LEFT JOIN kernel_auditevent event ON event.id = seal.event_id ORDER BY seal.position
"""  # noqa: S608  (all of it ours)


def _edited(position: int, event_id: str, found: bytes) -> str:
    where = AuditSeal.objects.filter(leaf_hash=found).values_list("position", flat=True).first()
    if where is not None:
        return f"The event at position {position} ({event_id}) was sealed at position {where}: events were reordered."
    return f"The event at position {position} ({event_id}) is not what was sealed: it was edited, or put in its place."


def _hold_against_subtree(tier: int, place: int, expected: bytes) -> None:
    stored = AuditSubtree.objects.filter(tier=tier, place=place).values_list("hash", flat=True).first()
    if stored is None or bytes(stored) != expected:
        raise _Fault(
            f"The hash of subtree {place} of tier {tier} was edited or deleted; the events under it are sound."
        )


def _subtrees_of(size: int) -> int:
    count = 0
    while size := size >> TIER_LEVELS:
        count += size
    return count


def _refuse_inserted(last: AuditCheckpoint) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INSERTED, {"tx": last.last_tx, "id": last.last_event_id})
        found = cursor.fetchone()
    if found is not None:
        raise _Fault(
            f"Event {found[0]} says that it is of transaction {found[1]}, of which everything was sealed, or which has "
            "not come yet; and it has no seal: it was inserted later, or its seal was deleted. (If this database was "
            "loaded from a dump, run `manage.py audit seal` first.)"
        )


# Where the last that was sealed is of a number that has not come yet, a dump was loaded, and everything waits.
_INSERTED: Final = """
SELECT event.id, event.tx FROM kernel_auditevent event, pg_current_snapshot() now
WHERE NOT EXISTS (SELECT FROM kernel_auditseal seal WHERE seal.event_id = event.id)
    AND %(tx)s < pg_snapshot_xmax(now)::text::bigint
    AND ((event.tx, event.id) <= (%(tx)s, %(id)s) OR event.tx >= pg_snapshot_xmax(now)::text::bigint)
LIMIT 1
"""


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM kernel_auditevent event "
            "WHERE NOT EXISTS (SELECT FROM kernel_auditseal seal WHERE seal.event_id = event.id)"
        )
        (waiting,) = cursor.fetchone()
    return int(waiting)


def _trusted(kept: Sequence[str]) -> list[Checkpoint]:
    """The checkpoints that were kept elsewhere, by size; one that nobody we trust has signed is a fault by itself."""
    found = []
    for note in kept:
        try:
            found.append(read_checkpoint(note, trusted=trusted_keys()))
        except WrongCheckpoint as fault:
            raise _Fault(f"The checkpoint that was kept elsewhere cannot be believed: {fault}") from fault
    return sorted(found, key=lambda checkpoint: checkpoint.size)
