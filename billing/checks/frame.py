"""What a check is: a promise by its name, and what finds all that breaks it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.db import connection, transaction

from kernel import clock

Found = Iterable[tuple[object, str]]
"""What breaks a promise, and how: the subject and a sentence, amounts in minor units."""

Promises = Mapping[str, str | Callable[[], Found]]
"""Promises by name: SQL that selects what breaks each, subject and sentence, or a function.

SQL may ask for ``%(now)s``; only then a percent sign of its own is doubled.
"""

FAULTS_SHOWN: Final = 100
"""Of one promise; the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A promise that is broken: which one, where, and how."""

    check: str
    subject: str
    message: str


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A block that sees the database as it is at one moment, and changes nothing; unless it is inside another."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL work_mem = '128MB'")  # a million entries are sorted in memory
        yield


def broken(promises: Promises) -> list[Fault]:
    """Every fault of ``promises``, up to so many of each; the caller holds the snapshot."""
    return [fault for name, find in promises.items() for fault in _faults(name, find)]


def _faults(name: str, find: str | Callable[[], Found]) -> Iterator[Fault]:
    found = iter(_rows(find) if isinstance(find, str) else find())
    for subject, message in islice(found, FAULTS_SHOWN):
        yield Fault(name, str(subject), message)
    if more := sum(1 for _ in found):
        yield Fault(name, f"{more} more", "break the same promise")


def _rows(sql: str) -> Found:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"now": clock.now()} if "%(now)s" in sql else None)
        rows: list[tuple[object, str]] = cursor.fetchall()
    return rows
