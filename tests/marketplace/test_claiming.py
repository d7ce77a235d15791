"""Claiming: what a worker gets, and what they are told when there is nothing."""

import random
from datetime import timedelta

import pytest

from kernel import clock
from kernel.errors import NotFound
from marketplace.models import Assignment, Job, Slot, Task
from marketplace.services.allocation import JOBS_LOOKED_AT, AlreadyReserved, NothingToDo, claim_task
from marketplace.services.eligibility import NotEligible
from marketplace.services.expiry import expire_overdue_assignments, return_assignment
from marketplace.services.posting import pause_job
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    NEVER_GOLD,
    a_client,
    a_draft,
    a_member,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    owner_of,
)
from tests.qualification.builders import a_skill, an_admin
from tests.qualification.builders import a_worker as an_uncertified_worker
from workforce.models import Worker
from workforce.services.standing import pause_worker, suspend_worker

pytestmark = pytest.mark.django_db


def refusal_of(worker: Worker, job: Job) -> NotEligible:
    with pytest.raises(NotEligible) as refused:
        claim_task(worker=worker, job_id=job.pk)
    return refused.value


def test_a_claim_reserves_a_task_at_todays_price_for_the_reservation_time() -> None:
    job = an_open_job(reward_minor=25, reservation_seconds=90)

    assignment = claim_task(worker=a_worker(job), job_id=job.pk)

    assert assignment.state == "active"
    assert (assignment.reward_minor, assignment.fee_minor, assignment.currency) == (25, 5, "USD")
    assert assignment.expires_at - assignment.claimed_at == timedelta(seconds=90)
    assert Slot.objects.filter(job=job).count() == 1


def test_claiming_again_gives_the_reservation_that_is_held() -> None:
    job = an_open_job(tasks=3)
    worker = a_worker(job)

    assert claim_task(worker=worker, job_id=job.pk).pk == claim_task(worker=worker, job_id=job.pk).pk


def test_a_reservation_in_one_job_refuses_a_claim_in_another_and_says_where_it_is() -> None:  # [B190]
    job = an_open_job()
    other = an_open_job(skill=job.skill)
    worker = a_worker(job)
    held = claim_task(worker=worker, job_id=job.pk)

    with pytest.raises(AlreadyReserved) as refused:
        claim_task(worker=worker, job_id=other.pk)

    assert refused.value.details == {"assignment": str(held.pk), "job": str(job.pk)}


def test_a_worker_meets_each_task_once() -> None:  # [B190]
    job = an_open_job(tasks=1, overlap_min=2)
    worker = a_worker(job)
    a_submitted_answer(job, worker=worker)

    with pytest.raises(NothingToDo) as refused:
        claim_task(worker=worker, job_id=job.pk)

    assert refused.value.details["reason"] == "nothing_left_for_you"


def test_a_returned_task_goes_to_others_and_never_back() -> None:  # [B190]
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    worker = a_worker(job)
    assignment = claim_task(worker=worker, job_id=job.pk)

    return_assignment(assignment_id=assignment.pk, worker=worker)

    with pytest.raises(NothingToDo):
        claim_task(worker=worker, job_id=job.pk)
    assert claim_task(worker=a_worker(job), job_id=job.pk).task_id == assignment.task_id


def test_when_every_turn_is_taken_the_worker_hears_that_one_may_come_back() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    claim_task(worker=a_worker(job), job_id=job.pk)

    with pytest.raises(NothingToDo) as refused:
        claim_task(worker=a_worker(job), job_id=job.pk)

    assert refused.value.details["reason"] == "all_taken"


def test_urgent_tasks_go_first() -> None:
    job = an_open_job(tasks=30, overlap_min=1, overlap_max=1)
    urgent = Slot.objects.filter(job=job).order_by("?").first()
    assert urgent is not None
    Slot.objects.filter(pk=urgent.pk).update(priority=0)

    assert claim_task(worker=a_worker(job), job_id=job.pk).task_id == urgent.task_id


def test_an_uncertified_worker_is_told_which_exam_to_take() -> None:
    job = an_open_job()

    refusal = refusal_of(an_uncertified_worker(), job)

    assert (refusal.reason, refusal.details["skills"]) == ("not_certified", [str(job.skill_id)])
    assert "Take its exam" in refusal.message


def test_a_score_below_the_jobs_floor_is_named() -> None:
    job = an_open_job()
    strict = an_open_job(skill=job.skill, requirements={job.skill_id: 0.999})

    assert refusal_of(a_worker(job), strict).reason == "score_too_low"


def test_nobody_works_for_themselves() -> None:
    job = an_open_job()
    worker = a_worker(job)
    a_member(job.client, user=worker.user)

    assert refusal_of(worker, job).reason == "own_job"


