"""Rows read and written by statements that are put together once, and planned once by the database.

Django builds a query anew each time, and PostgreSQL plans it anew; on the busiest paths each of the two costs more than
to run it (ADR 0008). What is here is only about rows as they are: which columns, which values. What they mean stays
with the services and the database's constraints.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its values."""

    sql: str
    values: Sequence[Any] = ()


class Columns(Generic[Row]):
    """The columns of ``model`` under an ``alias``, as a written statement selects them: all, or ``only`` some.

    An instance made without a column reads it from the database when somebody asks for it.
    """

    def __init__(self, model: type[Row], alias: str, *, only: Collection[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if not only or field.attname in only]
        self._model = model
        self._names = [field.attname for field in fields]
        self._converters = [(place, field) for place, field in enumerate(fields) if hasattr(field, "from_db_value")]
        self.selected = ", ".join(f'{alias}."{field.column}"' for field in fields)

    def __len__(self) -> int:
        return len(self._names)

    def row(self, values: Sequence[Any]) -> Row:
        """The instance that these ``values``, in the order of ``selected``, are."""
        converted = list(values)
        for place, field in self._converters:
            converted[place] = field.from_db_value(converted[place], None, connection)
        return self._model.from_db(connection.alias, self._names, converted)


def planned_cursor() -> CursorWrapper:
    """A cursor for statements that are said again and again: each connection has them planned only a few times.

    Values travel beside the statement, not in it, so where PostgreSQL cannot tell the type of one, it is cast.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    cursor: Any = psycopg.Cursor(database.connection)
    return database.make_debug_cursor(cursor) if database.queries_logged else database.make_cursor(cursor)


def plan_anew(model: type[Model], *, added: int) -> None:
    """After ``added`` rows came at once: let plans that were made while the table was small be made again.

    The database would notice by itself within a minute or so; until then it might read the whole table each time.
    """
    if added >= MANY:
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {model._meta.db_table}")


MANY: Final = 5_000


def insert(row: Model, *, beside: Statement | None = None) -> None:
    """Insert a row whose primary key is set, in one statement with what is written ``beside`` it."""
    values = _written(row, _names(type(row)), adding=True)
    _execute(Statement(_insertion(type(row)), values), beside)
    row._state.adding, row._state.db = False, connection.alias


def update(row: Model, fields: Sequence[str], *, beside: Statement | None = None) -> None:
    """Save these ``fields`` of a row that is there, in one statement with what is written ``beside`` it."""
    values = _written(row, fields, adding=False)
    if _execute(Statement(_change(type(row), tuple(fields)), [*values, row.pk]), beside) != 1:
        raise DatabaseError(f"{row._meta.label} {row.pk} is not there.")


def _execute(statement: Statement, beside: Statement | None) -> int:
    with planned_cursor() as cursor:
        if beside is None:
            cursor.execute(statement.sql, statement.values)
        else:
            cursor.execute(f"WITH beside AS ({beside.sql}) {statement.sql}", [*beside.values, *statement.values])
        return int(cursor.rowcount)


@cache
def _names(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


@cache
def _insertion(model: type[Model]) -> str:
    columns = [f'"{field.column}"' for field in model._meta.concrete_fields]
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  (our own names)


@cache
def _change(model: type[Model], fields: tuple[str, ...]) -> str:
    columns = [model._meta.get_field(name).column for name in fields]  # type: ignore[union-attr]  # none is a relation back
    changes = ", ".join(f'"{column}" = %s' for column in columns)
    return f"UPDATE {model._meta.db_table} SET {changes} WHERE id = %s"  # noqa: S608  (our own names)


def _written(row: Model, names: Sequence[str], *, adding: bool) -> list[object]:
    database = connections[DEFAULT_DB_ALIAS]
    fields: list[Any] = [row._meta.get_field(name) for name in names]
    return [field.get_db_prep_save(field.pre_save(row, adding), database) for field in fields]
