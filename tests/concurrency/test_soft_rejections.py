"""Soft rejections that meet the review clock, each other and the end of a job: paid once, and no turn twice."""

from collections.abc import Callable
from functools import partial

import pytest

from kernel.errors import Refused
from marketplace.models import Assignment, Job
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.soft_rejections import reject_softly
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_resolved_task, a_worker, an_open_job, available, earned, held, owner_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

SAID = {"reason": "item", "message": "The text was cut off, nobody could have known."}


def softly(turn: Assignment) -> str:
    try:
        return str(
            reject_softly(assignment_id=turn.pk, by=owner_of(turn.job.client), may_take_funds=True, **SAID).state
        )
    except Refused as refused:
        return refused.code


def test_answers_that_are_due_are_paid_once_and_each_soft_rejection_gives_one_turn_back() -> None:
    job = an_open_job(tasks=1)
    turns = list(a_resolved_task(job).assignments.select_related("job__client", "worker"))
    before = available(job.client)

    calls: list[Callable[[], object]] = [
        *[partial(softly, turn) for turn in turns for _ in range(2)],
        accept_due_assignments,
        complete_finished_jobs,
        accept_due_assignments,
    ]
    outcomes = at_once(calls)

    # Either they came before the job ended, and all of both was given back, or what came after was refused.
    assert [earned(turn.worker) for turn in turns] == [10, 10]
    state = Job.objects.get(pk=job.pk).state
    done = outcomes[:4].count("accepted")
    assert (state, done) in {("open", 2), ("completed", 0)}
    expected = {"open": (36, before - 24), "completed": (0, before + 12)}[state]
    assert (held(job), available(job.client)) == expected
    assert check_invariants() == []


def test_a_turn_that_is_given_back_is_claimed_once() -> None:
    job = an_open_job(tasks=1)
    turns = list(a_resolved_task(job).assignments.select_related("job__client"))
    accept_due_assignments()
    workers = [a_worker(job) for _ in range(4)]

    softly(turns[0])
    calls: list[Callable[[], object]] = [
        partial(softly, turns[1]),
        *[partial(claim_task, worker=worker, job_id=job.pk) for worker in workers],
    ]
    claims = [outcome for outcome in at_once(calls)[1:] if isinstance(outcome, Assignment)]

    assert len(claims) == 1
    assert check_invariants() == []
