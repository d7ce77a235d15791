"""Bonuses: what a client adds to a worker's pay goes from the client's funds straight to the worker's earnings."""

from billing.models import LedgerAccount, Posting
from billing.services.escrow import PLATFORM
from billing.services.ledger import AccountKey, Entry, post
from kernel.money import Money

Kind = LedgerAccount.Kind


def pay_bonus(
    *, client_owner: str, worker_owner: str, amount: Money, fee: Money, key: str, subject: str, reason: str
) -> Posting:
    """Pay ``amount`` to the worker, and ``fee`` (or nothing) to the platform, once for each ``key``.

    Raises InsufficientFunds when the client cannot spend so much.
    """
    funds = AccountKey(Kind.CLIENT_FUNDS, client_owner)
    entries = [Entry(funds, AccountKey(Kind.WORKER_EARNINGS, worker_owner), amount)]
    if fee.minor:
        entries.append(Entry(funds, AccountKey(Kind.PLATFORM_FEES, PLATFORM), fee))
    return post(key=key, kind=Posting.Kind.BONUS_PAID, subject=subject, entries=entries, details={"reason": reason})
