"""All upward reactions on one page: what follows from what lower apps announce."""

from billing.api.payees import Payee, register_payees
from billing.events import (
    CreditGranted,
    DisputeOpened,
    DisputeWon,
    FundingFailed,
    FundingRequested,
    FundingSettled,
    PayoutAccountOpened,
    PayoutDestinationChanged,
    PayoutFailed,
    PayoutRequested,
    RefundFailed,
    RefundRequested,
    StripeEventStored,
)
from billing.services import funding, payout_accounts, payouts, refunds, stripe_inbox
from kernel import policy
from kernel.events import EmailChanged, EmailLinkOwed, MediaWanted, NoticeOwed
from kernel.principal import Principal
from kernel.services import email_links, media_fetching, notices
from kernel.services.admin_roles import bar_from_admin_roles
from kernel.services.outbox import subscribe
from marketplace.access import register_access
from marketplace.events import InvitationGiven, JobFinished
from marketplace.policy import TABLE
from marketplace.services import awaiting_funds, disputed_clients, interruptions, invitation_mail, reactions
from qualification.events import ScoreFellBelowFloor
from workforce.events import WorkerOffboarded, WorkerSuspended
from workforce.models import Worker
from workforce.queries import why_no_admin


def wire() -> None:
    """Let every reaction follow its event, and the policy be in force with all that its words mean."""
    policy.install(TABLE)
    register_access()
    register_payees(payee_of)
    bar_from_admin_roles(why_no_admin)

    # What asks other servers, outside any transaction.
    subscribe(MediaWanted, media_fetching.fetch_media, in_transaction=False)
    # Mails, outside any transaction.
    subscribe(EmailLinkOwed, email_links.send_link, in_transaction=False)
    subscribe(NoticeOwed, notices.send_notice, in_transaction=False)
    subscribe(EmailChanged, notices.tell_address_before, in_transaction=False)
    subscribe(InvitationGiven, invitation_mail.send_invitation, in_transaction=False)

    # Billing's own reactions speak to Stripe, outside any transaction.
    subscribe(FundingRequested, funding.prepare_checkout, in_transaction=False)
    subscribe(RefundRequested, refunds.send_refund, in_transaction=False)
    subscribe(PayoutAccountOpened, payout_accounts.open_stripe_account, in_transaction=False)
    subscribe(PayoutRequested, payouts.send_payout, in_transaction=False)
    subscribe(StripeEventStored, stripe_inbox.process_stored_event, in_transaction=False)

    subscribe(DisputeOpened, disputed_clients.pause_disputed_client)
    # Opens jobs, each in a transaction of its own.
    subscribe(FundingSettled, awaiting_funds.start_after_funds_came, in_transaction=False)
    subscribe(RefundFailed, awaiting_funds.start_after_funds_came, in_transaction=False)
    subscribe(DisputeWon, awaiting_funds.start_after_funds_came, in_transaction=False)
    subscribe(CreditGranted, awaiting_funds.start_after_funds_came, in_transaction=False)
    subscribe(JobFinished, awaiting_funds.start_after_funds_came, in_transaction=False)

    subscribe(WorkerSuspended, interruptions.interrupt_ended_worker)
    subscribe(WorkerOffboarded, interruptions.interrupt_ended_worker)
    subscribe(FundingFailed, reactions.tell_of_failed_funding)
    subscribe(PayoutFailed, reactions.escalate_failed_payout)
    subscribe(PayoutDestinationChanged, reactions.tell_of_changed_destination)
    subscribe(ScoreFellBelowFloor, reactions.request_decertification)


def payee_of(principal: Principal) -> Payee:
    """As whom somebody is paid: as the worker that they are, whatever their standing."""
    worker = principal.held("worker")
    assert isinstance(worker, Worker), "Whoever is no worker has no row for what payees do."
    return Payee(owner=worker.billing_owner, country=worker.country)
