"""Slots: the turns that nobody has taken yet. Taking one costs the same however long the queue is."""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from kernel.rows import Columns, plan_anew, planned_cursor
from marketplace.models import Job, Slot, Task
from marketplace.services.shapes import Shape
from qualification.queries import TRUSTED_GOLD
from qualification.statistics.steering import way_in

CHANCE: Final = random.SystemRandom()

# One index range scan from a random place, and if nothing is left from there on, one from the beginning: no row is
# counted, none but the taken one is locked. A slot whose lock somebody holds is skipped at first; only when nothing
# else is left is the claim run again, waiting: skipping alone turns workers away while turns are merely looked at.
_FREE: Final = """
    SELECT slot.id FROM marketplace_slot slot
    WHERE slot.job_id = %(job)s AND slot.lane = {lane} AND slot.priority = {priority} AND slot.r {side} %(start)s
      AND NOT EXISTS (
          SELECT FROM marketplace_assignment done WHERE done.worker_id = %(worker)s AND done.task_id = slot.task_id)
      {and_only}
    ORDER BY slot.r, slot.id LIMIT 1
    FOR NO KEY UPDATE OF slot {skip_locked}
"""
# Before it, a look at a few slots of the part of the queue where this worker is best asked, and then of the other part
# (ADR 0047). No more than a few: who is often asked further has had all the tasks that are left there. OFFSET 0 lets
# each be looked at for itself, up to the first that is found; as a join all of this worker's turns might be read.
_NEAR: Final = """
    SELECT near.{what} FROM (
        SELECT slot.id, slot.task_id, slot.band, slot.r FROM marketplace_slot slot
        WHERE slot.job_id = %(job)s AND slot.lane = 0 AND slot.priority = {priority} AND {part} {and_only}
        ORDER BY slot.r, slot.id LIMIT {near}
    ) near
    WHERE NOT EXISTS (
        SELECT FROM marketplace_assignment done
        WHERE done.worker_id = %(worker)s AND done.task_id = near.task_id OFFSET 0)
    ORDER BY near.r, near.id LIMIT 1
"""
_FREE_NEAR: Final = """
    SELECT slot.id FROM marketplace_slot slot WHERE slot.id = ({near}) FOR NO KEY UPDATE OF slot SKIP LOCKED
"""
_FIRST_TURNS: Final = ("slot.r >= %(start)s AND slot.r < 1", "slot.r < %(start)s")
_FURTHER_TURNS: Final = ("slot.r >= 1 + %(start)s::float8", "slot.r >= 1 AND slot.r < 1 + %(start)s::float8")
_TAKE: Final = """
DELETE FROM marketplace_slot WHERE id = coalesce({places})
RETURNING task_id, (SELECT item FROM marketplace_task task WHERE task.id = task_id), ordinal, lane, band
"""
_LOWEST: Final = "(SELECT min(priority) FROM marketplace_slot WHERE job_id = %(job)s AND lane = {lane})"
_NEXT_PRIORITY: Final = """
SELECT min(priority) FROM marketplace_slot WHERE job_id = %(job)s AND lane = 0 AND priority > %(priority)s
"""
_ONLY_AMONG: Final = "AND slot.task_id = ANY(%(among)s)"
# Gold is taken by use: ``r`` begins with the number of the turn, so the first in the queue is asked least. It is never
# an item that the worker met anywhere, and among a few in front of the others of the class that they met least in this
# job. Who has met nearly all passes over many; how many must not grow with the job.
_FREE_GOLD: Final = """
    SELECT slot.id FROM marketplace_slot slot WHERE slot.id = (
        SELECT near.id FROM (
            SELECT front.id, front.r, question.answer_key FROM (
                SELECT slot.id, slot.r, slot.task_id FROM marketplace_slot slot
                WHERE slot.job_id = %(job)s AND slot.lane = {lane} AND slot.priority = {priority} {and_only}
                ORDER BY slot.r, slot.id LIMIT {passed_over}
            ) front
            JOIN marketplace_task task ON task.id = front.task_id
            JOIN qualification_goldquestion question ON question.id = task.gold_question_id
            WHERE question.item_sha256 NOT IN (
                SELECT known.item_sha256
                FROM marketplace_assignment turn JOIN marketplace_task had ON had.id = turn.task_id
                JOIN qualification_goldquestion known ON known.id = had.gold_question_id
                WHERE turn.worker_id = %(worker)s AND turn.lane = {lane}
                UNION ALL
                SELECT known.item_sha256
                FROM qualification_exam exam JOIN qualification_examanswer asked ON asked.exam_id = exam.id
                JOIN qualification_goldquestion known ON known.id = asked.gold_question_id
                WHERE exam.worker_id = %(worker)s)
            ORDER BY front.r, front.id LIMIT {near}
        ) near
        LEFT JOIN (
            SELECT known.answer_key, count(*) AS times
            FROM marketplace_assignment turn JOIN marketplace_task had ON had.id = turn.task_id
            JOIN qualification_goldquestion known ON known.id = had.gold_question_id
            WHERE turn.worker_id = %(worker)s AND turn.job_id = %(job)s AND turn.lane = {lane} GROUP BY 1
        ) met ON met.answer_key = near.answer_key
        ORDER BY coalesce(met.times, 0), near.r, near.id LIMIT 1
    )
    FOR NO KEY UPDATE OF slot SKIP LOCKED
"""
GOLD_LOOKED_AT: Final = 64
GOLD_PASSED_OVER: Final = 1_000
WORK_LOOKED_AT: Final = 16
MOST_TURNS: Final = 32_768

