"""Every test runs on PostgreSQL: a throw-away cluster of this run, or the server that DATABASE_URL names."""

import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import DatabaseError, connections
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.transaction import Atomic, atomic, get_connection
from psycopg import sql
from pytest_django import DjangoDbBlocker

from kernel.embedded.engine.base import server_in
from tests.settings import PREFIX

LONGEST_RUN_SECONDS = 6 * 3600
EMBEDDED_ENGINE = "kernel.embedded.engine"
calls_inside_transactions: list[str] = []


def is_first_process(config: pytest.Config) -> bool:
    """Whether this is the process that leads the run, and not one of its workers."""
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Start the cluster before the workers, in the process that outlives them; at its end the server stops with it."""
    if is_first_process(config):
        sweep_what_killed_runs_left()
        if settings.DATABASES["default"]["ENGINE"] == EMBEDDED_ENGINE:
            server_in(**settings.DATABASES["default"]["OPTIONS"]["embedded"])


def sweep_what_killed_runs_left() -> None:
    """Delete folders of runs that cannot be going on any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if folder.stat().st_mtime < time.time() - LONGEST_RUN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def transaction_is_open() -> bool:
    """Whether this thread has a transaction open, those aside that pytest-django wraps around each test."""
    blocks: list[Atomic] = [
        block for connection in connections.all(initialized_only=True) for block in connection.atomic_blocks
    ]
    return any(not getattr(block, "_from_testcase", False) for block in blocks)


@pytest.fixture(scope="session", autouse=True)
def sockets_watched() -> Iterator[None]:
    """Refuse any connection made by Python inside a transaction; the database's own driver does not pass here."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse_inside_transaction(address: Any) -> None:
        if transaction_is_open():
            calls_inside_transactions.append(str(address))
            raise RuntimeError(f"A network call to {address} inside a transaction.")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse_inside_transaction(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse_inside_transaction(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest.fixture(autouse=True)
def no_network_inside_transactions(sockets_watched: None) -> Iterator[None]:
    """Fail the test even if the code under test swallowed the refusal."""
    calls_inside_transactions.clear()
    yield
    assert calls_inside_transactions == [], "Network calls were made inside a transaction."


CLEARED_SINCE = 18_00_00
"""The version of PostgreSQL that can forget what ANALYZE saw."""


@pytest.fixture(scope="module", autouse=True)
def analyzed_for_itself(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let no plan rest on what ANALYZE saw in tests before: it stays where the rows that were seen are taken back."""
    yield
    database = connections["default"]
    if database.connection is None or not database.is_usable():
        return
    if database.connection.info.server_version >= CLEARED_SINCE:
        with django_db_blocker.unblock(), database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_clear_relation_stats('public', relname) FROM pg_class "
                "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND reltuples >= 0"
            )


MADE_BY_MIGRATING = frozenset({"django_content_type", "auth_permission"})
"""What Django makes anew after each flush, always the same: kept, as that takes longer than most tests."""


def emptied(operations: DatabaseOperations, style: Any, tables: Sequence[str], **asked: Any) -> list[str]:
    """What empties the tables that have rows. Truncating all, with their indexes, takes as long as a test."""
    full = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(table), sql.Identifier(table))
        for table in sorted(set(tables) - MADE_BY_MIGRATING)
    ]
    with operations.connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(full))
        return [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)).as_string(None) for (table,) in cursor]


def flush_as_replica(operations: DatabaseOperations, statements: list[str]) -> None:
    """Empty tables whose triggers refuse it: to a session in the role of a replica they do not apply.

    Foreign keys do not either, so the order does not matter.
    """
    alias = operations.connection.alias
    with atomic(using=alias), operations.connection.cursor() as cursor:
        cursor.execute("; ".join(["SET LOCAL session_replication_role = replica", *statements]))


@pytest.fixture(scope="session", autouse=True)
def checked_as_committed() -> Iterator[None]:
    """Inside the transaction around a test, let the end of each transaction within be checked as a commit would be.

    What is looked at when a transaction ends, deferred constraints above all, would otherwise be looked at once, after
    the test; and one audit event would excuse all that happened in it.
    """
    leave = Atomic.__exit__

    def check_and_leave(block: Atomic, kind: Any, error: Any, traceback: Any) -> None:
        database = get_connection(block.using)
        around = [getattr(entered, "_from_testcase", False) for entered in database.atomic_blocks]
        if kind is None and around.count(False) == 1 and any(around) and not database.needs_rollback:
            try:
                with database.wrap_database_errors:
                    database.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except DatabaseError as refusal:
                leave(block, type(refusal), refusal, None)
                if "no audit event" in str(refusal):
                    pytest.fail(str(refusal))  # never to be taken for a refusal that somebody handles
                raise
            database.connection.execute("SET CONSTRAINTS ALL DEFERRED")
            database.connection.execute("SELECT set_config('assay.audited', '', true)")
        leave(block, kind, error, traceback)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Atomic, "__exit__", check_and_leave)
        yield


@pytest.fixture(scope="session", autouse=True)
def facts_flushed() -> Iterator[None]:
    """Let the tests that commit leave empty tables behind, those of append-only facts with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", emptied)
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush_as_replica)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *given: None)
        yield
