"""What a worker sees of jobs over HTTP: those that are open, what stands in the way, those that they worked in."""

import pytest

from kernel.models import User
from kernel.services.audit import Actor
from marketplace.services.allocation import claim_task
from marketplace.services.posting import pause_job
from tests.marketplace.api_people import NO_JOB, Person, code_of, owner, somebody
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_share,
    a_worker,
    an_open_job,
    answer,
    owner_of,
)
from tests.qualification.builders import a_user
from tests.qualification.builders import a_worker as an_uncertified_worker
from workforce.services.standing import suspend_worker

pytestmark = pytest.mark.django_db

WORKER_SEES = {
    "id",
    "title",
    "posted_by",
    "state",
    "currency",
    "reward_minor",
    "prices",
    "reservation_seconds",
    "review_seconds",
    "instructions",
    "requirements",
    "claims",
    "most_claims",
    "can_claim",
    "why_not",
}


def test_whoever_is_let_onto_a_job_cannot_work_in_it() -> None:
    job = an_open_job()
    worker = a_worker(job)
    a_share(job, guest=worker.user)

    status, refusal = Person(worker.user).post("assignments/", {"job": str(job.pk)})

    assert (status, refusal["code"], refusal["details"]["reason"]) == (409, "not_eligible", "own_job")


def test_a_worker_sees_open_jobs_with_what_they_ask_for_and_none_of_the_clients_matters() -> None:
    job = an_open_job(tasks=2, gold=1, max_assignments_per_worker=3)
    a_draft()
    worker = a_worker(job)
    claim_task(worker=worker, job_id=job.pk)

    (row,) = Person(worker.user).every("jobs/")

    assert row == {
        "id": str(job.pk),
        "title": "Animals",
        "posted_by": job.client.name,
        "state": "open",
        "currency": "USD",
        "reward_minor": 10,
        "prices": [{"band": band, "reward_minor": 10} for band in ("easy", "standard", "hard")],
        "reservation_seconds": 600,
        "review_seconds": 259_200,
        "instructions": "Say which animal the text is about.",
        "requirements": [
            {
                "skill": str(job.skill_id),
                "skill_name": "Animals",
                "min_lower_bound": 0.0,
                "is_met": True,
                "message": "",
            }
        ],
        "claims": 1,
        "most_claims": 3,
        "can_claim": True,
        "why_not": [],
    }
    assert set(row) == WORKER_SEES
    assert Person(worker.user).get(f"jobs/{job.pk}/") == (200, row)


def test_a_worker_is_told_everything_that_stands_in_the_way() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    worker = an_uncertified_worker()
    claim_task(worker=a_worker(job), job_id=job.pk)
    pause_job(job_id=job.pk, by=owner_of(job.client))
    by = Actor.user(a_user(is_staff=True))
    suspend_worker(worker_id=worker.pk, why="Two accounts.", by=by)

    status, shown = Person(worker.user).get(f"jobs/{job.pk}/")

    assert (status, shown["can_claim"]) == (200, False)
    assert [each["reason"] for each in shown["why_not"]] == ["worker_suspended", "job_paused", "not_certified"]
    assert shown["requirements"][0]["is_met"] is False
    assert shown["requirements"][0]["message"] == shown["why_not"][2]["message"]


def test_a_job_of_which_all_is_taken_says_so() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    claim_task(worker=a_worker(job), job_id=job.pk)

    (row,) = Person(a_worker(job).user).every("jobs/")

    assert [each["reason"] for each in row["why_not"]] == ["all_taken"]


def test_an_ended_job_is_seen_by_those_who_worked_in_it() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    worker, other = a_worker(job), a_worker(job)
    answer(claim_task(worker=worker, job_id=job.pk))
    owner(job).post(f"jobs/{job.pk}/cancel/")

    assert Person(worker.user).get(f"jobs/{job.pk}/")[1]["why_not"][0]["reason"] == "job_ended"
    assert Person(other.user).get(f"jobs/{job.pk}/") == NO_JOB
    assert Person(worker.user).get(f"jobs/{a_draft().pk}/") == NO_JOB


def test_who_works_and_acts_for_a_client_chooses_the_side() -> None:
    job = an_open_job()
    worker = a_worker(job)
    client = a_client(owner=User.objects.get(pk=worker.user_id))
    own = a_draft(client=client, tasks=0)
    both = Person(worker.user)

    assert [row["id"] for row in both.every("jobs/")] == [str(own.pk)]
    assert [row["id"] for row in both.every("jobs/", side="worker")] == [str(job.pk)]
    assert somebody().every("jobs/") == somebody().every("jobs/", side="worker") == []
    assert Person(a_worker(job).user).every("jobs/", side="client") == []
    assert code_of(both.get("jobs/", side="worker", state="open")) == (400, "invalid")
