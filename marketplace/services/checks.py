"""Whether everything that must always hold does: the books, and the marketplace's own promises, against all rows."""

from collections.abc import Iterator

from django.db import connection, transaction

from billing.checks import Fault, check_books
from kernel import clock
from marketplace.services.invariants import INVARIANTS

BOOKS = "the books are true"
CHECKS = (BOOKS, *INVARIANTS)
"""Each check by its promise, in the order in which they are made."""

FAULTS_SHOWN = 100
"""Of one promise; the rest is only counted."""


def check_invariants() -> list[Fault]:
    """Every broken promise, from one snapshot of the whole database; an empty list when all is well."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        faults = [Fault(BOOKS, fault.subject, f"{fault.check}: {fault.message}") for fault in check_books()]
        return faults + [fault for promise, sql in INVARIANTS.items() for fault in _faults(promise, sql)]


def _faults(promise: str, sql: str) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"now": clock.now()})
        rows: list[tuple[str, str]] = cursor.fetchall()
    for subject, message in rows[:FAULTS_SHOWN]:
        yield Fault(promise, subject, message)
    if len(rows) > FAULTS_SHOWN:
        yield Fault(promise, f"{len(rows) - FAULTS_SHOWN} more", "break the same promise")
