"""What a client learns of a job before it is launched: how long an answer takes, and what that rests on."""

from datetime import timedelta

import pytest

from kernel import clock
from marketplace.models import Band, Job
from marketplace.services.allocation import claim_task
from marketplace.services.pricing import AskedPrice
from marketplace.services.working_times import WorkingTime, expected_seconds
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_client, a_draft, a_worker, an_open_job, answer, owner_of, with_tasks

pytestmark = pytest.mark.django_db


def answered_in(job: Job, *seconds: int) -> None:
    """Answers of workers who took so long."""
    for each in seconds:
        turn = claim_task(worker=a_worker(job), job_id=job.pk)
        with clock.ahead_by(timedelta(seconds=each)):
            answer(turn)


def rounded(found: WorkingTime | None) -> tuple[int, int, int, str, int]:
    assert found is not None
    return (
        round(found.low_seconds),
        round(found.expected_seconds),
        round(found.high_seconds),
        found.basis,
        found.answers,
    )


def test_nobody_decides_what_stays_unsure_where_the_client_takes_the_label_in_front() -> None:
    def escalations(when_unsure: str) -> list[int]:
        job = a_draft(tasks=100, confidence_basis_points=9900, when_unsure=when_unsure)
        estimate = Person(owner_of(job.client)).get(f"jobs/{job.pk}/estimate/")[1]
        return [estimate[case]["escalations"] for case in ("low", "expected", "high")]

    assert min(escalations("escalate")) > 0
    assert escalations("resolve") == [0, 0, 0]


def test_without_answers_and_without_a_guess_nothing_is_said_of_time() -> None:
    assert expected_seconds(a_draft()) is None


def test_a_guess_ranges_from_half_of_it_to_twice_and_one_given_now_goes_before_that_of_the_order() -> None:
    job = a_draft(guess_seconds=20)

    assert expected_seconds(job) == WorkingTime(10.0, 20.0, 40.0, "guess", 0)
    assert expected_seconds(job, guess_seconds=30) == WorkingTime(15.0, 30.0, 60.0, "guess", 0)


def test_measured_times_go_before_a_guess_with_their_median_and_quartiles() -> None:
    job = an_open_job(tasks=5, overlap_min=1, overlap_max=1, guess_seconds=500)

    answered_in(job, 10, 20, 30, 40)
    assert rounded(expected_seconds(job)) == (250, 500, 1000, "guess", 0)
    answered_in(job, 50)
    assert rounded(expected_seconds(job)) == (20, 30, 40, "own_answers", 5)


def test_a_job_without_answers_is_expected_to_take_as_long_as_the_clients_earlier_ones_of_the_same_skill() -> None:
    client = a_client()
    earlier = an_open_job(client=client, tasks=5, overlap_min=1, overlap_max=1)
    answered_in(earlier, 10, 20, 30, 40, 50)

    same_skill = a_draft(client=client, skill=earlier.skill)
    assert rounded(expected_seconds(same_skill)) == (20, 30, 40, "earlier_jobs", 5)
    assert expected_seconds(a_draft(client=client)) is None
    assert expected_seconds(a_draft(skill=earlier.skill)) is None


def test_an_estimate_says_cost_working_time_and_pay_by_the_hour_and_what_time_rests_on() -> None:
    prices = (AskedPrice(Band.HARD, 0.0, 20), AskedPrice(Band.HARD, 0.9, 30))
    job = a_draft(tasks=0, reward_minor=10, overlap_min=1, overlap_max=1, prices=prices, guess_seconds=60)
    with_tasks(job, "easy", "hard", "hard", "hard")
    client = Person(owner_of(job.client))

    _, shown = client.get(f"jobs/{job.pk}/estimate/")

    assert [shown[case]["cost_minor"] for case in ("low", "expected", "high")] == [84, 84, 12 + 3 * 36]
    assert [shown[case]["work_seconds"] for case in ("low", "expected", "high")] == [120, 240, 480]
    assert shown["time"] == {
        "basis": "guess",
        "answers": 0,
        "low_seconds": 30.0,
        "expected_seconds": 60.0,
        "high_seconds": 120.0,
    }
    # 10 cents in two minutes; 70 cents for four tasks of a minute; 30 cents in half a minute.
    assert shown["hourly_pay"] == {"low_minor": 300, "expected_minor": 1050, "high_minor": 3600}
    assert (shown["worst_cost_minor"], shown["fee_basis_points"]) == (12 + 3 * 36, 2000)

    status, guessed = client.get(f"jobs/{job.pk}/estimate/", guess_seconds=30)
    assert status == 200, guessed
    assert [guessed["time"]["expected_seconds"], guessed["hourly_pay"]["expected_minor"]] == [30.0, 2100]


def test_without_times_an_estimate_says_only_what_it_costs() -> None:
    job = a_draft()

    _, shown = Person(owner_of(job.client)).get(f"jobs/{job.pk}/estimate/")

    assert (shown["time"], shown["hourly_pay"], shown["expected"]["work_seconds"]) == (None, None, None)