def test_a_paused_job_a_cap_and_an_adverse_standing_each_have_their_reason() -> None:  # [B190]
    job = an_open_job(tasks=3, max_assignments_per_worker=1)
    capped, paused, suspended = a_worker(job), a_worker(job), a_worker(job)
    a_submitted_answer(job, worker=capped)
    until = clock.now() + timedelta(hours=1)
    pause_worker(worker_id=paused.pk, until=until, why="We look into something.", by=an_admin())
    suspend_worker(worker_id=suspended.pk, why="Sold the account.", by=an_admin())

    assert refusal_of(capped, job).reason == "cap_reached"
    assert refusal_of(paused, job).reason == "worker_paused"
    assert refusal_of(suspended, job).reason == "worker_suspended"
    pause_job(job_id=job.pk, by=owner_of(job.client))
    assert refusal_of(a_worker(job), job).reason == "job_paused"


def test_a_draft_is_no_job_to_a_worker() -> None:
    job = a_draft()

    with pytest.raises(NotFound):
        claim_task(worker=a_worker(job), job_id=job.pk)


def test_without_a_job_the_worker_gets_the_first_that_fits_or_a_reason_for_each() -> None:
    locked, fitting = an_open_job(), an_open_job()
    worker = a_worker(fitting)

    assignment = claim_task(worker=worker)
    assert assignment.job_id == fitting.pk
    return_assignment(assignment_id=assignment.pk, worker=worker)

    with pytest.raises(NothingToDo) as refused:
        claim_task(worker=worker)
    reasons = refused.value.details["reasons"]
    assert isinstance(reasons, list)
    assert [(reason["job"], reason["reason"]) for reason in reasons] == [
        (str(fitting.pk), "nothing_left_for_you"),
        (str(locked.pk), "not_certified"),
    ]


def test_many_jobs_that_have_nothing_for_a_worker_do_not_hide_the_one_that_has() -> None:
    client, skill = a_client(), a_skill()
    for _ in range(JOBS_LOOKED_AT // 2):
        a_submitted_answer(an_open_job(client=client, skill=skill, overlap_min=1, overlap_max=1))
        an_open_job(client=client)
    fitting = an_open_job(client=client, skill=skill)

    assert claim_task(worker=a_worker(fitting)).job_id == fitting.pk


def test_a_reservation_runs_out_at_its_last_instant_and_not_before() -> None:  # [B167]
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, reservation_seconds=60)
    assignment = claim_task(worker=a_worker(job), job_id=job.pk)
    lasts = assignment.expires_at - clock.now()

    with clock.ahead_by(lasts - timedelta(seconds=5)):
        assert expire_overdue_assignments() == 0
    with clock.ahead_by(lasts):
        assert expire_overdue_assignments() == 1

    assignment.refresh_from_db()
    assert (assignment.state, assignment.ordinal) == ("expired", None)
    assert Slot.objects.filter(job=job).count() == 1


def test_a_worker_whose_reservation_ran_out_claims_anew_without_waiting_for_the_sweep() -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1)
    worker = a_worker(job)
    first = claim_task(worker=worker, job_id=job.pk)

    with clock.ahead_by(timedelta(hours=1)):
        second = claim_task(worker=worker, job_id=job.pk)

    assert second.task_id != first.task_id
    assert Assignment.objects.get(pk=first.pk).state == "expired"


def test_gold_comes_at_its_share_and_in_the_shape_of_work() -> None:
    job = an_open_job(tasks=60, gold=20, gold_share_basis_points=3000, overlap_min=1, overlap_max=1)
    chance, gold = random.Random(7), 0
    worker = a_worker(job)

    for _ in range(40):
        assignment = claim_task(worker=worker, job_id=job.pk, chance=chance)
        gold += assignment.task.gold_question_id is not None
        return_assignment(assignment_id=assignment.pk, worker=worker)

    assert 4 <= gold <= 20


def test_gold_is_not_what_is_left_to_a_worker_who_has_done_the_work() -> None:  # [B190]
    job = an_open_job(tasks=1, gold=4, overlap_min=2, overlap_max=2)
    worker = a_worker(job)
    answer(claim_task(worker=worker, job_id=job.pk, chance=NEVER_GOLD))

    with pytest.raises(NothingToDo) as refusal:
        claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)

    assert refusal.value.details["reason"] == "nothing_left_for_you"
    assert claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD).lane == Slot.Lane.GOLD


def test_a_claim_among_named_tasks_takes_one_of_those_or_nothing() -> None:
    job = an_open_job(tasks=3)
    worker = a_worker(job)
    first, second, _ = Task.objects.filter(job=job).order_by("external_id")

    answer(claim_task(worker=worker, job_id=job.pk, among=[second.pk]))

    with pytest.raises(NothingToDo) as refusal:
        claim_task(worker=worker, job_id=job.pk, among=[second.pk])
    assert refusal.value.details["reason"] == "nothing_left_for_you"
    assert claim_task(worker=worker, job_id=job.pk, among=[first.pk, second.pk]).task_id == first.pk
