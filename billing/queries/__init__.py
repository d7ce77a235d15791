"""Questions about money that more than one place asks."""

from dataclasses import dataclass, fields
from typing import Any

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When

from billing.models import LedgerAccount, LedgerEntry, Posting
from kernel.money import Money

Kind = LedgerAccount.Kind


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
    return Books(
        currency=currency,
        **{f"{kind}_minor": int(total) for kind, total in by_kind.items()},
        funded_minor=_crossed(currency, Posting.Kind.FUNDING_SETTLED),
        refunded_minor=_crossed(currency, Posting.Kind.REFUND_SETTLED, less=Posting.Kind.REFUND_RETURNED),
        paid_out_minor=_crossed(currency, Posting.Kind.PAYOUT_SETTLED, less=Posting.Kind.PAYOUT_RETURNED),
        taken_back_minor=_crossed(currency, Posting.Kind.DISPUTE_LOST),
        processing_minor=_crossed(currency, Posting.Kind.PROCESSING_CHARGED),
    )


def currencies() -> list[str]:
    """The currencies of which there are accounts."""
    return list(LedgerAccount.objects.order_by("currency").values_list("currency", flat=True).distinct())


def _crossed(currency: str, kind: Posting.Kind, *, less: Posting.Kind | None = None) -> int:
    """What postings of ``kind`` moved over the border to the outside world, less what was reversed or came back."""
    entries = LedgerEntry.objects.filter(source__currency=currency)
    undone = Q(posting__reverses__kind=kind) | Q(posting__kind=less) if less else Q(posting__reverses__kind=kind)
    moved = entries.filter(posting__kind=kind).aggregate(total=Sum("amount_minor"))["total"]
    came_back = entries.filter(undone).aggregate(total=Sum("amount_minor"))["total"]
    return int(moved or 0) - int(came_back or 0)
