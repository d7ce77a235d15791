"""What is guarded does not change without an audit event, whoever writes to it and however: tried by plain SQL."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from django.db import IntegrityError, connection, transaction

from kernel.models import User
from kernel.services.audit import Actor, record
from tests.access.world import a_side
from tests.architecture.guarded_changes import CHANGES, PREPARATION, REFUSED_ANYWAY, way_of

KINDS: Final = {
    "ledger": {"billing_posting", "billing_ledgerentry"},
    "grants": {
        "guardian_userobjectpermission",
        "guardian_groupobjectpermission",
        "marketplace_clientuserobjectpermission",
        "marketplace_jobuserobjectpermission",
        "marketplace_invitation",
    },
    "roles": {"kernel_adminrole", "marketplace_membership", "kernel_user"},
    "identity keys": {"kernel_subjectkey", "workforce_identity"},
    "payout destination": {"billing_payoutaccount"},
    "certification": {"qualification_certification", "qualification_goldrecall"},
    "held pay": {"marketplace_appeal", "marketplace_breaker"},
    "pay without use": {"marketplace_softrejection"},
    "floor on pay": {"marketplace_payfloor", "marketplace_lift", "marketplace_interruption"},
    "price": {
        "marketplace_job",
        "marketplace_jobversion",
        "marketplace_price",
        "marketplace_feeschedule",
        "marketplace_feetier",
        "marketplace_assignment",
        "marketplace_bonus",
    },
    "invoice": {"marketplace_invoice"},
    "export": set[str](),  # changes no table; its event is committed before the first line is given
}
"""What must not change without an event, and where it stands. Balances follow the ledger's entries."""

TABLES: Final = sorted(set().union(*KINDS.values()))

COLUMNS: Final = {
    "billing_payoutaccount": (
        "owner country stripe_account_id destination held_until replaces_id replaced_at shared_with_id"
    ),
    "kernel_user": "email is_staff is_active",
    "marketplace_assignment": "reward_minor fee_minor currency",
    "marketplace_job": "reward_minor fee_minor currency fee_basis_points price_list fee_minimum_minor",
}
"""Tables of which only these columns are watched when a row changes; of all others, every column."""

ROWS_COME_AND_GO: Final = {"kernel_user"}
"""Tables whose rows are watched only as they change: who is new holds no role and no right."""