# Whoever has done all the work would know gold by its being there still, and by its price if that were not the price of
# the work in whose place it comes: so it is of the same band. What comes is looked at as it is taken, but not locked.
_WORK_TO_COME: Final = """
    SELECT work.band FROM marketplace_slot work
    WHERE work.job_id = %(job)s AND work.lane = 0 AND NOT EXISTS (
        SELECT FROM marketplace_assignment done WHERE done.worker_id = %(worker)s AND done.task_id = work.task_id)
    ORDER BY work.priority, work.r, work.id LIMIT 1
"""


@cache
def take_statement(
    *,
    waits: bool = False,
    any_priority: bool = False,
    is_among: bool = False,
    gold_first: bool = False,
    unsure_first: bool = False,
) -> str:
    """The statement that takes a slot at work, of the lowest priority there is or of ``%(priority)s``.

    With ``unsure_first`` a further turn at an unsure task comes before the first ones, else after them. With
    ``gold_first`` it takes one at gold if there is one, and it is the same single statement whatever it finds: a claim
    at gold asks the database no more often than one at work.
    """
    priority, only = "%(priority)s" if any_priority else _LOWEST, _ONLY_AMONG if is_among else ""
    skip_locked, lane = "" if waits else "SKIP LOCKED", int(Slot.Lane.WORK)
    places = [
        _FREE.format(lane=lane, priority=priority.format(lane=lane), side=side, and_only=only, skip_locked=skip_locked)
        for side in (">=", "<")
    ]
    if not waits:
        near = _near("id", priority=priority, unsure_first=unsure_first, and_only=only)
        places = [*(_FREE_NEAR.format(near=each) for each in near), *places]
    if gold_first:
        lane = int(Slot.Lane.GOLD)
        to_come = [*_near("band", priority=_LOWEST, unsure_first=unsure_first), _WORK_TO_COME]
        and_only = f"{only} AND slot.band = coalesce({_listed(to_come)})"
        gold = {"lane": lane, "priority": _LOWEST.format(lane=lane), "and_only": and_only, "near": GOLD_LOOKED_AT}
        gold["passed_over"] = GOLD_PASSED_OVER
        places.insert(0, _FREE_GOLD.format(**gold))
    return _TAKE.format(places=_listed(places))


def _near(what: str, *, priority: str, unsure_first: bool, and_only: str = "") -> list[str]:
    parts = (*_FURTHER_TURNS, *_FIRST_TURNS) if unsure_first else (*_FIRST_TURNS, *_FURTHER_TURNS)
    lowest = priority.format(lane=int(Slot.Lane.WORK))
    return [
        _NEAR.format(what=what, priority=lowest, part=part, and_only=and_only, near=WORK_LOOKED_AT) for part in parts
    ]


def _listed(places: Sequence[str]) -> str:
    return ", ".join(f"({place})" for place in places)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that was taken: its task, with the item alone, which of its turns it is, the slot's lane and band."""

    task: Task
    ordinal: int
    lane: int
    band: str


def take_slot(
    *,
    job_id: UUID,
    worker_id: UUID,
    is_sure: bool = False,
    gold_first: bool = False,
    chance: random.Random = CHANCE,
    among: Collection[UUID] | None = None,
) -> Turn | None:
    """Take a free turn at a task that ``worker_id`` has never had, or None when there is none.

    At work, the lowest priority number goes first. Within it who ``is_sure`` is given a further turn at an unsure task,
    and everybody else mostly a first one, as long as there are any (`qualification.statistics.steering`); which one is
    random. With ``gold_first`` it is a turn at gold, if there is one while there is work too: what is asked least, of a
    class that they have met least. With ``among``, only turns at those tasks are looked at. Runs in the caller's
    transaction.
    """
    unsure_first, start = way_in(is_sure=is_sure, drawn=chance.random())
    where: dict[str, Any] = {"job": job_id, "worker": worker_id, "start": start}
    is_among = among is not None
    if among is not None:
        where["among"] = list(among)
    with planned_cursor() as cursor:
        statement = take_statement(is_among=is_among, gold_first=gold_first, unsure_first=unsure_first)
        turn = _taken(cursor, statement, where)
        if turn is not None:
            return turn
        for waits in (False, True):
            statement = take_statement(waits=waits, any_priority=True, is_among=is_among, unsure_first=unsure_first)
            for priority in _priorities(cursor, where):
                turn = _taken(cursor, statement, where | {"priority": priority})
                if turn is not None:
                    return turn
    return None


