"""Migration operations that several apps share."""

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
