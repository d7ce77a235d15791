"""The last hop, from a payout account at Stripe to its owner's bank: followed for the owner. It posts nothing."""

import logging
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from billing import stripe_records
from billing.models import BankPayout, Payout, PayoutAccount
from billing.stripe_gateway import StripeRefused
from billing.stripe_records import BankPayoutState
from kernel import clock
from kernel.flow import move
from kernel.services.audit import Actor, record

logger = logging.getLogger(__name__)

WATCHED_FOR: Final = timedelta(days=90)
"""How long after a payout its account is looked at: banks may take payments back for about so long."""

STRIPE: Final = Actor.system("stripe")

State = BankPayout.State

AT_STRIPE: Final = {"paid": State.ARRIVED, "failed": State.FAILED, "canceled": State.FAILED}
"""What Stripe says of one; anything else is on the way."""


def follow_bank_payout(*, stripe_payout_id: str, stripe_account_id: str) -> None:
    """Read at Stripe how a payment to an owner's bank stands, and keep it. Calls Stripe."""
    if PayoutAccount.objects.filter(stripe_account_id=stripe_account_id).exists():
        seen = stripe_records.read_bank_payout(payout_id=stripe_payout_id, account_id=stripe_account_id)
        note_bank_payout(stripe_account_id=stripe_account_id, seen=seen)


@transaction.atomic
def note_bank_payout(*, stripe_account_id: str, seen: BankPayoutState) -> BankPayout:
    """Keep how it stands. What has arrived may still come back, and what has come back stays so."""
    account = PayoutAccount.objects.select_for_update(no_key=True).get(stripe_account_id=stripe_account_id)
    bank_payout = BankPayout.objects.filter(stripe_payout_id=seen.payout_id).first()
    if bank_payout is None:
        bank_payout = BankPayout.objects.create(
            payout_account=account,
            stripe_payout_id=seen.payout_id,
            amount_minor=seen.amount.minor,
            currency=seen.amount.currency,
            expected_at=seen.expected_at,
        )
        record(action="bankpayout.noted", subject=bank_payout, by=STRIPE, to_state=State.ON_THE_WAY)
    becomes = AT_STRIPE.get(seen.status, State.ON_THE_WAY)
    if becomes != bank_payout.state and BankPayout.FLOW.allows(bank_payout.state, becomes):
        bank_payout.failure = (seen.failure or seen.status) if becomes == State.FAILED else ""
        move(bank_payout, becomes, by=STRIPE, why=bank_payout.failure or "Stripe says so", fields=["failure"])
    return bank_payout


def look_for_shortfall(*, stripe_account_id: str) -> None:
    """Keep what an owner's account at Stripe is short of, if it has fallen below zero. Calls Stripe.

    The platform answers for it there; somebody of finance has to see it.
    """
    below = stripe_records.balances_of(account_id=stripe_account_id)
    _note_shortfalls(stripe_account_id, {currency: minor for currency, minor in below.items() if minor < 0})


def look_for_shortfalls() -> int:
    """Look at each account at Stripe that money went to lately, or that was below zero; how many could be looked at.

    What is taken back there comes without a word to us where nobody listens. An account that Stripe does not let us
    look into any more is passed by; when Stripe is away, the next night looks. Calls Stripe.
    """
    lately = clock.now() - WATCHED_FOR
    watched = PayoutAccount.objects.exclude(stripe_account_id="").filter(
        Q(pk__in=Payout.objects.filter(sent_at__gt=lately).values("payout_account")) | ~Q(shortfalls={})
    )
    looked_at = 0
    for stripe_account_id in list(watched.order_by("pk").values_list("stripe_account_id", flat=True)):
        try:
            look_for_shortfall(stripe_account_id=stripe_account_id)
            looked_at += 1
        except StripeRefused as refusal:
            logger.warning("What account %s has at Stripe is not known: %s", stripe_account_id, refusal)
    return looked_at


@transaction.atomic
def _note_shortfalls(stripe_account_id: str, shortfalls: dict[str, int]) -> None:
    account = PayoutAccount.objects.select_for_update(no_key=True).get(stripe_account_id=stripe_account_id)
    if account.shortfalls == shortfalls:
        return
    account.shortfalls = shortfalls
    account.save(update_fields=["shortfalls"])
    action = "payoutaccount.below_zero" if shortfalls else "payoutaccount.no_longer_below_zero"
    record(action=action, subject=account, by=STRIPE, details={"shortfalls": shortfalls})
    if shortfalls:
        logger.error("Payout account %s is below zero at Stripe: %s", account.pk, shortfalls)
