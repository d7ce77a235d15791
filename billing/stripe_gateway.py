"""What moves money at Stripe: plain values in, plain values out, and each failure as one of three outcomes.

Every function that calls out refuses to run inside a database transaction. Nothing here is tried again: the caller
knows which of its own keys and rows stand behind a call, so the caller decides (see ``StripeTrouble``).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from stripe.params.checkout import SessionCreateParamsLineItemPriceData

from billing.destinations import destination_of
from billing.stripe_transport import GuardedClient
from kernel.errors import Refused
from kernel.money import Money
from kernel.outbound import transaction_is_open

PAGE_SIZE: Final = 100
BOUNCED: Final = ("requires_payment_method", "canceled")
"""How a payment stands whose page was completed, and which then came to nothing."""

# Stripe's package would report latencies to Stripe, and at debug level log whole bodies with personal data in them.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


class StripeTrouble(Exception):
    """Stripe did not do what was asked, or did not say so. ``code`` is for programs, ``message`` for people."""

    def __init__(self, *, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class StripeRefused(StripeTrouble):
    """A definite no: nothing was done, and the same request under the same key will be refused for ever."""


class StripeUnknown(StripeTrouble):
    """No answer that can be trusted (time-out, broken connection, still in progress, too many requests, bad gateway).

    It may or may not have been done. Ask again with the same key: that does it at most once.
    """


class StripeServerError(StripeTrouble):
    """This key is used up without a result: Stripe saved an error under it and will repeat that for ever.

    It may or may not have been done. Look for the object; if there is none, ask again with the next key.
    """


class StripeNotSetUp(Refused):
    """This installation has no account at Stripe, so no money can come in or go out."""

    code = "stripe_not_set_up"


class RefundOutcome(StrEnum):
    """Where a refund stands: on its way, with the client, or come back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Checkout:
    """A page on which a client can pay; the payment intent is there only after a first try to pay."""

    session_id: str
    url: str
    payment_intent_id: str | None


@dataclass(frozen=True)
class CheckoutState:
    """What a checkout session says now. ``amount_minor`` of ``currency`` were asked for and, once ``paid``, paid.

    A debit of a bank account is ``processing`` for days, until it is paid or has its ``failure``.
    """

    paid: bool
    amount_minor: int
    currency: str
    payment_intent_id: str | None
    expired: bool
    processing: bool = False
    failure: str = ""


@dataclass(frozen=True)
class RefundState:
    """A refund as Stripe has it now."""

    refund_id: str
    outcome: RefundOutcome
    amount: Money
    payment_intent_id: str
    refund_group: str
    failure_reason: str


