"""The floor on hourly pay: no job is launched below it, and who earned less for their time is paid the rest, once."""

import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.models import LedgerAccount, Posting
from billing.services import ledger
from billing.services.ledger import InsufficientFunds
from kernel import clock
from kernel.errors import Invalid
from kernel.services.audit import Actor
from marketplace.models import Assignment, Band, Escalation, Heartbeat, Job, Lift, PayFloor
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.importing import import_tasks
from marketplace.services.pay_floors import FloorTaken, PayBelowFloor, TimeUnknown, floor_of, reward_for, set_pay_floor
from marketplace.services.pay_lifts import lift_pay
from marketplace.services.posting import launch_job, resume_job
from marketplace.services.pricing import AskedPrice
from marketplace.services.settlement import accept_due_assignments
from tests.billing.builders import a_funding
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import a_client, a_draft, a_worker, answer, available, earned, owner_of
from tests.qualification.builders import a_user
from workforce.models import Worker

pytestmark = pytest.mark.django_db

PRICE = 12  # a reward of 10 and a fee of 2


def a_floor(hourly_minor: int, *, country: str = "", currency: str = "USD", **asked: Any) -> PayFloor:
    by = a_user(is_staff=True)
    return set_pay_floor(country=country, currency=currency, hourly_minor=hourly_minor, by=by, **asked)


def a_job_of(tasks: int, **order: Any) -> Job:
    """An open job of which each answer is thought to take 30 seconds: 10 cents for it are 12.00 an hour."""
    draft = a_draft(tasks=tasks, **{"overlap_min": 1, "overlap_max": 1, "guess_seconds": 30, **order})
    return launch_job(job_id=draft.pk, by=owner_of(draft.client))


def works(job: Job, *seconds: float, worker: Worker | None = None) -> Worker:
    """Somebody answers in ``job``, taking so long for each, and is accepted and paid."""
    worker = worker or a_worker(job)
    for each in seconds:
        turn = claim_task(worker=worker, job_id=job.pk)
        with clock.ahead_by(timedelta(seconds=each)):
            answer(turn)
    with clock.ahead_by(timedelta(hours=1)):
        accept_due_assignments()
    return worker


def takes(turn_seconds: float, times: int) -> list[float]:
    return [turn_seconds] * times


def reserve_of(job: Job) -> int:
    return ledger.balance(LedgerAccount.Kind.PAY_RESERVE, job.billing_owner, job.currency).minor


def test_without_a_floor_nothing_is_set_aside_and_any_price_will_do() -> None:
    job = a_job_of(3, guess_seconds=3600)

    assert (reserve_of(job), available(job.client)) == (0, 1_000_000 - 3 * PRICE)


def test_what_time_is_worth_is_reckoned_in_whole_numbers() -> None:
    assert [reward_for(seconds, 12_000) for seconds in (0.1 * 3, 0.301, 0.0)] == [1, 2, 0]


def test_an_estimate_says_what_a_launch_sets_aside_to_lift_pay_and_what_is_missing_with_it() -> None:
    a_floor(1200)
    client = a_client(funds_minor=100)
    draft = a_draft(client=client, tasks=8, overlap_min=1, overlap_max=1, guess_seconds=30)

    told = Person(owner_of(client)).get(f"jobs/{draft.pk}/estimate/")[1]

    assert [told[name] for name in ("worst_cost_minor", "reserve_minor", "missing_minor")] == [8 * PRICE, 10, 6]
    with pytest.raises(InsufficientFunds):
        launch_job(job_id=draft.pk, by=owner_of(client))
    a_funding(client.billing_owner, 106)
    job = launch_job(job_id=draft.pk, by=owner_of(client))
    told = Person(owner_of(client)).get(f"jobs/{draft.pk}/estimate/")[1]
    assert (reserve_of(job), told["reserve_minor"], told["missing_minor"]) == (10, 0, 0)


def test_a_job_below_the_floor_on_its_estimate_stays_a_draft_and_is_told_which_reward_would_do() -> None:
    a_floor(1201)
    client = a_client()

    with pytest.raises(PayBelowFloor) as refusal:
        a_job_of(3, client=client)

    assert "0.11 USD or more would do" in str(refusal.value)
    assert refusal.value.details == {
        "reward_minor": 10,
        "needed_reward_minor": 11,
        "hourly_floor_minor": 1201,
        "currency": "USD",
        "country": "",
        "expected_seconds": 30.0,
    }
    assert (Job.objects.get().state, available(client)) == ("draft", 1_000_000)
    assert a_job_of(3, client=client, reward_minor=11).state == "open"


def test_work_of_a_band_that_a_launch_had_not_seen_is_held_to_the_floor_as_it_comes() -> None:
    a_floor(1200)
    job = a_job_of(5, prices=(AskedPrice(Band.EASY, 0.0, 9), AskedPrice(Band.HARD, 0.0, 11)))
    by = Actor.user(owner_of(job.client))

    def imported(band: str) -> None:
        row = json.dumps({"item": {"text": f"One that is {band}"}, "band": band})
        import_tasks(job_id=job.pk, stream=BytesIO(row.encode()), format="jsonl", by=by)

    with pytest.raises(PayBelowFloor, match=r"a reward of 0\.09 USD is less than 12\.00 USD an hour"):
        imported("easy")
    assert job.tasks.count() == 5
    imported("hard")
    imported("standard")

    assert job.tasks.count() == 7
    assert check_invariants() == []


