"""What finance has to look at: whatever about money did not go as it should, each with its evidence."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse

from billing import events
from billing.checks import check_books
from billing.models import Dispute, Funding, LedgerAccount, Payout, Refund, StripeEvent
from kernel import clock
from kernel.models import AuditEvent, OutboxMessage
from kernel.money import Money
from marketplace.models import Escalation

MOST_OF_A_KIND: Final = 100
MOST_EVENTS: Final = 20
STALE_AFTER: Final = timedelta(days=1)
"""How long money may be on its way before somebody looks; what is held on purpose aside."""

LOOKED_AT_FOR: Final = timedelta(days=30)
"""How long a refund that failed is listed; its money is the client's again."""

ABOUT_MONEY: Final = [name for name, each in vars(events).items() if getattr(each, "__module__", "") == events.__name__]
"""The events of billing: what follows from them is about money."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that happened to what an exception is about."""

    id: Any
    at: datetime
    action: str
    actor: str
    why: str


@dataclass(frozen=True, slots=True)
class MoneyException:
    """One thing to look at: what it is, since when, why, and where it is at Stripe and in the console."""

    kind: str
    subject: str
    since: datetime
    sentence: str
    why: str
    amount: Money | None
    stripe: list[str]
    console: str
    evidence: list[Evidence] = field(default_factory=list)


def money_exceptions(*, with_books: bool = False) -> list[MoneyException]:
    """Everything of every kind, the oldest first. ``with_books`` tries every promise of the books, which takes time."""
    found = [each for kind in _KINDS for each in kind()]
    if with_books:
        found += _faults()
    return sorted(found, key=lambda each: (each.since, each.subject))


def payouts_in_flight() -> QuerySet[Payout]:
    """Payouts that were asked for and have not ended."""
    return Payout.objects.filter(
        state__in=[Payout.State.REQUESTED, Payout.State.SENDING, Payout.State.SENT]
    ).select_related("payout_account")


def _parked_events() -> Iterator[MoneyException]:
    for event in StripeEvent.objects.filter(state=StripeEvent.State.PARKED).order_by("received_at", "pk")[
        :MOST_OF_A_KIND
    ]:
        yield _of(
            event,
            "parked_webhook",
            event.received_at,
            f"Stripe told us of {event.type}, and it could not be processed.",
            why=event.last_error,
            stripe=[event.stripe_id, event.object_id],
        )


def _parked_reactions() -> Iterator[MoneyException]:
    parked = OutboxMessage.objects.filter(state=OutboxMessage.State.PARKED, event__in=ABOUT_MONEY)
    for message in parked.order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        about = next((f"{name[:-3]}:{value}" for name, value in message.payload.items() if name.endswith("_id")), "")
        yield _of(
            message,
            "unexplained",
            message.created_at,
            f"What follows from {message.event} keeps failing.",
            why=message.last_error,
            subject=about,
        )


def _failed_payouts() -> Iterator[MoneyException]:
    waiting = Escalation.objects.filter(kind=Escalation.Kind.FAILED_PAYOUT, state__in=Escalation.LIVE)
    ids = [subject.partition(":")[2] for subject in waiting.values_list("subject", flat=True)]
    for payout in Payout.objects.filter(pk__in=ids).order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        yield _of(
            payout,
            "failed_payout",
            payout.finished_at or payout.created_at,
            "A payout could not be made; its money is earnings again, and nobody has decided yet.",
            why=payout.failure,
            stripe=[payout.stripe_transfer_id],
        )


def _stale_payouts() -> Iterator[MoneyException]:
    stale = payouts_in_flight().filter(created_at__lt=clock.now() - STALE_AFTER)
    for payout in stale.order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        if payout.held_until is None:
            yield _of(
                payout,
                "stale_payout",
                payout.created_at,
                f"A payout is on its way for more than a day; it is {payout.state}.",
                stripe=[payout.stripe_transfer_id],
            )


def _stale_fundings() -> Iterator[MoneyException]:
    stale = Funding.objects.filter(state=Funding.State.PREPARING, created_at__lt=clock.now() - STALE_AFTER)
    for funding in stale.order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        yield _of(funding, "stale_funding", funding.created_at, "A payment page could not be made for more than a day.")


def _failed_refunds() -> Iterator[MoneyException]:
    failed = Refund.objects.filter(state=Refund.State.FAILED, finished_at__gt=clock.now() - LOOKED_AT_FOR)
    for refund in failed.order_by("finished_at", "pk")[:MOST_OF_A_KIND]:
        yield _of(
            refund,
            "failed_refund",
            refund.finished_at or refund.created_at,
            "A refund could not be made; its money is the client's again.",
            why=refund.failure,
            stripe=[refund.stripe_refund_id],
        )


def _open_disputes() -> Iterator[MoneyException]:
    live = Dispute.objects.filter(state__in=[Dispute.State.INQUIRY, Dispute.State.OPEN]).order_by("created_at", "pk")
    for dispute in live[:MOST_OF_A_KIND]:
        yield _of(
            dispute,
            "dispute",
            dispute.created_at,
            f"A payer's bank disputes a payment; it is {dispute.state}.",
            why=dispute.reason,
            stripe=[dispute.stripe_dispute_id],
        )


def _negative_balances() -> Iterator[MoneyException]:
    spared = (LedgerAccount.Kind.OUTSIDE_WORLD, LedgerAccount.Kind.PROCESSOR_FEES)
    below = LedgerAccount.objects.filter(balance_minor__lt=0).exclude(kind__in=spared).order_by("pk")
    for account in below[:MOST_OF_A_KIND]:
        yield MoneyException(
            kind="negative_balance",
            subject=f"{account.kind} of {account.owner}",
            since=clock.now(),
            sentence="An account is below zero: the platform bears it.",
            why="",
            amount=Money(account.balance_minor, account.currency),
            stripe=[],
            console=reverse("admin:billing_ledgeraccount_change", args=[account.pk]),
        )


def _faults() -> Iterator[MoneyException]:
    for fault in check_books():
        yield MoneyException(
            kind="broken_promise",
            subject=fault.check,
            since=clock.now(),
            sentence="A promise of the books does not hold.",
            why=f"{fault.subject}: {fault.message}",
            amount=None,
            stripe=[],
            console="",
        )


_KINDS: Final = (
    _parked_events,
    _parked_reactions,
    _failed_payouts,
    _stale_payouts,
    _stale_fundings,
    _failed_refunds,
    _open_disputes,
    _negative_balances,
)


def _of(
    row: Any,
    kind: str,
    since: datetime,
    sentence: str,
    *,
    why: str = "",
    stripe: list[str] | None = None,
    subject: str = "",
) -> MoneyException:
    meta = row._meta
    ids = {str(row.pk), subject.partition(":")[2]} - {""}
    told = AuditEvent.objects.filter(subject_id__in=ids).order_by("-id")[:MOST_EVENTS]
    has_amount = hasattr(row, "amount_minor")
    return MoneyException(
        kind=kind,
        subject=subject or f"{meta.model_name}:{row.pk}",
        since=since,
        sentence=sentence,
        why=why,
        amount=Money(row.amount_minor, row.currency) if has_amount else None,
        stripe=[each for each in stripe or [] if each],
        console=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
        evidence=[Evidence(e.pk, e.at, e.action, f"{e.actor_kind}:{e.actor_id}", e.why) for e in told],
    )
