"""What an account was at the beginning of a month, each change in it, and what it was at its end."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum

from billing.models import LedgerAccount
from billing.queries import statement_of
from kernel.months import Month


@dataclass(frozen=True, slots=True)
class MonthOfAccount:
    """One month of one owner's accounts of one kind, in minor units of one currency. It adds up by itself."""

    currency: str
    opening_minor: int
    added_minor: int
    taken_minor: int
    lines: list[Any]

    @property
    def closing_minor(self) -> int:
        """What was there at the end of the month, or is there now while it lasts."""
        return self.opening_minor + self.added_minor - self.taken_minor


def month_of_account(
    owner: str, kind: LedgerAccount.Kind, month: Month, *, order_by: tuple[str, ...] = ("pk",)
) -> list[MonthOfAccount]:
    """The month in each currency that the accounts ever held; its lines are entries, each with ``change_minor``."""
    entries = statement_of(owner, kind).select_related("target")
    before = entries.filter(posting__at__lt=month.begins_at).order_by()
    opening = dict(before.values_list("source__currency").annotate(total=Sum("change_minor")))
    lines: dict[str, list[Any]] = {}
    for entry in lines_of(entries, month).order_by("posting__at", *order_by):
        lines.setdefault(entry.source.currency, []).append(entry)
    held = LedgerAccount.objects.filter(owner=owner, kind=kind).order_by("currency").values_list("currency", flat=True)
    return [_month(currency, int(opening.get(currency, 0)), lines.get(currency, [])) for currency in held]


def lines_of(entries: QuerySet[Any], month: Month) -> QuerySet[Any]:
    """Those of the entries that belong to a month: it is that of their posting's instant."""
    return entries.filter(posting__at__gte=month.begins_at, posting__at__lt=month.ends_at)


def _month(currency: str, opening_minor: int, lines: list[Any]) -> MonthOfAccount:
    changes = [entry.change_minor for entry in lines]
    added, taken = sum(change for change in changes if change > 0), -sum(change for change in changes if change < 0)
    return MonthOfAccount(currency, opening_minor, added, taken, lines)
