"""What each transaction of the application changed inside a test: told by the database, which counts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from django.db import connection
from django.db.transaction import Atomic

Counts = dict[tuple[str, str], int]
Changes = set[tuple[str, str]]

TELL_OF_NOTHING: Final = {
    ("kernel_challenge", "inserted"),  # steps of what is not done yet
    ("kernel_apikey", "updated"),  # that it was used
    ("marketplace_heartbeat", "inserted"),  # that a page is open
    ("marketplace_heartbeat", "updated"),
    ("kernel_session", "updated"),  # that somebody was there
}
"""Changes that may be committed without an event."""


@contextmanager
def transactions_watched() -> Iterator[list[Changes]]:
    """For each transaction that is committed inside, in its order: which tables it changed, and in which way.

    The test's own transaction is around all of them; what is written between them commits by itself, so it counts as
    one more.
    """
    enter, leave = Atomic.__enter__, Atomic.__exit__
    seen: list[Changes] = []
    before = _counts()

    def note(*, kept: bool = True) -> None:
        nonlocal before
        now = _counts()
        changed = {change for change, rows in now.items() if rows > before.get(change, 0)}
        if changed and kept:
            seen.append(changed)
        before = now

    def is_between_transactions() -> bool:
        return all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)

    def note_and_enter(block: Atomic) -> None:
        if is_between_transactions():
            note()
        enter(block)

    def leave_and_note(block: Atomic, kind: Any, error: Any, traceback: Any) -> None:
        undone = kind is not None or connection.needs_rollback
        leave(block, kind, error, traceback)
        if is_between_transactions():
            note(kept=not undone)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Atomic, "__enter__", note_and_enter)
        patch.setattr(Atomic, "__exit__", leave_and_note)
        yield seen
    note()


def is_told(changed: Changes) -> bool:
    """Whether a transaction that changed this left an event too, or changed nothing that is told."""
    return ("kernel_auditevent", "inserted") in changed or changed <= TELL_OF_NOTHING


def _counts() -> Counts:
    """How many rows of which table were inserted, updated and deleted in the transaction around this test so far."""
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        rows = cursor.fetchall()
    ways = ("inserted", "updated", "deleted")
    return {(table, way): number for table, *numbers in rows for way, number in zip(ways, numbers, strict=True)}