def test_where_a_floor_holds_somebody_has_to_say_how_long_an_answer_takes() -> None:
    a_floor(100)

    with pytest.raises(TimeUnknown):
        a_job_of(3, guess_seconds=None)


def test_the_floor_is_the_highest_among_the_countries_of_who_could_work() -> None:
    job = a_draft()
    a_floor(500)
    a_floor(900, country="DE")
    assert (floor_of(job).country, floor_of(job).hourly_minor) == ("", 500)  # type: ignore[union-attr]

    Worker.objects.filter(pk=a_worker(job).pk).update(country="DE")
    assert (floor_of(job).country, floor_of(job).hourly_minor) == ("DE", 900)  # type: ignore[union-attr]
    a_floor(0, country="DE")
    a_floor(0)
    assert floor_of(job) is None


def test_a_floor_that_is_to_come_holds_from_its_day_on() -> None:
    floor = a_floor(900, valid_from=clock.now() + timedelta(days=30))
    job = a_draft()

    assert floor_of(job) is None
    with clock.ahead_by(timedelta(days=30)):
        assert floor_of(job) is not None
    with pytest.raises(FloorTaken):
        a_floor(901, valid_from=floor.valid_from)
    with pytest.raises(Invalid):
        a_floor(901, valid_from=clock.now() - timedelta(days=1))
    with pytest.raises(Invalid):
        a_floor(901, country="XX")


def test_a_reserve_is_held_at_launch_and_goes_back_when_the_job_ends() -> None:
    a_floor(1200)
    job = a_job_of(5, reserve_basis_points=2000)
    assert (reserve_of(job), available(job.client)) == (12, 1_000_000 - 5 * PRICE - 12)
    assert check_invariants() == []

    works(job, *takes(29, 5))
    assert lift_pay() == 0
    assert complete_finished_jobs() == 1

    assert (reserve_of(job), available(job.client)) == (0, 1_000_000 - 5 * PRICE)
    assert check_invariants() == []


def test_who_earned_less_for_their_time_is_lifted_to_the_floor_once_and_to_the_cent() -> None:
    a_floor(1200)
    job = a_job_of(20, reserve_basis_points=5000)
    worker = works(job, *takes(44.5, 5))  # 222.5 seconds are worth 74.17 cents, and 50 were paid

    assert lift_pay() == 1
    assert lift_pay() == 0

    assert (earned(worker), reserve_of(job)) == (75, 120 - 25)
    lift = Lift.objects.get()
    assert (lift.amount_minor, lift.inputs["answers"], lift.inputs["rewards_minor"]) == (25, 5, 50)
    assert 44.5 <= lift.inputs["median_seconds"] < 45
    posting = Posting.objects.get(kind="pay_lifted")
    assert (posting.key, posting.subject) == (f"lift:{lift.pk}", job.billing_owner)
    assert check_invariants() == []
    works(job, *takes(59.5, 5), worker=worker)  # ten of 52 seconds in the middle: 173.33 cents
    assert lift_pay() == 1
    assert earned(worker) == 174
    assert check_invariants() == []


def test_a_job_in_which_nobody_was_paid_lately_is_reckoned_at_night_alone() -> None:
    a_floor(1200)
    job = a_job_of(6, reserve_basis_points=10_000)
    works(job, *takes(60, 5))

    with clock.ahead_by(timedelta(hours=3)):  # nobody lifted pay while something was new
        assert (lift_pay(), lift_pay(everywhere=True), lift_pay(everywhere=True)) == (0, 1, 0)
        a_floor(2400)
        assert (lift_pay(), lift_pay()) == (1, 0)
    assert check_invariants() == []


def test_fewer_than_five_answers_tell_nothing_about_an_hour() -> None:
    a_floor(1200)
    job = a_job_of(20)
    works(job, *takes(300, 4))

    assert lift_pay() == 0


def test_who_dawdles_is_paid_for_twice_the_usual_time_at_most() -> None:
    a_floor(1200)
    job = a_job_of(30, reserve_basis_points=10_000)
    for _ in range(2):
        works(job, *takes(29.5, 5))
    dawdler = works(job, *takes(500, 5))

    assert lift_pay() == 1

    assert earned(dawdler) == 99  # 59 seconds each at 12.00 an hour: 98.33 cents
    assert check_invariants() == []


def test_each_worker_is_held_against_the_floor_of_their_own_country() -> None:
    a_floor(1200)
    a_floor(600, country="PL")
    job = a_job_of(20, reserve_basis_points=5000)
    here, there = works(job, *takes(44.5, 5)), works(job, *takes(44.5, 5))
    Worker.objects.filter(pk=there.pk).update(country="PL")

    lift_pay()

    assert (earned(here), earned(there)) == (75, 50)


