"""The banks, and a person at Stripe's dashboard: parts of payouts are taken back, and parts of payments disputed."""

import contextlib
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from billing.demo.stripe_double import DoubleControl
from billing.models import Funding, LedgerAccount, Payout
from billing.services.ledger import balance
from billing.services.refunds import request_refund
from kernel.errors import Refused
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.chaos.evidence import CURRENCY
from marketplace.chaos.patience import stubborn

BANKS: Final = Actor.system("chaos")

TAKEN_BACK: Final = (30, 1, 20)
"""What is taken back of a payout, part by part, in minor units: less than the smallest."""

LEFT_MINOR: Final = 100
DISPUTED_MINOR: Final = 600
GIVEN_BACK_MINOR: Final = 200
ENDS: Final[tuple[dict[str, Any], ...]] = (
    {"won": True},
    {"won": False},
    {"won": False, "amount": 100},
    {"won": False, "amount": 1, "refundable": True},
)
"""How disputes end, by turns, after a part has come again."""


def take_parts_back(control: DoubleControl, *, payouts: int, wait: Callable[[], bool]) -> None:
    """Take back ``TAKEN_BACK`` of so many payouts as they settle. ``wait`` waits a moment; whether no more will."""
    taken: set[UUID] = set()
    while len(taken) < payouts:
        left = Payout.objects.filter(state=Payout.State.SETTLED).exclude(pk__in=taken).order_by("finished_at", "pk")
        payout = stubborn(left.first)
        if payout is not None:
            taken.add(payout.pk)
            for minor in TAKEN_BACK:
                control.take_back(payout.stripe_transfer_id, amount=minor)
        elif wait():
            return


def dispute_payment(control: DoubleControl, funding: Funding, *, number: int) -> None:
    """Take a part of a payment back, give some of it again, and decide: each end in its turn.

    Of every second one its client has most out before, so that the platform bears it.
    """
    if number % 2:
        take_out(funding.client_owner, all_but=LEFT_MINOR)
    dispute = control.dispute(funding.payment_intent_id, amount=DISPUTED_MINOR)
    control.give_back(dispute["id"], amount=GIVEN_BACK_MINOR)
    control.end_dispute(dispute["id"], **ENDS[number % len(ENDS)])


def take_out(client_owner: str, *, all_but: int = 0) -> None:
    """Ask for a client's funds back, where that is possible now."""
    there = stubborn(lambda: balance(LedgerAccount.Kind.CLIENT_FUNDS, client_owner, CURRENCY)).minor
    if there > all_but:
        amount = Money(there - all_but, CURRENCY)
        with contextlib.suppress(Refused):
            stubborn(lambda: request_refund(client_owner=client_owner, amount=amount, by=BANKS))
