"""What Stripe has on record: disputes, movements of its balance, payouts to banks, events. Reads only.

Beside ``stripe_gateway``, through its door, and with its outcomes.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import stripe
from stripe.params import BalanceTransactionListParams, EventListParams

from billing.stripe_gateway import PAGE_SIZE, id_of, speaking
from billing.webhook_event import WebhookEvent, event_in
from kernel.money import NO_CURRENCY, Money


@dataclass(frozen=True)
class MovedByDispute:
    """A movement of the platform's balance by a dispute: ``amount_minor``, below zero for what was withdrawn.

    Where Stripe has converted it ``converted_to`` names the currency that this is in, and not that of the dispute.
    """

    transaction_id: str
    amount_minor: int
    converted_to: str = ""


@dataclass(frozen=True)
class DisputeState:
    """A dispute as Stripe has it now. ``movements``, the oldest first, withdrew and gave back money, all or a part.

    ``takes_refunds``: whether what is left of the payment can be refunded all the same.
    """

    dispute_id: str
    payment_intent_id: str
    amount: Money
    movements: tuple[MovedByDispute, ...]
    status: str
    reason: str
    evidence_due_at: datetime | None
    takes_refunds: bool = False

    @property
    def taken(self) -> Money:
        """What was withdrawn from the platform, by and by."""
        return Money(-sum(moved.amount_minor for moved in self.movements if moved.amount_minor < 0), self.currency)

    @property
    def given_back(self) -> Money:
        """What of that came again."""
        return Money(sum(moved.amount_minor for moved in self.movements if moved.amount_minor > 0), self.currency)

    @property
    def currency(self) -> str:
        """Of all its amounts."""
        return self.amount.currency


def read_dispute(*, dispute_id: str) -> DisputeState:
    """How a dispute stands."""
    with speaking() as client:
        dispute = client.v1.disputes.retrieve(dispute_id)
        # A second may see two of them: nothing is given back that was not taken before.
        moved = sorted(dispute.balance_transactions, key=lambda movement: (movement.created, movement.amount > 0))
        due_by = dispute.evidence_details.due_by
        return DisputeState(
            dispute_id=dispute.id,
            payment_intent_id=id_of(dispute.payment_intent),
            amount=Money(dispute.amount, dispute.currency.upper()),
            movements=tuple(
                MovedByDispute(
                    movement.id,
                    movement.amount,
                    converted_to="" if movement.currency == dispute.currency else movement.currency.upper(),
                )
                for movement in moved
                if movement.amount
            ),
            status=dispute.status,
            reason=dispute.reason,
            evidence_due_at=datetime.fromtimestamp(due_by, UTC) if due_by else None,
            takes_refunds=dispute.is_charge_refundable,
        )


def funding_of(*, payment_intent_id: str) -> str:
    """The id of the funding for which a payment was made; empty when it was made for something else."""
    with speaking() as client:
        metadata: stripe.StripeObject | dict[str, str] = client.v1.payment_intents.retrieve(payment_intent_id).metadata
        return str(metadata["funding"]) if "funding" in metadata else ""


@dataclass(frozen=True)
class BankPayoutState:
    """A payment from a connected account to its owner's bank, as Stripe has it now."""

    payout_id: str
    amount: Money
    status: str
    failure: str
    expected_at: datetime


def read_bank_payout(*, payout_id: str, account_id: str) -> BankPayoutState:
    """How a payment to the bank behind a connected account stands."""
    with speaking() as client:
        payout = client.v1.payouts.retrieve(payout_id, None, {"stripe_account": account_id})
        return BankPayoutState(
            payout_id=payout.id,
            amount=Money(payout.amount, payout.currency.upper()),
            status=payout.status,
            failure=payout.failure_message or payout.failure_code or "",
            expected_at=datetime.fromtimestamp(payout.arrival_date, UTC),
        )


def balances_of(*, account_id: str = "") -> dict[str, int]:
    """What a connected account, or the platform, has at Stripe, pending money too: minor units by currency."""
    with speaking() as client:
        balance = client.v1.balance.retrieve(None, {"stripe_account": account_id} if account_id else {})
        held: Counter[str] = Counter()
        for available in balance.available:
            held[available.currency.upper()] += available.amount
        for pending in balance.pending:
            held[pending.currency.upper()] += pending.amount
        return dict(held)


def page_of_events(*, since: datetime, after: str = "", account_id: str = "") -> list[WebhookEvent]:
    """Up to a hundred events since then, the newest first, older than event ``after``; empty when there are no more.

    Of the platform, or of a connected account.
    """
    asked: EventListParams = {"created": {"gte": int(since.timestamp())}, "limit": PAGE_SIZE}
    if after:
        asked["starting_after"] = after
    with speaking() as client:
        found = client.v1.events.list(asked, {"stripe_account": account_id} if account_id else {})
        return [replace(event_in(str(event).encode()), account=account_id) for event in found.data]


@dataclass(frozen=True)
class MovementState:
    """One movement of the platform's balance: ``amount_minor``, below zero for what left, and what was kept of it.

    ``related_id`` is the payment or the transfer behind its source, if there is one. ``converted_from`` is the currency
    of its source where Stripe has converted it into another, ``NO_CURRENCY`` where that is not told.
    """

    transaction_id: str
    kind: str
    category: str
    source_id: str
    related_id: str
    amount_minor: int
    fee_minor: int
    currency: str
    moved_at: datetime
    converted_from: str = ""


def page_of_movements(*, since: datetime | None = None, after: str = "", before: str = "") -> list[MovementState]:
    """Up to a hundred movements of the platform's balance, the newest first.

    The next older ones than movement ``after``, or the next newer ones than ``before``. Empty when there are no more
    since then (None: since ever).
    """
    asked: BalanceTransactionListParams = {"limit": PAGE_SIZE, "expand": ["data.source"]}
    if since is not None:
        asked["created"] = {"gte": int(since.timestamp())}
    if after:
        asked["starting_after"] = after
    if before:
        asked["ending_before"] = before
    with speaking() as client:
        return [_movement(entry) for entry in client.v1.balance_transactions.list(asked).data]


def _movement(entry: stripe.BalanceTransaction) -> MovementState:
    related = getattr(entry.source, "payment_intent", None) or getattr(entry.source, "transfer", None)
    return MovementState(
        transaction_id=entry.id,
        kind=entry.type,
        category=entry.reporting_category,
        source_id=id_of(entry.source),
        related_id=id_of(related),
        amount_minor=entry.amount,
        fee_minor=entry.fee,
        currency=entry.currency.upper(),
        moved_at=datetime.fromtimestamp(entry.created, UTC),
        converted_from=_converted_from(entry),
    )


def _converted_from(entry: stripe.BalanceTransaction) -> str:
    was = getattr(entry.source, "currency", None) or entry.currency
    if was == entry.currency and entry.exchange_rate is None:
        return ""
    return NO_CURRENCY if was == entry.currency else str(was).upper()
