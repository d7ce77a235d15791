"""The same statements once more, without any Python: the recorded scripts as a program for PostgreSQL's own pgbench."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection

from kernel.embedded.postgres import installed_binaries
from marketplace.bench.bare_view import price_id_of
from marketplace.bench.script import (
    Cell,
    Constant,
    Drawn,
    Fresh,
    Given,
    Listed,
    Moment,
    Script,
    Source,
    Statement,
    Written,
)

RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
PAIRS = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)


class PgbenchFailed(Exception):
    """pgbench did not do its work; the message is its own."""


@dataclass(frozen=True)
class Program:
    """A claim and a submit for pgbench, where each of its clients is one of the workers."""

    claim: Script
    submit: Script
    tokens: Sequence[str]
    job_id: UUID

    def text(self) -> str:
        """What pgbench reads."""
        given = {"job_id": f"'{self.job_id}'", "price_id": str(price_id_of(self.job_id))}
        claim = _Part("c", self.claim, self.tokens, given)
        submit = _Part("s", self.submit, self.tokens, {"assignment_id": claim.answer()})
        return "\n".join([*claim.lines(), *submit.lines(), ""])


@dataclass(frozen=True)
class Outcome:
    """What pgbench did, all its clients together."""

    pairs: int
    pairs_a_second: float


def run_pgbench(program: Program, *, pairs: int, folder: Path) -> Outcome:
    """Run about so many pairs. Raises PgbenchFailed."""
    file = folder / "claim_and_submit.pgbench"
    file.write_text(program.text(), encoding="utf-8")
    clients = len(program.tokens)
    connection.ensure_connection()
    database = connection.connection.info
    command = [str(installed_binaries() / "pgbench"), "--no-vacuum", "--protocol", "prepared", "--file", str(file)]
    command += ["--client", str(clients), "--jobs", str(min(clients, os.cpu_count() or 1))]
    command += ["--host", database.host, "--username", database.user]
    command += ["--transactions", str(max(1, pairs // clients))]
    result = subprocess.run([*command, database.dbname], capture_output=True, text=True, check=False)  # noqa: S603
    rate, done = RATE.search(result.stdout), PAIRS.search(result.stdout)
    if result.returncode or rate is None or done is None:
        raise PgbenchFailed(result.stderr[-2000:])
    return Outcome(int(done.group(1)), float(rate.group(1)))


class _Part:
    """One of the two scripts; its variables carry its letter."""

    def __init__(self, letter: str, script: Script, tokens: Sequence[str], given: dict[str, str]) -> None:
        self._letter, self._script, self._given = letter, script, given
        self._tokens = tokens
        self._made: set[str] = set()

    def answer(self) -> str:
        """The answer as the other script writes it."""
        answer = self._script.answer
        return self._written(answer.source if isinstance(answer, Written) else answer)

    def lines(self) -> Iterator[str]:
        """The script, line by line."""
        open_block: int | None = None
        body: list[str] = []
        for number, statement in enumerate(self._script.statements):
            if statement.block != open_block:
                body += ["COMMIT;"] if open_block is not None else []
                body += ["BEGIN;"] if statement.block is not None else []
                open_block = statement.block
            body += self._for_each_client(number, statement)
        body += ["COMMIT;"] if open_block is not None else []
        yield from sorted(self._made)
        yield from body

    def _for_each_client(self, number: int, statement: Statement) -> Iterator[str]:
        """A statement that names the sender stands there once for each client: pgbench's variables hold no text."""
        values = statement.parameters.values() if hasattr(statement.parameters, "values") else statement.parameters
        end = f" \\gset {self._letter}{number}_" if statement.is_read_later else ";"
        if Given("token_sha256") not in list(values):
            yield self._said(statement) + end
            return
        for client, token in enumerate(self._tokens):
            self._given["token_sha256"] = f"'{sha256(token.encode()).hexdigest()}'"
            yield f"\\{'elif' if client else 'if'} :client_id = {client}"
            yield self._said(statement) + end
        yield "\\endif"

    def _said(self, statement: Statement) -> str:
        if hasattr(statement.parameters, "items"):
            named = {name: self._written(source) for name, source in statement.parameters.items()}
            return (statement.sql % named).strip()
        if not statement.parameters:
            return statement.sql.strip()
        return (statement.sql % tuple(self._written(source) for source in statement.parameters)).strip()

    def _written(self, source: Source) -> str:  # noqa: PLR0911  (one kind of source a line)
        match source:
            case Constant(value):
                return _literal(value)
            case Given(name):
                return self._given[name]
            case Cell(statement, _, name):
                return f":{self._letter}{statement}_{name}"
            case Fresh(number):
                one, other = f"{self._letter}f{number}a", f"{self._letter}f{number}b"
                self._made.add(f"\\set {one} random(10000000, 99999999)")
                self._made.add(f"\\set {other} random(100000000000, 999999999999)")
                return f"(:{one}::text || '-0000-4000-8000-' || :{other}::text)::uuid"
            case Drawn(number):
                self._made.add(f"\\set {self._letter}d{number} random(0, 1000000000) / 1000000000.0")
                return f":{self._letter}d{number}"
            case Moment(seconds):
                return f"(now() + interval '{seconds} seconds')"
            case Written(inner):
                return f"({self._written(inner)})::text"
            case Listed(sources):
                return f"ARRAY[{', '.join(self._written(inner) for inner in sources)}]"
        raise AssertionError(source)


def _literal(value: Any) -> str:
    """The value as Django's driver writes it into a statement."""
    with connection.cursor() as cursor:
        written: str = cursor.cursor.mogrify("%s", [value])
    return written
