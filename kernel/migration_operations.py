"""Migration operations that several apps share."""

from collections.abc import Iterable, Mapping

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RemoveConstraint, RunSQL
from django.db.migrations.state import ProjectState


def append_only(table: str) -> RunSQL:
    """Let the database refuse UPDATE, DELETE and TRUNCATE on ``table``: its rows are facts."""
    refuse = f"refuse_change_of_{table}"
    return RunSQL(
        sql=f"""
            CREATE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'Rows of {table} are facts: % is refused.', TG_OP USING ERRCODE = 'restrict_violation';
            END $$;
            CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table}
                FOR EACH ROW EXECUTE FUNCTION {refuse}();
            CREATE TRIGGER {table}_is_never_truncated BEFORE TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION {refuse}();
        """,
        reverse_sql=f"""
            DROP TRIGGER {table}_is_append_only ON {table};
            DROP TRIGGER {table}_is_never_truncated ON {table};
            DROP FUNCTION {refuse}();
        """,
    )


def guard_flow(table: str, flow: Mapping[str, Iterable[str]]) -> RunSQL:
    """Let the database refuse any change of ``state`` on ``table`` that ``flow`` (state → what it may become) lacks.

    The model's ``FLOW`` refuses first, with a sentence; this is for the bug above it. A test holds the two equal.
    """
    refuse = f"refuse_state_jump_of_{table}"
    return RunSQL(
        sql=f"""
            {_refusal_of_jumps(table, flow)}
            CREATE TRIGGER {table}_follows_its_flow BEFORE UPDATE OF state ON {table}
                FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION {refuse}();
        """,
        reverse_sql=f"""
            DROP TRIGGER {table}_follows_its_flow ON {table};
            DROP FUNCTION {refuse}();
        """,
    )


def change_flow(table: str, *, before: Mapping[str, Iterable[str]], after: Mapping[str, Iterable[str]]) -> RunSQL:
    """Let the database hold another flow of ``table`` than ``guard_flow`` gave it."""
    return RunSQL(sql=_refusal_of_jumps(table, after), reverse_sql=_refusal_of_jumps(table, before))


def _refusal_of_jumps(table: str, flow: Mapping[str, Iterable[str]]) -> str:
    steps = ", ".join(f"'{before}>{after}'" for before in sorted(flow) for after in sorted(flow[before]))
    return f"""
            CREATE OR REPLACE FUNCTION refuse_state_jump_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY[{steps}]) THEN
                    RAISE EXCEPTION 'A row of {table} cannot go from % to %.', OLD.state, NEW.state
                        USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN NEW;
            END $$;
    """


def guard_audited(table: str, *, columns: Iterable[str] = (), rows: bool = True) -> RunSQL:
    """Let the database refuse a commit that changed ``table`` and left no audit event in the same transaction.

    Rows that come or go count, unless ``rows`` is false, and rows of which a column changed: any, or only one of these
    ``columns``. TRUNCATE is refused outright. The mark that an event left is looked for as each row changes, so what
    comes after the event costs next to nothing; what comes before it is looked at once more at the commit.
    """
    watched = list(columns)
    of = f" OF {', '.join(watched)}" if watched else ""
    old, new = (", ".join(f"{row}.{name}" for name in watched) if watched else f"{row}.*" for row in ("OLD", "NEW"))
    unmarked = "current_setting('assay.audited', true) IS DISTINCT FROM pg_current_xact_id()::text"
    at_commit = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    coming = f"""
            CREATE CONSTRAINT TRIGGER {table}_comes_with_an_event AFTER INSERT OR DELETE ON {table} {at_commit}
                WHEN ({unmarked}) EXECUTE FUNCTION require_audit_event();
            CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
    """
    no_longer_coming = f"""
            DROP TRIGGER {table}_comes_with_an_event ON {table};
            DROP TRIGGER {table}_is_not_emptied ON {table};
    """
    return RunSQL(
        sql=f"""
            CREATE CONSTRAINT TRIGGER {table}_changes_with_an_event AFTER UPDATE{of} ON {table} {at_commit}
                WHEN ({unmarked} AND ROW({old}) IS DISTINCT FROM ROW({new})) EXECUTE FUNCTION require_audit_event();
            {coming if rows else ""}
        """,
        reverse_sql=f"""
            DROP TRIGGER {table}_changes_with_an_event ON {table};
            {no_longer_coming if rows else ""}
        """,
    )


def in_place_of(before: RunSQL, after: RunSQL) -> RunSQL:
    """Undo one of these operations and do another, and the other way round when it is reversed."""
    return RunSQL(sql=f"{before.reverse_sql};{after.sql}", reverse_sql=f"{after.reverse_sql};{before.sql}")


class WidenConstraint(RemoveConstraint):
    """Remove a constraint that a wider one of the same name follows.

    Rows that only the wider one allows cannot be deleted on the way back, for the ledger keeps all. So the narrow one
    then holds for rows that come or change from there on, and the others stay as they are.
    """

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add the narrow constraint again, without a look at the rows that are there."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            constraint = to_state.models[app_label, self.model_name_lower].get_constraint_by_name(self.name)
            schema_editor.execute(f"{constraint.create_sql(model, schema_editor)} NOT VALID", params=None)