@dataclass(frozen=True)
class OnboardingLink:
    """A page on which a worker opens their payout account. It works once, and until ``expires_at``."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class AccountState:
    """What a connected account may do now, what Stripe still wants to know, and where it pays to (a hash, or empty)."""

    account_id: str
    payouts_enabled: bool
    transfers_active: bool
    requirements_due: tuple[str, ...]
    destination: str = ""
    disabled_reason: str = ""


@dataclass(frozen=True)
class ReversalState:
    """What was taken back of a transfer at one time."""

    reversal_id: str
    amount_minor: int


@dataclass(frozen=True)
class TransferState:
    """A transfer as Stripe has it now; ``reversals``, the oldest first, have taken parts of it back, or all."""

    transfer_id: str
    amount: Money
    account_id: str
    transfer_group: str
    reversals: tuple[ReversalState, ...] = ()

    @property
    def reversed_minor(self) -> int:
        """How much of it has been taken back."""
        return sum(reversal.amount_minor for reversal in self.reversals)


def create_checkout(
    *, funding_id: str, amount: Money, client_email: str, success_url: str, cancel_url: str, idempotency_key: str
) -> Checkout:
    """Open a page where a client pays ``amount``, once, within 24 hours, in a way that Stripe's dashboard allows.

    Who pays becomes a customer at Stripe, which tells finance there of whom a payment, refund or dispute is.
    """
    price: SessionCreateParamsLineItemPriceData = {
        "currency": amount.currency.lower(),
        "unit_amount": amount.minor,
        "product_data": {"name": "Funds for labeling jobs"},
    }
    with speaking() as client:
        session = client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "client_reference_id": funding_id,
                "customer_creation": "always",
                "customer_email": client_email,
                "line_items": [{"quantity": 1, "price_data": price}],
                "metadata": {"funding": funding_id},
                "payment_intent_data": {"metadata": {"funding": funding_id}},
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": idempotency_key},
        )
        return Checkout(session.id, session.url or "", id_of(session.payment_intent) or None)


def read_checkout(*, session_id: str) -> CheckoutState:
    """How a checkout session stands."""
    with speaking() as client:
        session = client.v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]})
        intent = session.payment_intent
        is_paid, is_over = session.payment_status == "paid", session.status == "complete"
        failure = _why_bounced(intent) if isinstance(intent, stripe.PaymentIntent) and is_over and not is_paid else ""
        return CheckoutState(
            paid=is_paid,
            amount_minor=session.amount_total or 0,
            currency=(session.currency or "").upper(),
            payment_intent_id=id_of(session.payment_intent) or None,
            expired=session.status == "expired",
            processing=is_over and not is_paid and not failure,
            failure=failure,
        )


def create_refund(*, payment_intent_id: str, amount: Money, refund_group: str, idempotency_key: str) -> RefundState:
    """Send ``amount`` of a payment back to the card it came from. ``refund_group`` is our own name for this refund."""
    with speaking() as client:
        refund = client.v1.refunds.create(
            {"payment_intent": payment_intent_id, "amount": amount.minor, "metadata": {"refund_group": refund_group}},
            {"idempotency_key": idempotency_key},
        )
        return _refund_state(refund)


def read_refund(*, refund_id: str) -> RefundState:
    """How a refund stands."""
    with speaking() as client:
        return _refund_state(client.v1.refunds.retrieve(refund_id))


def find_refunds(*, payment_intent_id: str, refund_group: str) -> list[RefundState]:
    """The refunds of a payment under our name for them, newest first: did one come about, after no clear answer?"""
    with speaking() as client:
        refunds = client.v1.refunds.list({"payment_intent": payment_intent_id, "limit": PAGE_SIZE})
        states = [_refund_state(refund) for refund in refunds.auto_paging_iter()]
    return [state for state in states if state.refund_group == refund_group]


def create_account(*, worker_ref: str, email: str, country: str, idempotency_key: str) -> str:
    """Make the account from which Stripe pays a worker out; its id. The worker opens it on an onboarding page.

    ``worker_ref`` is an opaque reference; ``country`` an ISO 3166 code of two letters. The e-mail address lets Stripe
    write to the worker itself.
    """
    with speaking() as client:
        account = client.v1.accounts.create(
            {
                "business_type": "individual",
                "capabilities": {"transfers": {"requested": True}},
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "stripe",
                    "stripe_dashboard": {"type": "express"},
                },
                "country": country,
                "email": email,
                "metadata": {"worker": worker_ref},
            },
            {"idempotency_key": idempotency_key},
        )
        return account.id


def create_onboarding_link(*, account_id: str, refresh_url: str, return_url: str) -> OnboardingLink:
    """A fresh page for a worker, who then goes on to ``return_url``, or to ``refresh_url`` when the link is stale."""
    with speaking() as client:
        link = client.v1.account_links.create(
            {"account": account_id, "refresh_url": refresh_url, "return_url": return_url, "type": "account_onboarding"}
        )
        return OnboardingLink(link.url, datetime.fromtimestamp(link.expires_at, UTC))


def read_account(*, account_id: str) -> AccountState:
    """What a connected account may do now."""
    with speaking() as client:
        account = client.v1.accounts.retrieve(account_id)
        transfers = account.capabilities.transfers if account.capabilities else None
        wanted = account.requirements
        due, why = (wanted.currently_due or [], wanted.disabled_reason or "") if wanted else ([], "")
        banks = [bank.fingerprint or bank.id for bank in account.external_accounts or () if bank.default_for_currency]
        pays_to, enabled = destination_of(banks, account_id=account.id), bool(account.payouts_enabled)
        return AccountState(account.id, enabled, transfers == "active", tuple(due), pays_to, why)


def create_transfer(*, amount: Money, account_id: str, transfer_group: str, idempotency_key: str) -> TransferState:
    """Move ``amount`` from the platform to a connected account. ``transfer_group`` is our own name for this payout."""
    with speaking() as client:
        transfer = client.v1.transfers.create(
            {
                "amount": amount.minor,
                "currency": amount.currency.lower(),
                "destination": account_id,
                "transfer_group": transfer_group,
            },
            {"idempotency_key": idempotency_key},
        )
        return _transfer_state(client, transfer)


def read_transfer(*, transfer_id: str) -> TransferState:
    """How a transfer stands."""
    with speaking() as client:
        return _transfer_state(client, client.v1.transfers.retrieve(transfer_id))


def find_transfers(*, transfer_group: str) -> list[TransferState]:
    """All transfers under our name for a payout, newest first: did one come about, after no clear answer?"""
    with speaking() as client:
        transfers = client.v1.transfers.list({"transfer_group": transfer_group, "limit": PAGE_SIZE})
        return [_transfer_state(client, transfer) for transfer in transfers.auto_paging_iter()]


@contextmanager
def speaking() -> Iterator[stripe.StripeClient]:
    """The client, outside any transaction, with Stripe's errors turned into our outcomes."""
    assert not transaction_is_open(), "Stripe is not called inside a transaction: a rollback could not take it back."
    if not settings.STRIPE_API_KEY:
        raise StripeNotSetUp("No money can move here yet: whoever runs this installation must set STRIPE_API_KEY.")
    try:
        yield _client(settings.STRIPE_API_KEY, settings.STRIPE_API_BASE)
    except stripe.StripeError as problem:
        raise _outcome(problem) from problem


