"""Audit events that are committed, and logs of them that are sealed."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

from kernel.models import AuditEvent, AuditSeal, User
from kernel.services.audit import Actor, record
from kernel.services.sealing import seal_batch

WHY = ("launched", 'a "quoted" reason', "naïve — ∮ 日本 \u200f\\", "line\nbreak\tand tab \x07")


def some_events(number: int) -> None:
    """So many events, committed one by one."""
    for n in range(number):
        with transaction.atomic():
            leave_event(n)


def leave_event(n: int) -> None:
    record(
        action=f"thing.done_{n % 3}",
        subject=User(),
        by=Actor.system("test") if n % 2 else Actor("user", str(UUID(int=n))),
        why=WHY[n % len(WHY)],
        from_state="draft",
        to_state="open",
        details={"n": n, "share": n / 7, "list": [1, None, True, {"deep": "é"}], "10": "b", "9": "a"},
    )


def a_sealed_log(*sizes: int) -> None:
    """A log that was sealed when it had each of these sizes: so it has as many checkpoints."""
    before = 0
    for size in sizes:
        some_events(size - before)
        assert seal_batch(at_most=size) == size - before
        before = size


def sealed_order() -> list[UUID]:
    return list(AuditSeal.objects.order_by("position").values_list("event_id", flat=True))


def events_in_order() -> list[UUID]:
    return list(AuditEvent.objects.order_by("tx", "id").values_list("id", flat=True))


@contextmanager
def tampering() -> Iterator[None]:
    """What a superuser does who silences the triggers; undone at the end."""
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        yield
        transaction.set_rollback(True)


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)  # type: ignore[arg-type]  # the driver's own types


def ask(sql: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)  # type: ignore[arg-type]  # the driver's own types
        found: list[tuple[object, ...]] = cursor.fetchall()
    return found
