"""Postings: money moves once, exactly, or not at all."""

import pytest

from billing import queries
from billing.models import LedgerAccount, LedgerEntry, Posting
from billing.services import ledger
from billing.services.ledger import AccountKey, CannotBeReversed, Draft, Entry, InsufficientFunds, PostingKeyReused
from kernel.errors import NotFound
from kernel.money import Money
from tests.billing.builders import Kind, a_client, a_job, held, usd

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

FUNDS = AccountKey(Kind.CLIENT_FUNDS, "client:1")
ESCROW = AccountKey(Kind.JOB_ESCROW, "job:1")
EARNINGS = AccountKey(Kind.WORKER_EARNINGS, "worker:1")
FEES = AccountKey(Kind.PLATFORM_FEES, "job:1")


def hold(client: str, minor: int, *, key: str = "hold:1", currency: str = "USD") -> Posting:
    entry = Entry(AccountKey(Kind.CLIENT_FUNDS, client), ESCROW, Money(minor, currency))
    return ledger.post(key=key, kind=Posting.Kind.ESCROW_HELD, subject="job:1", entries=[entry])


def rows() -> tuple[int, int, int]:
    return LedgerAccount.objects.count(), Posting.objects.count(), LedgerEntry.objects.count()


def test_a_posting_moves_money_from_one_account_to_another() -> None:
    client = a_client(1_000)

    hold(client, 400)

    assert (held(Kind.CLIENT_FUNDS, client), held(Kind.JOB_ESCROW, "job:1")) == (600, 400)


def test_an_account_that_was_never_opened_holds_nothing() -> None:
    assert ledger.balance(Kind.JOB_ESCROW, "job:none", "USD") == usd(0)


def test_the_same_key_again_moves_nothing_more() -> None:
    client = a_client(1_000)
    first = hold(client, 400)

    again = hold(client, 400)

    assert again == first
    assert held(Kind.CLIENT_FUNDS, client) == 600


def test_the_same_key_again_is_answered_even_when_the_money_is_gone() -> None:
    client = a_client(1_000)
    first = hold(client, 1_000)

    assert hold(client, 1_000) == first


@pytest.mark.parametrize("minor", [399, 401])
def test_a_key_stands_for_one_amount(minor: int) -> None:
    client = a_client(1_000)
    hold(client, 400)
    before = rows()

    with pytest.raises(PostingKeyReused, match="The key hold:1 belongs to a posting of something else"):
        hold(client, minor)

    assert (rows(), held(Kind.CLIENT_FUNDS, client)) == (before, 600)


def test_a_key_stands_for_one_subject_and_one_kind() -> None:
    client = a_client(1_000)
    posting = hold(client, 400)
    entries = ledger.entries_of(posting=posting)

    with pytest.raises(PostingKeyReused):
        ledger.post(key="hold:1", kind=Posting.Kind.ESCROW_HELD, subject="job:2", entries=entries)
    with pytest.raises(PostingKeyReused):
        ledger.post(key="hold:1", kind=Posting.Kind.ESCROW_RELEASED, subject="job:1", entries=entries)


def test_a_refused_posting_says_what_is_missing_and_leaves_nothing() -> None:
    client = a_client(1_000)
    before = rows()

    with pytest.raises(InsufficientFunds) as refusal:
        hold(client, 1_001)

    assert refusal.value.message == "10.01 USD are needed and 10.00 USD are there: 0.01 USD are missing."
    assert refusal.value.details == {
        "account": "client_funds",
        "available_minor": 1_000,
        "needed_minor": 1_001,
        "currency": "USD",
    }
    assert rows() == before


def test_a_refused_posting_may_be_tried_again_under_its_key() -> None:
    client = a_client(1_000)
    with pytest.raises(InsufficientFunds):
        hold(client, 1_001)

    hold(client, 1_000)

    assert held(Kind.JOB_ESCROW, "job:1") == 1_000


@pytest.mark.untrue("money moves along its ways")
def test_money_may_pass_through_an_account_within_one_posting() -> None:
    client = a_client(1_000)
    funds = AccountKey(Kind.CLIENT_FUNDS, client)

    ledger.post(
        key="through",
        kind=Posting.Kind.ESCROW_HELD,
        subject="job:1",
        entries=[Entry(ESCROW, EARNINGS, usd(700)), Entry(funds, ESCROW, usd(1_000))],
    )

    assert (held(Kind.JOB_ESCROW, "job:1"), held(Kind.WORKER_EARNINGS, "worker:1")) == (300, 700)


def test_accounts_of_two_currencies_do_not_meet() -> None:
    client = a_client(1_000)

    with pytest.raises(InsufficientFunds, match=r"10\.00 EUR are needed and 0\.00 EUR are there"):
        hold(client, 1_000, currency="EUR")
    with pytest.raises(ValueError, match=r"one currency, not \['EUR', 'USD'\]"):
        ledger.post(
            key="mixed",
            kind=Posting.Kind.ESCROW_HELD,
            subject="job:1",
            entries=[Entry(FUNDS, ESCROW, usd(1)), Entry(FUNDS, ESCROW, Money(1, "EUR"))],
        )


@pytest.mark.parametrize("minor", [0, -1])
def test_an_entry_moves_a_positive_amount(minor: int) -> None:
    with pytest.raises(ValueError, match="An entry moves a positive amount"):
        Entry(FUNDS, ESCROW, usd(minor))


