"""Refunds: what a client did not spend goes back along the payments it came by, the newest first.

Lock order: fundings, newest first; refund; ledger accounts.
"""

from collections import defaultdict
from typing import Final
from uuid import UUID

from django.db import transaction

from billing import stripe_gateway
from billing.events import RefundFailed, RefundRequested
from billing.models import Dispute, Funding, LedgerAccount, Posting, Refund
from billing.services import sending
from billing.services.credits import open_credits
from billing.services.ledger import (
    AccountKey,
    Draft,
    Entry,
    InsufficientFunds,
    balance,
    lock_accounts,
    post,
    post_all,
)
from billing.services.sending import Errand, Unexplained
from billing.stripe_gateway import RefundOutcome, RefundState
from billing.whole_amounts import require_whole
from kernel import clock
from kernel.errors import Refused
from kernel.flow import move
from kernel.money import Money
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

SENDER: Final = Actor.system("refunds")

Kind = LedgerAccount.Kind
State = Refund.State


class FundingDisputed(Refused):
    """The payer's bank has taken back, all or in part, the payment that the money would go back along."""

    code = "funding_disputed"


class CreditIsOpen(Refused):
    """The money that is left has to cover what the platform advanced, before any of it goes back."""

    code = "credit_is_open"


@transaction.atomic
def request_refund(*, client_owner: str, amount: Money, by: Actor) -> list[Refund]:
    """Set ``amount`` of the client's funds aside to go back, as one refund for each payment that it came by.

    Raises InsufficientFunds when less than that is available, FundingDisputed when it would take a disputed payment,
    CreditIsOpen when what is left would not cover what the platform advanced, Invalid for what Stripe does not move.
    """
    if amount.minor <= 0:
        raise ValueError(f"A refund is a positive amount, not {amount}.")
    require_whole(amount)
    refunds = [
        Refund(funding=funding, amount_minor=part.minor, currency=part.currency)
        for funding, part in _spread(_refundable_parts(client_owner, amount.currency), amount)
    ]
    _refuse_uncovered_credits(client_owner, amount)
    Refund.objects.bulk_create(refunds)
    post_all(drafts=[_set_aside(refund) for refund in refunds])
    for refund in refunds:
        refund.funding.refunded_minor += refund.amount_minor
        refund.funding.save(update_fields=["refunded_minor"])
        record(action="refund.requested", subject=refund, by=by, to_state=State.REQUESTED)
        announce(RefundRequested(refund_id=str(refund.pk)))
    return refunds


def send_refund(event: RefundRequested) -> None:
    """Send one refund as far as it goes now. A reaction that speaks to the network; it may be run again at any time."""
    sending.send(ERRAND, UUID(event.refund_id))


@transaction.atomic
def settle_refund(*, refund_id: UUID, seen: RefundState) -> Refund:
    """Book what Stripe says became of a refund. The answer to our call and a webhook both end here, in any order.

    Raises Unexplained, and books nothing, when what Stripe says does not fit the refund.
    """
    refund = _locked(refund_id)
    _refuse_misfit(refund, seen)
    has_failed = seen.outcome == RefundOutcome.FAILED
    if refund.state == State.SETTLED and has_failed:
        _return(refund, why=seen.failure_reason or "it came back after it had settled")
        return refund
    if refund.state == State.RETURNED:
        return refund  # what says that it stands was read before: a refund that has failed stays so
    if refund.state in (State.SETTLED, State.FAILED):
        if has_failed != (refund.state == State.FAILED):
            raise Unexplained(
                f"Refund {refund.pk} is {refund.state}, but {seen.refund_id} is {seen.outcome} at Stripe."
            )
        return refund
    if refund.state == State.SENDING:
        refund.stripe_refund_id, refund.sent_at = seen.refund_id, clock.now()
        move(refund, State.SENT, by=SENDER, why="Stripe made it", fields=["stripe_refund_id", "sent_at"])
    if has_failed:
        _end_unpaid(refund, why=seen.failure_reason or "Stripe could not make it")
    elif seen.outcome == RefundOutcome.SUCCEEDED:
        refund.finished_at = clock.now()
        move(refund, State.SETTLED, by=SENDER, why="Stripe says that it was paid back", fields=["finished_at"])
        outside = AccountKey(Kind.OUTSIDE_WORLD, refund.funding.client_owner)
        _post_end(refund, Posting.Kind.REFUND_SETTLED, target=outside)
    return refund


