"""A job's pay reserve: set aside at launch beside its escrow, to lift pay for time to the floor; the rest goes back.

What makes one posting, or one set of them, is as atomic as the ledger's own service that it calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.models import LedgerAccount, Posting
from billing.services.escrow import next_key
from billing.services.ledger import AccountKey, Draft, Entry, balance, post, post_all
from kernel.money import Money

Kind = LedgerAccount.Kind


@dataclass(frozen=True, slots=True)
class PayLift:
    """What one worker is paid more, once for each ``key`` (``lift:<lift id>``)."""

    worker_owner: str
    amount: Money
    key: str


def reserve_account(job_owner: str) -> AccountKey:
    """Where the reserve of a job is held."""
    return AccountKey(Kind.PAY_RESERVE, job_owner)


def left_in_reserve(*, job_owner: str, currency: str) -> Money:
    """What the reserve of a job holds."""
    return balance(Kind.PAY_RESERVE, job_owner, currency)


def hold_reserve(*, job_owner: str, client_owner: str, amount: Money) -> Posting:
    """Set ``amount`` of the client's funds aside. Raises InsufficientFunds, with what is missing.

    The caller holds the lock of the job, so that nobody else does at the same time.
    """
    kind = Posting.Kind.RESERVE_HELD
    entry = Entry(AccountKey(Kind.CLIENT_FUNDS, client_owner), reserve_account(job_owner), amount)
    return post(key=next_key(kind, job_owner), kind=kind, subject=job_owner, entries=[entry])


def pay_lifts(*, job_owner: str, lifts: Sequence[PayLift]) -> list[Posting]:
    """Pay workers more from the reserve, all or none."""
    return post_all(
        drafts=[
            Draft(
                key=lift.key,
                kind=Posting.Kind.PAY_LIFTED,
                subject=job_owner,
                entries=[
                    Entry(reserve_account(job_owner), AccountKey(Kind.WORKER_EARNINGS, lift.worker_owner), lift.amount)
                ],
            )
            for lift in lifts
        ]
    )


def release_reserve(*, job_owner: str, client_owner: str, amount: Money, key: str) -> Posting:
    """Give ``amount`` that is not needed back to the client's funds."""
    entry = Entry(reserve_account(job_owner), AccountKey(Kind.CLIENT_FUNDS, client_owner), amount)
    return post(key=key, kind=Posting.Kind.RESERVE_RELEASED, subject=job_owner, entries=[entry])