def _priorities(cursor: CursorWrapper, where: dict[str, Any]) -> Iterator[int]:
    priority = -1
    while True:
        cursor.execute(_NEXT_PRIORITY, where | {"priority": priority})
        (priority,) = cursor.fetchone()
        if priority is None:
            return
        yield priority


def _taken(cursor: CursorWrapper, statement: str, where: dict[str, Any]) -> Turn | None:
    cursor.execute(statement, where)
    row = cursor.fetchone()
    return Turn(_TASK.row(row[:2]), *row[2:]) if row else None


_TASK: Final = Columns(Task, "task", only=("id", "item"))


def open_slot(*, task: Task, ordinal: int, chance: random.Random = CHANCE) -> None:
    """Offer turn ``ordinal`` at ``task``, whose row the caller has locked. Tasks that are settled offer nothing.

    A turn beyond the job's least overlap is there because the first ones left the task unsure.
    """
    if task.state != Task.State.OPEN:
        return
    lane = Slot.Lane.GOLD if task.gold_question_id else Slot.Lane.WORK
    place = chance.random()
    if lane == Slot.Lane.GOLD:
        place = (ordinal - 1 + place) / MOST_TURNS
    elif ordinal > task.job.overlap_min:
        place += 1
    Slot.objects.create(
        job_id=task.job_id,
        task=task,
        lane=lane,
        priority=task.priority,
        r=place,
        ordinal=ordinal,
        band=task.band,
    )


def is_anything_free(*, job_id: UUID) -> bool:
    """Whether any turn at work in the job is free, for whomever."""
    return Slot.objects.filter(job_id=job_id, lane=Slot.Lane.WORK).exists()


def offer_tasks(job: Job, shape: Shape, *, created_at: datetime | None = None) -> None:
    """Offer first turns at the work of a locked job, all of it or what came at ``created_at``, and the gold beside it.

    Gold that was there already is offered more often: it has to last for more work.
    """
    given: dict[str, Any] = {"job": job.pk, "at": created_at, "turns": job.overlap_min, "lane": int(Slot.Lane.WORK)}
    with connection.cursor() as cursor:
        cursor.execute(_OFFER_WORK, given)
        added = cursor.rowcount
    plan_anew(Slot, added=added + offer_gold(job, shape))


def offer_gold(job: Job, shape: Shape) -> int:
    """Offer turns at the gold of a locked job up to as many as its work needs now; how many were added.

    None at gold that is doubted or retired.
    """
    given: dict[str, Any] = {"job": job.pk, "lane": int(Slot.Lane.GOLD)}
    added = 0
    with connection.cursor() as cursor:
        for band in shape.bands:
            cursor.execute(_OFFER_GOLD, given | {"band": band.band, "turns": band.gold_turns_each})
            added += cursor.rowcount
    return added


_OFFER: Final = """
INSERT INTO marketplace_slot (job_id, task_id, lane, priority, r, ordinal, band)
SELECT task.job_id, task.id, %(lane)s, task.priority, {place}, turn, task.band
FROM marketplace_task task, generate_series(1, %(turns)s) turn
WHERE task.job_id = %(job)s
"""
_OFFER_WORK: Final = f"""{_OFFER.format(place="random()")}
  AND task.gold_question_id IS NULL AND (%(at)s::timestamptz IS NULL OR task.created_at = %(at)s)
"""
# A turn that is being claimed stands in the one table or in the other, at whatever moment this looks.
_OFFER_GOLD: Final = f"""{_OFFER.format(place=f"(turn - 1 + random()) / {MOST_TURNS}")}
  AND task.gold_question_id IS NOT NULL AND task.band = %(band)s AND task.state = 'open'
  AND task.gold_question_id IN (SELECT trusted.id FROM {TRUSTED_GOLD} trusted)
  AND NOT EXISTS (SELECT FROM marketplace_slot known WHERE known.task_id = task.id AND known.ordinal = turn)
  AND NOT EXISTS (SELECT FROM marketplace_assignment known WHERE known.task_id = task.id AND known.ordinal = turn)
"""  # noqa: S608  (all of it ours)
