"""Owners with money, made through the services that users go through. Nothing here speaks to Stripe."""

import itertools

from billing.models import Funding, LedgerAccount, PayoutAccount, Posting
from billing.services import escrow, ledger
from billing.services.funding import book_checkout, open_checkout, request_funding
from billing.services.payout_accounts import open_payout_account
from billing.stripe_gateway import Checkout, CheckoutState
from kernel.money import Money
from kernel.services.audit import Actor
from tests.by_hand import by_hand

Kind = LedgerAccount.Kind
SOMEBODY = Actor.system("test")

_numbers = itertools.count(1)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def a_number() -> int:
    return next(_numbers)


def a_funding(client_owner: str, minor: int, *, currency: str = "USD") -> Funding:
    """A settled funding, as if Stripe had said that it was paid."""
    funding = request_funding(
        client_owner=client_owner,
        email="client@assay.test",
        amount=Money(minor, currency),
        success_url="https://assay.test/paid",
        by=SOMEBODY,
    )
    number = a_number()
    open_checkout(funding_id=funding.pk, checkout=Checkout(f"cs_{number}", "https://stripe.test/pay", None))
    book_checkout(
        funding_id=funding.pk,
        checkout=CheckoutState(
            paid=True, amount_minor=minor, currency=currency, payment_intent_id=f"pi_{number}", expired=False
        ),
    )
    funding.refresh_from_db()
    return funding


def a_client(minor: int = 10_000, *, currency: str = "USD") -> str:
    """A client's owner name, with so much in its funds."""
    owner = f"client:{a_number()}"
    if minor:
        a_funding(owner, minor, currency=currency)
    return owner


def a_job(client_owner: str, minor: int, *, currency: str = "USD") -> str:
    """A job's owner name, with so much of the client's funds in escrow."""
    owner = f"job:{a_number()}"
    escrow.hold(job_owner=owner, client_owner=client_owner, amount=Money(minor, currency), key=f"hold:{owner}")
    return owner


def a_worker(minor: int = 0) -> str:
    """The owner name of somebody who has earned so much; billing does not know that it is a worker."""
    owner = f"payee:{a_number()}"
    if minor:
        earn(owner, minor)
    return owner


def earn(worker_owner: str, minor: int) -> Posting:
    """Pay the worker for one piece of work of a job of its own."""
    job = a_job(a_client(max(minor, 100)), minor)
    return escrow.pay(job_owner=job, worker_owner=worker_owner, reward=usd(minor), fee=usd(0), key=f"pay:{a_number()}")


def a_ready_account(owner: str) -> PayoutAccount:
    """A payout account that Stripe lets be paid out to, as if it had said so."""
    account = open_payout_account(owner=owner, email="worker@assay.test", country="US", by=SOMEBODY)
    account.stripe_account_id, account.transfers_active, account.payouts_enabled = f"acct_{a_number()}", True, True
    with by_hand():
        account.save(update_fields=["stripe_account_id", "transfers_active", "payouts_enabled"])
    return account


def held(kind: LedgerAccount.Kind, owner: str) -> int:
    """What the account holds, in US cents."""
    return ledger.balance(kind, owner, "USD").minor
