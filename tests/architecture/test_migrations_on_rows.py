"""The migrations of the audit, taken back and done again over rows: nothing of what was told is lost or changed.

Tables that are younger than the audit's go with their rows; the ledger stays, and the books name what it misses.
"""

from typing import Any, Final

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from billing.checks import check_books
from billing.models import Credit, Posting
from kernel.services.audit_check import check_log
from kernel.services.sealing import seal_events
from tests.access.world import a_side

TOLD: Final = "SELECT at, actor_kind, actor_id, action, subject_type, subject_id, why, details FROM kernel_auditevent"
TRIGGERS: Final = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text !~ 'celery' ORDER BY 1
"""

GUARDS: Final = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%\\_with_an_event'"


def rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_audit_is_migrated_back_and_forth_over_rows() -> None:
    with transaction.atomic():
        a_side()
    credit, postings = Credit.objects.get(), Posting.objects.count()
    seal_events()
    told, triggers = rows(f"{TOLD} ORDER BY id"), rows(TRIGGERS)

    try:
        call_command("migrate", "kernel", "0008", verbosity=0)
        before = rows(f"{TOLD} ORDER BY id"), rows(GUARDS)
    finally:
        call_command("migrate", verbosity=0)  # for the tests that come after

    assert before == (told, [(0,)])
    assert (rows(f"{TOLD} ORDER BY id"), rows(TRIGGERS)) == (told, triggers)
    assert Posting.objects.count() == postings
    assert [(fault.check, fault.subject) for fault in check_books()] == [
        ("credits are posted as they stand", f"credit:{credit.pk}")
    ]
    assert seal_events() == len(told)
    assert check_log().fault == ""
