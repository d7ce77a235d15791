"""Jobs that were launched before their money came: they open when it does, the oldest first."""

from collections.abc import Iterator

import pytest

from billing.services.credits import grant_credit
from kernel.models import AuditEvent, OutboxMessage
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.models import Client, Escalation, Job, Slot
from marketplace.services.awaiting_funds import recall_job, start_funded_jobs
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.escalations import open_escalation
from marketplace.services.noted_matters import note_matter
from marketplace.services.posting import launch_job
from marketplace.services.repricing import reprice_job
from tests.billing.builders import a_funding
from tests.billing.flows import run_relay
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.breaking import sql
from tests.marketplace.builders import a_client, a_draft, a_share, a_worker, an_open_job, available, held, owner_of
from tests.marketplace.test_money_pages import page_of
from tests.marketplace.test_pay_floor import a_floor
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _all_is_well_afterwards() -> Iterator[None]:
    yield
    assert check_invariants() == []


def a_waiting_job(client: Client, **asked: int) -> Job:
    job = a_draft(client=client, reward_minor=100, **asked)  # type: ignore[arg-type]  # terms of an order
    return launch_job(job_id=job.pk, by=owner_of(client), when_funded=True)


def states(*jobs: Job) -> list[str]:
    return [str(Job.objects.get(pk=job.pk).state) for job in jobs]


def test_a_job_without_its_money_waits_and_is_shown_to_no_worker() -> None:
    job = a_draft(client=a_client(funds_minor=359), reward_minor=100)
    client = Person(owner_of(job.client))

    assert code_of(client.post(f"jobs/{job.pk}/launch/")) == (409, "insufficient_funds")
    status, shown = client.post(f"jobs/{job.pk}/launch/", {"when_funded": True})

    assert (status, shown["state"], shown["launched_at"]) == (200, "awaiting_funds", None)
    assert shown["awaits_since"] is not None
    assert (held(job), available(job.client), Slot.objects.count()) == (0, 359, 0)
    worker = Person(a_worker(job).user)
    assert code_of(worker.get(f"jobs/{job.pk}/")) == (404, "not_found")
    assert code_of(worker.post("assignments/", {"job": str(job.pk)})) == (404, "not_found")


def test_a_job_whose_money_is_there_opens_at_once_when_it_would_have_waited() -> None:
    assert states(a_waiting_job(a_client(funds_minor=360))) == ["open"]


def test_a_job_opens_when_the_funding_has_settled() -> None:
    client = a_client(funds_minor=359)
    job = a_waiting_job(client)

    a_funding(client.billing_owner, 1_000)
    run_relay()

    assert (states(job), held(job), available(client)) == (["open"], 360, 999)


def test_waiting_jobs_open_oldest_first_as_far_as_the_money_goes_and_small_ones_do_not_pass() -> None:
    client = a_client(funds_minor=0)
    first, second, third = (a_waiting_job(client, tasks=tasks) for tasks in (1, 3, 1))
    a_funding(client.billing_owner, 360 + 1079)

    assert start_funded_jobs() == 1
    assert states(first, second, third) == ["open", "awaiting_funds", "awaiting_funds"]
    a_funding(client.billing_owner, 100)
    assert start_funded_jobs() == 1
    assert states(first, second, third) == ["open", "open", "awaiting_funds"]


def test_a_job_in_another_currency_or_of_another_client_does_not_wait_for_these() -> None:
    client, other = a_client(funds_minor=0), a_client(funds_minor=0)
    first = a_waiting_job(client, tasks=100)
    yen = a_waiting_job(client, currency="JPY")  # type: ignore[arg-type]
    theirs = a_waiting_job(other)
    a_funding(client.billing_owner, 500, currency="JPY")
    a_funding(other.billing_owner, 500)

    assert start_funded_jobs() == 2
    assert states(first, yen, theirs) == ["awaiting_funds", "open", "open"]


def test_what_an_ended_job_gives_back_opens_the_next() -> None:
    client = a_client(funds_minor=360)
    running = an_open_job(client=client, reward_minor=100)
    waiting = a_waiting_job(client)

    cancel_job(job_id=running.pk, by=owner_of(client))
    run_relay()

    assert states(running, waiting) == ["cancelled", "open"]


def test_a_credit_opens_what_waits_for_it() -> None:
    client = a_client(funds_minor=0)
    job = a_waiting_job(client)

    reason = "Its bank is slow, and we know the client."
    grant_credit(client_owner=client.billing_owner, amount=Money(360, "USD"), reason=reason, by=Actor.system("test"))
    run_relay()

    assert (states(job), held(job), available(client)) == (["open"], 360, 0)


def test_a_job_below_a_raised_floor_does_not_hold_up_its_clients_others() -> None:
    client = a_client(funds_minor=0)
    below = a_waiting_job(client, guess_seconds=3600)
    other = a_waiting_job(client, guess_seconds=10)
    a_floor(1200)

    a_funding(client.billing_owner, 1_000)
    run_relay()

    # The worst case of 3.60, and a tenth of it in reserve.
    assert (states(below, other), available(client)) == (["awaiting_funds", "open"], 1_000 - 360 - 36)


