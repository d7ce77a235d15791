"""What billing announces. The reactions that follow are named on the page of wiring, ``marketplace/wiring.py``.

Billing's own reactions speak to Stripe and so are subscribed with ``in_transaction=False``: ``prepare_checkout``,
``send_refund``, ``open_stripe_account``, ``send_payout`` and ``process_stored_event``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FundingRequested:
    """A client wants to bring money in: a payment page is to be made (``funding.prepare_checkout``)."""

    funding_id: str


@dataclass(frozen=True, slots=True)
class FundingSettled:
    """A client's money has arrived and can be spent."""

    funding_id: str
    client_owner: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class FundingFailed:
    """A bank debit that was on its way has bounced: what it was to bring never counted."""

    funding_id: str
    client_owner: str
    failure: str


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """A payer's bank took a client's payment back. What jobs hold stays; its running jobs wait for a person."""

    dispute_id: str
    client_owner: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class DisputeWon:
    """A payment that was taken back came again, or a part of it: what that gave the client's funds is there again."""

    dispute_id: str
    client_owner: str


@dataclass(frozen=True, slots=True)
class CreditGranted:
    """A client may spend what has not arrived yet."""

    credit_id: str
    client_owner: str


@dataclass(frozen=True, slots=True)
class RefundRequested:
    """Money is set aside for a client and is to be sent back (``refunds.send_refund``)."""

    refund_id: str


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """A refund could not be made; its money is among the client's funds again."""

    refund_id: str
    client_owner: str
    failure: str


@dataclass(frozen=True, slots=True)
class PayoutAccountOpened:
    """Somebody wants to be paid out: an account at Stripe is to be made (``payout_accounts.open_stripe_account``)."""

    payout_account_id: str


@dataclass(frozen=True, slots=True)
class PayoutDestinationChanged:
    """Payouts of this owner go elsewhere from now on, and wait until then: the owner is told."""

    payout_account_id: str
    owner: str
    held_because: str
    held_until: str


@dataclass(frozen=True, slots=True)
class PayoutRequested:
    """Earnings are set aside and are to be sent to their owner (``payouts.send_payout``)."""

    payout_id: str


@dataclass(frozen=True, slots=True)
class PayoutSettled:
    """A payout has left for its owner's account."""

    payout_id: str
    owner: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class PayoutFailed:
    """A payout could not be made, or came back, all or a part: so much is among its owner's earnings again."""

    payout_id: str
    owner: str
    amount_minor: int
    currency: str
    failure: str


@dataclass(frozen=True, slots=True)
class StripeEventStored:
    """A webhook is stored and is to be processed (``stripe_inbox.process_stored_event``)."""

    stripe_event_id: str
