"""A job's budget: set aside from the client's funds, paid out for accepted work, and the rest given back.

What makes one posting, or one set of them, is as atomic as the ledger's own service that it calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from billing.models import LedgerAccount, Posting
from billing.services.ledger import AccountKey, Draft, Entry, balance, lock_accounts, post, post_all
from kernel.money import Money

PLATFORM: Final = "platform"
"""The owner of what the platform has earned."""

Kind = LedgerAccount.Kind


@dataclass(frozen=True, slots=True)
class Payment:
    """What one piece of accepted work moves out of a job's escrow. ``fee`` may be nothing; ``reward`` may not.

    ``at`` is when it was accepted; the posting bears that instant, and else that of its own making.
    """

    job_owner: str
    worker_owner: str
    reward: Money
    fee: Money
    key: str
    subject: str
    at: datetime | None = None

    @property
    def draft(self) -> Draft:
        """The reward to the worker, then the fee to the platform's share of the job."""
        escrow = AccountKey(Kind.JOB_ESCROW, self.job_owner)
        entries = [Entry(escrow, AccountKey(Kind.WORKER_EARNINGS, self.worker_owner), self.reward)]
        if self.fee.minor:
            entries.append(Entry(escrow, AccountKey(Kind.PLATFORM_FEES, self.job_owner), self.fee))
        return Draft(key=self.key, kind=Posting.Kind.WORK_PAID, subject=self.subject, entries=entries, at=self.at)


def hold(*, job_owner: str, client_owner: str, amount: Money, key: str) -> Posting:
    """Set ``amount`` of the client's funds aside for the job. Raises InsufficientFunds, with what is missing."""
    entry = Entry(AccountKey(Kind.CLIENT_FUNDS, client_owner), AccountKey(Kind.JOB_ESCROW, job_owner), amount)
    return post(key=key, kind=Posting.Kind.ESCROW_HELD, subject=job_owner, entries=[entry])


@transaction.atomic
def hold_more(*, job_owner: str, client_owner: str, amount: Money) -> Posting:
    """Set ``amount`` more aside for a job that runs. Raises InsufficientFunds, with what is missing."""
    escrow, funds = AccountKey(Kind.JOB_ESCROW, job_owner), AccountKey(Kind.CLIENT_FUNDS, client_owner)
    lock_accounts(accounts=[escrow, funds], currency=amount.currency)
    return post(
        key=next_key(Posting.Kind.ESCROW_HELD, job_owner),
        kind=Posting.Kind.ESCROW_HELD,
        subject=job_owner,
        entries=[Entry(funds, escrow, amount)],
    )


def pay(
    *, job_owner: str, worker_owner: str, reward: Money, fee: Money, key: str, subject: str | None = None
) -> Posting:
    """Pay accepted work from the job's escrow, once for each ``key`` (``pay:<assignment id>``).

    ``subject`` says what was paid, for statements; when it is not given, it is that assignment.
    """
    payment = Payment(
        job_owner=job_owner,
        worker_owner=worker_owner,
        reward=reward,
        fee=fee,
        key=key,
        subject=subject or f"assignment:{key.removeprefix('pay:')}",
    )
    return pay_all(payments=[payment])[0]


def pay_all(*, payments: Sequence[Payment]) -> list[Posting]:
    """Pay many pieces of work, all or none; two such transactions cannot deadlock, as one ``pay`` after another can."""
    return post_all(drafts=[payment.draft for payment in payments])


def pay_for_time(*, job_owner: str, worker_owner: str, amount: Money, key: str, subject: str) -> Posting:
    """Pay the time of work that was taken away in the middle, once for each ``key`` (``interruption:<assignment>``)."""
    entry = Entry(AccountKey(Kind.JOB_ESCROW, job_owner), AccountKey(Kind.WORKER_EARNINGS, worker_owner), amount)
    return post(key=key, kind=Posting.Kind.INTERRUPTION_PAID, subject=subject, entries=[entry])


@transaction.atomic
def release_all_but(*, job_owner: str, client_owner: str, keep: Money) -> Posting | None:
    """Give back all of the job's escrow but ``keep``; None when no more than that is held.

    It reckons under the escrow's lock, so a payment at the same moment is either paid before or still held after.
    """
    escrow, funds = AccountKey(Kind.JOB_ESCROW, job_owner), AccountKey(Kind.CLIENT_FUNDS, client_owner)
    lock_accounts(accounts=[escrow, funds], currency=keep.currency)
    unspent = balance(Kind.JOB_ESCROW, job_owner, keep.currency) - keep
    if unspent.minor <= 0:
        return None
    return post(
        key=next_key(Posting.Kind.ESCROW_RELEASED, job_owner),
        kind=Posting.Kind.ESCROW_RELEASED,
        subject=job_owner,
        entries=[Entry(escrow, funds, unspent)],
    )


@transaction.atomic
def sweep_fees(*, job_owner: str, currency: str) -> Posting | None:
    """Gather the fees of a job in the platform's own account; None when there are none to gather."""
    gathered, platform = AccountKey(Kind.PLATFORM_FEES, job_owner), AccountKey(Kind.PLATFORM_FEES, PLATFORM)
    lock_accounts(accounts=[gathered, platform], currency=currency)
    amount = balance(Kind.PLATFORM_FEES, job_owner, currency)
    if amount.minor == 0:
        return None
    return post(
        key=next_key(Posting.Kind.FEES_SWEPT, job_owner),
        kind=Posting.Kind.FEES_SWEPT,
        subject=job_owner,
        entries=[Entry(gathered, platform, amount)],
    )


def next_key(kind: Posting.Kind, subject: str) -> str:
    """A key for one of several such postings about ``subject``. The caller holds the lock that makes it the next."""
    return f"{kind}:{subject}:{Posting.objects.filter(kind=kind, subject=subject).count() + 1}"
