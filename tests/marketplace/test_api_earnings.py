"""What workers see of their money: what waits, what is held, what is there, and months that add up to the ledger."""

import csv
from datetime import timedelta

import pytest

from billing.services.payouts import request_payout
from kernel import clock
from kernel.months import Month, month_of
from kernel.services.audit import Actor
from marketplace.models import Assignment, Job
from marketplace.services.review import accept_assignment, reject_assignment
from tests.billing.builders import a_ready_account, earn, usd
from tests.marketplace.api_people import Person, code_of, somebody
from tests.marketplace.builders import a_submitted_answer, a_worker, an_open_job, earned, owner_of
from tests.workforce.people import a_worker as approved
from workforce.models import Worker

pytestmark = [pytest.mark.django_db]

NOTHING = dict.fromkeys(
    (
        "pending_minor",
        "pending_answers",
        "held_minor",
        "held_answers",
        "available_minor",
        "in_flight_minor",
        "paid_out_minor",
    ),
    0,
)


def three_answers() -> tuple[Worker, Job, list[Assignment]]:
    """A worker who has answered three tasks at 300 cents each."""
    job = an_open_job(tasks=3, overlap_min=1, overlap_max=1, reward_minor=300, accept_on_resolution=False)
    worker = a_worker(job)
    return worker, job, [a_submitted_answer(job, worker=worker) for _ in range(3)]


def test_earnings_show_what_waits_what_is_held_and_what_is_there() -> None:
    worker, job, (accepted, rejected, _) = three_answers()
    person, client = Person(worker.user), owner_of(job.client)
    a_ready_account(worker.billing_owner)
    assert Person(approved().user).get("earnings/") == (200, {"balances": []})

    accept_assignment(assignment_id=accepted.pk, by=client)
    reject_assignment(assignment_id=rejected.pk, reason="wrong", message="This is a dog and not a cat.", by=client)
    request_payout(owner=worker.billing_owner, amount=usd(100), by=Actor.user(worker.user))

    has = {"currency": "USD", **NOTHING, "available_minor": 200, "in_flight_minor": 100}
    waiting = {"pending_minor": 300, "pending_answers": 1, "held_minor": 300, "held_answers": 1}
    assert person.get("earnings/") == (200, {"balances": [{**has, **waiting}]})

    with clock.ahead_by(timedelta(days=8)):  # it cannot be reversed any more
        later = Person(worker.user).get("earnings/")
    assert later == (200, {"balances": [{**has, "pending_minor": 300, "pending_answers": 1}]})


def test_each_change_is_told_with_its_job_and_why_page_by_page() -> None:
    worker, job, (first, *_) = three_answers()
    person = Person(worker.user)
    a_ready_account(worker.billing_owner)
    accept_assignment(assignment_id=first.pk, by=owner_of(job.client))
    payout = request_payout(owner=worker.billing_owner, amount=usd(100), by=Actor.user(worker.user))

    status, page = person.get("earnings/statement/", limit=1)
    assert (status, len(page["results"])) == (200, 1)
    lines = [
        {name: line[name] for name in line if name not in ("id", "at")} for line in person.every("earnings/statement/")
    ]

    assert lines == [
        {
            "kind": "payout_requested",
            "explanation": "Set aside to be paid out to you.",
            "subject": f"payout:{payout.pk}",
            "job": None,
            "job_title": "",
            "change_minor": -100,
            "currency": "USD",
        },
        {
            "kind": "work_paid",
            "explanation": "Your answer in “Animals” was accepted.",
            "subject": f"assignment:{first.pk}",
            "job": str(job.pk),
            "job_title": "Animals",
            "change_minor": 300,
            "currency": "USD",
        },
    ]


def test_months_follow_each_other_and_end_at_what_the_ledger_holds() -> None:
    worker = approved()
    a_ready_account(worker.billing_owner)
    this = month_of(clock.now())
    with clock.ahead_by(this.before.begins_at - clock.now()):
        earn(worker.billing_owner, 5_000)
    earn(worker.billing_owner, 700)
    request_payout(owner=worker.billing_owner, amount=usd(2_000), by=Actor.user(worker.user))
    person = Person(worker.user)

    before, now = (person.get(f"earnings/statements/{month}/")[1] for month in (this.before, this))

    sums = [
        [month["currencies"][0][f"{name}_minor"] for name in ("opening", "added", "taken", "closing")]
        for month in (before, now)
    ]
    assert sums == [[0, 5_000, 0, 5_000], [5_000, 700, 2_000, 3_700]]
    assert [[line["change_minor"] for line in month["currencies"][0]["lines"]] for month in (before, now)] == [
        [5_000],
        [700, -2_000],
    ]
    assert earned(worker) == 3_700
    assert (now["month"], now["is_closed"]) == (str(this), False)


def test_a_month_comes_as_a_file_too() -> None:
    worker, job, (first, *_) = three_answers()
    job.title = "=HYPERLINK(1)"
    job.save(update_fields=["title"])
    accept_assignment(assignment_id=first.pk, by=owner_of(job.client))

    lines = Person(worker.user).download(f"earnings/statements/{month_of(clock.now())}/csv/")
    rows = list(csv.DictReader(line.decode() for line in lines))

    assert [(row["job_title"], row["change"], row["change_minor"], row["currency"]) for row in rows] == [
        ("'=HYPERLINK(1)", "3.00", "300", "USD")
    ]


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "202611", "1999-12", "9999-01", "٢٠٢٦-١١", "2026-11-01"])
def test_what_is_no_month_is_refused(month: str) -> None:
    person = Person(approved().user)

    assert code_of(person.get(f"earnings/statements/{month}/")) == (400, "invalid")
    assert code_of(person.get(f"earnings/statements/{month}/csv/")) == (400, "invalid")


def test_a_month_that_has_not_begun_is_refused() -> None:
    ahead = month_of(clock.now()).next

    status, said = Person(approved().user).get(f"earnings/statements/{ahead}/")

    assert (status, said["message"]) == (
        400,
        f"{ahead} has not begun yet. The present month is {month_of(clock.now())}.",
    )


def test_who_is_no_worker_has_no_statements() -> None:
    assert code_of(somebody().get(f"earnings/statements/{Month(2026, 1)}/")) == (403, "not_allowed")
