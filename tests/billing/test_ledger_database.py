"""The database itself keeps the ledger true, whoever writes to it and however."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from billing.checks import check_books
from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.services.ledger_audit import Moved, Posted, told_of
from kernel.services.audit import Actor, record
from tests.billing.builders import Kind, a_client, a_job, held

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def run(sql: str, *values: Any) -> None:
    """One statement as after a commit, and then the checks of another; undone when they refuse."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        record(action="ledger.touched", subject=Posting(), by=Actor.system("test"))
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def an_account(kind: str, owner: str, currency: str = "USD") -> int:
    return LedgerAccount.objects.create(kind=kind, owner=owner, currency=currency).pk


def a_posting_row(entry_count: int = 1) -> Posting:
    return Posting.objects.create(key=str(uuid4()), kind="escrow_held", subject="job:1", entry_count=entry_count)


def put_entry(source: int, target: int, minor: int, *, posting: Posting | None = None, position: int = 0) -> None:
    """An entry by hand, with a posting of its own unless it is given; both or none."""
    with transaction.atomic():
        posting = posting or a_posting_row()
        put = "INSERT INTO billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor) "
        with connection.cursor() as cursor:
            cursor.execute(put + "VALUES (%s, %s, %s, %s, %s)", [posting.pk, position, source, target, minor])
            tell(posting)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def tell(row: Posting) -> None:
    """What the ledger's service would leave in the audit."""
    moved = [
        Moved(e.source.kind, e.source.owner, e.target.kind, e.target.owner, e.amount_minor, e.source.currency)
        for e in row.entries.order_by("position")
    ]
    said = (row.pk, row.key, row.kind, row.subject, row.at, row.reverses_id, row.details, moved)
    told = told_of(posted=[Posted(*said)])
    with connection.cursor() as cursor:
        cursor.execute(told.sql, told.values)


def account_of(kind: Kind, owner: str) -> int:
    return LedgerAccount.objects.get(kind=kind, owner=owner).pk


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_posting SET subject = 'job:2'",
        "UPDATE billing_posting SET key = key",
        "DELETE FROM billing_posting",
        "TRUNCATE billing_posting CASCADE",
        "UPDATE billing_ledgerentry SET amount_minor = amount_minor + 1",
        "DELETE FROM billing_ledgerentry",
        "TRUNCATE billing_ledgerentry",
    ],
)
def test_postings_and_entries_never_change(statement: str) -> None:
    a_job(a_client(1_000), 400)

    with pytest.raises(IntegrityError, match="are facts"):
        run(statement)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE billing_ledgeraccount SET balance_minor = balance_minor + 1", "is moved by ledger entries only"),
        ("UPDATE billing_ledgeraccount SET balance_minor = balance_minor", "is moved by ledger entries only"),
        ("UPDATE billing_ledgeraccount SET owner = 'client:other'", "keeps its kind, owner and currency"),
        ("UPDATE billing_ledgeraccount SET kind = 'outside_world'", "keeps its kind, owner and currency"),
        ("UPDATE billing_ledgeraccount SET currency = 'EUR'", "keeps its kind, owner and currency"),
        ("DELETE FROM billing_ledgeraccount", "are kept for ever"),
        ("TRUNCATE billing_ledgeraccount CASCADE", "are kept for ever|are facts"),
        ("INSERT INTO billing_ledgeraccount VALUES (1000, 'loss', 'client:rich', 'USD', 100)", "is opened empty"),
    ],
)
def test_an_account_is_changed_by_entries_only(statement: str, refusal: str) -> None:
    a_client(1_000)

    with pytest.raises(IntegrityError, match=refusal):
        run(statement)


def test_an_entry_moves_both_balances_without_help() -> None:
    client = a_client(1_000)

    put_entry(account_of(Kind.CLIENT_FUNDS, client), an_account("job_escrow", "job:1"), 400)

    assert (held(Kind.CLIENT_FUNDS, client), held(Kind.JOB_ESCROW, "job:1")) == (600, 400)