def test_a_job_that_cannot_be_written_says_nothing_of_the_funds_and_is_tried_again() -> None:
    client = a_client(funds_minor=0)
    unwritable, other = a_waiting_job(client), a_waiting_job(client)
    sql(f"ALTER TABLE marketplace_slot ADD CONSTRAINT of_no_use CHECK (job_id <> '{unwritable.pk}')")
    a_funding(client.billing_owner, 720)

    assert (start_funded_jobs(), states(unwritable, other)) == (1, ["awaiting_funds", "open"])

    sql("ALTER TABLE marketplace_slot DROP CONSTRAINT of_no_use")
    assert (start_funded_jobs(), states(unwritable, other)) == (1, ["open", "open"])


def told() -> list[str]:
    owed = OutboxMessage.objects.filter(event="NoticeOwed", payload__notice="job_held_up").order_by("pk")
    return [message.payload["detail"] for message in owed]


def test_a_client_is_told_once_what_else_than_funds_holds_up_a_job_that_waits_and_what_would_help() -> None:
    client = a_client(funds_minor=0)
    job = a_waiting_job(client, guess_seconds=3600)
    a_floor(1200)
    person, guest = Person(owner_of(client)), Person(a_user())
    assert guest.user
    a_share(job, guest=guest.user)
    a_funding(client.billing_owner, 10_000)

    assert [start_funded_jobs() for _ in range(3)] == [0, 0, 0]

    because = person.get(f"jobs/{job.pk}/")[1]["held_up_because"]
    assert because.endswith("12.00 USD or more would do.")
    assert told() == [f"{job.title}: {because}"]
    assert AuditEvent.objects.filter(action="job.held_up", subject_id=str(job.pk)).count() == 1
    assert "held_up_because" not in guest.get(f"jobs/{job.pk}/")[1]
    assert because in page_of(owner_of(client), "/money/client/", client=str(client.pk))[1]
    reprice_job(job_id=job.pk, reward_minor=1_200, by=owner_of(client))
    assert (start_funded_jobs(), states(job), len(told())) == (1, ["open"], 1)
    assert person.get(f"jobs/{job.pk}/")[1]["held_up_because"] == ""


def test_a_client_is_not_told_again_when_what_holds_a_job_up_is_put_in_other_numbers() -> None:
    client = a_client(funds_minor=0)
    job = a_waiting_job(client, guess_seconds=3600)
    a_floor(1200)
    start_funded_jobs()
    a_floor(1300)

    start_funded_jobs()

    job.refresh_from_db()
    assert job.held_up_because.endswith("13.00 USD or more would do.")
    assert [detail.endswith("12.00 USD or more would do.") for detail in told()] == [True]


def test_a_job_that_waits_is_held_up_by_a_dispute_until_an_admin_has_looked_and_says_so() -> None:
    client = a_client(funds_minor=0)
    job = a_waiting_job(client)
    matter = open_escalation(
        kind=Escalation.Kind.DISPUTE, by=Actor.system("test"), why="disputed", details={"client": str(client.pk)}
    )
    a_funding(client.billing_owner, 360)

    assert (start_funded_jobs(), start_funded_jobs()) == (0, 0)

    job.refresh_from_db()
    assert job.held_up_because.startswith("The payer's bank has taken a payment of this client's back.")
    assert told() == [f"{job.title}: {job.held_up_because}"]
    note_matter(escalation_id=matter.pk, note="We talked to them.", by=a_user(is_staff=True))
    assert (start_funded_jobs(), states(job)) == (1, ["open"])


def test_what_no_longer_holds_a_job_up_is_not_said_any_more_while_its_funds_are_missing() -> None:
    client = a_client(funds_minor=0)
    job = a_waiting_job(client, guess_seconds=3600)
    a_floor(1200)
    start_funded_jobs()
    a_floor(0)

    start_funded_jobs()

    job.refresh_from_db()
    assert (job.state, job.held_up_because, len(told())) == ("awaiting_funds", "", 1)
    a_floor(1200)
    start_funded_jobs()
    recall_job(job_id=job.pk, by=owner_of(client))
    job.refresh_from_db()
    assert (job.state, job.held_up_because, len(told())) == ("draft", "", 2)


def test_a_waiting_job_can_be_recalled_or_cancelled_and_then_money_opens_it_no_more() -> None:
    client = a_client(funds_minor=0)
    recalled, cancelled = a_waiting_job(client), a_waiting_job(client)

    recall_job(job_id=recalled.pk, by=owner_of(client))
    cancel_job(job_id=cancelled.pk, by=owner_of(client))
    a_funding(client.billing_owner, 1_000)

    assert start_funded_jobs() == 0
    assert states(recalled, cancelled) == ["draft", "cancelled"]
    assert available(client) == 1_000
    person = Person(owner_of(client))
    assert code_of(person.post(f"jobs/{recalled.pk}/recall/")) == (409, "wrong_state")
