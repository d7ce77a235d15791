"""Claims under load: exact outcomes, whoever comes first, and no deadlock."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import pytest

from marketplace.models import Assignment, Fit, FittedWorker, Job, Slot, Task
from marketplace.services.allocation import NothingToDo, claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.eligibility import NotEligible
from marketplace.services.expiry import return_assignment
from marketplace.services.posting import pause_job
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_worker, an_open_job, answer, available, free_turns, held, owner_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def claims(outcomes: Sequence[object]) -> list[Assignment]:
    return [outcome for outcome in outcomes if isinstance(outcome, Assignment)]


@pytest.mark.slow
def test_64_workers_want_one_turn_and_one_gets_it() -> None:  # [B147]
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    workers = [a_worker(job) for _ in range(64)]

    outcomes = at_once([partial(claim_task, worker=worker, job_id=job.pk) for worker in workers])

    assert Counter(type(outcome) for outcome in outcomes) == {Assignment: 1, NothingToDo: 63}
    assert free_turns(job) == 0
    assert check_invariants() == []


@pytest.mark.slow
def test_64_workers_want_12_turns_at_4_tasks_and_all_12_are_given() -> None:  # [B147, B149]
    job = an_open_job(tasks=4, overlap_min=3, overlap_max=3)
    workers = [a_worker(job) for _ in range(64)]

    outcomes = at_once([partial(claim_task, worker=worker, job_id=job.pk) for worker in workers])

    given = claims(outcomes)
    assert Counter(type(outcome) for outcome in outcomes) == {Assignment: 12, NothingToDo: 52}
    assert Counter(assignment.task_id for assignment in given) == dict.fromkeys(
        Task.objects.filter(job=job).values_list("pk", flat=True), 3
    )
    assert sorted((a.task_id, a.ordinal) for a in given) == sorted(
        (pk, n) for pk in Task.objects.filter(job=job).values_list("pk", flat=True) for n in (1, 2, 3)
    )
    assert check_invariants() == []


def test_sure_workers_and_others_who_come_at_once_are_given_every_turn_once() -> None:
    job = an_open_job(tasks=6, overlap_min=1, overlap_max=2, confidence_basis_points=9990)
    first = a_worker(job)
    for _ in range(3):
        answer(claim_task(worker=first, job_id=job.pk))
    workers = [a_worker(job) for _ in range(12)]
    fit = Fit.objects.create(job=job, number=1, parts=[], answers=3, gold=0, workers=6, claims=3)
    for worker in workers[:6]:
        FittedWorker.objects.create(fit=fit, worker=worker, rates=[], is_sure=True)

    outcomes = at_once([partial(claim_task, worker=worker, job_id=job.pk) for worker in workers])

    assert Counter(type(outcome) for outcome in outcomes) == {Assignment: 6, NothingToDo: 6}
    assert sorted(Counter(turn.ordinal for turn in claims(outcomes)).items()) == [(1, 3), (2, 3)]
    assert free_turns(job) == 0
    assert check_invariants() == []


def test_one_worker_with_eight_tabs_holds_one_reservation() -> None:  # [B147]
    job = an_open_job(tasks=8, overlap_min=1, overlap_max=1)
    worker = a_worker(job)

    outcomes = at_once([partial(claim_task, worker=worker, job_id=job.pk)] * 8)

    assert {outcome.pk if isinstance(outcome, Assignment) else outcome for outcome in outcomes} == {
        Assignment.objects.get(worker=worker, job=job).pk
    }
    assert free_turns(job) == 7


def test_a_pause_lets_each_claim_through_or_refuses_it() -> None:  # [B150]
    job = an_open_job(tasks=16, overlap_min=1, overlap_max=1)
    workers = [a_worker(job) for _ in range(15)]

    outcomes = at_once(
        [partial(claim_task, worker=worker, job_id=job.pk) for worker in workers]
        + [partial(pause_job, job_id=job.pk, by=owner_of(job.client))]
    )

    paused, refused = outcomes[-1], [outcome for outcome in outcomes[:-1] if isinstance(outcome, NotEligible)]
    assert isinstance(paused, Job)
    assert {refusal.reason for refusal in refused} <= {"job_paused"}
    assert len(claims(outcomes)) + len(refused) == 15
    assert free_turns(job) == 16 - len(claims(outcomes))
    assert check_invariants() == []


def test_a_cancel_in_the_middle_of_claims_leaves_no_turn_and_holds_what_was_taken() -> None:  # [B150]
    job = an_open_job(tasks=16, overlap_min=1, overlap_max=1)
    before = available(job.client) + held(job)
    workers = [a_worker(job) for _ in range(15)]

    outcomes = at_once(
        [partial(claim_task, worker=worker, job_id=job.pk) for worker in workers]
        + [partial(cancel_job, job_id=job.pk, by=owner_of(job.client))]
    )

    taken = len(claims(outcomes))
    assert isinstance(outcomes[-1], Job)
    assert all(isinstance(outcome, Assignment | NotEligible | NothingToDo) for outcome in outcomes[:-1])
    assert not Slot.objects.filter(job=job).exists()
    assert held(job) == taken * job.price.minor
    assert available(job.client) + held(job) == before
    assert check_invariants() == []


def test_submitting_and_returning_at_once_has_one_outcome() -> None:  # [B151]
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    assignment = claim_task(worker=a_worker(job), job_id=job.pk)

    outcomes = at_once(
        [partial(answer, assignment), partial(return_assignment, assignment_id=assignment.pk, worker=assignment.worker)]
    )

    assignment.refresh_from_db()
    assert sum(isinstance(outcome, Assignment) for outcome in outcomes) == 1
    assert assignment.state in {Assignment.State.SUBMITTED, Assignment.State.RETURNED}
    assert free_turns(job) == (1 if assignment.state == Assignment.State.RETURNED else 0)
    assert check_invariants() == []


def test_answers_to_one_task_at_the_same_instant_resolve_it_once() -> None:  # [B151]
    job = an_open_job(tasks=1, overlap_min=8, overlap_max=8)
    assignments = [claim_task(worker=a_worker(job), job_id=job.pk) for _ in range(8)]

    outcomes = at_once([partial(answer, assignment) for assignment in assignments])

    assert len(claims(outcomes)) == 8
    assert Task.objects.get(job=job).state == Task.State.RESOLVED
    assert check_invariants() == []
