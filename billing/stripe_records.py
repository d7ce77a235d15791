"""What Stripe has on record: disputes, movements of its balance, payouts to banks, events. Reads only.

Beside ``stripe_gateway``, through its door, and with its outcomes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import stripe

from billing.stripe_gateway import id_of, speaking
from kernel.money import Money


@dataclass(frozen=True)
class DisputeState:
    """A dispute as Stripe has it now. ``taken`` was withdrawn from the platform, ``given_back`` of it came again."""

    dispute_id: str
    payment_intent_id: str
    amount: Money
    taken: Money
    given_back: Money
    status: str
    reason: str
    evidence_due_at: datetime | None


def read_dispute(*, dispute_id: str) -> DisputeState:
    """How a dispute stands."""
    with speaking() as client:
        dispute = client.v1.disputes.retrieve(dispute_id)
        moved = [movement.amount for movement in dispute.balance_transactions]
        currency, due_by = dispute.currency.upper(), dispute.evidence_details.due_by
        return DisputeState(
            dispute_id=dispute.id,
            payment_intent_id=id_of(dispute.payment_intent),
            amount=Money(dispute.amount, currency),
            taken=Money(-sum(minor for minor in moved if minor < 0), currency),
            given_back=Money(sum(minor for minor in moved if minor > 0), currency),
            status=dispute.status,
            reason=dispute.reason,
            evidence_due_at=datetime.fromtimestamp(due_by, UTC) if due_by else None,
        )


def funding_of(*, payment_intent_id: str) -> str:
    """The id of the funding for which a payment was made; empty when it was made for something else."""
    with speaking() as client:
        metadata: stripe.StripeObject | dict[str, str] = client.v1.payment_intents.retrieve(payment_intent_id).metadata
        return str(metadata["funding"]) if "funding" in metadata else ""
