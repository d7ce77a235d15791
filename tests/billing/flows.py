"""Money on its way through a Stripe of our own, and the relay that carries it."""

from datetime import timedelta
from typing import Any

from billing.demo.stripe_double import DoubleControl
from billing.events import PayoutRequested
from billing.models import Funding, Payout, PayoutAccount, Refund, StripeEvent
from billing.services import payout_accounts, stripe_inbox
from billing.services.funding import request_funding, settle_funding
from billing.services.payout_accounts import onboarding_link, open_payout_account
from billing.services.payouts import request_payout, send_payout, settle_payout
from billing.stripe_gateway import read_transfer
from kernel import clock
from kernel.services import outbox
from tests.billing.builders import SOMEBODY, Kind, a_worker, held, usd
from tests.billing.stripe_double.world import Receiver

Row = Funding | Payout | Refund | StripeEvent


def run_relay() -> None:
    """Deliver what the outbox owes now, and what follows from it."""
    while due := outbox.take_due():
        for message_id, lease in due:
            outbox.deliver(message_id=message_id, lease=lease)


def run_relay_for(*, minutes: int, step: int = 5) -> None:
    """Let the relay run while time goes by, so that what was put off is tried again."""
    for gone in range(0, minutes, step):
        with clock.ahead_by(timedelta(minutes=gone)):
            run_relay()


def now_of(row: Any) -> Any:
    """The row as it is by now."""
    return type(row).objects.get(pk=row.pk)


def an_open_page(minor: int = 10_000, *, client_owner: str = "client:1") -> Funding:
    """A funding whose payment page is open at Stripe."""
    funding = request_funding(
        client_owner=client_owner,
        email="client@assay.test",
        amount=usd(minor),
        success_url="https://assay.test/paid",
        cancel_url="https://assay.test/left",
        by=SOMEBODY,
    )
    run_relay()
    opened: Funding = now_of(funding)
    return opened


def paid_in(stripe: DoubleControl, minor: int, *, client_owner: str = "client:1") -> Funding:
    """Money that a client really paid on Stripe's page."""
    funding = an_open_page(minor, client_owner=client_owner)
    stripe.press(funding.checkout_url)
    settle_funding(funding_id=funding.pk)
    settled: Funding = now_of(funding)
    return settled


def onboarded(stripe: DoubleControl, owner: str) -> PayoutAccount:
    """A payout account that its owner has opened on Stripe's pages, and that we know of."""
    account = open_payout_account(owner=owner, email="worker@assay.test", country="US", by=SOMEBODY)
    run_relay()
    stripe.press(onboarding_link(owner=owner, return_url="https://assay.test/done").url)
    account.refresh_from_db()
    payout_accounts.refresh_payout_account(stripe_account_id=account.stripe_account_id)
    account.refresh_from_db()
    return account


def a_payout(stripe: DoubleControl, minor: int = 5_000) -> Payout:
    """A payout just requested, by somebody with an account that is ready."""
    owner = a_worker(minor)
    onboarded(stripe, owner)
    return request_payout(owner=owner, amount=None, by=SOMEBODY)


def a_settled_payout(stripe: DoubleControl, minor: int = 5_000) -> Payout:
    """A payout that has left, as Stripe says."""
    paid_in(stripe, 2 * minor)
    payout = a_payout(stripe, minor)
    run_relay()
    settled: Payout = now_of(payout)
    assert settled.state == "settled"
    return settled


def looked_at(payout: Payout) -> Payout:
    """What a webhook about its transfer leads to."""
    settle_payout(payout_id=payout.pk, transfer=read_transfer(transfer_id=payout.stripe_transfer_id))
    after: Payout = now_of(payout)
    return after


def take_in(webhooks: Receiver, number: int) -> list[StripeEvent]:
    """Store the webhooks that came in so far, once there are ``number``."""
    webhooks.wait_for(number)
    return [stripe_inbox.store_event(raw_body=hook.body, signature=hook.signature) for hook in list(webhooks.taken)]


def transferred(stripe: DoubleControl) -> int:
    """What Stripe says has gone on to connected accounts, in US cents."""
    totals = stripe.totals().get("usd", {})
    return totals.get("transferred", 0)


def posts_to(stripe: DoubleControl, path: str) -> list[str]:
    """The idempotency keys of what was posted to ``path``, in order."""
    return [r["idempotency_key"] for r in stripe.requests() if r["method"] == "POST" and r["path"] == path]


def money_of(worker: str) -> tuple[int, int, int]:
    """Earnings, in flight, gone out."""
    return held(Kind.WORKER_EARNINGS, worker), held(Kind.PAYOUTS_IN_FLIGHT, worker), held(Kind.OUTSIDE_WORLD, worker)


def send(payout: Payout) -> None:
    """What the relay does for a payout that was requested."""
    send_payout(PayoutRequested(payout_id=str(payout.pk)))