@lru_cache(maxsize=8)
def _client(api_key: str, api_base: str) -> stripe.StripeClient:
    """One client a process. Retries are the caller's, who knows what a retry means."""
    if api_base and "_live_" in api_key:
        raise ImproperlyConfigured("STRIPE_API_BASE is for the double; it is not used with a live STRIPE_API_KEY.")
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base} if api_base else None,
        http_client=GuardedClient(double=api_base),
        max_network_retries=0,
    )


def _outcome(problem: stripe.StripeError) -> StripeTrouble:
    """Which of the three it was. Whatever is not surely one of the others is unknown."""
    # What Stripe itself wrote; None when there was no answer, or one from something in between.
    answer = problem.error
    code = (answer.code or answer.type if answer else "") or "no_answer"
    message = problem.user_message or "Stripe gave no reason."
    status = problem.http_status or 0
    if answer is None:
        return StripeUnknown(code=code, message=message)
    if isinstance(problem, stripe.IdempotencyError):
        # The key is bound to other parameters: whatever it did, it will never do what is asked now.
        return StripeServerError(code=code, message=message)
    if status >= 500 and (problem.headers or {}).get("stripe-should-retry") != "true":
        return StripeServerError(code=code, message=message)
    if status in (400, 402, 404) and not isinstance(problem, stripe.RateLimitError):
        return StripeRefused(code=code, message=message)
    if status == 403 and code == "account_invalid":
        return StripeRefused(code=code, message=message)
    # 401 and 403 are our own key: nothing was done, and all will be well once it is put right. 409 and 429 pass.
    return StripeUnknown(code=code, message=message)


def _why_bounced(intent: stripe.PaymentIntent) -> str:
    if intent.status not in BOUNCED:
        return ""
    problem = intent.last_payment_error
    return (problem.message if problem else None) or "The payer's bank did not pay."


def _refund_state(refund: stripe.Refund) -> RefundState:
    ends = {"succeeded": RefundOutcome.SUCCEEDED, "failed": RefundOutcome.FAILED, "canceled": RefundOutcome.FAILED}
    metadata = refund.metadata
    return RefundState(
        refund_id=refund.id,
        outcome=ends.get(refund.status or "", RefundOutcome.PENDING),
        amount=Money(refund.amount, refund.currency.upper()),
        payment_intent_id=id_of(refund.payment_intent),
        refund_group=metadata["refund_group"] if metadata and "refund_group" in metadata else "",
        failure_reason=getattr(refund, "failure_reason", None) or "",
    )


def _transfer_state(client: stripe.StripeClient, transfer: stripe.Transfer) -> TransferState:
    reversals = transfer.reversals.data
    if sum(reversal.amount for reversal in reversals) != transfer.amount_reversed:
        # A transfer itself shows the last ten.
        listed = client.v1.transfers.reversals.list(transfer.id, {"limit": PAGE_SIZE})
        reversals = list(listed.auto_paging_iter())
    return TransferState(
        transfer_id=transfer.id,
        amount=Money(transfer.amount, transfer.currency.upper()),
        account_id=id_of(transfer.destination),
        transfer_group=transfer.transfer_group or "",
        reversals=tuple(ReversalState(reversal.id, reversal.amount) for reversal in reversed(reversals)),
    )


def id_of(reference: str | stripe.StripeObject | None) -> str:
    """A reference that Stripe gives as an id, or as the object itself when it was asked to expand it."""
    return reference if isinstance(reference, str) else "" if reference is None else str(reference["id"])
