"""The tables of money."""

from billing.models.bank_payout import BankPayout
from billing.models.credit import Credit
from billing.models.dispute import Dispute, DisputeMovement
from billing.models.funding import Funding
from billing.models.ledger import LedgerAccount, LedgerEntry, Posting
from billing.models.payout import Payout, PayoutAccount, PayoutReturn
from billing.models.payout_schedule import PayoutSchedule
from billing.models.refund import Refund
from billing.models.stripe_event import StripeEvent
from billing.models.stripe_movement import StripeMovement

__all__ = [
    "BankPayout",
    "Credit",
    "Dispute",
    "DisputeMovement",
    "Funding",
    "LedgerAccount",
    "LedgerEntry",
    "Payout",
    "PayoutAccount",
    "PayoutReturn",
    "PayoutSchedule",
    "Posting",
    "Refund",
    "StripeEvent",
    "StripeMovement",
]
