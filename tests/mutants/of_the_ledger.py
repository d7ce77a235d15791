"""Mutants of the ledger itself: of its one writer, and of what the database guards."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.services import escrow, ledger, ledger_rows
from billing.services.ledger import AccountKey, Draft, Entry
from billing.services.ledger_rows import Held, Move
from kernel.money import Money
from kernel.rows import Statement
from tests.billing.builders import Kind, a_client, a_job, earn, usd
from tests.by_hand import by_hand
from tests.mutants.frame import (
    ADDS_UP,
    ARRIVED,
    BALANCE,
    BALANCES,
    CURRENCIES,
    DISPUTES,
    FLOORS,
    GUARDS,
    MIRRORS,
    PAID_ONCE,
    TOLD,
    UNDER_WAY,
    WAYS,
    mutant,
    schema,
    without_constraint,
    without_trigger,
)

GUARDED = "billing_ledgeraccount", "ledgeraccount_is_guarded"


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def pay(job: str, *, key: str = "pay:1", fee: int = 10) -> Posting:
    return escrow.pay(job_owner=job, worker_owner="payee:1", reward=usd(100), fee=usd(fee), key=key)


def drop_key_index() -> None:
    schema("ALTER TABLE billing_posting DROP CONSTRAINT billing_posting_key_key")


@mutant("the unique index of posting keys is dropped, and keys are not looked up", PAID_ONCE, GUARDS)
def _same_key_twice(patch: pytest.MonkeyPatch) -> None:
    drop_key_index()
    patch.setattr(ledger, "postings_under", lambda keys: {})
    job = a_job(a_client(1_000), 500)
    pay(job)
    pay(job)


@mutant("a posting takes a new key for each try", PAID_ONCE)
def _key_per_try(patch: pytest.MonkeyPatch) -> None:
    job = a_job(a_client(1_000), 500)
    tries = iter(range(100))
    honest = Draft.made
    patch.setattr(Draft, "made", lambda draft: honest(replace(draft, key=f"{draft.key}:{next(tries)}")))
    patch.setattr(Draft, "posted", lambda draft, row: POSTED(replace(draft, key=row.key), row))
    pay(job)
    pay(job)


POSTED = Draft.posted


@mutant("the floor is dropped, and holding does not look at what is there", FLOORS, ARRIVED, GUARDS)
def _no_floor(patch: pytest.MonkeyPatch) -> None:
    without_constraint("billing_ledgeraccount", "account_balance_above_floor")
    patch.setattr(ledger, "_move", lambda moves, held, currency: None)
    a_job(a_client(1_000), 1_001)


@mutant("what is there is looked at before the lock", FLOORS, ARRIVED, GUARDS)
def _check_before_lock(patch: pytest.MonkeyPatch) -> None:
    without_constraint("billing_ledgeraccount", "account_balance_above_floor")
    client = a_client(1_000)
    honest, rivals = ledger._locked_accounts, [lambda: a_job(client, 800)]

    def look_then_lock(keys: Any, currency: str) -> dict[AccountKey, Held]:
        seen = honest(keys, currency)
        if rivals:
            rivals.pop()()  # another transaction, between the look and the lock
        return seen

    patch.setattr(ledger, "_locked_accounts", look_then_lock)
    a_job(client, 800)


@mutant(
    "balances are read, reckoned and written back, and the trigger that keeps them is off", BALANCES, ADDS_UP, GUARDS
)
def _read_modify_write(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    without_trigger("billing_ledgerentry", "entries_keep_balances")
    without_trigger(*GUARDED)
    honest, rivals = ledger._insert, [lambda: a_job(client, 300)]

    def write_back(fresh: Any, postings: Any, moves: list[Move]) -> None:
        if rivals:
            rivals.pop()()
        minor = {account.id: account.minor for move in moves for account in (move.source, move.target)}
        for move in moves:
            minor[move.source.id] -= move.amount_minor
            minor[move.target.id] += move.amount_minor
        for account_id, left in minor.items():
            LedgerAccount.objects.filter(pk=account_id).update(balance_minor=left)
        honest(fresh, postings, moves)

    patch.setattr(ledger, "_insert", write_back)
    a_job(client, 200)


@mutant("the trigger that keeps balances is off", BALANCES, ADDS_UP, GUARDS)
def _balances_forgotten(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    job = a_job(client, 500)
    without_trigger("billing_ledgerentry", "entries_keep_balances")
    escrow.release_all_but(job_owner=job, client_owner=client, keep=usd(499))
    without_trigger(*GUARDED)
    sql("UPDATE billing_ledgeraccount SET balance_minor = balance_minor - 1 WHERE kind = 'job_escrow'")


@mutant("entries may be changed, and one is", BALANCES, TOLD, GUARDS)
def _entry_changed(patch: pytest.MonkeyPatch) -> None:
    a_job(a_client(1_000), 500)
    without_trigger("billing_ledgerentry", "billing_ledgerentry_is_append_only")
    with by_hand():
        LedgerEntry.objects.filter(posting__kind="escrow_held").update(amount_minor=499)


@mutant("postings may be deleted, and one is", BALANCES, TOLD, GUARDS)
def _posting_deleted(patch: pytest.MonkeyPatch) -> None:
    a_job(a_client(1_000), 500)
    without_trigger("billing_ledgerentry", "billing_ledgerentry_is_append_only")
    without_trigger("billing_posting", "billing_posting_is_append_only")
    with by_hand():
        LedgerEntry.objects.filter(posting__kind="escrow_held").delete()
        Posting.objects.filter(kind="escrow_held").delete()


@mutant("when a posting was made may be changed, and is", TOLD, GUARDS)
def _posting_dated_back(patch: pytest.MonkeyPatch) -> None:
    a_job(a_client(1_000), 500)
    without_trigger("billing_posting", "billing_posting_is_append_only")
    with by_hand():
        sql("UPDATE billing_posting SET at = at - interval '1 day' WHERE kind = 'escrow_held'")


@mutant("a posting need not have its entries, and one is left out", BALANCE, TOLD, GUARDS)
def _entry_left_out(patch: pytest.MonkeyPatch) -> None:
    job = a_job(a_client(1_000), 500)
    without_trigger("billing_posting", "posting_has_its_entries")
    honest = ledger_rows.write
    patch.setattr(ledger, "write", lambda told, postings, moves: honest(told=told, postings=postings, moves=moves[:-1]))
    pay(job)


@mutant(
    "an entry may go from one currency to another, and the trigger that looks is off",
    CURRENCIES,
    BALANCES,
    GUARDS,
)
def _dollars_to_euros(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    honest = ledger._locked_accounts

    def second_in_euros(keys: Any, currency: str) -> dict[AccountKey, Held]:
        found = honest(keys, currency)
        escrows = {key: account for key, account in found.items() if key.kind == Kind.JOB_ESCROW}
        return found | honest(escrows, "EUR")

    without_trigger("billing_ledgerentry", "entries_keep_balances")
    patch.setattr(ledger, "_locked_accounts", second_in_euros)
    a_job(client, 500)


@mutant("a posting may be reversed again, and the look for it is left out", MIRRORS, GUARDS)
def _reversed_twice(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    job = a_job(client, 300)
    escrow.hold(job_owner=job, client_owner=client, amount=usd(300), key="again")
    schema("ALTER TABLE billing_posting DROP CONSTRAINT billing_posting_reverses_id_key")
    patch.setattr(ledger, "_refuse_second_reversal", lambda draft: None)
    ledger.reverse(posting_key="again", key="undo:1")
    ledger.reverse(posting_key="again", key="undo:2")


@mutant("a reversal forgets all entries but the first", MIRRORS)
def _half_reversed(patch: pytest.MonkeyPatch) -> None:
    pay(a_job(a_client(1_000), 500))
    honest = ledger.entries_of
    patch.setattr(ledger, "entries_of", lambda posting: honest(posting=posting)[:1])
    ledger.reverse(posting_key="pay:1", key="undo:1")


@mutant("a posting is made without telling the audit, in a transaction that tells of something else", TOLD)
def _untold(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    patch.setattr(ledger, "told_of", lambda posted: Statement("SELECT"))
    with by_hand():
        a_job(client, 500)


@mutant("the audit is told of another amount than is posted", TOLD)
def _told_otherwise(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    patch.setattr(Draft, "posted", lambda draft, row: POSTED(replace(draft, entries=doubled(draft.entries)), row))
    a_job(client, 500)


def doubled(entries: Any) -> list[Entry]:
    return [Entry(e.source, e.target, Money(2 * e.amount.minor, e.amount.currency)) for e in entries]


@mutant("work is paid from the client's funds and not from escrow", WAYS)
def _paid_from_funds(patch: pytest.MonkeyPatch) -> None:
    client = a_client(1_000)
    patch.setattr(
        escrow.Payment,
        "draft",
        property(
            lambda payment: Draft(
                key=payment.key,
                kind=Posting.Kind.WORK_PAID,
                subject=payment.subject,
                entries=[
                    Entry(
                        AccountKey(Kind.CLIENT_FUNDS, client),
                        AccountKey(Kind.WORKER_EARNINGS, payment.worker_owner),
                        payment.reward,
                    )
                ],
            )
        ),
    )
    pay("job:1")


@mutant("a dispute is taken from what a worker has earned", WAYS, DISPUTES, UNDER_WAY)
def _dispute_reaches_a_worker(patch: pytest.MonkeyPatch) -> None:
    earn("payee:1", 500)
    entry = Entry(AccountKey(Kind.WORKER_EARNINGS, "payee:1"), AccountKey(Kind.DISPUTED, "client:1"), usd(500))
    ledger.post(key="dispute:1:opened", kind=Posting.Kind.DISPUTE_OPENED, subject="dispute:1", entries=[entry])


@mutant("a job's fees are swept out of its escrow", WAYS)
def _fees_from_escrow(patch: pytest.MonkeyPatch) -> None:
    job = a_job(a_client(1_000), 500)
    pay(job)
    patch.setattr(
        escrow, "AccountKey", lambda kind, owner: AccountKey(Kind.JOB_ESCROW if owner == job else kind, owner)
    )
    patch.setattr(escrow, "balance", lambda kind, owner, currency: usd(10))
    escrow.sweep_fees(job_owner=job, currency="USD")
