"""Tasks are looked at again while workers claim and answer them, and while their job ends."""

from collections.abc import Callable
from functools import partial

import pytest

from kernel.errors import Refused
from marketplace.models import Assignment, Job, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.second_looks import look_again
from marketplace.services.settlement import accept_due_assignments
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_worker, an_open_job, answer, earned, owner_of
from tests.marketplace.test_second_looks import a_settled_task, learnt
from workforce.models import Worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def claim_and_answer(job: Job, worker: Worker) -> str:
    try:
        return str(answer(claim_task(worker=worker, job_id=job.pk)).state)
    except Refused as refused:
        return refused.code


def test_who_answers_while_tasks_are_looked_at_is_paid_and_no_turn_is_given_twice() -> None:
    job = an_open_job(tasks=4)
    first = [worker for _ in range(3) for worker in a_settled_task(job, "cat", "cat")[1]]
    learnt(job, dict.fromkeys(first, 0.6))
    workers = [a_worker(job) for _ in range(5)]

    calls: list[Callable[[], object]] = [
        look_again,
        *[partial(claim_and_answer, job, worker) for worker in workers],
        look_again,
        accept_due_assignments,
        complete_finished_jobs,
    ]
    done = at_once(calls)

    assert [outcome for outcome in done if isinstance(outcome, Exception)] == []
    accept_due_assignments()
    assert [earned(worker) for worker in first] == [10] * 6
    turns = Assignment.objects.filter(job=job, state__in=["submitted", "accepted"])
    assert turns.count() == 6 + sum(outcome == "submitted" for outcome in done)
    assert check_invariants() == []


def test_a_job_that_is_cancelled_while_its_tasks_are_looked_at_asks_for_nothing_more() -> None:
    job = an_open_job(tasks=4)
    first = [worker for _ in range(3) for worker in a_settled_task(job, "cat", "cat")[1]]
    learnt(job, dict.fromkeys(first, 0.6))

    cancel = partial(cancel_job, job_id=job.pk, by=owner_of(job.client))
    calls: list[Callable[[], object]] = [look_again, cancel, look_again]
    done = at_once(calls)

    assert [outcome for outcome in done if isinstance(outcome, Exception)] == []
    assert Task.objects.filter(job=job, state__in=["open", "in_adjudication"]).count() == 0
    accept_due_assignments()
    assert check_invariants() == []
