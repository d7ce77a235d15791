"""What other processes do in an installation that runs, done here and now: reactions, and money on Stripe's pages.

Nobody takes webhooks here. What they would tell is read from Stripe instead, as the sweep for lost ones does.
"""

from typing import Final

from billing.demo.stripe_double import DoubleControl
from billing.models import Funding, Payout, Refund
from billing.services.funding import request_funding, settle_funding
from billing.services.payout_accounts import onboarding_link, open_payout_account, refresh_payout_account
from billing.services.payouts import request_payout
from billing.services.refunds import request_refund
from kernel.models import OutboxMessage, User
from kernel.money import Money
from kernel.services.audit import Actor
from kernel.services.outbox import deliver, take_due
from workforce.models import Worker

NOWHERE: Final = "http://127.0.0.1/"
"""Where Stripe's pages would send a browser on to."""


class NotDone(Exception):
    """A reaction or a payment did not come about; the message says which and why."""


def react() -> None:
    """Run every reaction that is owed, and what follows from it. Raises NotDone when one fails."""
    while due := take_due():
        for message_id, lease in due:
            deliver(message_id=message_id, lease=lease)
    failed = OutboxMessage.objects.exclude(state=OutboxMessage.State.DONE).first()
    if failed is not None:
        raise NotDone(f"{failed.reaction} did not follow {failed.event}: {failed.last_error}")


def pay_in(*, client_owner: str, amount: Money, by: User, stripe: DoubleControl) -> None:
    """Bring money in: ask for a payment page, pay on it, and book what has arrived."""
    funding = request_funding(
        client_owner=client_owner, email=by.email, amount=amount, success_url=NOWHERE, by=Actor.user(by)
    )
    react()
    funding.refresh_from_db()
    stripe.press(funding.checkout_url)
    settle_funding(funding_id=funding.pk)
    _require(funding, Funding.State.SETTLED)


def pay_back(*, client_owner: str, amount: Money, by: User) -> None:
    """Send what a client has left back to the card that it came from."""
    refunds = request_refund(client_owner=client_owner, amount=amount, by=Actor.user(by))
    react()
    for refund in refunds:
        _require(refund, Refund.State.SETTLED)


def pay_out(*, worker: Worker, stripe: DoubleControl) -> Payout:
    """Pay out all that a worker has earned, once they have opened their account on Stripe's pages."""
    owner, by = worker.billing_owner, Actor.user(worker.user)
    account = open_payout_account(owner=owner, email=worker.user.email, country=worker.country, by=by)
    react()
    stripe.press(onboarding_link(owner=owner, return_url=NOWHERE).url)
    account.refresh_from_db()
    refresh_payout_account(stripe_account_id=account.stripe_account_id)
    payout = request_payout(owner=owner, amount=None, by=by)
    react()
    _require(payout, Payout.State.SETTLED)
    return payout


def _require(row: Funding | Payout | Refund, state: str) -> None:
    row.refresh_from_db()
    if row.state != state:
        raise NotDone(
            f"{type(row).__name__} {row.pk} is {row.state} and not {state}: {row.failure or 'no reason given'}"
        )
