"""Slots: the turns that nobody has taken yet. Taking one costs the same however long the queue is."""

import random
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import connection

from marketplace.models import Slot, Task

CHANCE: Final = random.SystemRandom()

# One index range scan from a random place: no row is counted, none but the taken one is locked. A slot whose lock
# somebody holds is skipped at first; only when nothing else is left is the claim run again, waiting, because skipping
# alone turns workers away while turns are merely being looked at.
_TAKE = """
DELETE FROM marketplace_slot WHERE id = (
    SELECT slot.id FROM marketplace_slot slot
    WHERE slot.job_id = %(job)s AND slot.lane = %(lane)s AND slot.priority = %(priority)s
      AND slot.r >= %(low)s AND slot.r < %(high)s
      AND NOT EXISTS (
          SELECT FROM marketplace_assignment done WHERE done.worker_id = %(worker)s AND done.task_id = slot.task_id)
      {only_among}
    ORDER BY slot.r, slot.id LIMIT 1
    FOR NO KEY UPDATE OF slot {skip_locked})
RETURNING task_id, ordinal
"""
_TAKE_ANY: Final = [_TAKE.format(only_among="", skip_locked=how) for how in ("SKIP LOCKED", "")]
_TAKE_AMONG: Final = [
    _TAKE.format(only_among="AND slot.task_id = ANY(%(among)s)", skip_locked=how) for how in ("SKIP LOCKED", "")
]

_NEXT_PRIORITY: Final = """
SELECT priority FROM marketplace_slot
WHERE job_id = %(job)s AND lane = %(lane)s AND priority > %(priority)s ORDER BY priority LIMIT 1
"""


def take_slot(
    *,
    job_id: UUID,
    lane: Slot.Lane,
    worker_id: UUID,
    chance: random.Random = CHANCE,
    among: Collection[UUID] | None = None,
) -> tuple[UUID, int] | None:
    """Take a free turn at a task that ``worker_id`` has never had: (task id, ordinal), or None when there is none.

    The lowest priority number goes first; within it the turn is random. With ``among``, only turns at those tasks are
    looked at. Runs in the caller's transaction.
    """
    start = chance.random()
    where: dict[str, Any] = {"job": job_id, "lane": int(lane), "worker": worker_id}
    if among is not None:
        where["among"] = list(among)
    for statement in _TAKE_ANY if among is None else _TAKE_AMONG:
        taken = _take_from(statement, where, start=start)
        if taken is not None:
            return taken
    return None


def _take_from(statement: str, where: dict[str, Any], *, start: float) -> tuple[UUID, int] | None:
    where = where | {"priority": -1}
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_NEXT_PRIORITY, where)
            row = cursor.fetchone()
            if row is None:
                return None
            where["priority"] = row[0]
            for low, high in ((start, 2.0), (0.0, start)):
                cursor.execute(statement, where | {"low": low, "high": high})
                taken = cursor.fetchone()
                if taken is not None:
                    return taken[0], taken[1]


def open_slot(*, task: Task, ordinal: int, chance: random.Random = CHANCE) -> None:
    """Offer turn ``ordinal`` at ``task``, whose row the caller has locked. Tasks that are settled offer nothing."""
    if task.state != Task.State.OPEN:
        return
    lane = Slot.Lane.GOLD if task.gold_question_id else Slot.Lane.WORK
    Slot.objects.create(
        job_id=task.job_id, task=task, lane=lane, priority=task.priority, r=chance.random(), ordinal=ordinal
    )


def is_anything_free(*, job_id: UUID) -> bool:
    """Whether any turn at work in the job is free, for whomever."""
    return Slot.objects.filter(job_id=job_id, lane=Slot.Lane.WORK).exists()
