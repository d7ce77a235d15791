"""A job that runs: other prices for later claims, more tasks, more money aside; never a turn without its money."""

from collections.abc import Iterator

import pytest

from billing.services.ledger import InsufficientFunds
from marketplace.models import Band, Job, Price, Slot
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.expiry import return_assignment
from marketplace.services.pay_floors import PayBelowFloor, set_pay_floor
from marketplace.services.posting import launch_job
from marketplace.services.pricing import AskedPrice
from marketplace.services.repricing import reprice_job, set_more_aside
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    held,
    owner_of,
    with_tasks,
)
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _all_is_well_afterwards() -> Iterator[None]:
    yield
    assert check_invariants() == []


def repriced(job: Job, reward_minor: int, *prices: AskedPrice) -> Job:
    return reprice_job(job_id=job.pk, reward_minor=reward_minor, prices=prices, by=owner_of(job.client))


def test_what_was_claimed_keeps_its_price_and_later_claims_bear_the_new_one() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=2, reward_minor=10)
    before = claim_task(worker=a_worker(job), job_id=job.pk)

    repriced(job, 15)

    after = claim_task(worker=a_worker(job), job_id=job.pk)
    assert [(turn.reward_minor, turn.fee_minor) for turn in (before, after)] == [(10, 2), (15, 3)]
    answer(before)
    answer(after)
    accept_due_assignments()
    assert [earned(turn.worker) for turn in (before, after)] == [10, 15]


def test_a_raise_sets_the_difference_aside_for_turns_that_are_not_answered_yet() -> None:
    job = an_open_job(tasks=2, overlap_min=2, overlap_max=3, reward_minor=10)
    answer(claim_task(worker=a_worker(job), job_id=job.pk))
    claim_task(worker=a_worker(job), job_id=job.pk)
    before = available(job.client)

    repriced(job, 15)

    assert held(job) == 1 * 12 + 5 * 18
    assert before - available(job.client) == 5 * (18 - 12)


def test_a_raise_that_cannot_be_paid_changes_nothing_and_says_what_is_missing() -> None:
    job = an_open_job(client=a_client(funds_minor=100), tasks=2, overlap_min=1, overlap_max=3, reward_minor=10)

    with pytest.raises(InsufficientFunds) as refusal:
        repriced(job, 15)

    assert refusal.value.details == {
        "account": "client_funds",
        "available_minor": 28,
        "needed_minor": 36,
        "currency": "USD",
    }
    job.refresh_from_db()
    assert (job.price_list, job.reward_minor, held(job), available(job.client)) == (1, 10, 72, 28)
    assert claim_task(worker=a_worker(job), job_id=job.pk).reward_minor == 10


def test_cheaper_prices_give_nothing_back_before_the_end_and_pay_for_a_later_raise() -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=3, reward_minor=10)
    before = available(job.client)

    repriced(job, 5)
    assert (held(job), available(job.client)) == (72, before)
    repriced(job, 10)
    assert (held(job), available(job.client)) == (72, before)

    repriced(job, 5)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    assert (held(job), available(job.client)) == (0, before + 72)


def test_what_early_resolutions_have_freed_goes_towards_a_raise() -> None:
    job = an_open_job(tasks=2, overlap_min=2, overlap_max=3, reward_minor=10)
    first = job.tasks.order_by("external_id")[0]
    for _ in range(2):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[first.pk]))
    before = available(job.client)

    repriced(job, 14)

    assert held(job) == 2 * 12 + 3 * 17
    assert before - available(job.client) == 2 * 12 + 3 * 17 - 72


def test_every_price_list_is_kept_and_numbered() -> None:
    job = an_open_job(reward_minor=10)

    repriced(job, 12, AskedPrice(Band.HARD, 0.0, 30))

    job.refresh_from_db()
    assert (job.price_list, job.reward_minor, job.fee_minor) == (2, 12, 2)
    rows = Price.objects.filter(job=job, min_lower_bound=0.0).order_by("number", "id")
    assert list(rows.values_list("number", "band", "reward_minor")) == [
        (1, "easy", 10),
        (1, "standard", 10),
        (1, "hard", 10),
        (2, "easy", 12),
        (2, "standard", 12),
        (2, "hard", 30),
    ]


