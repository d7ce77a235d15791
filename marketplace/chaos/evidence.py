"""What came of it: our books beside Stripe's own list of transfers, payout by payout."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db.models import Model, Sum

from billing import queries
from billing.demo.stripe_double import DoubleControl
from billing.models import Dispute, DisputeMovement, Funding, Payout, PayoutReturn, Refund, StripeEvent
from billing.services.reconciliation import reconcile
from kernel.models import OutboxMessage
from marketplace.chaos.plan import Outcome
from marketplace.models import Assignment
from marketplace.services.checks import check_invariants

OPEN: Final = ("requested", "sending", "sent")
CURRENCY: Final = "USD"


def left_to_do() -> int:
    """How many rows are still under way: what must come to nothing by itself."""
    return (
        OutboxMessage.objects.filter(state=OutboxMessage.State.WAITING).count()
        + Payout.objects.filter(state__in=OPEN).count()
        + Refund.objects.filter(state__in=OPEN).count()
        + Funding.objects.filter(state__in=["preparing", "awaiting_payment"]).count()
        + Dispute.objects.filter(state__in=["inquiry", "open"]).count()
        + Assignment.objects.filter(state=Assignment.State.SUBMITTED).count()
    )


def fill_in(outcome: Outcome, control: DoubleControl) -> None:
    """Compare, and write down what was found."""
    outcome.payouts, outcome.fundings = _by_state(Payout), _by_state(Funding)
    outcome.refunds, outcome.disputes = _by_state(Refund), _by_state(Dispute)
    outcome.parts_taken_back, outcome.parts_of_disputes = PayoutReturn.objects.count(), DisputeMovement.objects.count()
    outcome.turns_paid = Assignment.objects.filter(state=Assignment.State.ACCEPTED).count()
    outcome.faults, outcome.webhooks = control.struck(), control.webhooks_taken()
    parked = StripeEvent.objects.filter(state=StripeEvent.State.PARKED).order_by("received_at", "pk")
    outcome.webhooks_parked = [f"{event}: {event.last_error}" for event in parked]
    outcome.stuck_minor = sum(_sum(rows) for rows in (Payout, Refund)) + _unpaid_minor()
    made: defaultdict[str, list[int]] = defaultdict(list)
    for transfer in _transfers():
        made[transfer["transfer_group"]].append(transfer["amount"] - transfer["amount_reversed"])
    for payout in Payout.objects.order_by("pk"):
        there = made.pop(payout.reference, [])
        due = payout.amount_minor - payout.returned_minor if payout.state == Payout.State.SETTLED else 0
        outcome.paid_twice_minor += max(0, sum(there) - due)
        outcome.lost_minor += max(0, due - sum(there))
    outcome.paid_twice_minor += sum(map(sum, made.values()))
    books, totals = queries.books(CURRENCY), control.totals()["usd"]
    outcome.paid_out_minor = books.paid_out_minor
    outcome.lost_minor += abs(books.funded_minor - totals["paid_in"]) + abs(books.refunded_minor - totals["refunded"])
    gone = books.disputed_minor + books.taken_back_minor
    outcome.lost_minor += abs(gone - totals["disputed"])
    outcome.movements_unmatched = sum(standing.unmatched for standing in reconcile())
    outcome.broken = [f"{fault.check}: {fault.subject}: {fault.message}" for fault in check_invariants()]


def _by_state(rows: type[Model]) -> dict[str, int]:
    return dict(Counter(rows._default_manager.order_by("pk").values_list("state", flat=True)))


def _sum(rows: type[Payout] | type[Refund]) -> int:
    return rows.objects.filter(state__in=OPEN).aggregate(minor=Sum("amount_minor"))["minor"] or 0


def _unpaid_minor() -> int:
    """What was answered and not paid, and what was paid in and not credited."""
    turns = Assignment.objects.filter(state=Assignment.State.SUBMITTED).aggregate(minor=Sum("reward_minor"))["minor"]
    waits = Funding.objects.filter(state__in=["preparing", "awaiting_payment"])
    return (turns or 0) + (waits.aggregate(minor=Sum("amount_minor"))["minor"] or 0)


def _transfers() -> Iterator[dict[str, Any]]:
    """Every transfer that Stripe knows of, by its own list, page by page."""
    asked = {"limit": "100"}
    headers = {"Authorization": f"Bearer {settings.STRIPE_API_KEY}"}
    while True:
        with closing(HTTPConnection(urlsplit(settings.STRIPE_API_BASE).netloc, timeout=60)) as connection:
            connection.request("GET", f"/v1/transfers?{urlencode(asked)}", headers=headers)
            page = json.load(connection.getresponse())
        yield from page["data"]
        if not page["has_more"]:
            return
        asked["starting_after"] = page["data"][-1]["id"]
