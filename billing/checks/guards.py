"""Whether the database still refuses by itself what it should: constraints, unique indexes, triggers."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final

from django.apps import apps
from django.db import connection
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader

from billing.checks.frame import Found

AUDIT: Final = ("kernel_auditevent_is_append_only", "kernel_auditevent_is_never_truncated")
"""Triggers of the kernel's that the audit of money rests on."""

_IN_FORCE: Final = """
    SELECT conname FROM pg_constraint
        WHERE contype <> 't' AND convalidated AND connamespace = current_schema()::regnamespace
    UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisvalid AND c.relnamespace = current_schema()::regnamespace
    UNION SELECT c.relname || '.' || a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE i.indisvalid AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
        AND c.relnamespace = current_schema()::regnamespace
    UNION SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')
"""

_TRIGGER: Final = re.compile(
    r"\b(CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\s+(?:IF\s+EXISTS\s+)?(\w+)", re.IGNORECASE
)


def guards_of(app_label: str, *, also: Iterable[str] = ()) -> Callable[[], Found]:
    """A check that finds what the migrations of an app guard and what is not in force here.

    That is: the triggers that they made, the constraints and unique columns of its models, and what is named ``also``.
    """

    def gone() -> Found:
        with connection.cursor() as cursor:
            cursor.execute(_IN_FORCE)
            in_force = {name for (name,) in cursor.fetchall()}
        guards = [*also, *triggers_made_by(app_label), *_declared(app_label)]
        return ((guard, "It is not in force.") for guard in guards if guard not in in_force)

    return gone


@cache
def triggers_made_by(app_label: str) -> tuple[str, ...]:
    """The triggers that the migrations of an app have made and not taken away again, in their order."""
    graph, made = MigrationLoader(None).graph, dict[str, None]()
    for key in graph.forwards_plan(graph.leaf_nodes(app_label)[0]):
        for operation in graph.nodes[key].operations if key[0] == app_label else ():
            for word, name in _TRIGGER.findall(str(operation.sql)) if isinstance(operation, RunSQL) else ():
                if word.upper() == "CREATE":
                    made[name] = None
                else:
                    made.pop(name, None)
    return tuple(made)


def _declared(app_label: str) -> Iterator[str]:
    for model in apps.get_app_config(app_label).get_models():
        yield from (constraint.name for constraint in model._meta.constraints)
        yield from (f"{model._meta.db_table}.{field.column}" for field in model._meta.local_fields if field.unique)
