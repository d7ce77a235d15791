"""Listens to what a request says to the database, twice, and works out where each value came from.

Two requests that differ in worker, job and task are recorded. A value that is the same in both is a constant; any other
must be found, in both, among what the request gave, what earlier statements returned, ids made and the clock. So the
bare view and pgbench say exactly what Assay says, whatever becomes of Assay: there is no copy that could fall behind.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import ClientCursor
from psycopg.types.json import Json, Jsonb

from kernel import clock
from marketplace.bench.script import (
    Cell,
    Constant,
    Drawn,
    Fresh,
    Given,
    Listed,
    Moment,
    Parameters,
    Script,
    Source,
    Statement,
    Written,
)


class Unexplained(Exception):
    """The benchmark cannot say the same as Assay; the message says which statement it does not understand."""


@dataclass(frozen=True)
class Said:
    """One statement with its values, and the first row that came back."""

    sql: str
    values: Mapping[str, object] | Sequence[object]
    block: object
    is_planned_once: bool
    columns: Sequence[str]
    row: Sequence[object]


@dataclass
class Recording:
    """What one request said. Use `listening` as a context around the request."""

    given: Mapping[str, object]
    said: list[Said] = field(default_factory=list)
    began_at: datetime = field(default_factory=clock.now)
    answer: object = None

    def listening(self) -> AbstractContextManager[None]:
        """Note every statement of this thread."""
        return connection.execute_wrapper(self._listen)

    def _listen(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001  (Django's signature)
        values = dict(params) if isinstance(params, Mapping) else list(params or ())  # as they are now: some are reused
        result = execute(sql, params, many, context)
        cursor = context["cursor"].cursor
        columns = [column.name for column in cursor.description or ()]
        row: Sequence[object] = ()
        if columns and cursor.rowcount:
            row = cursor.fetchone()
            cursor.scroll(0, mode="absolute")
        block = connection.atomic_blocks[0] if connection.in_atomic_block else None
        self.said.append(Said(str(sql), values, block, not isinstance(cursor, ClientCursor), columns, row))
        return result


def explained(first: Recording, second: Recording) -> Script:
    """The script that both recordings are runs of. Raises Unexplained."""
    one, other = [said.sql for said in first.said], [said.sql for said in second.said]
    if one != other:
        raise Unexplained(f"Two requests of the same kind said different things:\n{one}\n{other}")
    return _Explanation(first, second).script()


class _Explanation:
    """The search for the sources of two recordings' values."""

    def __init__(self, first: Recording, second: Recording) -> None:
        self._first, self._second = first, second
        self._fresh: list[tuple[object, object]] = []
        self._drawn: list[tuple[object, object]] = []
        self._blocks: list[object] = []
        self._read: set[int] = set()

    def script(self) -> Script:
        """The whole, once every value has its source."""
        pairs = list(zip(self._first.said, self._second.said, strict=True))
        parameters = [self._parameters(number, *pair) for number, pair in enumerate(pairs)]
        answer = self._source(len(pairs), self._first.answer, self._second.answer)
        statements = [
            Statement(said.sql, sources, self._block(said.block), said.is_planned_once, number in self._read)
            for number, (said, sources) in enumerate(zip(self._first.said, parameters, strict=True))
        ]
        return Script(tuple(statements), answer)

    def _block(self, block: object) -> int | None:
        if block is None:
            return None
        if block not in self._blocks:
            self._blocks.append(block)
        return self._blocks.index(block)

    def _parameters(self, number: int, one: Said, other: Said) -> Parameters:
        if isinstance(one.values, Mapping) and isinstance(other.values, Mapping):
            return {name: self._source(number, value, other.values[name]) for name, value in one.values.items()}
        return [self._source(number, a, b) for a, b in zip(one.values, other.values, strict=True)]

    def _source(self, number: int, one: object, other: object) -> Source:
        if _plain(one) == _plain(other):
            return Constant(one)
        if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
            return Listed(tuple(self._source(number, a, b) for a, b in zip(one, other, strict=True)))
        for source in self._candidates(number, one, other):
            if isinstance(source, Cell):
                self._read.add(source.statement)
            return source
        sql = self._first.said[number].sql if number < len(self._first.said) else "the answer"
        raise Unexplained(f"Where {one!r} and {other!r} come from is not known, in: {sql}")

    def _candidates(self, number: int, one: object, other: object) -> Iterator[Source]:
        for name, value in self._first.given.items():
            if (value, self._second.given[name]) == (one, other):
                yield Given(name)
        cells = list(self._cells(number, one, other))
        # pgbench knows columns by name, and of several with one name the last.
        said = self._first.said
        yield from (cell for cell in cells if cell.name not in said[cell.statement].columns[cell.column + 1 :])
        if cells:
            return  # it was read from the database, so it is no fresh value
        if isinstance(one, datetime) and isinstance(other, datetime):
            yield Moment(round((one - self._first.began_at).total_seconds()))
        if isinstance(one, float) and isinstance(other, float):
            yield Drawn(_place(self._drawn, (one, other)))
        if isinstance(one, UUID) and isinstance(other, UUID):
            yield Fresh(_place(self._fresh, (one, other)))
        if isinstance(one, str) and isinstance(other, str) and _is_uuid(one) and _is_uuid(other):
            yield Written(self._source(number, UUID(one), UUID(other)))

    def _cells(self, number: int, one: object, other: object) -> Iterator[Cell]:
        for statement in range(number):
            said, again = self._first.said[statement], self._second.said[statement]
            cells = list(zip(said.columns, said.row, again.row, strict=False))
            for column, (name, a, b) in enumerate(cells):
                if type(a) is type(one) and (a, b) == (one, other):
                    yield Cell(statement, column, name)


def _place(known: list[tuple[object, object]], pair: tuple[object, object]) -> int:
    if pair not in known:
        known.append(pair)
    return known.index(pair)


def _plain(value: object) -> object:
    return value.obj if isinstance(value, Json | Jsonb) else value


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
