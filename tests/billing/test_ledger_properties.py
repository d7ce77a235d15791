"""Whatever is posted in whatever order, the ledger agrees with a model that is nothing but a dict of balances."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.checks import CHECKS, broken
from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.services import ledger
from billing.services.ledger import AccountKey, CannotBeReversed, Draft, Entry, InsufficientFunds, PostingKeyReused
from kernel.errors import NotFound, Refused
from kernel.money import Money
from tests.billing.builders import Kind

pytestmark = pytest.mark.django_db

ACCOUNTS = [
    AccountKey(Kind.OUTSIDE_WORLD, "client:1"),
    AccountKey(Kind.CLIENT_FUNDS, "client:1"),
    AccountKey(Kind.JOB_ESCROW, "job:1"),
    AccountKey(Kind.WORKER_EARNINGS, "worker:1"),
    AccountKey(Kind.PLATFORM_FEES, "job:1"),
]
NOT_OF_POSTINGS_ALONE = (
    "money comes from settled fundings",
    "money in is money held, kept and out",
    "money moves along its ways",
    "states rebuild from entries alone",
)

Place = tuple[AccountKey, str]


@dataclass
class Model:
    """What the ledger promises, without a database: balances, what each key stands for, what has been undone."""

    balances: Counter[Place] = field(default_factory=Counter)
    by_key: dict[str, tuple[str | None, list[Entry]]] = field(default_factory=dict)

    def post(self, key: str, entries: list[Entry], reverses: str | None = None) -> type[Refused] | None:
        if key in self.by_key:
            return None if self.by_key[key] == (reverses, entries) else PostingKeyReused
        if reverses is not None and reverses in {undone for undone, _ in self.by_key.values()}:
            return CannotBeReversed
        after = self.balances.copy()
        for entry in entries:
            after[entry.source, entry.amount.currency] -= entry.amount.minor
            after[entry.target, entry.amount.currency] += entry.amount.minor
        for (account, currency), minor in after.items():
            if minor < 0 and minor < self.balances[account, currency] and account.kind != Kind.OUTSIDE_WORLD:
                return InsufficientFunds
        self.balances, self.by_key[key] = after, (reverses, entries)
        return None

    def post_all(self, drafts: Sequence[tuple[str, list[Entry]]]) -> type[Refused] | None:
        before = Model(self.balances.copy(), dict(self.by_key))
        for key, entries in drafts:
            refusal = self.post(key, entries)
            if refusal is not None:
                self.balances, self.by_key = before.balances, before.by_key
                return refusal
        return None

    def reverse(self, key: str, of: str) -> type[Exception] | None:
        if of not in self.by_key:
            return NotFound
        undone, entries = self.by_key[of]
        if undone is not None:
            return CannotBeReversed
        return self.post(key, [Entry(entry.target, entry.source, entry.amount) for entry in reversed(entries)], of)


@st.composite
def some_entries(draw: st.DrawFn, currency: str) -> list[Entry]:
    pairs = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)).filter(lambda pair: pair[0] != pair[1])
    moves = draw(st.lists(st.tuples(pairs, st.integers(1, 50)), min_size=1, max_size=3))
    return [Entry(source, target, Money(minor, currency)) for (source, target), minor in moves]


keys = st.sampled_from([f"key:{n}" for n in range(8)])
money_comes_in = st.tuples(
    keys, st.integers(1, 200).map(lambda minor: [Entry(ACCOUNTS[0], ACCOUNTS[1], Money(minor, "USD"))])
)
drafts = st.sampled_from(["USD", "EUR"]).flatmap(
    lambda currency: st.lists(st.tuples(keys, some_entries(currency)), min_size=1, max_size=3)
)
steps = st.lists(st.one_of(money_comes_in.map(lambda draft: [draft]), drafts, st.tuples(keys, keys)), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_the_ledger_agrees_with_a_dict_of_balances(steps: list[object]) -> None:
    with transaction.atomic():
        model = Model()
        for step in steps:
            before = everything()
            expected = outcome_of_model(model, step)
            assert (step, outcome_of_ledger(step)) == (step, expected)
            assert expected is None or everything() == before, "A refused posting leaves nothing."
        assert balances() == {place: minor for place, minor in model.balances.items() if minor}
        assert set(Posting.objects.values_list("key", flat=True)) == set(model.by_key)
        assert broken({name: find for name, find in CHECKS.items() if name not in NOT_OF_POSTINGS_ALONE}) == []
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def outcome_of_model(model: Model, step: object) -> type[Exception] | None:
    if isinstance(step, tuple):
        return model.reverse(step[0], step[1])
    assert isinstance(step, list)
    return model.post_all(step)


def outcome_of_ledger(step: object) -> type[Exception] | None:
    try:
        if isinstance(step, tuple):
            ledger.reverse(key=step[0], posting_key=step[1])
        else:
            assert isinstance(step, list)
            ledger.post_all(drafts=[Draft(key, Posting.Kind.ESCROW_HELD, "job:1", entries) for key, entries in step])
    except (Refused, NotFound) as refusal:
        return type(refusal)
    return None


def everything() -> tuple[int, int, int, dict[Place, int]]:
    return LedgerAccount.objects.count(), Posting.objects.count(), LedgerEntry.objects.count(), balances()


def balances() -> dict[Place, int]:
    rows = LedgerAccount.objects.exclude(balance_minor=0)
    return {(AccountKey(Kind(row.kind), row.owner), row.currency): row.balance_minor for row in rows}
