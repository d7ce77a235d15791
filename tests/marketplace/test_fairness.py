"""How evenly turns are shared out: two indices, and the turns of a job's week among those who could have had them."""

from datetime import timedelta

import pytest

from kernel import clock
from marketplace.models import Job
from marketplace.queries.fairness import fairness_of
from marketplace.services.allocation import NothingToDo, claim_task
from marketplace.services.eligibility import NotEligible
from marketplace.services.fitting import fit_job
from qualification.statistics.fairness import gini_index, jain_index
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import a_submitted_answer, a_worker, an_open_job, owner_of
from tests.qualification.builders import a_certification

NOTHING = {"workers": 0, "without_a_turn": 0, "turns": 0, "median_turns": 0.0, "most_turns": 0}


@pytest.mark.parametrize(
    ("shares", "jain", "gini"),
    [([5, 5, 5, 5], 1.0, 0.0), ([8, 0, 0, 0], 0.25, 0.75), ([1, 2, 3], 36 / 42, 2 / 9), ([7], 1.0, 0.0)],
)
def test_both_indices_tell_all_alike_from_one_has_all(shares: list[int], jain: float, gini: float) -> None:
    assert jain_index(shares) == pytest.approx(jain)
    assert gini_index(shares) == pytest.approx(gini)


@pytest.mark.parametrize("shares", [[], [0, 0]])
def test_where_there_is_nothing_to_share_there_is_no_index(shares: list[int]) -> None:
    assert (jain_index(shares), gini_index(shares)) == (None, None)


@pytest.mark.django_db
def test_workers_who_were_certified_and_at_work_count_also_those_without_a_turn_here() -> None:
    job = an_open_job(tasks=4, overlap_min=3)
    elsewhere = an_open_job(tasks=2)
    often, once, never = a_worker(job), a_worker(job), a_worker(elsewhere)
    a_certification(never, job.skill)
    a_worker(job)  # certified, and at work nowhere
    for worker in (often, often, often, once):
        a_submitted_answer(job, worker=worker)
    a_submitted_answer(elsewhere, worker=never)

    status, shown = an_admin().get(f"jobs/{job.pk}/fairness/", weeks_ago=0)

    counted = {name: shown[name] for name in NOTHING}
    assert (status, counted) == (
        200,
        {"workers": 3, "without_a_turn": 1, "turns": 4, "median_turns": 1.0, "most_turns": 3},
    )
    assert (shown["jain"], shown["gini"]) == (pytest.approx(16 / 30), pytest.approx(0.5))


@pytest.mark.django_db
def test_who_asked_and_never_got_one_is_shown_and_counts_with_none_though_they_worked_nowhere() -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1)
    quick, late, never = a_worker(job), a_worker(job), a_worker(job)
    for worker in (quick, late):
        a_submitted_answer(job, worker=worker)
    for worker in (late, never, never):
        with pytest.raises(NothingToDo):
            claim_task(worker=worker, job_id=job.pk)
    with pytest.raises(NothingToDo):
        claim_task(worker=never)

    status, shown = an_admin().get(f"jobs/{job.pk}/fairness/", weeks_ago=0)

    counted = {name: shown[name] for name in (*NOTHING, "asked_in_vain", "empty_handed")}
    few = {"workers": 3, "without_a_turn": 1, "turns": 2, "median_turns": 1.0, "most_turns": 1}
    assert (status, counted) == (200, few | {"asked_in_vain": 2, "empty_handed": 1})
    assert shown["jain"] == pytest.approx(2 / 3)


@pytest.mark.django_db
def test_who_asks_under_an_idempotency_key_is_noted_too() -> None:
    first, second = an_open_job(overlap_min=1, overlap_max=1), an_open_job(overlap_min=1, overlap_max=1)
    never = a_worker(first)
    a_certification(never, second.skill)
    for job in (first, second):
        a_submitted_answer(job)
    anywhere = Person(never.user).post("assignments/", key="claim-1")
    here = Person(never.user).post("assignments/", {"job": str(first.pk)}, key="claim-2")

    asked = [fairness_of(job, weeks_ago=0).asked_in_vain for job in (first, second)]

    assert ([code_of(each) for each in (anywhere, here)], asked) == ([(409, "nothing_to_do")] * 2, [1, 1])


@pytest.mark.django_db
def test_who_has_had_all_that_is_left_or_may_not_work_here_has_not_asked_in_vain() -> None:
    job = an_open_job(tasks=1)
    done, stranger = a_worker(job), a_worker(an_open_job())
    a_submitted_answer(job, worker=done)
    for worker, refusal in ((done, NothingToDo), (stranger, NotEligible)):
        with pytest.raises(refusal):
            claim_task(worker=worker, job_id=job.pk)

    had = fairness_of(job, weeks_ago=0)

    assert (had.workers, had.asked_in_vain, had.empty_handed) == (1, 0, 0)


@pytest.mark.django_db
def test_an_empty_claim_is_of_its_week() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    a_submitted_answer(job)
    worker = a_worker(job)
    for days in (0, 7):
        with clock.ahead_by(timedelta(days=days)), pytest.raises(NothingToDo):
            claim_task(worker=worker, job_id=job.pk)
    with clock.ahead_by(timedelta(days=7)):
        weeks = [fairness_of(job, weeks_ago=ago) for ago in (2, 1, 0)]

    assert [(had.workers, had.empty_handed) for had in weeks] == [(0, 0), (2, 1), (1, 1)]


@pytest.mark.django_db
def test_it_shows_who_is_asked_about_unsure_tasks_and_how_long_these_waited() -> None:
    job = an_open_job(tasks=4, overlap_min=2, overlap_max=4, confidence_basis_points=9990)
    sure, other, often_wrong, late = (a_worker(job) for _ in range(4))
    for worker, animal in ((sure, "cat"), (other, "cat"), (often_wrong, "dog")):
        for _ in range(4):
            a_submitted_answer(job, worker=worker, animal=animal)
    fit_job(job_id=job.pk)
    with clock.ahead_by(timedelta(minutes=10)):
        a_submitted_answer(job, worker=late)

    had = fairness_of(job, weeks_ago=0)

    assert (had.sure_workers, had.median_turns_of_sure, had.median_turns_of_others) == (2, 4.0, 2.5)
    assert (had.further_turns, had.further_turns_of_sure) == (5, 0)
    assert had.median_wait_seconds is not None and had.median_wait_seconds < 60
    assert had.longest_wait_seconds == pytest.approx(600, abs=60)


@pytest.mark.django_db
def test_without_a_week_named_it_is_the_last_full_one_and_the_next_week_sees_this_one() -> None:
    job = an_open_job()
    a_submitted_answer(job)
    at = f"jobs/{job.pk}/fairness/"

    before = an_admin().get(at)[1]
    with clock.ahead_by(timedelta(days=7)):
        after = an_admin().get(at)[1]

    assert {name: before[name] for name in NOTHING} == NOTHING
    assert (before["jain"], before["until"]) == (None, after["since"])
    assert (after["turns"], after["jain"]) == (1, 1.0)


@pytest.mark.django_db
def test_only_admins_and_auditors_read_it() -> None:
    job: Job = an_open_job()
    for person in (Person(owner_of(job.client)), Person(a_worker(job).user)):
        assert code_of(person.get(f"jobs/{job.pk}/fairness/")) == (403, "not_allowed")
