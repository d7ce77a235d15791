"""Credits: a person of the platform lets a client spend what has not arrived. The platform bears it until it is back.

Lock order: funding, credit, ledger accounts.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum

from billing.events import CreditGranted
from billing.models import Credit, Funding, LedgerAccount, Posting
from billing.services.escrow import PLATFORM
from billing.services.ledger import AccountKey, Entry, lock_accounts, post, reverse
from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.flow import WrongState, move
from kernel.money import Money
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce
from kernel.text import clean_text

LONGEST_REASON: Final = 2000

Kind = LedgerAccount.Kind
State = Credit.State


class CreditTooLarge(Refused):
    """The client's open credits would be more than this installation allows, or more than what is on its way."""

    code = "credit_too_large"


@transaction.atomic
def grant_credit(*, client_owner: str, amount: Money, reason: str, by: Actor, funding_id: UUID | None = None) -> Credit:
    """Advance ``amount`` to a client, for a ``reason`` of substance; against a payment on its way, if one is named.

    Raises Invalid, NotFound (the client has no such funding), WrongState (it is not on its way) or CreditTooLarge.
    """
    reason = clean_text(reason, what="reason", field="reason", longest=LONGEST_REASON)
    funding = None if funding_id is None else _on_its_way(funding_id, client_owner)
    funds, loss = _accounts(client_owner)
    lock_accounts(accounts=[funds, loss], currency=amount.currency)  # two credits at once see each other
    _refuse_too_large(client_owner, amount, funding)
    credit = Credit.objects.create(
        client_owner=client_owner,
        funding=funding,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=reason,
    )
    post(
        key=credit.reference,
        kind=Posting.Kind.CREDIT_GRANTED,
        subject=credit.reference,
        entries=[Entry(loss, funds, amount)],
    )
    record(action="credit.granted", subject=credit, by=by, why=reason, to_state=State.GRANTED)
    announce(CreditGranted(str(credit.pk), client_owner))
    return credit


@transaction.atomic
def take_credit_back(*, credit_id: UUID, client_owner: str, why: str, by: Actor) -> Credit:
    """Give a credit back to the platform. Raises NotFound, WrongState, or InsufficientFunds when it is spent."""
    why = clean_text(why, what="reason", field="reason", longest=LONGEST_REASON)
    credit = Credit.objects.select_for_update(no_key=True).filter(pk=credit_id, client_owner=client_owner).first()
    if credit is None:
        raise NotFound("credit")
    _take_back(credit, by=by, why=why)
    return credit


def open_credits(*, client_owner: str, currency: str) -> Money:
    """What is advanced to a client and not given back. Whoever acts on it holds the lock of the client's funds."""
    return _total(_granted(client_owner, currency), currency)


def locked_credits_of(funding: Funding) -> list[Credit]:
    """What is advanced against a funding, locked: before any account is."""
    granted = Credit.objects.select_for_update(no_key=True).filter(funding=funding, state=State.GRANTED)
    return list(granted.order_by("pk"))


def take_back_all(advanced: Sequence[Credit], *, by: Actor) -> None:
    """Give these back to the platform: what they were advanced against has just arrived."""
    for credit in advanced:
        _take_back(credit, by=by, why="what it was advanced against has arrived")


def accounts_of_credit(client_owner: str) -> list[AccountKey]:
    """The accounts that a credit of this client's moves, for whoever locks them with others."""
    return list(_accounts(client_owner))


def _take_back(credit: Credit, *, by: Actor, why: str) -> None:
    credit.taken_back_at = clock.now()
    move(credit, State.TAKEN_BACK, by=by, why=why, fields=["taken_back_at"])
    reverse(posting_key=credit.reference, key=f"{credit.reference}:taken_back", why=why)


def _on_its_way(funding_id: UUID, client_owner: str) -> Funding:
    funding = Funding.objects.select_for_update(no_key=True).filter(pk=funding_id, client_owner=client_owner).first()
    if funding is None:
        raise NotFound("funding")
    if funding.state != Funding.State.PROCESSING:
        raise WrongState(f"Funding {funding.pk} is {funding.state}; only one that its bank is bringing is advanced.")
    return funding


def _refuse_too_large(client_owner: str, amount: Money, funding: Funding | None) -> None:
    granted = _granted(client_owner, amount.currency)
    cap = Money(settings.CREDIT_CAP_MINOR, amount.currency)
    left = cap - _total(granted, amount.currency)
    if funding is not None:
        of_funding = granted.filter(funding=funding)
        if funding.currency != amount.currency or funding.amount < _total(of_funding, amount.currency) + amount:
            raise CreditTooLarge(f"{amount} is more than what is on its way with funding {funding.pk}.")
    if left < amount:
        raise CreditTooLarge(
            f"{amount} would be too much: this client's open credits may be {cap}, and {left} of that is left.",
            details={"asked_minor": amount.minor, "left_minor": left.minor, "currency": amount.currency},
        )


def _granted(client_owner: str, currency: str) -> QuerySet[Credit]:
    return Credit.objects.filter(client_owner=client_owner, currency=currency, state=State.GRANTED)


def _total(granted: QuerySet[Credit], currency: str) -> Money:
    return Money(granted.aggregate(total=Sum("amount_minor"))["total"] or 0, currency)


def _accounts(client_owner: str) -> tuple[AccountKey, AccountKey]:
    return AccountKey(Kind.CLIENT_FUNDS, client_owner), AccountKey(Kind.LOSS, PLATFORM)