@transaction.atomic
def fail_refund(*, refund_id: UUID, why: str) -> Refund:
    """Give a refund up that Stripe has refused: its money is available again. One that has ended stays as it is."""
    refund = _locked(refund_id)
    if refund.state == State.SENDING:
        _end_unpaid(refund, why=why)
    return refund


def _refuse_uncovered_credits(client_owner: str, amount: Money) -> None:
    """Else a client could spend what was advanced, and have what it paid itself sent back."""
    funds, in_flight = (AccountKey(kind, client_owner) for kind in (Kind.CLIENT_FUNDS, Kind.REFUNDS_IN_FLIGHT))
    lock_accounts(accounts=[funds, in_flight], currency=amount.currency)
    there = balance(funds.kind, funds.owner, amount.currency)
    lent = open_credits(client_owner=client_owner, currency=amount.currency)
    if amount <= there and there - amount < lent:
        free = _may_leave(client_owner, amount.currency)
        raise CreditIsOpen(
            f"{amount} cannot go back: {lent} were advanced by the platform and are still open, so of the {there} that "
            f"are there {free} may leave.",
            details={"asked_minor": amount.minor, "free_minor": free.minor, "currency": amount.currency},
        )


def _may_leave(client_owner: str, currency: str) -> Money:
    """What is in the client's funds beyond what the platform advanced."""
    lent = open_credits(client_owner=client_owner, currency=currency)
    return max(Money(0, currency), balance(Kind.CLIENT_FUNDS, client_owner, currency) - lent)


def _refundable_parts(client_owner: str, currency: str) -> list[tuple[Funding, Money]]:
    """What may go back of each payment of which anything is left, the newest first.

    The fundings are locked, in one order for everybody: so two requests at once see each other's refunds, and disputes
    wait.
    """
    settled = Funding.objects.filter(client_owner=client_owner, currency=currency, state=Funding.State.SETTLED)
    locked = settled.select_for_update(no_key=True).order_by("-settled_at", "-pk")
    fundings = [funding for funding in locked if funding.refundable.minor > 0]
    in_the_way = Dispute.objects.filter(funding__in=fundings, state__in=[Dispute.State.OPEN, Dispute.State.LOST])
    disputes = defaultdict[UUID, list[Dispute]](list)
    for dispute in in_the_way.order_by("pk"):
        disputes[dispute.funding_id].append(dispute)
    return [(funding, _beside(funding, disputes[funding.pk])) for funding in fundings]


def _beside(funding: Funding, disputes: list[Dispute]) -> Money:
    """What may go back beside what banks took: nothing before they have decided, or where Stripe refuses the rest."""
    nothing, left = Money(0, funding.currency), funding.refundable
    for dispute in disputes:
        if dispute.state != Dispute.State.LOST or not dispute.takes_refunds:
            return nothing
        left -= dispute.kept
    return max(nothing, left)


def _spread(refundable: list[tuple[Funding, Money]], amount: Money) -> list[tuple[Funding, Money]]:
    left, parts = amount, []
    for funding, most in refundable:
        part = min(left, most)
        if part.minor > 0:
            parts.append((funding, part))
            left -= part
    if left.minor > 0 and any(most < funding.refundable for funding, most in refundable):
        free = min(amount - left, _may_leave(refundable[0][0].client_owner, amount.currency))
        raise FundingDisputed(
            f"{amount} cannot go back: the payer's bank has taken back a payment that it came by, or a part of it, and "
            f"Stripe takes no refunds of what is disputed or lost. {free} can go back now. The rest of your "
            "funds can be spent, and go back should the dispute be won.",
            details={"asked_minor": amount.minor, "free_minor": free.minor, "currency": amount.currency},
        )
    if left.minor > 0:
        raise InsufficientFunds(
            f"{amount} were asked back, but only {amount - left} of what was paid in have not been refunded yet.",
            details={
                "account": str(Kind.CLIENT_FUNDS),
                "available_minor": (amount - left).minor,
                "needed_minor": amount.minor,
                "currency": amount.currency,
            },
        )
    return parts


