"""Heartbeats: a page says that its worker is at a turn. Evidence only; time is measured by the server."""

from typing import Final
from uuid import UUID

from kernel import clock
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.rows import planned_cursor
from marketplace.models import Assignment
from workforce.models import Worker

SECONDS_BETWEEN: Final = 5
"""What comes faster is not counted, so that a turn's reservation bounds its heartbeats."""


def note_heartbeat(*, assignment_id: UUID, worker: Worker) -> None:
    """Count that the worker's page is open at an active turn of theirs. Raises NotFound or WrongState."""
    turn = Assignment.objects.filter(pk=assignment_id, worker=worker).only("state").first()
    if turn is None:
        raise NotFound("assignment")
    if turn.state != Assignment.State.ACTIVE:
        raise WrongState(f"Assignment {turn.pk} is {turn.state}; nobody is at it any more.")
    with planned_cursor() as cursor:
        cursor.execute(_BEAT, {"turn": turn.pk, "now": clock.now(), "seconds": SECONDS_BETWEEN})


_BEAT: Final = """
INSERT INTO marketplace_heartbeat AS beat (assignment_id, beats, last_at) VALUES (%(turn)s, 1, %(now)s)
ON CONFLICT (assignment_id) DO UPDATE SET beats = beat.beats + 1, last_at = excluded.last_at
WHERE beat.last_at <= excluded.last_at - make_interval(secs => %(seconds)s)
"""