def test_nothing_is_held_below_zero() -> None:
    client = a_client(1_000)
    funds, escrow = account_of(Kind.CLIENT_FUNDS, client), an_account("job_escrow", "job:1")

    with pytest.raises(IntegrityError, match="account_balance_above_floor"):
        put_entry(funds, escrow, 1_001)

    put_entry(funds, escrow, 1_000)


def test_an_entry_is_in_one_currency() -> None:
    client = a_client(1_000)
    euros = an_account("job_escrow", "job:1", "EUR")

    with pytest.raises(IntegrityError, match="takes USD and gives EUR: an entry is in one currency"):
        put_entry(account_of(Kind.CLIENT_FUNDS, client), euros, 400)


@pytest.mark.parametrize("minor", [0, -400])
def test_an_entry_moves_a_positive_amount(minor: int) -> None:
    client = a_client(1_000)
    funds, escrow = account_of(Kind.CLIENT_FUNDS, client), an_account("job_escrow", "job:1")

    with pytest.raises(IntegrityError, match="entry_amount_is_positive"):
        put_entry(funds, escrow, minor)


def test_an_entry_moves_money_between_two_accounts() -> None:
    funds = account_of(Kind.CLIENT_FUNDS, a_client(1_000))

    with pytest.raises(IntegrityError, match="entry_moves_between_two_accounts"):
        put_entry(funds, funds, 400)


def test_a_posting_without_its_entries_cannot_be_committed() -> None:
    put = "INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, details) "

    with pytest.raises(IntegrityError, match="Posting x has 0 of its 1 entries"):
        run(put + "VALUES (gen_random_uuid(), 'x', 'escrow_held', 'job:1', now(), 1, '{}')")
    with pytest.raises(IntegrityError, match="posting_has_an_entry"):
        run(put + "VALUES (gen_random_uuid(), 'x', 'escrow_held', 'job:1', now(), 0, '{}')")


def test_a_posting_takes_no_entry_later() -> None:
    client = a_client(1_000)
    job = a_job(client, 400)
    posting = Posting.objects.get(kind="escrow_held")
    funds, escrow = account_of(Kind.CLIENT_FUNDS, client), account_of(Kind.JOB_ESCROW, job)

    with pytest.raises(IntegrityError, match="one_entry_per_position"):
        put_entry(funds, escrow, 100, posting=posting)
    with pytest.raises(IntegrityError, match=r"is complete: entry \d+ is one too many"):
        put_entry(funds, escrow, 100, posting=posting, position=1)

    assert LedgerEntry.objects.filter(posting=posting).count() == 1


def test_only_a_reversal_reverses() -> None:
    client = a_client(1_000)
    a_job(client, 400)
    held_posting = Posting.objects.get(kind="escrow_held")
    put = "INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, reverses_id, details) "

    with pytest.raises(IntegrityError, match="posting_reverses_when_reversal"):
        run(put + "VALUES (gen_random_uuid(), 'x', 'escrow_released', 'job:1', now(), 1, %s, '{}')", held_posting.pk)
    with pytest.raises(IntegrityError, match="posting_reverses_when_reversal"):
        run(put + "VALUES (gen_random_uuid(), 'x', 'reversal', 'job:1', now(), 1, NULL, '{}')")


def test_the_guards_can_be_taken_down_and_put_up_again() -> None:
    call_command("migrate", "billing", "0001_ledger", verbosity=0)
    a_tampered = LedgerAccount.objects.create(kind="client_funds", owner="client:free", currency="USD", balance_minor=9)
    assert a_tampered.balance_minor == 9
    LedgerAccount.objects.filter(pk=a_tampered.pk).delete()

    call_command("migrate", "billing", verbosity=0)

    with pytest.raises(IntegrityError, match="is opened empty"), transaction.atomic():
        LedgerAccount.objects.create(kind="client_funds", owner="client:free", currency="USD", balance_minor=9)
    assert check_books() == []
