"""What was left behind: by a lost webhook, a parked reaction, a process that died. Each round looks at Stripe again."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from django.db.models import Q, QuerySet

from billing.events import FundingRequested, PayoutRequested, RefundRequested
from billing.models import Funding, Payout, PayoutAccount, Refund, StripeEvent
from billing.services.funding import prepare_checkout, settle_funding
from billing.services.payout_accounts import refresh_payout_account
from billing.services.payouts import send_payout
from billing.services.refunds import send_refund
from billing.services.stripe_inbox import process_event
from billing.stripe_gateway import StripeTrouble
from kernel import clock
from kernel.errors import Refused

logger = logging.getLogger(__name__)

LEFT_AFTER: Final = timedelta(hours=1)
"""The outbox tries for about 40 minutes; what is older has been left behind."""

UNPAID_LOOKED_AT_AFTER: Final = timedelta(minutes=10)
ONBOARDING_LASTS: Final = timedelta(days=30)
ROUND_LASTS: Final = timedelta(minutes=4)
"""The next round begins a minute later."""

Key = TypeVar("Key")


def drive_stragglers() -> int:
    """Look at Stripe again for what should have gone on by now; how many rows were looked at. Calls Stripe."""
    return sum((_events(), _payouts(), _refunds(), _unmade_pages(), _unpaid_pages(), _onboarding()))


def _events() -> int:
    stored = StripeEvent.objects.filter(state=StripeEvent.State.STORED, received_at__lt=clock.now() - LEFT_AFTER)
    ids = stored.order_by("?").values_list("pk", flat=True)
    return _each(ids, lambda pk: process_event(stripe_event_id=pk))


def _payouts() -> int:
    # What waits for its destination's hold waits; once that is over it is driven on from here.
    held = Q(state="requested", payout_account__held_until__gt=clock.now())
    left = Payout.objects.filter(_left_open()).exclude(held)
    ids = left.order_by("?").values_list("pk", flat=True)
    return _each(ids, lambda pk: send_payout(PayoutRequested(payout_id=str(pk))))


def _refunds() -> int:
    ids = Refund.objects.filter(_left_open()).order_by("?").values_list("pk", flat=True)
    return _each(ids, lambda pk: send_refund(RefundRequested(refund_id=str(pk))))


def _left_open() -> Q:
    left_at = clock.now() - LEFT_AFTER
    return Q(state__in=["requested", "sending", "sent"], created_at__lt=left_at)


def _unmade_pages() -> int:
    left = Funding.objects.filter(state=Funding.State.PREPARING, created_at__lt=clock.now() - LEFT_AFTER)
    ids = left.order_by("?").values_list("pk", flat=True)
    return _each(ids, lambda pk: prepare_checkout(FundingRequested(funding_id=str(pk))))


def _unpaid_pages() -> int:
    unpaid = Funding.objects.filter(
        state__in=[Funding.State.AWAITING_PAYMENT, Funding.State.PROCESSING],
        created_at__lt=clock.now() - UNPAID_LOOKED_AT_AFTER,
    )
    ids = unpaid.order_by("?").values_list("pk", flat=True)
    return _each(ids, lambda pk: settle_funding(funding_id=pk))


def _onboarding() -> int:
    now = clock.now()
    waiting = PayoutAccount.objects.filter(
        Q(refreshed_at__isnull=True) | Q(refreshed_at__lt=now - LEFT_AFTER),
        Q(transfers_active=False) | Q(payouts_enabled=False),
        ~Q(stripe_account_id=""),
        opened_at__gt=now - ONBOARDING_LASTS,
    )
    ids = waiting.order_by("?").values_list("stripe_account_id", flat=True)
    return _each(ids, lambda stripe_id: refresh_payout_account(stripe_account_id=stripe_id))


def _each(keys: QuerySet[Any, Key], look: Callable[[Key], None]) -> int:
    """Look at each, as long as a round lasts; one that fails is told of and does not hold up the others.

    In no order, so that those which keep failing are not the first of every round.
    """
    looked_at, began_at = 0, clock.now()
    for key in list(keys):
        if clock.now() - began_at > ROUND_LASTS:
            logger.warning("This round looked at %s of more stragglers; the next goes on.", looked_at)
            break
        looked_at += 1
        try:
            look(key)
        except (StripeTrouble, Refused) as problem:
            logger.warning("A straggler (%s) could not be driven on: %s", key, problem)
    return looked_at
