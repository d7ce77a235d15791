"""Each promise of the books is broken by hand, behind the database's back, and its check says so."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from billing.checks import CHECKS, check_books
from billing.checks.guards import triggers_made_by
from billing.queries import Books, books
from billing.services import escrow, ledger
from billing.services.payouts import request_payout
from billing.services.refunds import request_refund
from tests.billing.builders import SOMEBODY, a_funding, a_job, a_ready_account, a_worker, usd

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def some_money() -> None:
    """A little of everything: fundings, escrow, pay, fees, a reversal, a refund, payouts."""
    client = "client:1"
    a_funding(client, 10_000)
    job = a_job(client, 5_000)
    worker = a_worker()
    for n in (1, 2):
        escrow.pay(job_owner=job, worker_owner=worker, reward=usd(600), fee=usd(60), key=f"pay:{n}")
    ledger.reverse(posting_key="pay:2", key="undo:2")
    escrow.sweep_fees(job_owner=job, currency="USD")
    request_refund(client_owner=client, amount=usd(300), by=SOMEBODY)
    a_ready_account(worker)
    request_payout(owner=worker, amount=usd(200), by=SOMEBODY)


@contextmanager
def guards_down() -> Iterator[None]:
    """Triggers silent, until the block is left; then all is as it was."""
    with transaction.atomic():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET LOCAL session_replication_role = replica")
        yield
        transaction.set_rollback(True)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


BALANCES, FLOORS, COMPLETE = "balances equal their entries", "nothing is held below zero", "postings balance"
CURRENCIES, PAID_ONCE, MIRRORS = "currencies never mix", "work is paid once", "reversals are exact, and once"
FROM_FUNDINGS, REFUNDS = "money comes from settled fundings", "fundings know their refunds"
ENDS, UNDER_WAY = "payouts and refunds end as they are posted", "what is in flight is under way"
MOVED = "what moved at Stripe is what was posted"
DISPUTES, CREDITS = "disputes are posted as they stand", "credits are posted as they stand"
ADDS_UP, TOLD = "money in is money held, kept and out", "entries never change"

ARRIVED, WAYS, GUARDS = (
    "nothing pays before its money has arrived",
    "money moves along its ways",
    "the database guards its money",
)
RETURNS = "what came back of a payout is its worker's again, once"
REBUILT, TRANSFER = "states rebuild from entries alone", "a payout has at most one transfer"
KEYS, NOTHING_LEFT = "every key for Stripe was told", "what was refused left nothing"

ONE_CENT_MORE = "UPDATE billing_ledgeraccount SET balance_minor = balance_minor + 1 WHERE kind = 'client_funds'"
FUNDS_BELOW_ZERO = """
    ALTER TABLE billing_ledgeraccount DROP CONSTRAINT account_balance_above_floor;
    UPDATE billing_ledgeraccount SET balance_minor = -1 WHERE kind = 'client_funds'
"""
ESCROW_IN_EUROS = "UPDATE billing_ledgeraccount SET currency = 'EUR' WHERE kind = 'job_escrow'"
ENTRY_GONE = "DELETE FROM billing_ledgerentry WHERE posting_id = (SELECT id FROM billing_posting WHERE key = 'pay:1')"
REVERSAL_CHANGED = """
    UPDATE billing_ledgerentry SET amount_minor = 601
    WHERE amount_minor = 600 AND posting_id = (SELECT id FROM billing_posting WHERE key = 'undo:2')
"""
POSTING_GONE = """
    CREATE TEMPORARY TABLE gone AS SELECT id FROM billing_posting WHERE key = 'undo:2';
    DELETE FROM billing_ledgerentry USING gone WHERE posting_id = gone.id;
    DELETE FROM billing_posting USING gone WHERE billing_posting.id = gone.id;
"""
PAID_AGAIN = """
    INSERT INTO billing_posting (id, key, kind, subject, at, entry_count, details)
        SELECT gen_random_uuid(), 'pay:1 again', kind, subject, at, entry_count, details
        FROM billing_posting WHERE key = 'pay:1';
    INSERT INTO billing_ledgerentry (posting_id, position, source_id, target_id, amount_minor)
        SELECT (SELECT id FROM billing_posting WHERE key = 'pay:1 again'), position, source_id, target_id, amount_minor
        FROM billing_ledgerentry WHERE posting_id = (SELECT id FROM billing_posting WHERE key = 'pay:1');
"""

A_DISPUTE_BY_HAND = """
    INSERT INTO billing_dispute (id, funding_id, stripe_dispute_id, amount_minor, currency, state, from_funds_minor,
        returned_minor, returned_to_funds_minor, takes_refunds, reason, created_at, opened_at, finished_at)
        SELECT gen_random_uuid(), id, 'du_1', 100, 'USD', 'won', 0, 100, 0, false, '', now(), now(), now()
        FROM billing_funding
"""
A_RETURN_BY_HAND = """
    INSERT INTO billing_payoutreturn (id, payout_id, stripe_reversal_id, amount_minor, posting_id, returned_at)
        SELECT gen_random_uuid(), payout.id, 'trr_1', 100, posting.id, now()
        FROM billing_payout payout, billing_posting posting WHERE posting.kind = 'payout_requested'
