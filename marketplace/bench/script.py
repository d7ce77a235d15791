"""What a request says to the database, as data: its statements, and where each of their values comes from."""

import random
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from kernel import clock
from kernel.rows import planned_cursor

Parameters = Mapping[str, "Source"] | Sequence["Source"]


@dataclass
class Run:
    """One time that a script is run: what the request gave, and what came of the statements so far."""

    given: Mapping[str, object]
    now: datetime = field(default_factory=clock.now)
    rows: list[Sequence[object]] = field(default_factory=list)
    fresh: dict[int, UUID] = field(default_factory=dict)
    drawn: dict[int, float] = field(default_factory=dict)


class Source(Protocol):
    """Where a statement's value comes from."""

    def value(self, run: Run) -> object:
        """The value in this run."""


@dataclass(frozen=True)
class Constant:
    """The same in every request."""

    constant: object

    def value(self, run: Run) -> object:
        return self.constant


@dataclass(frozen=True)
class Given:
    """Part of the request."""

    name: str

    def value(self, run: Run) -> object:
        return run.given[self.name]


@dataclass(frozen=True)
class Cell:
    """A column of the first row that an earlier statement returned."""

    statement: int
    column: int
    name: str

    def value(self, run: Run) -> object:
        return run.rows[self.statement][self.column]


@dataclass(frozen=True)
class Fresh:
    """An id that the request makes."""

    number: int

    def value(self, run: Run) -> UUID:
        return run.fresh.setdefault(self.number, uuid4())


@dataclass(frozen=True)
class Drawn:
    """A number between 0 and 1 that differs from request to request: chance, a duration, a probability."""

    number: int

    def value(self, run: Run) -> float:
        return run.drawn.setdefault(self.number, random.random())  # noqa: S311  (a place in a queue is no secret)


@dataclass(frozen=True)
class Moment:
    """So many seconds after the time of the request."""

    seconds: int

    def value(self, run: Run) -> datetime:
        return run.now + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Written:
    """An id as text."""

    source: Source

    def value(self, run: Run) -> str:
        return str(self.source.value(run))


@dataclass(frozen=True)
class Listed:
    """Several values as one."""

    sources: tuple[Source, ...]

    def value(self, run: Run) -> list[object]:
        return [source.value(run) for source in self.sources]


@dataclass(frozen=True)
class Statement:
    """One statement. Those with the same ``block`` are one transaction; without one it commits by itself.

    ``is_planned_once`` says whether it went through `kernel.rows.planned_cursor`.
    """

    sql: str
    parameters: Parameters
    block: int | None
    is_planned_once: bool
    is_read_later: bool

    def cursor(self) -> CursorWrapper:
        """A cursor such as Assay uses for it."""
        return planned_cursor() if self.is_planned_once else connection.cursor()

    def values(self, run: Run) -> Any:
        """Its values in this run."""
        if isinstance(self.parameters, Mapping):
            return {name: source.value(run) for name, source in self.parameters.items()}
        return [source.value(run) for source in self.parameters]


@dataclass(frozen=True)
class Script:
    """All that a request says to the database, and ``answer``, the id that it gives back."""

    statements: tuple[Statement, ...]
    answer: Source

    def run(self, **given: object) -> object:
        """Say it all again for another request; returns the ``answer``."""
        run = Run(given)
        for block, statements in groupby(self.statements, key=lambda statement: statement.block):
            with nullcontext() if block is None else transaction.atomic():
                for statement in statements:
                    with statement.cursor() as cursor:
                        cursor.execute(statement.sql, statement.values(run))
                        run.rows.append((cursor.fetchone() or ()) if statement.is_read_later else ())
        return self.answer.value(run)
