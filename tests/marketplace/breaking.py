"""What is broken, and how to break it: behind the back of services and triggers."""

from typing import Any

from django.db import connection

from marketplace.models import Assignment, Job
from marketplace.services.checks import check_invariants
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.builders import a_resolved_task, an_open_job


def broken() -> list[tuple[str, str, str]]:
    """What is broken: (promise, subject, message)."""
    return [(fault.check, fault.subject, fault.message) for fault in check_invariants()]


def broken_of(promise: str) -> list[tuple[str, str, str]]:
    """What breaks this one."""
    return [fault for fault in broken() if fault[0] == promise]


def sql(statement: str, *values: Any) -> None:
    """Change rows behind the back of services and triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def one_resolved_and_paid() -> Job:
    job = an_open_job()
    a_resolved_task(job)
    accept_due_assignments()
    return job


def the_first_turn() -> Assignment:
    turn = Assignment.objects.order_by("claimed_at").first()
    assert turn is not None
    return turn