"""
FUNDED_LAST = """
    UPDATE billing_ledgerentry SET id = id + 1000000
    WHERE posting_id = (SELECT id FROM billing_posting WHERE kind = 'funding_settled')
"""
SENT_BY_NOBODY = """
    ALTER TABLE billing_payout DROP CONSTRAINT payout_sent_has_its_time;
    UPDATE billing_payout SET state = 'sent', sent_at = now(), attempt = 1, attempt_began_at = now()
"""

A_MOVEMENT_BY_HAND = """
    INSERT INTO billing_stripemovement (id, stripe_id, kind, category, source_id, related_id, amount_minor, fee_minor,
        currency, converted_from, moved_at, state, posting_id, note, seen_at)
        SELECT gen_random_uuid(), 'txn_1', 'charge', 'charge', 'ch_1', 'pi_1', 9999, 0, 'USD', '', now(), 'matched', id,
            '', now()
        FROM billing_posting WHERE kind = 'funding_settled'
"""

A_CREDIT_BY_HAND = """
    INSERT INTO billing_credit (id, client_owner, amount_minor, currency, reason, state, granted_at)
        VALUES (gen_random_uuid(), 'client:1', 100, 'USD', 'None.', 'granted', now())
"""

BREAKS = [
    (ONE_CENT_MORE, {BALANCES, ADDS_UP}),
    (FUNDS_BELOW_ZERO, {BALANCES, FLOORS, ADDS_UP, GUARDS}),
    (ESCROW_IN_EUROS, {CURRENCIES, ADDS_UP, TOLD}),
    (ENTRY_GONE, {COMPLETE, BALANCES, TOLD, ARRIVED}),
    (REVERSAL_CHANGED, {BALANCES, MIRRORS, TOLD}),
    (PAID_AGAIN, {PAID_ONCE, BALANCES, TOLD}),
    ("UPDATE billing_posting SET key = 'funding:' || id WHERE kind = 'funding_settled'", {FROM_FUNDINGS, TOLD}),
    ("UPDATE billing_funding SET refunded_minor = 299", {REFUNDS}),
    ("UPDATE billing_payout SET state = 'cancelled', finished_at = now()", {ENDS, UNDER_WAY, REBUILT}),
    ("UPDATE billing_payout SET amount_minor = 199", {ENDS, UNDER_WAY, REBUILT}),
    ("UPDATE billing_posting SET key = 'x' WHERE kind = 'refund_requested'", {ENDS, TOLD}),
    (
        "UPDATE billing_posting SET kind = 'payout_settled' WHERE kind = 'payout_requested'",
        {ENDS, ADDS_UP, TOLD, WAYS, REBUILT},
    ),
    ("UPDATE billing_posting SET details = '{\"why\": \"another\"}' WHERE kind = 'reversal'", {TOLD}),
    ("UPDATE billing_posting SET at = at + interval '1 microsecond' WHERE kind = 'work_paid'", {TOLD}),
    (POSTING_GONE, {BALANCES, TOLD}),
    (A_DISPUTE_BY_HAND, {DISPUTES}),
    (A_RETURN_BY_HAND, {RETURNS}),
    (A_CREDIT_BY_HAND, {CREDITS}),
    (A_MOVEMENT_BY_HAND, {MOVED}),
    (FUNDED_LAST, {ARRIVED}),
    ("UPDATE billing_posting SET kind = 'bonus_paid' WHERE key = 'pay:1'", {WAYS, TOLD}),
    ("ALTER TABLE billing_payout DISABLE TRIGGER billing_payout_follows_its_flow", {GUARDS}),
    (SENT_BY_NOBODY, {GUARDS, TRANSFER, KEYS}),
    ("DELETE FROM kernel_auditevent WHERE subject_type = 'billing.refund'", {NOTHING_LEFT}),
]


def test_books_that_nobody_tampered_with_are_true() -> None:
    assert check_books() == []
    assert books("USD") == Books(
        currency="USD",
        funded_minor=10_000,
        client_funds_minor=4_700,
        job_escrow_minor=4_340,
        worker_earnings_minor=400,
        payouts_in_flight_minor=200,
        refunds_in_flight_minor=300,
        platform_fees_minor=60,
    )
    assert books("USD").is_balanced is True


@pytest.mark.parametrize(("tampering", "broken"), BREAKS, ids=range(len(BREAKS)))
def test_a_broken_promise_is_named(tampering: str, broken: set[str]) -> None:
    with guards_down():
        run(tampering)
        assert {fault.check for fault in check_books()} == broken


def test_every_promise_has_been_broken_here_once() -> None:
    assert set().union(*(broken for _, broken in BREAKS)) == set(CHECKS)


@pytest.mark.parametrize("app_label", ["billing", "marketplace"])
def test_every_trigger_there_is_has_a_migration_that_made_it_and_is_looked_for(app_label: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal"
        )
        there = cursor.fetchall()
    made = set(triggers_made_by(app_label))

    assert {name for table, name in there if table.startswith(f"{app_label}_")} <= made
    assert made <= {name for _, name in there}
