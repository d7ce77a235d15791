"""Questions about money that more than one place asks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When

from billing.models import LedgerAccount, LedgerEntry, Posting, StripeMovement
from kernel import clock
from kernel.money import Money

Kind = LedgerAccount.Kind

ALARMED_AFTER: Final = timedelta(days=2)
"""So long our own posting may take to follow a movement at Stripe: a webhook, its retries, the stragglers."""


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What one owner holds as one kind of account."""

    kind: LedgerAccount.Kind
    balance: Money


@dataclass(frozen=True, slots=True)
class Books:
    """All the money of one currency, in minor units: what came in, and where every cent of it is now."""

    currency: str
    funded_minor: int = 0
    client_funds_minor: int = 0
    job_escrow_minor: int = 0
    pay_reserve_minor: int = 0
    worker_earnings_minor: int = 0
    payouts_in_flight_minor: int = 0
    refunds_in_flight_minor: int = 0
    disputed_minor: int = 0
    platform_fees_minor: int = 0
    processor_fees_minor: int = 0
    loss_minor: int = 0
    refunded_minor: int = 0
    paid_out_minor: int = 0
    taken_back_minor: int = 0
    processing_minor: int = 0

    @property
    def accounted_minor(self) -> int:
        """Everything but what came in, summed: equal to ``funded_minor``, or money was made or lost."""
        places = (field.name for field in fields(self) if field.name not in ("currency", "funded_minor"))
        return sum(getattr(self, place) for place in places)

    @property
    def is_balanced(self) -> bool:
        """Whether what came in is what is held, in flight, kept and gone out."""
        return self.funded_minor == self.accounted_minor


def balances_of(owner: str) -> list[AccountBalance]:
    """What ``owner`` holds, by kind and currency; accounts that were never opened are left out."""
    accounts = LedgerAccount.objects.filter(owner=owner).order_by("kind", "currency", "pk")
    return [AccountBalance(Kind(account.kind), Money(account.balance_minor, account.currency)) for account in accounts]


def statement_of(owner: str, kind: LedgerAccount.Kind) -> QuerySet[Any]:
    """Each entry that moved the accounts of this kind, with ``change_minor`` as the account saw it, posting loaded."""
    accounts = list(LedgerAccount.objects.filter(owner=owner, kind=kind).values_list("pk", flat=True))
    touched = LedgerEntry.objects.filter(Q(source__in=accounts) | Q(target__in=accounts))
    change = Case(
        When(source__in=accounts, then=-F("amount_minor")), default=F("amount_minor"), output_field=BigIntegerField()
    )
    return touched.annotate(change_minor=change).select_related("posting", "source")


def books(currency: str) -> Books:
    """Where all the money of ``currency`` is: balances as kept, what came in and went out as the entries sum up."""
    held = LedgerAccount.objects.filter(currency=currency).exclude(kind=Kind.OUTSIDE_WORLD)
    by_kind = dict(held.values_list("kind").annotate(total=Sum("balance_minor")))
    crossed = _crossed(currency)
    return Books(
        currency=currency,
        **{f"{kind}_minor": int(total) for kind, total in by_kind.items()},
        funded_minor=crossed[Posting.Kind.FUNDING_SETTLED],
        refunded_minor=crossed[Posting.Kind.REFUND_SETTLED] - crossed[Posting.Kind.REFUND_RETURNED],
        paid_out_minor=crossed[Posting.Kind.PAYOUT_SETTLED] - crossed[Posting.Kind.PAYOUT_RETURNED],
        taken_back_minor=crossed[Posting.Kind.DISPUTE_LOST],
        processing_minor=crossed[Posting.Kind.PROCESSING_CHARGED],
    )


def currencies() -> list[str]:
    """The currencies of which there are accounts."""
    return list(LedgerAccount.objects.order_by("currency").values_list("currency", flat=True).distinct())


def unexplained_movements() -> QuerySet[StripeMovement]:
    """What moved at Stripe and nothing and nobody has explained for too long, the oldest first.

    What Stripe has converted is so at once: no webhook that is late will explain it.
    """
    late = Q(moved_at__lt=clock.now() - ALARMED_AFTER) | ~Q(converted_from="")
    unmatched = StripeMovement.objects.filter(late, state=StripeMovement.State.UNMATCHED)
    return unmatched.order_by("moved_at", "pk")


CROSSING: Final = (
    Posting.Kind.FUNDING_SETTLED,
    Posting.Kind.REFUND_SETTLED,
    Posting.Kind.REFUND_RETURNED,
    Posting.Kind.PAYOUT_SETTLED,
    Posting.Kind.PAYOUT_RETURNED,
    Posting.Kind.DISPUTE_LOST,
    Posting.Kind.PROCESSING_CHARGED,
)
"""What moves money over the border to the outside world."""


def _crossed(currency: str) -> Counter[str]:
    """What postings of each kind of ``CROSSING`` moved, less what was reversed."""
    crossed: Counter[str] = Counter()
    entries = LedgerEntry.objects.filter(source__currency=currency)
    for kind, minor in _sums(entries.filter(posting__kind__in=CROSSING), "posting__kind"):
        crossed[kind] += minor
    undone = entries.filter(posting__kind=Posting.Kind.REVERSAL, posting__reverses__kind__in=CROSSING)
    for kind, minor in _sums(undone, "posting__reverses__kind"):
        crossed[kind] -= minor
    return crossed


def _sums(entries: QuerySet[LedgerEntry], kind: str) -> Iterable[tuple[str, int]]:
    return ((each, int(minor)) for each, minor in entries.values_list(kind).annotate(total=Sum("amount_minor")))
