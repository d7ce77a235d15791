"""All upward reactions on one page: what follows from what lower apps announce."""

from billing.api.payees import Payee, register_payees
from billing.events import (
    FundingRequested,
    PayoutAccountOpened,
    PayoutFailed,
    PayoutRequested,
    RefundRequested,
    StripeEventStored,
)
from billing.services import funding, payout_accounts, payouts, refunds, stripe_inbox
from kernel.api.roles import register_role
from kernel.models import User
from kernel.services.outbox import subscribe
from marketplace.models import Membership
from marketplace.services import reactions
from qualification.events import ScoreFellBelowFloor
from workforce.models import Worker
from workforce.queries import worker_of


def wire() -> None:
    """Let every reaction follow its event, and every role be told from what a person is here."""
    register_role("worker", lambda user: Worker.objects.filter(user=user).exists())
    register_role("client", lambda user: Membership.objects.filter(user=user).exists())
    register_payees(payee_of)

    # Billing's own reactions speak to Stripe, outside any transaction.
    subscribe(FundingRequested, funding.prepare_checkout, in_transaction=False)
    subscribe(RefundRequested, refunds.send_refund, in_transaction=False)
    subscribe(PayoutAccountOpened, payout_accounts.open_stripe_account, in_transaction=False)
    subscribe(PayoutRequested, payouts.send_payout, in_transaction=False)
    subscribe(StripeEventStored, stripe_inbox.process_stored_event, in_transaction=False)

    subscribe(PayoutFailed, reactions.escalate_failed_payout)
    subscribe(ScoreFellBelowFloor, reactions.request_decertification)


def payee_of(user: User) -> Payee | None:
    """As whom ``user`` is paid: as the worker that they are, whatever their standing."""
    worker = worker_of(user)
    return Payee(owner=worker.billing_owner, country=worker.country) if worker else None