def _locked(refund_id: UUID) -> Refund:
    """The refund, its funding locked before it."""
    funding_id = Refund.objects.values_list("funding_id", flat=True).get(pk=refund_id)
    funding = Funding.objects.select_for_update(no_key=True).get(pk=funding_id)
    refund = Refund.objects.select_for_update(no_key=True).get(pk=refund_id)
    refund.funding = funding
    return refund


def _refuse_misfit(refund: Refund, seen: RefundState) -> None:
    fits = (
        refund.state != State.REQUESTED
        and seen.refund_group == refund.reference
        and seen.amount == refund.amount
        and seen.payment_intent_id == refund.funding.payment_intent_id
        and refund.stripe_refund_id in ("", seen.refund_id)
    )
    if not fits:
        raise Unexplained(
            f"Refund {seen.refund_id} ({seen.amount}) at Stripe does not fit refund {refund.pk} "
            f"({refund.amount}, {refund.state})."
        )


def _end_unpaid(refund: Refund, *, why: str) -> None:
    refund.finished_at, refund.failure = clock.now(), why
    move(refund, State.FAILED, by=SENDER, why=why, fields=["finished_at", "failure"])
    _post_end(refund, Posting.Kind.REFUND_FAILED, target=_funds(refund))
    _tell_unpaid(refund, why)


def _return(refund: Refund, *, why: str) -> None:
    """The payer's bank sent it back after it had settled: its money is the client's again."""
    refund.failure = why
    move(refund, State.RETURNED, by=SENDER, why=why, fields=["failure"])
    post(
        key=f"{refund.reference}:returned",
        kind=Posting.Kind.REFUND_RETURNED,
        subject=refund.reference,
        entries=[Entry(AccountKey(Kind.OUTSIDE_WORLD, refund.funding.client_owner), _funds(refund), refund.amount)],
    )
    _tell_unpaid(refund, why)


def _tell_unpaid(refund: Refund, why: str) -> None:
    refund.funding.refunded_minor -= refund.amount_minor
    refund.funding.save(update_fields=["refunded_minor"])
    announce(RefundFailed(str(refund.pk), refund.funding.client_owner, why))


def _set_aside(refund: Refund) -> Draft:
    return Draft(
        key=f"{refund.reference}:requested",
        kind=Posting.Kind.REFUND_REQUESTED,
        subject=refund.reference,
        entries=[Entry(_funds(refund), _in_flight(refund), refund.amount)],
    )


def _post_end(refund: Refund, kind: Posting.Kind, *, target: AccountKey) -> None:
    """However a refund ends, it ends under one key: the ledger itself cannot send it and give it back."""
    post(
        key=f"{refund.reference}:finished",
        kind=kind,
        subject=refund.reference,
        entries=[Entry(_in_flight(refund), target, refund.amount)],
    )


def _funds(refund: Refund) -> AccountKey:
    return AccountKey(Kind.CLIENT_FUNDS, refund.funding.client_owner)


def _in_flight(refund: Refund) -> AccountKey:
    return AccountKey(Kind.REFUNDS_IN_FLIGHT, refund.funding.client_owner)


def _ask(refund: Refund, key: str) -> RefundState:
    return stripe_gateway.create_refund(
        payment_intent_id=refund.funding.payment_intent_id,
        amount=refund.amount,
        refund_group=refund.reference,
        idempotency_key=key,
    )


def _look(refund: Refund) -> RefundState | None:
    found = stripe_gateway.find_refunds(
        payment_intent_id=refund.funding.payment_intent_id, refund_group=refund.reference
    )
    if len(found) > 1:
        raise Unexplained(f"Refund {refund.pk} was made {len(found)} times at Stripe; there may be only one.")
    return found[0] if found else None


ERRAND: Final = Errand(
    rows=Refund,
    by=SENDER,
    is_held=lambda _: False,
    ask=_ask,
    look=_look,
    settle=lambda refund_id, seen: settle_refund(refund_id=refund_id, seen=seen),
    give_up=lambda refund_id, why: fail_refund(refund_id=refund_id, why=why),
)
