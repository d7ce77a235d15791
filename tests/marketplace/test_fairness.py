"""How evenly turns are shared out: two indices, and the turns of a job's week among those who could have had them."""

from datetime import timedelta

import pytest

from kernel import clock
from marketplace.models import Job
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
