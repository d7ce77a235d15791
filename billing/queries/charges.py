"""What clients were charged: all that left their accounts for workers and the platform, by what it was for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet, Sum

from billing.models import LedgerAccount, LedgerEntry, Posting
from kernel.months import Month

Kind = LedgerAccount.Kind


class ChargedFor(StrEnum):
    """What a charge was for."""

    REWARD = "reward"
    FEE = "fee"
    BONUS = "bonus"
    LIFT = "lift"
    INTERRUPTION = "interruption"
    OTHER = "other"


CLIENTS_OWN: Final = (Kind.CLIENT_FUNDS, Kind.JOB_ESCROW, Kind.PAY_RESERVE)
TAKERS: Final = (Kind.WORKER_EARNINGS, Kind.PLATFORM_FEES)

_FOR: Final = {
    Posting.Kind.WORK_PAID: ChargedFor.REWARD,
    Posting.Kind.BONUS_PAID: ChargedFor.BONUS,
    Posting.Kind.PAY_LIFTED: ChargedFor.LIFT,
    Posting.Kind.INTERRUPTION_PAID: ChargedFor.INTERRUPTION,
}


@dataclass(frozen=True, slots=True, order=True)
class Charge:
    """What one owner (``client:…``, ``job:…``) was charged for one thing, in minor units, less what was undone."""

    owner: str
    charged_for: ChargedFor
    currency: str
    times: int
    amount_minor: int


def charges_of(owners: Iterable[str], *, month: Month | None = None) -> list[Charge]:
    """What these owners were charged, in one month or at all; in order, sums of nothing left out."""
    accounts = LedgerAccount.objects.filter(owner__in=list(owners), kind__in=CLIENTS_OWN)
    ids = list(accounts.values_list("pk", flat=True))
    paid = LedgerEntry.objects.filter(source__in=ids, target__kind__in=TAKERS)
    undone = LedgerEntry.objects.filter(target__in=ids, source__kind__in=TAKERS)
    found: dict[tuple[str, ChargedFor, str], tuple[int, int]] = {}
    for rows, near, far, sign in ((paid, "source", "target", 1), (undone, "target", "source", -1)):
        for row in _summed(rows, near, far, month):
            key = (row["owner"], _charged_for(row), row["currency"])
            times, amount = found.get(key, (0, 0))
            found[key] = (times + sign * row["times"], amount + sign * int(row["total"]))
    return sorted(Charge(*key, *sums) for key, sums in found.items() if sums != (0, 0))


def owners_charged_in(month: Month) -> set[tuple[str, str]]:
    """Whose accounts were charged for anything in a month, and in which currency."""
    entries = LedgerEntry.objects.filter(_in(month))
    paid = entries.filter(source__kind__in=CLIENTS_OWN, target__kind__in=TAKERS)
    undone = entries.filter(source__kind__in=TAKERS, target__kind__in=CLIENTS_OWN)
    return {
        *paid.values_list("source__owner", "source__currency").distinct(),
        *undone.values_list("target__owner", "target__currency").distinct(),
    }


def _summed(rows: QuerySet[LedgerEntry], near: str, far: str, month: Month | None) -> Iterable[Any]:
    chosen = rows.filter(_in(month)) if month else rows
    by = {
        "owner": F(f"{near}__owner"),
        "currency": F(f"{near}__currency"),
        "taker": F(f"{far}__kind"),
        "why": F("posting__kind"),
        "undone": F("posting__reverses__kind"),
    }
    return chosen.order_by().values(**by).annotate(times=Count("pk"), total=Sum("amount_minor"))


def _in(month: Month) -> Q:
    return Q(posting__at__gte=month.begins_at, posting__at__lt=month.ends_at)


def _charged_for(row: dict[str, Any]) -> ChargedFor:
    if row["taker"] == Kind.PLATFORM_FEES:
        return ChargedFor.FEE
    return _FOR.get(Posting.Kind(row["undone"] or row["why"]), ChargedFor.OTHER)
