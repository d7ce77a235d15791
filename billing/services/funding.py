"""Funding: a client pays on a page of Stripe's, and what has arrived is credited to the client's funds.

Lock order: funding, its credits, ledger accounts.
"""

from typing import Final
from uuid import UUID

from django.db import transaction

from billing import stripe_gateway
from billing.events import FundingFailed, FundingRequested, FundingSettled
from billing.models import Funding, LedgerAccount, Posting
from billing.services.credits import accounts_of_credit, locked_credits_of, take_back_all
from billing.services.ledger import AccountKey, Entry, lock_accounts, post
from billing.services.sending import KEY_LASTS, Unexplained
from billing.stripe_gateway import Checkout, CheckoutState, StripeRefused, StripeServerError
from billing.whole_amounts import require_whole
from kernel import clock
from kernel.errors import Invalid
from kernel.flow import move
from kernel.money import Money
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce

SMALLEST_MINOR: Final = 100
LARGEST_MINOR: Final = 99_999_999
"""Stripe's own limit on one payment."""

CASHIER: Final = Actor.system("funding")

State = Funding.State


class AmountOutOfRange(Invalid):
    """One payment can be neither as small nor as large as that."""

    code = "amount_out_of_range"


@transaction.atomic
def request_funding(
    *, client_owner: str, email: str, amount: Money, success_url: str, by: Actor, cancel_url: str | None = None
) -> Funding:
    """Begin to bring ``amount`` in. Its payment page follows in the background; the funding shows the address then.

    After paying, the payer is sent on to ``success_url``; ``cancel_url`` is the same unless given. Raises
    AmountOutOfRange, or Invalid for what Stripe does not move.
    """
    if not SMALLEST_MINOR <= amount.minor <= LARGEST_MINOR:
        low, high = Money(SMALLEST_MINOR, amount.currency), Money(LARGEST_MINOR, amount.currency)
        raise AmountOutOfRange(f"One payment is between {low} and {high}, not {amount}.")
    require_whole(amount)
    funding = Funding.objects.create(
        client_owner=client_owner,
        amount_minor=amount.minor,
        currency=amount.currency,
        receipt_email=email,
        success_url=success_url,
        cancel_url=cancel_url or success_url,
    )
    record(action="funding.requested", subject=funding, by=by, to_state=State.PREPARING)
    announce(FundingRequested(funding_id=str(funding.pk)))
    return funding


def prepare_checkout(event: FundingRequested) -> None:
    """Make the payment page of a funding, once. A reaction that speaks to the network; it may be run again."""
    funding = _begin_attempt(UUID(event.funding_id))
    if funding is None:
        return
    try:
        checkout = stripe_gateway.create_checkout(
            funding_id=str(funding.pk),
            amount=funding.amount,
            client_email=funding.receipt_email,
            success_url=funding.success_url,
            cancel_url=funding.cancel_url,
            idempotency_key=f"{funding.reference}:{funding.attempt}",
        )
    except StripeServerError as trouble:
        # A page that came about all the same is known to nobody, so nobody can pay on it: it runs out by itself.
        _give_up_attempt(funding, why=str(trouble))
        raise
    except StripeRefused as refusal:
        _fail(funding_id=funding.pk, refusal=refusal)
    else:
        open_checkout(funding_id=funding.pk, checkout=checkout)


def settle_funding(*, funding_id: UUID) -> None:
    """Read at Stripe how the payment stands, and book it with ``book_checkout``. Calls Stripe."""
    funding = Funding.objects.get(pk=funding_id)
    if funding.stripe_session_id:
        book_checkout(
            funding_id=funding_id, checkout=stripe_gateway.read_checkout(session_id=funding.stripe_session_id)
        )


@transaction.atomic
def open_checkout(*, funding_id: UUID, checkout: Checkout) -> None:
    """Keep the payment page that Stripe made, so that the client can pay."""
    funding = Funding.objects.select_for_update(no_key=True).get(pk=funding_id)
    if funding.state != State.PREPARING:
        return
    funding.stripe_session_id, funding.checkout_url, funding.receipt_email = checkout.session_id, checkout.url, ""
    opened = ["stripe_session_id", "checkout_url", "receipt_email"]
    move(funding, State.AWAITING_PAYMENT, by=CASHIER, why="its payment page is open", fields=opened)


