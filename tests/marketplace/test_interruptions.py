"""Work that is taken away in the middle is paid for its time: once, at most its reward, and to the cent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.flow import WrongState
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Interruption, Job, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.interruptions import interrupt, interrupt_ended_worker
from marketplace.services.media import withdraw_media_of_job
from marketplace.services.posting import pause_job
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person
from tests.marketplace.builders import (
    a_client,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    free_turns,
    held,
    owner_of,
)
from tests.marketplace.media_flows import a_job_of_pictures
from tests.qualification.builders import a_user
from workforce.events import WorkerSuspended
from workforce.services.standing import offboard_worker, pause_worker, suspend_worker

pytestmark = pytest.mark.django_db

PERSON = Actor.system("test")


def a_job(**order: Any) -> Job:
    """A job of one task for one worker, of which an answer is thought to take 100 seconds."""
    return an_open_job(**{"overlap_min": 1, "overlap_max": 1, "guess_seconds": 100, **order})


def a_turn(job: Job) -> Assignment:
    return claim_task(worker=a_worker(job), job_id=job.pk)


def cut_short(turn: Assignment, *, after_seconds: float) -> None:
    with clock.ahead_by(timedelta(seconds=after_seconds)):
        assert interrupt(assignment_id=turn.pk, why="test")


def suspended(turn: Assignment) -> None:
    suspend_worker(worker_id=turn.worker_id, why="Sold the account.", by=Actor.user(a_user(is_staff=True)))
    interrupt_ended_worker(WorkerSuspended(worker_id=str(turn.worker_id)))


def test_the_time_of_a_turn_is_paid_as_its_share_of_the_reward() -> None:
    job = a_job()
    turn = a_turn(job)

    cut_short(turn, after_seconds=34.5)

    found = Interruption.objects.get()
    assert (Assignment.objects.get(pk=turn.pk).state, found.amount_minor, found.expected_seconds) == (
        "cut_short",
        4,
        100,
    )
    assert (earned(turn.worker), free_turns(job)) == (4, 1)
    assert check_invariants() == []


def test_it_is_never_more_than_the_reward_and_paid_once() -> None:
    turn = a_turn(a_job())

    cut_short(turn, after_seconds=500)
    assert not interrupt(assignment_id=turn.pk, why="again")

    assert earned(turn.worker) == 10
    with pytest.raises(WrongState):
        answer(turn)
    assert check_invariants() == []


def test_a_worker_who_is_suspended_is_paid_for_the_turn_that_they_held() -> None:
    turn = a_turn(a_job())

    suspended(turn)
    interrupt_ended_worker(WorkerSuspended(worker_id=str(turn.worker_id)))

    assert Assignment.objects.get(pk=turn.pk).state == "cut_short"
    assert earned(turn.worker) == 1
    assert check_invariants() == []


def test_a_pause_takes_no_turn_away() -> None:
    turn = a_turn(a_job())
    pause_worker(worker_id=turn.worker_id, until=clock.now() + timedelta(hours=1), why="Rest.", by=PERSON)
    pause_job(job_id=turn.job_id, by=owner_of(turn.job.client))

    answer(turn)
    accept_due_assignments()

    assert (earned(turn.worker), Interruption.objects.count()) == (10, 0)


def test_what_the_escrow_then_lacks_to_offer_the_turn_again_comes_from_the_clients_funds() -> None:
    job = a_job(client=a_client(funds_minor=120 + 35), reward_minor=100)
    turn = a_turn(job)

    cut_short(turn, after_seconds=34.5)

    assert (held(job), available(job.client), free_turns(job)) == (120, 0, 1)
    assert check_invariants() == []
    a_submitted_answer(job)
    accept_due_assignments()
    assert complete_finished_jobs() == 1
    assert (held(job), available(job.client)) == (0, 0)
    assert check_invariants() == []


def test_where_there_is_no_money_to_offer_it_again_a_person_decides_the_task() -> None:
    job = a_job(client=a_client(funds_minor=120), reward_minor=100)
    turn = a_turn(job)

    cut_short(turn, after_seconds=34.5)

    assert (Task.objects.get().state, Escalation.objects.get().kind, free_turns(job)) == (
        "in_adjudication",
        "no_consensus",
        0,
    )
    assert (earned(turn.worker), held(job)) == (35, 120 - 35)
    assert check_invariants() == []


def test_where_others_are_still_asked_the_task_goes_on_without_the_turn() -> None:
    job = a_job(client=a_client(funds_minor=240), reward_minor=100, overlap_min=2, overlap_max=2)
    turn = a_turn(job)

    cut_short(turn, after_seconds=34.5)

    assert (Task.objects.get().state, free_turns(job)) == ("open", 1)
    assert Assignment.objects.get(pk=turn.pk).ordinal == turn.ordinal
    assert check_invariants() == []


def test_a_turn_that_outlived_its_cancelled_job_is_paid_and_the_rest_goes_back() -> None:
    job = a_job()
    turn = a_turn(job)
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    cut_short(turn, after_seconds=34.5)
    assert check_invariants() == []
    complete_finished_jobs()

    assert (earned(turn.worker), held(job), available(job.client)) == (4, 0, 1_000_000 - 4)
    assert check_invariants() == []


def test_the_worker_sees_what_they_were_paid_and_why() -> None:
    turn = a_turn(a_job())
    cut_short(turn, after_seconds=34.5)

    _, seen = Person(turn.worker.user).get(f"assignments/{turn.pk}/")

    assert (seen["state"], seen["interruption"]["amount_minor"], seen["interruption"]["why"]) == (
        "cut_short",
        4,
        "test",
    )
    assert Person(turn.worker.user).every("assignments/")[0]["interruption"] == seen["interruption"]


def test_who_was_looking_at_a_picture_that_is_withdrawn_is_paid_and_nobody_else_is_interrupted() -> None:
    job = a_job_of_pictures(tasks=2, overlap_min=1, overlap_max=1, guess_seconds=100)
    looking, other = a_turn(job), a_turn(job)
    media_id = UUID(looking.task.item["image"].removeprefix("media:"))

    withdraw_media_of_job(job=job, media_id=media_id, why="Shows a face.", by=owner_of(job.client))

    states = Assignment.objects.in_bulk([looking.pk, other.pk])
    assert (states[looking.pk].state, states[other.pk].state) == ("cut_short", "active")
    assert (earned(looking.worker), earned(other.worker)) == (1, 0)
    assert check_invariants() == []


def test_an_offboarded_worker_holds_no_turn() -> None:
    turn = a_turn(a_job())
    offboard_worker(worker_id=turn.worker_id, why="Left.", by=Actor.user(a_user(is_staff=True)))
    interrupt_ended_worker(WorkerSuspended(worker_id=str(turn.worker_id)))

    assert Assignment.objects.get(pk=turn.pk).state == "cut_short"


def test_the_database_keeps_interruptions_as_they_are() -> None:
    turn = a_turn(a_job())
    cut_short(turn, after_seconds=34.5)
    for statement in (
        "UPDATE marketplace_interruption SET amount_minor = 1",
        "DELETE FROM marketplace_interruption",
        "UPDATE marketplace_assignment SET state = 'active'",
        "UPDATE marketplace_assignment SET submitted_at = now()",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
