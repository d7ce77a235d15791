"""Giving the log away: every event in its place and every checkpoint, line by line, to be checked anywhere."""

import json
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection, transaction

from kernel.audit_content import event_of, selected
from kernel.errors import Invalid
from kernel.merkle import peaks
from kernel.models import AuditCheckpoint
from kernel.services.audit_log import encoded, latest_checkpoint, stored_tree, trusted_keys

AT_ONCE: Final = 2_000


def export_log(*, since: int = 0) -> Iterator[str]:
    """The log from position ``since`` to its newest checkpoint, as JSON Lines; in one snapshot and constant memory.

    The first line has the public keys and, for a log that does not begin at 0, the hashes over what came before. Raises
    Invalid when there is no event from ``since`` on.
    """
    last = latest_checkpoint()
    size = last.size if last else 0
    if not 0 <= since < size:
        raise Invalid(f"The log has {size} sealed events; there is none from position {since} on.")
    return _lines(since, size)


def _lines(since: int, size: int) -> Iterator[str]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield _header(since)
        checkpoints = AuditCheckpoint.objects.filter(size__gt=since, size__lte=size).order_by("size").iterator(AT_ONCE)
        following = next(checkpoints)
        for position, values in _events(since, size):
            yield _line({"position": position, "event": event_of(values)})
            if following.size == position + 1:
                yield _line({"checkpoint": following.note})
                following = next(checkpoints, following)


def _header(since: int) -> str:
    tree = stored_tree()
    return _line(
        {
            "kind": "export",
            "start": since,
            "peaks": encoded([tree(level, place) for level, place in peaks(since)]),
            "keys": [str(key) for key in trusted_keys()],
        }
    )


def _line(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def _events(start: int, end: int) -> Iterator[tuple[int, list[str]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SEALED, [start, end])
        while rows := cursor.fetchmany(AT_ONCE):
            yield from ((position, values) for position, *values in rows)


_SEALED: Final = f"""
SELECT seal.position, {selected("event")}
FROM kernel_auditseal seal JOIN kernel_auditevent event ON event.id = seal.event_id
WHERE seal.position >= %s AND seal.position < %s ORDER BY seal.position
"""  # noqa: S608  (all of it ours)