def test_the_client_reprices_over_http_and_nobody_reprices_what_has_ended() -> None:
    job = an_open_job(reward_minor=10)
    client = Person(owner_of(job.client))

    status, shown = client.post(f"jobs/{job.pk}/reprice/", {"reward_minor": 12, "prices": []})
    assert (status, shown["reward_minor"], shown["fee_minor"]) == (200, 12, 2)
    assert Person(a_worker(job).user).get(f"jobs/{job.pk}/")[1]["reward_minor"] == 12

    client.post(f"jobs/{job.pk}/cancel/")
    assert code_of(client.post(f"jobs/{job.pk}/reprice/", {"reward_minor": 13})) == (409, "wrong_state")


def test_tasks_that_come_while_the_job_runs_are_offered_at_once_with_their_worst_case_aside() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=3, reward_minor=10)
    worker = a_worker(job)
    answer(claim_task(worker=worker, job_id=job.pk))
    before = available(job.client)

    with_tasks(job, "hard", "hard")

    assert (before - available(job.client), held(job)) == (2 * 3 * 12 - 2 * 12, 12 + 2 * 3 * 12)
    assert Slot.objects.filter(job=job, lane=Slot.Lane.WORK).count() == 2
    assert claim_task(worker=worker, job_id=job.pk).task.band == "hard"


def test_tasks_whose_worst_case_cannot_be_paid_do_not_come_in() -> None:
    job = an_open_job(client=a_client(funds_minor=400), tasks=1, overlap_min=1, overlap_max=3, reward_minor=100)

    with pytest.raises(InsufficientFunds):
        with_tasks(job, "hard")

    assert (job.tasks.count(), Slot.objects.filter(job=job).count(), held(job)) == (1, 1, 360)


def test_gold_is_offered_more_often_when_there_is_more_work() -> None:
    job = a_draft(tasks=0, overlap_min=1, overlap_max=2, gold_share_basis_points=5000)
    launch_job(job_id=with_tasks(job, "easy", gold="easy").pk, by=owner_of(job.client))
    job.refresh_from_db()
    gold = Slot.objects.filter(job=job, lane=Slot.Lane.GOLD).order_by("ordinal")
    assert list(gold.values_list("ordinal", flat=True)) == [1, 2]

    with_tasks(job, "easy", "easy")

    assert list(gold.values_list("ordinal", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert held(job) == (3 * 2 + 6) * 12


def test_money_that_is_set_aside_by_name_pays_for_later_raises_and_comes_back_at_the_end() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, reward_minor=10)
    before = available(job.client)

    status, shown = Person(owner_of(job.client)).post(f"jobs/{job.pk}/escrow/", {"amount_minor": 50})
    assert (status, shown["progress"]["held_minor"]) == (200, 62)
    repriced(job, 20)
    assert (held(job), available(job.client)) == (62, before - 50)

    answer(claim_task(worker=a_worker(job), job_id=job.pk))
    accept_due_assignments()
    complete_finished_jobs()
    assert (held(job), available(job.client)) == (0, before + 12 - 24)


def test_more_is_set_aside_only_for_jobs_that_run_and_only_what_is_there() -> None:
    draft, job = a_draft(), an_open_job(client=a_client(funds_minor=360), reward_minor=100)

    assert code_of(Person(owner_of(draft.client)).post(f"jobs/{draft.pk}/escrow/", {"amount_minor": 1})) == (
        409,
        "wrong_state",
    )
    with pytest.raises(InsufficientFunds):
        set_more_aside(job_id=job.pk, amount_minor=1, by=owner_of(job.client))
    assert held(job) == 360


def test_a_running_job_is_not_repriced_below_the_floor_on_hourly_pay_but_may_come_nearer_to_it() -> None:
    job = an_open_job(reward_minor=10, guess_seconds=60)
    set_pay_floor(country="", currency="USD", hourly_minor=1_200, by=a_user(is_staff=True))

    with pytest.raises(PayBelowFloor) as refusal:
        repriced(job, 9)
    assert refusal.value.details["needed_reward_minor"] == 20
    repriced(job, 11)

    job.refresh_from_db()
    assert (job.price_list, job.reward_minor) == (2, 11)


@pytest.mark.parametrize("price", ["of the job", "of the score"])
def test_a_turn_that_was_claimed_for_less_and_is_given_back_finds_its_price_of_now(price: str) -> None:
    dearer = AskedPrice(band=Band.STANDARD, min_lower_bound=0.99, reward_minor=15)
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, prices=(dearer,) if price == "of the score" else ())
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    if price == "of the job":
        repriced(job, 15)
    else:
        with_tasks(job, "standard")
    before = held(job)

    return_assignment(assignment_id=turn.pk, worker=turn.worker)

    assert (turn.reward_minor, before) == (10, 18 if price == "of the job" else 36)
    assert check_invariants() == []
