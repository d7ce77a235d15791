"""The clock of the server jumps between the steps of a task, and people send times of their own."""

from datetime import timedelta
from typing import Any

import pytest

from billing.checks import check_books
from kernel import clock
from marketplace.models import Annotation, Assignment
from marketplace.services.checks import check_invariants
from marketplace.services.expiry import expire_overdue_assignments
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_worker, an_open_job, earned, owner_of
from tests.qualification.builders import an_answer

pytestmark = pytest.mark.django_db

TOO_LATE, AS_EVER, SIGNED_OUT = [409, 201, 409, 409], [200, 201, 200, 409], [401] * 4


@pytest.mark.parametrize(
    ("jump", "statuses", "pay"),
    [
        (timedelta(hours=1), TOO_LATE, 0),
        (timedelta(hours=-1), AS_EVER, 300),
        (timedelta(days=30), SIGNED_OUT, 0),
        (timedelta(days=-30), AS_EVER, 300),
        (timedelta(seconds=-1), AS_EVER, 300),
    ],
    ids=str,
)
def test_a_clock_that_jumps_while_somebody_works_breaks_nothing(  # [B166]
    jump: timedelta, statuses: list[int], pay: int
) -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1, reward_minor=300)
    worker = a_worker(job)
    person, owner = Person(worker.user), Person(owner_of(job.client))
    _, turn = person.post("assignments/", {"job": str(job.pk)})

    with clock.ahead_by(jump):
        answers: list[Any] = [
            person.post(f"assignments/{turn['id']}/submit/", {"result": an_answer("cat")}),
            person.post("assignments/", {"job": str(job.pk)}),
            owner.post(f"assignments/{turn['id']}/accept/"),
            person.post("payouts/", {}),
        ]
        expire_overdue_assignments()
        accept_due_assignments()
    expire_overdue_assignments()
    accept_due_assignments()

    assert [status for status, _ in answers] == statuses
    assert (check_books(), check_invariants()) == ([], [])
    assert earned(worker) == pay
    assert Assignment.objects.filter(pk=turn["id"]).count() == 1


@pytest.mark.parametrize("name", ["started_at", "submitted_at", "seconds", "claimed_at", "effective_at", "approved_at"])
def test_when_something_happened_is_nobodys_to_say(name: str) -> None:  # [B165, B170]
    job = an_open_job(tasks=1)
    person = Person(a_worker(job).user)
    _, turn = person.post("assignments/", {"job": str(job.pk)})

    status, said = person.post(
        f"assignments/{turn['id']}/submit/", {"result": an_answer("cat"), name: "2020-01-01T00:00:00Z"}
    )

    assert (status, [fault["field"] for fault in said["errors"]]) == (400, [name])
    assert Annotation.objects.count() == 0