def test_a_reserve_that_does_not_suffice_pauses_the_job_until_its_client_fills_it() -> None:
    a_floor(1200)
    client = a_client(funds_minor=20 * PRICE + 12)
    job = a_job_of(20, client=client, reserve_basis_points=500)
    worker = works(job, *takes(44.5, 5))

    assert lift_pay() == 1
    assert lift_pay() == 0

    job.refresh_from_db()
    escalation = Escalation.objects.get(kind="pay_floor")
    assert (job.state, earned(worker), reserve_of(job)) == ("paused", 62, 0)
    assert (escalation.state, escalation.owner, escalation.details["missing_minor"]) == ("open", "finance", 13)
    assert check_invariants() == []
    with pytest.raises(InsufficientFunds):
        resume_job(job_id=job.pk, by=owner_of(client))
    a_funding(client.billing_owner, 100)
    assert resume_job(job_id=job.pk, by=owner_of(client)).state == "open"
    assert lift_pay() == 1
    assert (earned(worker), available(client), reserve_of(job)) == (75, 87, 0)
    assert lift_pay() == 0
    escalation.refresh_from_db()
    assert escalation.state == "withdrawn"
    assert check_invariants() == []


@pytest.mark.parametrize("end", ["cancelled", "completed"])
def test_what_lacks_in_a_reserve_waits_for_nobody_any_more_once_its_job_has_ended(end: str) -> None:
    a_floor(1200)
    client = a_client()
    job = a_job_of(6, client=client, reserve_basis_points=500)
    worker = works(job, *takes(44.5, 5))
    lift_pay()
    escalation = Escalation.objects.get(kind="pay_floor", state="open")
    resume_job(job_id=job.pk, by=owner_of(client))

    if end == "cancelled":
        cancel_job(job_id=job.pk, by=owner_of(client))
    else:
        works(job, 44.5, worker=worker)
        complete_finished_jobs()

    job.refresh_from_db()
    escalation.refresh_from_db()
    assert (job.state, escalation.state, reserve_of(job)) == (end, "withdrawn", 0)
    assert Escalation.objects.filter(state="open").count() == 0
    assert check_invariants() == []


def test_a_job_that_is_cancelled_lifts_pay_first() -> None:
    a_floor(1200)
    job = a_job_of(20, reserve_basis_points=5000)
    worker = works(job, *takes(44.5, 5))

    cancel_job(job_id=job.pk, by=owner_of(job.client))

    assert (earned(worker), reserve_of(job)) == (75, 0)
    assert available(job.client) == 1_000_000 - 5 * PRICE - 25
    assert check_invariants() == []


def test_who_is_paid_after_a_job_was_cancelled_is_lifted_all_the_same() -> None:
    a_floor(1200)
    job = a_job_of(20, reserve_basis_points=5000)
    worker = a_worker(job)
    for _ in range(5):
        turn = claim_task(worker=worker, job_id=job.pk)
        with clock.ahead_by(timedelta(seconds=44.5)):
            answer(turn)

    cancel_job(job_id=job.pk, by=owner_of(job.client))
    assert (earned(worker), reserve_of(job)) == (0, 120)
    assert check_invariants() == []
    with clock.ahead_by(timedelta(hours=1)):
        accept_due_assignments()
        assert check_invariants() == []
        complete_finished_jobs()
        assert check_invariants() == []

    assert (earned(worker), reserve_of(job)) == (75, 0)
    assert available(job.client) == 1_000_000 - 5 * PRICE - 25


def test_floors_are_set_by_finance_and_read_by_everybody() -> None:
    body = {"country": "DE", "currency": "EUR", "hourly_minor": 1282}
    somebody = Person(a_user())

    assert code_of(somebody.post("pay-floors/", body)) == (403, "not_allowed")
    status, floor = an_admin().post("pay-floors/", body)
    assert (status, floor["country"], floor["hourly_minor"]) == (201, "DE", 1282)
    assert somebody.every("pay-floors/") == [floor]


def test_heartbeats_are_counted_while_a_turn_is_active_and_not_faster_than_every_five_seconds() -> None:
    job = a_job_of(2)
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    worker, other = Person(turn.worker.user), Person(a_worker(job).user)
    at = f"assignments/{turn.pk}/heartbeat/"

    assert [worker.post(at)[0] for _ in range(3)] == [204] * 3
    assert code_of(other.post(at)) == (404, "not_found")
    with clock.ahead_by(timedelta(seconds=6)):
        worker.post(at)
        answer(turn)
        assert code_of(worker.post(at)) == (409, "wrong_state")

    assert Heartbeat.objects.get().beats == 2
    assert Assignment.objects.get(pk=turn.pk).annotation.seconds > 6


def test_the_database_keeps_floors_and_lifts_as_they_are() -> None:
    a_floor(1200)
    job = a_job_of(20, reserve_basis_points=5000)
    works(job, *takes(44.5, 5))
    lift_pay()
    for statement in (
        "UPDATE marketplace_payfloor SET hourly_minor = 1",
        "DELETE FROM marketplace_payfloor",
        "UPDATE marketplace_lift SET amount_minor = 1",
        "DELETE FROM marketplace_lift",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
