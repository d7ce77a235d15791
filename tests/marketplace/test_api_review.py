"""Review over HTTP: what a client sees of answers, and the decisions about them."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.crypto import pseudonym
from marketplace.models import Assignment, Job
from marketplace.services.allocation import claim_task
from tests.marketplace.api_people import Person, an_admin, code_of, somebody
from tests.marketplace.builders import (
    a_client,
    a_resolved_task,
    a_share,
    a_submitted_answer,
    a_worker,
    an_open_job,
    earned,
    held,
    owner_of,
)
from tests.qualification.builders import an_answer

pytestmark = pytest.mark.django_db

NO_ASSIGNMENT = (404, {"code": "not_found", "message": "There is no such assignment."})
WRONG = {"reason": "wrong", "message": "The text is about a dog; you answered cat."}


def owner(job: Job) -> Person:
    return Person(owner_of(job.client))


class AlwaysGold(random.Random):
    """Chance that gives hidden gold as long as there is some."""

    def random(self) -> float:
        return 0.0


def a_reviewable_answer() -> Assignment:
    """A submitted answer of which the task is resolved, in a job that accepts nothing by itself."""
    task = a_resolved_task(an_open_job(accept_on_resolution=False))
    return task.assignments.select_related("job__client", "worker__user").order_by("claimed_at")[0]


def test_an_answer_under_review_shows_what_was_said_but_not_by_whom() -> None:
    turn = a_reviewable_answer()

    rows = owner(turn.job).every(f"jobs/{turn.job_id}/assignments/", limit=1)

    row = next(row for row in rows if row["id"] == str(turn.pk))
    times = ("claimed_at", "submitted_at", "review_due_at")
    assert row | dict.fromkeys(times, "") == {
        "id": str(turn.pk),
        "task": str(turn.task_id),
        "external_id": "t0",
        "worker": pseudonym(worker_id=turn.worker_id, scope=str(turn.job.client_id)),
        "state": "submitted",
        "version": 1,
        "result": an_answer("cat"),
        "agrees": True,
        "reward_minor": 10,
        "fee_minor": 2,
        "currency": "USD",
        "seconds": turn.annotation.seconds,
        "claimed_at": "",
        "submitted_at": "",
        "review_due_at": "",
        "decided_at": None,
        "rejection": None,
        "soft_rejection": None,
    }
    assert str(turn.worker_id) not in str(rows) and str(turn.worker.user_id) not in str(rows)


def test_an_answer_is_not_shown_before_its_task_is_resolved_nor_once_it_was_rejected() -> None:
    job = an_open_job(accept_on_resolution=False)
    first = a_submitted_answer(job)
    client, at = owner(job), f"jobs/{job.pk}/assignments/"

    (early,) = client.every(at)
    a_submitted_answer(job)
    client.post(f"assignments/{first.pk}/reject/", WRONG)
    (rejected,) = client.every(at, state="rejected")

    assert (early["result"], early["agrees"]) == (None, None)
    assert (rejected["result"], rejected["agrees"]) == (None, True)
    assert rejected["rejection"]["message"] == WRONG["message"]


def test_answers_are_found_by_state_and_by_when_silence_accepts() -> None:
    turn = a_reviewable_answer()
    client, at = owner(turn.job), f"jobs/{turn.job_id}/assignments/"
    due = clock.now() + timedelta(days=3, minutes=1)

    assert len(client.every(at, state="submitted")) == 2
    assert client.every(at, state="accepted") == []
    assert client.every(at, review_due_before=clock.now().isoformat()) == []
    assert len(client.every(at, review_due_before=due.isoformat())) == 2


def test_turns_at_hidden_gold_are_not_shown_to_the_client() -> None:
    job = an_open_job(tasks=1, gold=3, overlap_min=1, overlap_max=1)
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk, chance=AlwaysGold())
    assert turn.task.gold_question_id is not None
    client = owner(job)

    assert client.every(f"jobs/{job.pk}/assignments/") == []
    assert client.post(f"assignments/{turn.pk}/accept/") == NO_ASSIGNMENT


def test_accepting_pays_once() -> None:
    turn = a_reviewable_answer()
    client = owner(turn.job)

    status, accepted = client.post(f"assignments/{turn.pk}/accept/", key="a1")

    assert (status, accepted["state"], accepted["review_due_at"]) == (200, "accepted", None)
    assert client.post(f"assignments/{turn.pk}/accept/", key="a1") == (200, accepted)
    assert client.post(f"assignments/{turn.pk}/accept/") == (200, accepted)
    assert (earned(turn.worker), held(turn.job)) == (10, 36 - 12)
    assert code_of(client.post(f"assignments/{turn.pk}/reject/", WRONG)) == (409, "wrong_state")


def test_rejecting_needs_a_listed_reason_and_a_message_of_substance() -> None:
    turn = a_reviewable_answer()
    client, at = owner(turn.job), f"assignments/{turn.pk}/reject/"

    unlisted = client.post(at, WRONG | {"reason": "ugly"})
    short = client.post(at, WRONG | {"message": "No."})
    blank = client.post(at, WRONG | {"message": "\u200b" * 40})

    assert [code_of(each) for each in (unlisted, short, blank)] == [(400, "invalid")] * 3
    turn.refresh_from_db()
    assert turn.state == "submitted"


def test_a_rejection_is_taken_back_by_the_client_or_an_admin() -> None:
    task = a_resolved_task(an_open_job(accept_on_resolution=False))
    first, second = task.assignments.select_related("job__client", "worker").order_by("claimed_at")
    client, admin = owner(first.job), an_admin()

    for turn, person in ((first, client), (second, admin)):
        status, rejected = client.post(f"assignments/{turn.pk}/reject/", WRONG)
        assert (status, rejected["state"]) == (200, "rejected")
        status, paid = person.post(f"assignments/{turn.pk}/reverse/", {"why": "It was a cat after all."})
        assert (status, paid["state"]) == (200, "accepted")
        assert paid["rejection"]["reversed_at"] is not None
        assert earned(turn.worker) == 10


def test_an_admin_neither_accepts_nor_rejects_for_a_client() -> None:
    turn, admin = a_reviewable_answer(), an_admin()

    assert code_of(admin.post(f"assignments/{turn.pk}/accept/")) == (403, "not_allowed")
    assert code_of(admin.post(f"assignments/{turn.pk}/reject/", WRONG)) == (403, "not_allowed")
    assert len(admin.every(f"jobs/{turn.job_id}/assignments/")) == 2


def test_answers_of_other_clients_do_not_exist() -> None:
    turn = a_reviewable_answer()
    others = Person(owner_of(a_client()))

    for person in (others, somebody(), Person(turn.worker.user)):
        assert person.post(f"assignments/{turn.pk}/accept/") == NO_ASSIGNMENT
        assert person.post(f"assignments/{turn.pk}/reject/", WRONG) == NO_ASSIGNMENT
        assert person.post(f"assignments/{turn.pk}/reverse/", {"why": "It was a cat."}) == NO_ASSIGNMENT
    turn.refresh_from_db()
    assert turn.state == "submitted"


def test_nobody_reviews_their_own_answer() -> None:
    turn = a_reviewable_answer()
    a_share(turn.job, guest=turn.worker.user, role="reviewer")
    worker = Person(turn.worker.user)

    assert code_of(worker.post(f"assignments/{turn.pk}/accept/")) == (409, "own_answer")
    assert worker.post(f"jobs/{turn.job_id}/acceptances/") == (201, {"accepted": 1})
    turn.refresh_from_db()
    assert turn.state == "submitted"


def test_a_page_of_answers_takes_a_fixed_number_of_queries() -> None:
    job = an_open_job(tasks=4, overlap_min=1, overlap_max=1)
    for _ in range(4):
        a_submitted_answer(job)
    client = owner(job)
    client.get(f"jobs/{job.pk}/assignments/")  # what each process reads once, and that the key was used

    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(f"jobs/{job.pk}/assignments/", limit=limit)
        return len(seen)

    assert queries(1) == queries(4)
