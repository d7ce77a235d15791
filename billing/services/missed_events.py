"""Events that no webhook brought: every night Stripe's own list of the last days is read, page by page."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from billing import stripe_records
from billing.models import PayoutAccount, StripeEvent
from billing.services.stripe_inbox import keep_event
from billing.stripe_gateway import StripeRefused
from billing.webhook_event import WebhookEvent
from kernel import clock

logger = logging.getLogger(__name__)

LOOKED_BACK: Final = timedelta(days=3)
"""For so long Stripe itself tries to bring an event."""

PAID_LATELY: Final = timedelta(days=10)
"""What is sent to a payout account reaches its owner's bank well within this time."""


def sweep_missed_events() -> int:
    """Keep every event of the last three days that is not here yet, as if its webhook came now; how many. Calls Stripe.

    The platform's own, and those of the accounts that were paid out to lately or are still being opened. An account
    that Stripe does not let us look into any more is told of, and passed by.
    """
    accounts = PayoutAccount.objects.exclude(stripe_account_id="")
    paid_lately = accounts.filter(payouts__sent_at__gt=clock.now() - PAID_LATELY)
    opening = accounts.filter(transfers_active=False, opened_at__gt=clock.now() - PAID_LATELY)
    ids = set(paid_lately.values_list("stripe_account_id", flat=True))
    ids |= set(opening.values_list("stripe_account_id", flat=True))
    return _keep_missed("") + sum(_keep_missed_of(account_id) for account_id in sorted(ids))


def _keep_missed_of(account_id: str) -> int:
    try:
        return _keep_missed(account_id)
    except StripeRefused as refusal:
        logger.warning("What happened to account %s at Stripe cannot be read: %s", account_id, refusal)
        return 0


def _keep_missed(account_id: str) -> int:
    kept = 0
    for page in _pages(account_id):
        known = StripeEvent.objects.filter(stripe_id__in=[event.id for event in page])
        here = set(known.values_list("stripe_id", flat=True))
        for event in reversed(page):  # a page begins with its newest
            if event.id not in here:
                keep_event(event)
                kept += 1
    return kept


def _pages(account_id: str) -> Iterator[list[WebhookEvent]]:
    since, after = clock.now() - LOOKED_BACK, ""
    while page := stripe_records.page_of_events(since=since, after=after, account_id=account_id):
        yield page
        after = page[-1].id
