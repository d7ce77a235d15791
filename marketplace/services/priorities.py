"""The order in which tasks are claimed: a task's priority, and the same on its free turns."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from django.db import connection

from marketplace.models import Task

FIRST: Final = 0


def put_first(task_ids: Collection[UUID]) -> None:
    """Let these tasks be claimed before all others. Runs in the caller's transaction, under its job's lock."""
    set_priorities(dict.fromkeys(task_ids, FIRST))


def set_priorities(priorities: Mapping[UUID, int]) -> None:
    """Give each of these tasks its priority, 0 (first) to 9 (last), and its free turns too.

    Runs in the caller's transaction. Whoever offers a turn at a task holds its lock, so no turn comes with the old one.
    """
    if not priorities:
        return
    ids, values = zip(*sorted(priorities.items()), strict=True)
    locked = Task.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(locked.values_list("pk"))
    with connection.cursor() as cursor:
        for table, key in (("marketplace_task", "id"), ("marketplace_slot", "task_id")):
            cursor.execute(
                f"""
                UPDATE {table} SET priority = asked.priority
                FROM unnest(%s::uuid[], %s::int[]) AS asked (task_id, priority)
                WHERE {table}.{key} = asked.task_id AND {table}.priority <> asked.priority
                """,  # noqa: S608  (tables and columns are named here)
                [list(ids), list(values)],
            )
