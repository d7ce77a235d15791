"""Tax reports: who is in them, with which sums, and that each identity is read once, for them, with an event."""

import csv
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from billing.models import Posting
from billing.services import escrow, ledger
from kernel import clock
from kernel.models import AuditEvent, User
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.services.tax_reports import US_THRESHOLDS_MINOR
from tests.billing.builders import a_client, a_job, a_number, usd
from tests.kernel.people import a_user, browser_of, error_of, made_admin
from tests.workforce.people import a_worker
from workforce.models import Worker
from workforce.services.identity import store_tax_id

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def earned(worker: Worker, minor: int, *, day: datetime, fee: int = 0) -> Posting:
    """Pay the worker for one piece of work on that day."""
    with clock.ahead_by(day - clock.now()):
        job = a_job(a_client(minor + fee), minor + fee)
        owner = worker.billing_owner
        return escrow.pay(
            job_owner=job, worker_owner=owner, reward=usd(minor), fee=Money(fee, "USD"), key=f"pay:{a_number()}"
        )


def day(month: int, *, year: int = 2025) -> datetime:
    return datetime(year, month, 15, 12, tzinfo=UTC)


def finance() -> User:
    return made_admin(a_user(), "finance")


def report(by: User, path: str) -> list[dict[str, str]]:
    answer: Any = fresh(by).get(f"/api/v1/tax-reports/{path}")
    assert answer.status_code == 200, answer.json()
    return list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))


def fresh(by: User) -> APIClient:
    """Somebody who has just shown a second factor."""
    return browser_of(by)


def with_tax_id(country: str, tax_id: str = "12-3456789") -> Worker:
    worker = a_worker(country=country)
    store_tax_id(worker_id=worker.pk, tax_id=tax_id, by=Actor.user(worker.user))
    return worker


def test_payees_in_the_united_states_are_reported_from_the_threshold_of_the_year_on() -> None:
    least = US_THRESHOLDS_MINOR[2025]
    at, below, abroad = with_tax_id("US"), with_tax_id("US", "98-7654321"), with_tax_id("DE", "DE123456")
    for worker, minor in ((at, least), (below, least - 1), (abroad, least)):
        earned(worker, minor, day=day(3))
    earned(below, 5_000, day=day(12, year=2024))
    by = finance()

    (row,) = report(by, "1099-nec/2025/")

    assert (least, US_THRESHOLDS_MINOR[2026]) == (60_000, 200_000)
    assert {name: row[name] for name in ("worker", "tax_id", "country", "nonemployee_compensation", "missing")} == {
        "worker": str(at.pk),
        "tax_id": "123456789",
        "country": "US",
        "nonemployee_compensation": "600.00",
        "missing": "",
    }
    assert row["legal_name"]
    read = AuditEvent.objects.filter(action="identity.read", actor_id=str(by.pk))
    assert [(event.subject_id, event.why) for event in read] == [(str(at.pk), "tax_report")]
    (told,) = AuditEvent.objects.filter(action="tax_report.exported")
    assert told.details == {"form": "us_1099_nec", "year": 2025, "rows": 1, "draft": False}
    assert told.at <= read.get().at


def test_payees_in_the_european_union_are_reported_quarter_by_quarter() -> None:
    worker, without = with_tax_id("DE", "DE123456"), a_worker(country="FR")
    earned(worker, 300, day=day(1), fee=60)
    earned(worker, 200, day=day(2), fee=40)
    undone = earned(worker, 500, day=day(5), fee=100)
    earned(worker, 700, day=day(6))
    with clock.ahead_by(day(7) - clock.now()):
        ledger.reverse(posting_key=undone.key, key=f"reversal:{undone.key}")
    earned(without, 100, day=day(12))

    rows = {row["worker"]: row for row in report(finance(), "dac7/2025/")}

    assert [
        rows[str(worker.pk)][f"{what}_q{q}"] for what in ("consideration", "activities", "fees") for q in (1, 2, 3)
    ] == [
        *("5.00", "12.00", "-5.00"),
        *("2", "2", "-1"),
        *("1.00", "1.00", "-1.00"),
    ]
    assert rows[str(worker.pk)]["birth_date"]
    assert rows[str(without.pk)]["missing"] == "This worker has given no tax id yet."
    assert rows[str(without.pk)]["consideration_q4"] == "1.00"


def test_this_year_is_to_be_had_as_a_draft_without_identities() -> None:
    this = clock.now().year
    worker = with_tax_id("DE", "DE123456")
    earned(worker, 300, day=clock.now())
    by = finance()

    assert error_of(fresh(by).get(f"/api/v1/tax-reports/dac7/{this}/")) == (409, "year_not_over")
    (row,) = report(by, f"dac7/{this}/?draft=true")

    assert (row["draft"], row["legal_name"], row["tax_id"]) == ("draft", "", "")
    assert not AuditEvent.objects.filter(action="identity.read", actor_id=str(by.pk)).exists()


def test_a_year_is_to_be_had_once_nothing_is_written_into_it_any_more() -> None:
    this, by = clock.now().year, finance()
    end = datetime(this + 1, 1, 1, tzinfo=UTC)

    with clock.ahead_by(end + timedelta(minutes=30) - clock.now()):
        assert error_of(fresh(by).get(f"/api/v1/tax-reports/dac7/{this}/")) == (409, "year_not_over")
    with clock.ahead_by(end + timedelta(minutes=61) - clock.now()):
        assert report(by, f"dac7/{this}/") == []


@pytest.mark.parametrize("year", [0, 1999, 2019, 9999, 10**30])
def test_what_is_no_year_of_ours_is_refused(year: int) -> None:
    by = fresh(finance())

    assert error_of(by.get(f"/api/v1/tax-reports/dac7/{year}/")) == (400, "invalid")
    assert error_of(by.get(f"/api/v1/tax-reports/1099-nec/{year}/")) == (400, "invalid")


def test_a_year_whose_threshold_nobody_knows_is_refused() -> None:
    ahead = datetime(2028, 2, 1, tzinfo=UTC)
    with clock.ahead_by(ahead - clock.now()):
        refused = error_of(fresh(finance()).get("/api/v1/tax-reports/1099-nec/2027/"))

    assert refused == (409, "threshold_unknown")


def test_only_finance_takes_them_and_in_person() -> None:
    for user in (a_worker().user, made_admin(a_user(), "auditor"), made_admin(a_user(), "certification")):
        assert error_of(fresh(user).get("/api/v1/tax-reports/dac7/2025/")) == (403, "not_allowed")
