"""What the database itself guards: read from its catalog, and tried out."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from typing import Any, Final

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from tests.architecture.project import PACKAGES, own_models, state_field, stateful_models, states_of

pytestmark = pytest.mark.django_db

FACTS: Final = [
    "billing_disputemovement",
    "billing_ledgerentry",
    "billing_payoutreturn",
    "billing_posting",
    "kernel_auditcheckpoint",
    "kernel_auditevent",
    "kernel_auditseal",
    "kernel_auditsubtree",
    "marketplace_annotation",
    "marketplace_autoacceptance",
    "marketplace_bonus",
    "marketplace_feeschedule",
    "marketplace_feetier",
    "marketplace_fit",
    "marketplace_interruption",
    "marketplace_invoice",
    "marketplace_jobversion",
    "marketplace_lift",
    "marketplace_payfloor",
    "marketplace_prediction",
    "marketplace_predictioncheck",
    "marketplace_price",
    "marketplace_reweighing",
    "marketplace_softrejection",
    "qualification_examremark",
    "qualification_labelschema",
    "qualification_scoreevidence",
    "qualification_withdrawnevidence",
]
"""Tables whose rows are written once and stay."""

TABLES = {model._meta.db_table: (states_of(model), flow) for model, flow in stateful_models().items()}


def rows(sql: str, *parameters: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def triggers_on(table: str) -> set[str]:
    """The enabled triggers of a table, as when they fire and which function they run."""
    definitions = rows(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled = 'O'", table
    )
    return {definition.split(" ", 3)[3].replace("public.", "") for (definition,) in definitions}


@contextmanager
def a_row_behind(function: str, *, when: str) -> Iterator[None]:
    """A table `probe` with one row in some state, and with this trigger function as its only guard."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE probe AS SELECT ''::text AS state")
        cursor.execute(f"CREATE TRIGGER probed {when} ON probe FOR EACH ROW EXECUTE FUNCTION {function}()")
        yield
        cursor.execute("DROP TABLE probe")


def is_let_through(statement: str, *parameters: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
    except IntegrityError:
        return False
    return True


def moves_let_through(function: str, states: list[str]) -> set[tuple[str, str]]:
    """Every change of state that a trigger function lets pass."""
    passed = set()
    for before, after in permutations(states, 2):
        with a_row_behind(function, when="BEFORE UPDATE"), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE probe DISABLE TRIGGER probed")
            cursor.execute("UPDATE probe SET state = %s", [before])
            cursor.execute("ALTER TABLE probe ENABLE TRIGGER probed")
            if is_let_through("UPDATE probe SET state = %s", after):
                passed.add((before, after))
    return passed


@pytest.mark.parametrize("table", TABLES)
def test_rows_move_along_the_flow_of_their_model_and_no_other_way(table: str) -> None:
    states, flow = TABLES[table]
    function = f"refuse_state_jump_of_{table}"

    assert (
        f"BEFORE UPDATE OF state ON {table} FOR EACH ROW WHEN (((old.state)::text IS DISTINCT FROM (new.state)::text)) "
        f"EXECUTE FUNCTION {function}()"
    ) in triggers_on(table)
    assert moves_let_through(function, states) == {
        (before, after) for before, after in permutations(states, 2) if flow.allows(before, after)
    }


@pytest.mark.parametrize("table", TABLES)
def test_a_row_is_in_a_state_that_its_model_knows(table: str) -> None:
    checks = rows(
        "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", table
    )

    # Whatever else the row holds: with nothing in it but its state, only a check of the state can fail.
    refused = [
        condition
        for (condition,) in checks
        if "state" in condition
        and rows(f'SELECT FROM jsonb_populate_record(NULL::{table}, \'{{"state": "gone"}}\') WHERE NOT ({condition})')
    ]

    assert refused, f"Nothing refuses a row of {table} in the state 'gone'."


def test_every_flow_begins_where_rows_are_born_and_reaches_every_state() -> None:
    for model, flow in stateful_models().items():
        reached = {str(state_field(model).get_default())}
        while more := {to for state in reached for to in flow.next_states(state)} - reached:
            reached |= more

        assert reached == set(states_of(model)), f"{model.__name__} cannot come into all of its states."


def test_the_facts_are_those_tables_that_refuse_to_be_changed() -> None:
    guarded = rows("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%_is_append_only' ORDER BY 1")

    assert [table for (table,) in guarded] == FACTS


@pytest.mark.parametrize("table", FACTS)
def test_facts_are_neither_changed_nor_deleted_nor_truncated(table: str) -> None:
    function = f"refuse_change_of_{table}"

    assert {
        f"BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
        f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    } <= triggers_on(table)
    with a_row_behind(function, when="BEFORE UPDATE OR DELETE"):
        assert not is_let_through("UPDATE probe SET state = state")
        assert not is_let_through("DELETE FROM probe")
    assert not is_let_through(f"TRUNCATE {table} CASCADE")


def test_foreign_keys_go_down_only() -> None:
    references = rows(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
    )

    rank = {name: place for place, name in enumerate(PACKAGES)}
    between = [[table.partition("_")[0] for table in pair] for pair in references]
    upward = [(lower, upper) for lower, upper in between if rank.get(lower, -1) < rank.get(upper, -1)]

    assert ("marketplace", "kernel") in {(source, target) for source, target in between}
    assert [pair for pair in upward if pair[0] in rank] == []


def test_no_text_column_may_be_null() -> None:
    nullable = rows(
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'YES' AND data_type IN ('text', 'character varying')
        """
    )

    ours = {model._meta.db_table for model in own_models()}
    assert [pair for pair in nullable if pair[0] in ours] == []


def test_money_is_whole_minor_units_in_wide_columns() -> None:
    types = rows(
        """
        SELECT DISTINCT data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name LIKE '%%\\_minor'
        """
    )

    assert types == [("bigint",)]


def test_migrations_stand_in_one_line_are_named_by_hand_and_can_be_taken_back() -> None:
    graph = MigrationLoader(connection).graph

    for package in PACKAGES:
        ours = sorted(name for app, name in graph.nodes if app == package)
        assert [int(name[:4]) for name in ours] == list(range(1, len(ours) + 1))
        assert graph.leaf_nodes(package) == [(package, ours[-1])]
        assert [name for name in ours if "auto" in name or "merge" in name] == []
        assert [
            f"{name}: {operation.describe()}"
            for name in ours
            for operation in graph.nodes[package, name].operations
            if not operation.reversible
        ] == []