@transaction.atomic
def book_checkout(*, funding_id: UUID, checkout: CheckoutState) -> None:
    """Book how a payment stands: paid is credited, once; what bounces fails; what has run out expires.

    A bank debit on its way counts for nothing. Raises Unexplained, and books nothing, when another amount was paid than
    was asked for.
    """
    funding = Funding.objects.select_for_update(no_key=True).get(pk=funding_id)
    if funding.state not in (State.AWAITING_PAYMENT, State.PROCESSING):
        if checkout.paid and funding.state != State.SETTLED:
            raise Unexplained(f"Funding {funding.pk} is {funding.state}, but Stripe says that it was paid.")
    elif checkout.paid:
        _settle(funding, checkout)
    elif checkout.failure:
        funding.failure, funding.finished_at = checkout.failure, clock.now()
        move(funding, State.FAILED, by=CASHIER, why=checkout.failure, fields=["failure", "finished_at"])
        announce(FundingFailed(str(funding.pk), funding.client_owner, checkout.failure))
    elif checkout.processing:
        if funding.state == State.AWAITING_PAYMENT:
            move(funding, State.PROCESSING, by=CASHIER, why="the payer's bank is bringing it")
    elif checkout.expired:
        funding.finished_at = clock.now()
        move(funding, State.EXPIRED, by=CASHIER, why="not paid in time", fields=["finished_at"])


@transaction.atomic
def _begin_attempt(funding_id: UUID) -> Funding | None:
    funding = Funding.objects.select_for_update(no_key=True).get(pk=funding_id)
    if funding.state != State.PREPARING:
        return None
    began_at = funding.attempt_began_at
    if began_at is None or clock.now() - began_at > KEY_LASTS:
        funding.attempt, funding.attempt_began_at = funding.attempt + 1, clock.now()
        funding.save(update_fields=["attempt", "attempt_began_at"])
    return funding


@transaction.atomic
def _give_up_attempt(seen: Funding, *, why: str) -> None:
    funding = Funding.objects.select_for_update(no_key=True).get(pk=seen.pk)
    if funding.state == State.PREPARING and funding.attempt == seen.attempt:
        funding.attempt, funding.attempt_began_at = funding.attempt + 1, clock.now()
        funding.save(update_fields=["attempt", "attempt_began_at"])
        record(action="funding.attempt_begun", subject=funding, by=CASHIER, why=why)


@transaction.atomic
def _fail(*, funding_id: UUID, refusal: StripeRefused) -> None:
    funding = Funding.objects.select_for_update(no_key=True).get(pk=funding_id)
    if funding.state != State.PREPARING:
        return
    funding.failure, funding.receipt_email, funding.finished_at = refusal.message, "", clock.now()
    move(funding, State.FAILED, by=CASHIER, why=str(refusal), fields=["failure", "receipt_email", "finished_at"])


def _settle(funding: Funding, checkout: CheckoutState) -> None:
    if (checkout.amount_minor, checkout.currency) != (funding.amount_minor, funding.currency):
        raise Unexplained(
            f"Funding {funding.pk} is {funding.amount}, but {checkout.amount_minor} {checkout.currency} were paid "
            "(in minor units)."
        )
    funding.payment_intent_id = checkout.payment_intent_id or ""
    funding.settled_at = funding.finished_at = clock.now()
    settled = ["payment_intent_id", "settled_at", "finished_at"]
    move(funding, State.SETTLED, by=CASHIER, why="Stripe says that it was paid", fields=settled)
    source = AccountKey(LedgerAccount.Kind.OUTSIDE_WORLD, funding.client_owner)
    target = AccountKey(LedgerAccount.Kind.CLIENT_FUNDS, funding.client_owner)
    advanced = locked_credits_of(funding)
    lock_accounts(accounts=[source, target, *accounts_of_credit(funding.client_owner)], currency=funding.currency)
    post(
        key=funding.reference,
        kind=Posting.Kind.FUNDING_SETTLED,
        subject=funding.reference,
        entries=[Entry(source, target, funding.amount)],
    )
    take_back_all(advanced, by=CASHIER)
    announce(FundingSettled(str(funding.pk), funding.client_owner, funding.amount_minor, funding.currency))
