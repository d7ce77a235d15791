"""What finance has to look at: whatever about money did not go as it should, each with its evidence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from billing import events
from billing.checks import check_books
from billing.models import (
    BankPayout,
    Credit,
    Dispute,
    Funding,
    LedgerAccount,
    Payout,
    PayoutAccount,
    Posting,
    Refund,
    StripeEvent,
    StripeMovement,
)
from billing.queries import unexplained_movements
from kernel import clock
from kernel.models import AuditEvent, OutboxMessage
from kernel.money import MINOR_UNIT_DIGITS, Money
from marketplace.models import Escalation

MOST_OF_A_KIND: Final = 100
MOST_EVENTS: Final = 20
STALE_AFTER: Final = timedelta(days=1)
"""How long money may be on its way before somebody looks; what is held on purpose aside."""

BANKS_TAKE: Final = timedelta(days=14)
"""How long a debit or a refund may be with a bank before somebody looks."""

LOOKED_AT_FOR: Final = timedelta(days=30)
"""How long what failed is listed whose money is where it belongs."""

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
    """One thing to look at: what it is, since when, why, and where it is at Stripe and in the console.

    ``has_moved`` says whether there are postings about its subject, so that it can be followed.
    """

    kind: str
    subject: str
    since: datetime
    sentence: str
    why: str
    amount: Money | None
    stripe: tuple[str, ...] = ()
    console: str = ""
    row_id: str = ""
    has_moved: bool = False
    evidence: list[Evidence] = field(default_factory=list, compare=False)


def money_exceptions(*, with_books: bool = False) -> list[MoneyException]:
    """Everything of every kind, the oldest first. ``with_books`` tries every promise of the books, which takes time."""
    found = _with_evidence([each for kind in _KINDS for each in kind()])
    if with_books:
        found += _faults()
    return sorted(found, key=lambda each: (each.since, each.subject))


def _with_evidence(found: list[MoneyException]) -> list[MoneyException]:
    """Each with the last events about its row and its subject, and whether money has moved: found for all at once."""
    ids = {each: {each.row_id, each.subject.partition(":")[2]} - {""} for each in found}
    newest = Window(RowNumber(), partition_by="subject_id", order_by="-id")
    events = AuditEvent.objects.filter(subject_id__in=set().union(*ids.values())).annotate(place=newest)
    told = list(events.filter(place__lte=MOST_EVENTS).order_by("-id"))
    posted = Posting.objects.filter(subject__in={each.subject for each in found})
    moved = set(posted.values_list("subject", flat=True))
    return [
        replace(
            each,
            has_moved=each.subject in moved,
            evidence=[_evidence(event) for event in told if event.subject_id in ids[each]][:MOST_EVENTS],
        )
        for each in found
    ]


def _evidence(event: AuditEvent) -> Evidence:
    return Evidence(event.pk, event.at, event.action, f"{event.actor_kind}:{event.actor_id}", event.why)


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
            _came_back(payout),
            why=payout.failure,
            stripe=[payout.stripe_transfer_id],
            amount=payout.returned if payout.returned_minor else payout.amount,
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
    now = clock.now()
    unmade = Q(state=Funding.State.PREPARING, created_at__lt=now - STALE_AFTER)
    late = Q(state=Funding.State.PROCESSING, created_at__lt=now - BANKS_TAKE)
    for funding in Funding.objects.filter(unmade | late).order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        how = "page could not be made" if funding.state == Funding.State.PREPARING else "is still with its bank"
        yield _of(
            funding,
            "stale_funding",
            funding.created_at,
            f"A payment {how} for more than {_days(now - funding.created_at)}.",
            stripe=[funding.stripe_session_id],
        )


def _stale_refunds() -> Iterator[MoneyException]:
    now = clock.now()
    unsent = Q(state__in=[Refund.State.REQUESTED, Refund.State.SENDING], created_at__lt=now - STALE_AFTER)
    late = Q(state=Refund.State.SENT, created_at__lt=now - BANKS_TAKE)
    for refund in Refund.objects.filter(unsent | late).order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        yield _of(
            refund,
            "stale_refund",
            refund.created_at,
            f"A refund is on its way for more than {_days(now - refund.created_at)}; it is {refund.state}.",
            stripe=[refund.stripe_refund_id],
        )


def _failed_refunds() -> Iterator[MoneyException]:
    since = clock.now() - LOOKED_AT_FOR
    returned = {f"{refund.reference}:returned": refund for refund in Refund.objects.filter(state=Refund.State.RETURNED)}
    came_back = Posting.objects.filter(key__in=returned, at__gt=since).values_list("key", "at")
    failed = Refund.objects.filter(state=Refund.State.FAILED, finished_at__gt=since)
    ended = [(refund.finished_at or refund.created_at, refund) for refund in failed]
    ended += [(at, returned[key]) for key, at in came_back]
    for at, refund in sorted(ended, key=lambda each: (each[0], each[1].pk))[:MOST_OF_A_KIND]:
        yield _of(
            refund,
            "failed_refund",
            at,
            f"A refund {_how_ended(refund)}; its money is the client's again.",
            why=refund.failure,
            stripe=[refund.stripe_refund_id],
        )


def _bounced_credits() -> Iterator[MoneyException]:
    bounced = Credit.objects.filter(
        state=Credit.State.GRANTED, funding__state__in=[Funding.State.FAILED, Funding.State.EXPIRED]
    )
    for credit in bounced.select_related("funding").order_by("granted_at", "pk")[:MOST_OF_A_KIND]:
        assert credit.funding is not None
        yield _of(
            credit,
            "bounced_credit",
            credit.funding.finished_at or credit.granted_at,
            "A payment that the platform had advanced money against did not come.",
            why=credit.funding.failure,
            stripe=[credit.funding.stripe_session_id],
        )


def _unmatched_movements() -> Iterator[MoneyException]:
    for movement in unexplained_movements()[:MOST_OF_A_KIND]:
        yield _of(
            movement,
            "unmatched_movement",
            movement.moved_at,
            _moved_at_stripe(movement),
            why=movement.conversion,
            stripe=[movement.stripe_id, movement.source_id],
        )


def _moved_at_stripe(movement: StripeMovement) -> str:
    of = (
        "" if movement.currency in MINOR_UNIT_DIGITS else f" by {movement.amount_minor} minor units {movement.currency}"
    )
    return f"The balance at Stripe was moved{of} ({movement.kind}), and no posting says why."


def _short_payout_accounts() -> Iterator[MoneyException]:
    short = PayoutAccount.objects.exclude(shortfalls={}).order_by("opened_at", "pk")
    for account in short[:MOST_OF_A_KIND]:
        for currency, minor in sorted(account.shortfalls.items()):
            yield _of(
                account,
                "short_payout_account",
                account.refreshed_at or account.opened_at,
                "A worker's account at Stripe is below zero, and the platform answers for it there.",
                stripe=[account.stripe_account_id],
                amount=_kept_here(minor, currency),
            )


def _failed_bank_payouts() -> Iterator[MoneyException]:
    failed = BankPayout.objects.filter(state=BankPayout.State.FAILED, created_at__gt=clock.now() - LOOKED_AT_FOR)
    for bank_payout in failed.select_related("payout_account").order_by("created_at", "pk")[:MOST_OF_A_KIND]:
        yield _of(
            bank_payout,
            "failed_bank_payout",
            bank_payout.created_at,
            "A worker's bank sent money back; it is at Stripe until the worker has named another bank.",
            why=bank_payout.failure,
            stripe=[bank_payout.stripe_payout_id, bank_payout.payout_account.stripe_account_id],
        )


def _open_disputes() -> Iterator[MoneyException]:
    live = Dispute.objects.filter(state__in=[Dispute.State.INQUIRY, Dispute.State.OPEN]).order_by("created_at", "pk")
    for dispute in live[:MOST_OF_A_KIND]:
        yield _of(
            dispute,
            "dispute",
            dispute.created_at,
            f"A payer's bank disputes a payment; it is {dispute.state}{_given_back(dispute)}.",
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
            console=reverse("admin:billing_ledgeraccount_change", args=[account.pk]),
        )


def _came_back(payout: Payout) -> str:
    if payout.state == Payout.State.SETTLED:
        what = f"Of a payout {payout.returned} came back after it had left; so much is"
    else:
        what = f"A payout {_how_ended(payout)}; its money is"
    return f"{what} earnings again, and nobody has decided yet."


def _given_back(dispute: Dispute) -> str:
    return f", and {dispute.returned} of {dispute.amount} came again" if dispute.returned_minor else ""


def _how_ended(row: Payout | Refund) -> str:
    return "came back after it had left" if row.state == row.State.RETURNED else "could not be made"


def _days(length: timedelta) -> str:
    return "a day" if length.days == 1 else f"{length.days} days"


def _faults() -> Iterator[MoneyException]:
    for fault in check_books():
        yield MoneyException(
            kind="broken_promise",
            subject=fault.check,
            since=clock.now(),
            sentence="A promise of the books does not hold.",
            why=f"{fault.subject}: {fault.message}",
            amount=None,
        )


_KINDS: Final = (
    _parked_events,
    _parked_reactions,
    _failed_payouts,
    _stale_payouts,
    _stale_fundings,
    _stale_refunds,
    _failed_refunds,
    _failed_bank_payouts,
    _bounced_credits,
    _unmatched_movements,
    _short_payout_accounts,
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
    stripe: Iterable[str] = (),
    subject: str = "",
    amount: Money | None = None,
) -> MoneyException:
    meta = row._meta
    return MoneyException(
        kind=kind,
        subject=subject or f"{meta.model_name}:{row.pk}",
        since=since,
        sentence=sentence,
        why=why,
        amount=_kept_here(row.amount_minor, row.currency)
        if amount is None and hasattr(row, "amount_minor")
        else amount,
        stripe=tuple(filter(None, stripe)),
        console=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
        row_id=str(row.pk),
    )


def _kept_here(minor: int, currency: str) -> Money | None:
    """An amount, unless Stripe moved it in a currency that nobody keeps here."""
    return Money(minor, currency) if currency in MINOR_UNIT_DIGITS else None
