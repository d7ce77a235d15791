"""What the double remembers: objects, balances, answers under idempotency keys, and webhooks still to be delivered.

SQLite, in memory or in a file. Each request is one transaction, so a refused request leaves nothing and a killed
double comes back with exactly what it had answered.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from billing.demo.stripe_double.errors import Json, Refusal

TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    parent TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_of_an_account ON objects (kind, account, sequence);
CREATE INDEX IF NOT EXISTS objects_of_a_parent ON objects (kind, parent, sequence) WHERE parent <> '';
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    available INTEGER NOT NULL,
    PRIMARY KEY (account, currency)
);
CREATE TABLE IF NOT EXISTS pending (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    available_on INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sums (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    fee INTEGER NOT NULL,
    PRIMARY KEY (account, currency, kind)
);
CREATE TABLE IF NOT EXISTS answers (
    scope TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (scope, idempotency_key)
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due_at);
"""

EMPTY = (
    "DELETE FROM objects",
    "DELETE FROM balances",
    "DELETE FROM pending",
    "DELETE FROM sums",
    "DELETE FROM answers",
    "DELETE FROM deliveries",
)

# By whether a parent is named, and whether the walk goes forward in time.
WALKS = {
    (False, False): "SELECT body FROM objects WHERE kind = ? AND account = ? AND sequence < ? ORDER BY sequence DESC",
    (False, True): "SELECT body FROM objects WHERE kind = ? AND account = ? AND sequence > ? ORDER BY sequence",
    (True, False): "SELECT body FROM objects WHERE kind = ? AND parent = ? AND sequence < ? ORDER BY sequence DESC",
    (True, True): "SELECT body FROM objects WHERE kind = ? AND parent = ? AND sequence > ? ORDER BY sequence",
}
LARGEST_SEQUENCE = 2**62


@dataclass(frozen=True)
class SavedAnswer:
    """The answer that an idempotency key is bound to."""

    fingerprint: str
    status: int
    body: Json


@dataclass(frozen=True)
class Delivery:
    """One webhook that still has to arrive."""

    id: int
    event: Json
    attempts: int


@dataclass(frozen=True)
class Sum:
    """All balance transactions of one kind in one currency, added up."""

    currency: str
    kind: str
    amount: int
    fee: int