def test_an_entry_moves_money_between_two_accounts() -> None:
    with pytest.raises(ValueError, match="between two accounts"):
        Entry(FUNDS, FUNDS, usd(1))


def test_a_posting_without_entries_cannot_be_meant() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        ledger.post(key="empty", kind=Posting.Kind.ESCROW_HELD, subject="job:1", entries=[])


def test_many_postings_are_made_in_their_order() -> None:
    client = a_client(1_000)
    job = a_job(client, 1_000)
    escrow = AccountKey(Kind.JOB_ESCROW, job)
    drafts = [
        Draft(f"pay:{n}", Posting.Kind.WORK_PAID, f"assignment:{n}", [Entry(escrow, EARNINGS, usd(400))])
        for n in (1, 2)
    ]

    assert [posting.key for posting in ledger.post_all(drafts=drafts)] == ["pay:1", "pay:2"]
    assert (held(Kind.JOB_ESCROW, job), held(Kind.WORKER_EARNINGS, "worker:1")) == (200, 800)


def test_many_postings_are_all_made_or_none() -> None:
    job = a_job(a_client(1_000), 1_000)
    escrow = AccountKey(Kind.JOB_ESCROW, job)
    before = rows()

    with pytest.raises(InsufficientFunds, match=r"4\.00 USD are needed and 2\.00 USD are there"):
        ledger.post_all(
            drafts=[
                Draft(f"pay:{n}", Posting.Kind.WORK_PAID, f"assignment:{n}", [Entry(escrow, EARNINGS, usd(400))])
                for n in (1, 2, 3)
            ]
        )

    assert (rows(), held(Kind.JOB_ESCROW, job)) == (before, 1_000)


def test_of_many_postings_those_already_made_are_answered_and_not_made_again() -> None:
    job = a_job(a_client(1_000), 1_000)
    escrow = AccountKey(Kind.JOB_ESCROW, job)
    drafts = [
        Draft(f"pay:{n}", Posting.Kind.WORK_PAID, f"assignment:{n}", [Entry(escrow, EARNINGS, usd(300))])
        for n in (1, 2)
    ]
    first = ledger.post_all(drafts=drafts[:1])

    both = ledger.post_all(drafts=[*drafts, drafts[1]])

    assert (both[0], both[1]) == (first[0], both[2])
    assert held(Kind.JOB_ESCROW, job) == 400
    assert ledger.post_all(drafts=[]) == []


def test_a_reversal_is_the_exact_mirror() -> None:
    job = a_job(a_client(1_000), 1_000)
    escrow = AccountKey(Kind.JOB_ESCROW, job)
    paid = [Entry(escrow, EARNINGS, usd(300)), Entry(escrow, FEES, usd(60))]
    posting = ledger.post(key="pay:1", kind=Posting.Kind.WORK_PAID, subject="assignment:1", entries=paid)

    reversal = ledger.reverse(posting_key="pay:1", key="undo:1", why="paid by mistake")

    assert ledger.entries_of(posting=reversal) == [Entry(FEES, escrow, usd(60)), Entry(EARNINGS, escrow, usd(300))]
    assert (reversal.reverses, reversal.subject, reversal.details) == (
        posting,
        "assignment:1",
        {"why": "paid by mistake"},
    )
    assert held(Kind.JOB_ESCROW, job) == 1_000


def test_a_posting_is_reversed_once() -> None:
    hold(a_client(1_000), 400)
    reversal = ledger.reverse(posting_key="hold:1", key="undo:1")

    assert ledger.reverse(posting_key="hold:1", key="undo:1") == reversal
    with pytest.raises(CannotBeReversed, match="Posting hold:1 has been reversed already"):
        ledger.reverse(posting_key="hold:1", key="undo:again")
    with pytest.raises(CannotBeReversed, match="Posting undo:1 is a reversal"):
        ledger.reverse(posting_key="undo:1", key="undo:undo")


def test_what_has_moved_on_cannot_be_reversed() -> None:
    client = a_client(1_000)
    hold(client, 400)
    ledger.post(
        key="pay:1", kind=Posting.Kind.WORK_PAID, subject="assignment:1", entries=[Entry(ESCROW, EARNINGS, usd(1))]
    )

    with pytest.raises(InsufficientFunds):
        ledger.reverse(posting_key="hold:1", key="undo:1")

    assert held(Kind.JOB_ESCROW, "job:1") == 399


def test_a_posting_that_is_not_there_cannot_be_reversed() -> None:
    with pytest.raises(NotFound):
        ledger.reverse(posting_key="hold:none", key="undo:1")


def test_a_statement_shows_each_change_as_the_account_saw_it() -> None:
    client = a_client(1_000)
    hold(client, 400)
    ledger.reverse(posting_key="hold:1", key="undo:1")

    lines = queries.statement_of(client, Kind.CLIENT_FUNDS).order_by("-id")

    assert [(line.posting.kind, line.change_minor) for line in lines] == [
        ("reversal", 400),
        ("escrow_held", -400),
        ("funding_settled", 1_000),
    ]


def test_balances_are_listed_by_kind() -> None:
    client = a_client(1_000)
    hold(client, 400)

    assert [(b.kind, b.balance) for b in queries.balances_of(client)] == [
        (Kind.CLIENT_FUNDS, usd(600)),
        (Kind.OUTSIDE_WORLD, usd(-1_000)),
    ]
