"""Migration operations that several apps share."""

from collections.abc import Iterable, Mapping

from django.db.migrations import RunSQL


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
    steps = ", ".join(f"'{before}>{after}'" for before in sorted(flow) for after in sorted(flow[before]))
    refuse = f"refuse_state_jump_of_{table}"
    return RunSQL(
        sql=f"""
            CREATE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY[{steps}]) THEN
                    RAISE EXCEPTION 'A row of {table} cannot go from % to %.', OLD.state, NEW.state
                        USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER {table}_follows_its_flow BEFORE UPDATE OF state ON {table}
                FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION {refuse}();
        """,
        reverse_sql=f"""
            DROP TRIGGER {table}_follows_its_flow ON {table};
            DROP FUNCTION {refuse}();
        """,
    )