class Store:
    """The double's memory. Everything but ``transaction`` is called inside one."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time; one inside another can fail alone.

        A refusal may keep what was done before it (``Refusal.keeps_effect``).
        """
        with self._lock:
            level = f"level_{self._depth}"
            self._connection.execute(f"SAVEPOINT {level}")
            self._depth += 1
            try:
                yield
            except BaseException as problem:
                if not (isinstance(problem, Refusal) and problem.keeps_effect):
                    self._connection.execute(f"ROLLBACK TO {level}")
                raise
            finally:
                self._depth -= 1
                self._connection.execute(f"RELEASE {level}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def clear(self) -> None:
        for statement in EMPTY:
            self._connection.execute(statement)

    def insert(self, body: Json, *, account: str, parent: str) -> None:
        self._connection.execute(
            "INSERT INTO objects (id, kind, account, parent, body) VALUES (?, ?, ?, ?, ?)",
            (body["id"], body["object"], account, parent, json.dumps(body)),
        )

    def save(self, body: Json, *, parent: str | None = None) -> None:
        """Replace an object; list it under another ``parent`` if one is named."""
        self._connection.execute(
            "UPDATE objects SET body = ?, parent = COALESCE(?, parent) WHERE id = ?",
            (json.dumps(body), parent, body["id"]),
        )

    def find(self, stripe_id: str) -> Json | None:
        row = self._connection.execute("SELECT body FROM objects WHERE id = ?", (stripe_id,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _sequence_of(self, stripe_id: str) -> int:
        number: int = self._connection.execute("SELECT sequence FROM objects WHERE id = ?", (stripe_id,)).fetchone()[0]
        return number

    def account_of(self, stripe_id: str) -> str:
        """The connected account that an object lives in; "" is the platform."""
        account: str = self._connection.execute("SELECT account FROM objects WHERE id = ?", (stripe_id,)).fetchone()[0]
        return account

    def walk(
        self, kind: str, *, account: str = "", parent: str = "", after: str = "", forward: bool = False
    ) -> Iterator[Json]:
        """Objects of a kind in ``account``, or of all accounts under ``parent`` if one is named.

        Newest first, or oldest first when ``forward``; ``after`` is the id of the object to go on from.
        """
        start = self._sequence_of(after) if after else 0 if forward else LARGEST_SEQUENCE
        query = WALKS[bool(parent), forward]
        for (body,) in self._connection.execute(query, (kind, parent or account, start)):
            yield json.loads(body)

    def add_to_balance(self, *, account: str, currency: str, amount: int, available_on: int = 0) -> None:
        """Add to what is available, or to what will be (``available_on``, by Stripe's clock)."""
        if available_on:
            self._connection.execute(
                "INSERT INTO pending VALUES (?, ?, ?, ?)", (account, currency, amount, available_on)
            )
            return
        self._connection.execute(
            "INSERT INTO balances VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET available = available + excluded.available",
            (account, currency, amount),
        )

    def release_what_is_due(self, now: int) -> None:
        """Make available whose time has come."""
        due = self._connection.execute(
            "DELETE FROM pending WHERE available_on <= ? RETURNING account, currency, amount", (now,)
        ).fetchall()
        for account, currency, amount in due:
            self.add_to_balance(account=account, currency=currency, amount=amount)

    def pending(self, account: str) -> dict[str, int]:
        """What is not available yet, by currency."""
        query = "SELECT currency, SUM(amount) FROM pending WHERE account = ? GROUP BY currency"
        return dict(self._connection.execute(query, (account,)).fetchall())

    def add_to_sums(self, *, account: str, currency: str, kind: str, amount: int, fee: int) -> None:
        """Add a balance transaction to the sums of its kind."""
        self._connection.execute(
            "INSERT INTO sums VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount, fee = fee + excluded.fee",
            (account, currency, kind, amount, fee),
        )

    def balances(self, account: str) -> dict[str, int]:
        query = "SELECT currency, available FROM balances WHERE account = ? ORDER BY currency"
        return dict(self._connection.execute(query, (account,)).fetchall())

    def accounts_with_money(self) -> list[tuple[str, str, int]]:
        query = "SELECT account, currency, available FROM balances WHERE account <> '' AND available > 0 ORDER BY 1, 2"
        return self._connection.execute(query).fetchall()

    def sums(self, *, of_platform: bool) -> list[Sum]:
        query = (
            "SELECT currency, kind, SUM(amount), SUM(fee) FROM sums"
            " WHERE (account = '') = ? GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [Sum(*row) for row in self._connection.execute(query, (of_platform,))]

    def answer(self, scope: str, key: str, *, saved_after: int) -> SavedAnswer | None:
        row = self._connection.execute(
            "SELECT fingerprint, status, body FROM answers WHERE scope = ? AND idempotency_key = ? AND saved_at > ?",
            (scope, key, saved_after),
        ).fetchone()
        return None if row is None else SavedAnswer(row[0], row[1], json.loads(row[2]))

    def save_answer(self, scope: str, key: str, answer: SavedAnswer, *, at: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
            (scope, key, answer.fingerprint, answer.status, json.dumps(answer.body), at),
        )

    def schedule(self, event_id: str, *, seconds: float) -> None:
        self._connection.execute(
            "INSERT INTO deliveries (event_id, due_at, attempts) VALUES (?, ?, 0)", (event_id, time.time() + seconds)
        )

    def next_delivery(self, *, except_ids: set[int]) -> tuple[Delivery | None, float]:
        """The delivery that is due first, or None and the seconds until one will be."""
        rows = self._connection.execute(
            "SELECT d.id, o.body, d.attempts, d.due_at FROM deliveries d JOIN objects o ON o.id = d.event_id"
            " ORDER BY d.due_at, d.id LIMIT ?",
            (len(except_ids) + 1,),
        )
        row = next((row for row in rows if row[0] not in except_ids), None)
        if row is None:
            return None, 60.0
        wait = row[3] - time.time()
        return (None, wait) if wait > 0 else (Delivery(row[0], json.loads(row[1]), row[2]), 0.0)

    def drop_delivery(self, delivery: Delivery) -> None:
        self._connection.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))

    def postpone_delivery(self, delivery: Delivery, *, seconds: float) -> None:
        self._connection.execute(
            "UPDATE deliveries SET due_at = ?, attempts = attempts + 1 WHERE id = ?",
            (time.time() + seconds, delivery.id),
        )

    def deliveries_left(self) -> int:
        count: int = self._connection.execute("SELECT COUNT(*) FROM deliveries").fetchone()[0]
        return count