def in_order(statements: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Each statement with its table."""
    return [(table, sql) for table, changes in statements.items() for sql in changes]


def ways_in(statements: dict[str, list[str]]) -> set[tuple[str, str]]:
    """In which ways which table is changed."""
    return {(table, way_of(sql)) for table, sql in in_order(statements)}


def run(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def change(sql: str) -> None:
    """Run a statement that changes at least one row."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.rowcount > 0, f"This changed nothing: {sql}"


def tell() -> None:
    record(action="test.changed", subject=User(), by=Actor.system("test"))


def refusal_of(*steps: Callable[[], None], kept: bool = True) -> str:
    """What the commit of these steps is refused with, or nothing. All but the commit must succeed."""
    done = False
    try:
        with transaction.atomic():
            for step in steps:
                step()
            done = True
            if not kept:
                run("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit does first
                transaction.set_rollback(True)
    except IntegrityError as refusal:
        if not done:
            raise
        return str(refusal).splitlines()[0]
    return ""


def is_refused_at_once(sql: str) -> bool:
    """Whether the statement fails by itself, told of or not."""
    try:
        with transaction.atomic():
            tell()
            run(sql)
            transaction.set_rollback(True)
    except IntegrityError:
        return True
    return False


@pytest.fixture
def something_of_everything(transactional_db: None) -> None:
    """A client, its job, a paid worker: committed, with what the changes need besides."""
    with transaction.atomic():
        a_side()
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        run(PREPARATION)


@pytest.mark.django_db
def test_the_guard_stands_on_these_tables_and_columns() -> None:
    found = run("""
        SELECT t.tgrelid::regclass::text, t.tgname, t.tgtype, t.tgenabled, t.tgdeferrable AND t.tginitdeferred,
            (SELECT string_agg(a.attname, ' ' ORDER BY k.place) FROM unnest(t.tgattr) WITH ORDINALITY k(number, place)
             JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.number)
        FROM pg_trigger t WHERE t.tgfoid = 'require_audit_event'::regproc
    """)
    on_insert_and_delete, on_update = 1 + 4 + 8, 1 + 16  # the bits of pg_trigger.tgtype, for each row

    assert sorted(found) == sorted(
        [(table, f"{table}_changes_with_an_event", on_update, "O", True, COLUMNS.get(table)) for table in TABLES]
        + [
            (table, f"{table}_comes_with_an_event", on_insert_and_delete, "O", True, None)
            for table in TABLES
            if table not in ROWS_COME_AND_GO
        ]
    )


def test_everything_that_is_guarded_is_changed_here() -> None:
    ways = {(table, way) for table in TABLES for way in ("INSERT", "UPDATE", "DELETE")}
    free = {(table, way) for table in ROWS_COME_AND_GO for way in ("INSERT", "DELETE")}
    tried, refused = ways_in(CHANGES), ways_in(REFUSED_ANYWAY)

    assert tried | refused == ways - free
    assert tried & refused == set()
    for table, columns in COLUMNS.items():
        updates = " ".join(sql for sql in (*CHANGES[table], *REFUSED_ANYWAY.get(table, [])) if way_of(sql) == "UPDATE")
        assert [column for column in columns.split() if f"SET {column} = " not in updates] == [], table


@pytest.mark.usefixtures("something_of_everything")
def test_a_change_is_committed_with_an_event_and_not_without() -> None:
    for table, sql in in_order(CHANGES):
        refusal = refusal_of(partial(change, sql))
        told_after = refusal_of(partial(change, sql), tell, kept=False)
        told_before = refusal_of(tell, partial(change, sql))  # and so the next statements find it

        expected = f"Rows of {table} changed ({way_of(sql)}), and no audit event in this transaction tells of it."
        assert (refusal, told_after, told_before) == (expected, "", ""), sql


@pytest.mark.usefixtures("something_of_everything")
def test_what_is_kept_for_ever_is_not_changed_even_with_an_event() -> None:
    assert [sql for _, sql in in_order(REFUSED_ANYWAY) if not is_refused_at_once(sql)] == []
    assert [table for table in TABLES if not is_refused_at_once(f"TRUNCATE {table} CASCADE")] == []


@pytest.mark.usefixtures("something_of_everything")
def test_an_event_excuses_its_own_transaction_and_no_other() -> None:
    def tell_and_think_better_of_it() -> None:
        with transaction.atomic():
            tell()
            transaction.set_rollback(True)

    promote = partial(change, "UPDATE marketplace_membership SET role = 'owner' WHERE role = 'member'")
    dismiss = partial(change, "DELETE FROM marketplace_membership")

    assert refusal_of(tell, tell_and_think_better_of_it, promote, kept=False) == ""
    assert refusal_of(tell_and_think_better_of_it, promote).startswith("Rows of marketplace_membership changed")
    assert refusal_of(tell, promote) == ""
    assert refusal_of(dismiss).startswith("Rows of marketplace_membership changed")
    assert run("SELECT role FROM marketplace_membership") == [("owner",), ("owner",)]


@pytest.mark.usefixtures("something_of_everything")
def test_what_is_not_watched_changes_without_an_event() -> None:
    for sql in (
        "UPDATE marketplace_job SET title = title || '!', reward_minor = reward_minor",
        "UPDATE billing_payoutaccount SET refreshed_at = now()",
        "UPDATE kernel_user SET display_name = 'x'",
    ):
        assert refusal_of(partial(change, sql)) == "", sql
