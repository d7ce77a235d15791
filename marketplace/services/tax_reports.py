"""Tax reports: what was paid to whom in a year, for the United States (1099-NEC) and the European Union (DAC7).

Identity is read for this purpose alone, person by person, each with an audit event of its own; a draft of a year that
is not over reads none. What counts is what was credited to earnings, whether or not it was paid out yet.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction

from billing.queries.earned import EarnedInQuarter, earned_in
from kernel import clock
from kernel.csv_lines import plain_amount
from kernel.errors import Invalid, Refused
from kernel.models import User
from kernel.money import Money
from kernel.months import Month
from kernel.services.audit import Actor, record
from kernel.services.subject_keys import KeyDestroyed
from workforce.identity_data import IdentityField, Purpose
from workforce.models import Worker
from workforce.services.identity import NotGiven, read_identity

FIRST_YEAR: Final = 2020

US_THRESHOLDS_MINOR: Final = {
    **dict.fromkeys(range(FIRST_YEAR, 2026), 600_00),  # 26 U.S.C. 6041A as it stood
    2026: 2_000_00,  # Public Law 119-21, section 70433: payments made after 31 December 2025
}
"""From which sum in US cents a payee is reported, by year. From 2027 on it follows inflation: a new line each year."""

EUROPEAN_UNION: Final = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
"""Whose residents Directive (EU) 2021/514 (DAC7) reports. For personal services it knows no least sum."""


class YearNotOver(Refused):
    """The year is not over yet; a draft can be had."""

    code = "year_not_over"


class ThresholdUnknown(Refused):
    """Nobody has entered the threshold of that year yet."""

    code = "threshold_unknown"


@dataclass(frozen=True, slots=True)
class Payee:
    """A worker with what they earned in one currency, by quarter."""

    worker: Worker
    currency: str
    quarters: dict[int, EarnedInQuarter]

    @property
    def earned(self) -> Money:
        """The whole year's."""
        return Money(sum(each.earned_minor for each in self.quarters.values()), self.currency)


Row = list[str]

PERSON: Final = ("worker", "legal_name", "address", "birth_date", "tax_id", "country", "missing")
US_HEADER: Final = ("year", "draft", *PERSON, "nonemployee_compensation", "currency")
EU_HEADER: Final = (
    *("year", "draft", *PERSON, "currency"),
    *(f"{what}_q{quarter}" for quarter in (1, 2, 3, 4) for what in ("consideration", "activities", "fees")),
)


def us_1099_nec(*, year: int, by: User, draft: bool = False) -> Iterator[Row]:
    """Rows for each payee in the United States at or above the year's threshold.

    What was paid in other currencies than USD stands in rows of its own, to be converted, whatever its sum. Raises
    Invalid, YearNotOver, or ThresholdUnknown.
    """
    _check(year, draft=draft)
    if year not in US_THRESHOLDS_MINOR:
        raise ThresholdUnknown(f"The threshold of {year} is not known here. Known: up to {max(US_THRESHOLDS_MINOR)}.")
    least = US_THRESHOLDS_MINOR[year]
    payees = [
        payee
        for payee in _payees(year, countries={"US"})
        if payee.earned.minor > 0 and (payee.currency != "USD" or payee.earned.minor >= least)
    ]
    _tell("us_1099_nec", year, payees, by=by, draft=draft)
    return _rows(year, payees, by=by, draft=draft, sums=lambda payee: [plain_amount(payee.earned), payee.currency])


def eu_dac7(*, year: int, by: User, draft: bool = False) -> Iterator[Row]:
    """Rows for each payee in the European Union who earned anything. Raises Invalid or YearNotOver."""
    _check(year, draft=draft)
    payees = [payee for payee in _payees(year, countries=EUROPEAN_UNION) if payee.quarters]
    _tell("eu_dac7", year, payees, by=by, draft=draft)
    return _rows(year, payees, by=by, draft=draft, sums=_by_quarter)


def _check(year: int, *, draft: bool) -> None:
    now = clock.now()
    if not FIRST_YEAR <= year <= now.year:
        message = f"There is no report of {year}. Possible: {FIRST_YEAR} to {now.year}."
        raise Invalid(message, [{"field": "year", "message": message}])
    if not draft and not Month(year, 12).is_closed:
        raise YearNotOver(f"{year} is not closed yet. Ask for a draft, which holds no identities.")


def _payees(year: int, *, countries: Iterable[str]) -> list[Payee]:
    found: dict[tuple[str, str], dict[int, EarnedInQuarter]] = {}
    for earned in earned_in(year):
        found.setdefault((earned.owner, earned.currency), {})[earned.quarter] = earned
    ids = {UUID(owner.partition(":")[2]) for owner, _ in found if owner.startswith("worker:")}
    workers = Worker.objects.filter(pk__in=ids, country__in=list(countries)).select_related("user").order_by("pk")
    of = {worker.billing_owner: worker for worker in workers}
    return [Payee(of[owner], currency, quarters) for (owner, currency), quarters in found.items() if owner in of]


@transaction.atomic
def _tell(form: str, year: int, payees: list[Payee], *, by: User, draft: bool) -> None:
    """The export is told before anything of it is handed out."""
    told = {"form": form, "year": year, "rows": len(payees), "draft": draft}
    record(action="tax_report.exported", subject=by, by=Actor.user(by), details=told)


def _rows(year: int, payees: list[Payee], *, by: User, draft: bool, sums: Callable[[Payee], Row]) -> Iterator[Row]:
    for payee in payees:
        unread = ["", "", "", "", payee.worker.country, "a draft reads no identity"]
        who = unread if draft else _identity_of(payee.worker, by=by)
        yield [str(year), "draft" if draft else "", str(payee.worker.pk), *who, *sums(payee)]


def _identity_of(worker: Worker, *, by: User) -> Row:
    wanted = [IdentityField.TAX_ID, IdentityField.TAX_COPY]
    try:
        read = read_identity(worker_id=worker.pk, purpose=Purpose.TAX_REPORT, fields=wanted, by=Actor.user(by))
    except (NotGiven, KeyDestroyed) as missing:
        return ["", "", "", "", worker.country, missing.message]
    copy = json.loads(read.values[IdentityField.TAX_COPY])
    person = [copy["legal_name"], copy["address"], copy["birth_date"], read.values[IdentityField.TAX_ID]]
    return [*person, copy["country"], ""]


def _by_quarter(payee: Payee) -> Row:
    row = [payee.currency]
    for quarter in (1, 2, 3, 4):
        earned = payee.quarters.get(quarter)
        paid, fees = (earned.earned_minor, earned.fees_minor) if earned else (0, 0)
        consideration, taken = (plain_amount(Money(minor, payee.currency)) for minor in (paid, fees))
        row += [consideration, str(earned.activities if earned else 0), taken]
    return row
