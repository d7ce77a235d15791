"""Hidden gold after its answer: it counts, and is accepted as work answered beside it is."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.models import AuditEvent
from marketplace.models import Assignment, Job, Task, WaitingGold
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.expiry import return_assignment
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.review import accept_all, accept_assignment, reject_assignment
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import submit_annotation
from qualification.models import Score
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    NEVER_GOLD,
    Fixed,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    free_turns,
    held,
    owner_of,
)
from tests.qualification.builders import an_answer
from workforce.models import Worker

pytestmark = pytest.mark.django_db

LATEST, EARLIEST = Fixed(0.0), Fixed(0.999)
"""Which of the job's last answers is the example."""


def a_gilded_job(**asked: object) -> Job:
    return an_open_job(**({"tasks": 4, "gold": 4, "overlap_min": 2, "overlap_max": 2} | asked))


def work(job: Job, *, worker: Worker | None = None, at: Task | None = None, animal: str = "cat") -> Assignment:
    """An answer to work, be it any or at this task."""
    among = [at.pk] if at else None
    return answer(claim_task(worker=worker or a_worker(job), job_id=job.pk, chance=NEVER_GOLD, among=among), animal)


def gold(job: Job, *, worker: Worker | None = None, animal: str = "cat", chance: random.Random = LATEST) -> Assignment:
    """An answer to gold, of which cat is right."""
    turn = claim_task(worker=worker or a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    return submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=an_answer(animal), chance=chance)


def again(turn: Assignment) -> Assignment:
    return Assignment.objects.select_related("task").get(pk=turn.pk)


def assert_closed(job: Job, *, turns: int) -> None:
    """All of its money has gone: 12 for each of the ``turns``, and what is left back to the client."""
    assert (Job.objects.get(pk=job.pk).state, held(job)) == ("completed", 0)
    assert available(job.client) == 1_000_000 - 12 * turns
    assert check_invariants() == []


def test_right_gold_is_accepted_with_the_work_that_it_keeps_pace_with_at_one_instant() -> None:
    job = a_gilded_job()
    first = work(job)
    kept = gold(job)
    tend_waiting_gold()
    assert WaitingGold.objects.get().pace_id == first.task_id
    assert accept_due_assignments() == 0

    second = work(job, at=first.task)
    assert accept_due_assignments() == 3

    assert {again(turn).decided_at for turn in (first, second, kept)} == {again(first).decided_at}
    assert [earned(turn.worker) for turn in (first, second, kept)] == [10, 10, 10]
    assert AuditEvent.objects.get(subject_id=kept.pk, to_state="accepted").actor_id == "review_clock"
    assert not WaitingGold.objects.exists()
    assert check_invariants() == []


def test_wrong_gold_waits_for_silence_as_what_disagrees_with_a_label_does() -> None:
    job = a_gilded_job(review_seconds=3600)
    first = work(job)
    kept = gold(job, animal="dog")
    tend_waiting_gold()
    work(job, at=first.task)

    assert accept_due_assignments() == 2
    with clock.ahead_by(timedelta(minutes=59)):
        assert accept_due_assignments() == 0
    with clock.ahead_by(timedelta(minutes=61)):
        assert accept_due_assignments() == 1
    assert again(kept).state == "accepted"


def test_after_the_example_of_an_answer_that_resolved_its_task_right_gold_is_due_at_once_and_counted() -> None:
    job = a_gilded_job()
    work(job, at=work(job).task)
    worker = a_worker(job)
    before = Score.objects.get(worker=worker).correct

    gold(job, worker=worker)

    assert Score.objects.get(worker=worker).correct == before + 1
    assert not WaitingGold.objects.exists()
    assert accept_due_assignments() == 3


def test_after_the_example_of_an_answer_that_had_to_wait_it_waits_too() -> None:
    job = a_gilded_job()
    work(job, at=work(job).task)

    gold(job, chance=EARLIEST)

    assert WaitingGold.objects.get().counted_at is None
    assert accept_due_assignments() == 2


def test_what_the_example_waited_for_already_so_long_waits_the_answer() -> None:
    job = a_gilded_job()
    first = work(job)
    with clock.ahead_by(timedelta(minutes=5)):
        work(job, at=first.task)
        kept = gold(job, chance=EARLIEST)
        tend_waiting_gold()
        accept_due_assignments()

    waits = again(kept).review_due_at - again(kept).submitted_at  # type: ignore[operator]  # both are set
    assert timedelta(minutes=5) <= waits < timedelta(minutes=6)
    assert again(kept).state == "submitted"


def test_who_answers_the_pace_themselves_does_not_see_both_accepted_at_once() -> None:
    job, worker = a_gilded_job(), None
    worker = a_worker(job)
    first = work(job)
    with clock.ahead_by(timedelta(seconds=-60)):
        turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
    submit_annotation(assignment_id=turn.pk, worker=worker, result=an_answer("cat"), chance=LATEST)
    tend_waiting_gold()

    own = work(job, worker=worker, at=first.task)

    assert accept_due_assignments() == 2
    assert (again(own).state, again(turn).state) == ("accepted", "submitted")
    with clock.ahead_by(timedelta(seconds=121)):
        assert accept_due_assignments() == 1


def test_what_a_client_accepts_by_hand_sets_the_pace_too() -> None:
    job = a_gilded_job(accept_on_resolution=False)
    first = work(job)
    right, wrong = gold(job), gold(job, animal="dog")
    tend_waiting_gold()

    accept_assignment(assignment_id=first.pk, by=owner_of(job.client))

    assert [again(turn).state for turn in (first, right, wrong)] == ["accepted", "accepted", "accepted"]


def test_silence_sets_no_pace() -> None:
    job = a_gilded_job(review_seconds=3600)
    first = work(job)
    with clock.ahead_by(timedelta(minutes=10)):
        kept = gold(job)
        tend_waiting_gold()

    with clock.ahead_by(timedelta(minutes=61)):
        assert accept_due_assignments() == 1
    assert (again(first).state, again(kept).state) == ("accepted", "submitted")


def test_a_cancellation_lets_gold_go_that_waits_with_work_without_a_label() -> None:
    job = a_gilded_job()
    first = work(job)
    with_open_task = gold(job, animal="dog")
    tend_waiting_gold()
    work(job, at=first.task)
    work(job)
    with_resolved_task = again(with_open_task)
    waiting = gold(job)
    tend_waiting_gold(chance=LATEST)
    accept_due_assignments()

    cancel_job(job_id=job.pk, by=owner_of(job.client))
    accept_due_assignments()

    assert (again(waiting).state, again(with_resolved_task).state) == ("accepted", "submitted")


def test_a_job_does_not_end_while_somebody_holds_gold_or_waits_for_it() -> None:
    job = a_gilded_job(tasks=2, overlap_min=1, overlap_max=1)
    held = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    waiting = gold(job, animal="dog")
    for _ in range(2):
        work(job)
    accept_due_assignments()

    assert free_turns(job) == 0
    assert (complete_finished_jobs(), accept_due_assignments()) == (0, 0)
    return_assignment(assignment_id=held.pk, worker=held.worker)
    assert (complete_finished_jobs(), accept_due_assignments()) == (0, 1)
    assert again(waiting).state == "accepted"
    assert complete_finished_jobs() == 1
    assert_closed(job, turns=3)


def test_gold_waits_for_its_own_silence_at_the_end_of_a_job_in_which_work_did() -> None:
    job = a_gilded_job(tasks=1, overlap_min=3, overlap_max=3, confidence_basis_points=6000, review_seconds=3600)
    work(job)
    work(job, animal="dog")
    with clock.ahead_by(timedelta(minutes=10)):
        waiting = gold(job, animal="dog")
        work(job)
        assert (accept_due_assignments(), complete_finished_jobs()) == (2, 0)

    with clock.ahead_by(timedelta(minutes=61)):
        assert accept_due_assignments() == 1
        assert (complete_finished_jobs(), accept_due_assignments()) == (0, 0)
    with clock.ahead_by(timedelta(minutes=71)):
        assert accept_due_assignments() == 1
        assert complete_finished_jobs() == 1
    assert again(waiting).state == "accepted"
    assert_closed(job, turns=4)


def test_gold_that_is_rejected_is_counted_and_waits_no_more() -> None:
    job = a_gilded_job()
    kept = gold(job, animal="dog")
    before = Score.objects.get(worker=kept.worker).wrong

    reject_assignment(
        assignment_id=kept.pk,
        reason="wrong",
        message="This is a cat and not a dog, look again.",
        by=owner_of(job.client),
    )

    assert Score.objects.get(worker=kept.worker).wrong == before + 1
    assert not WaitingGold.objects.exists()


def test_gold_that_is_accepted_before_the_sweep_came_round_is_counted_all_the_same_and_once() -> None:
    job = a_gilded_job()
    kept = gold(job, animal="dog")
    before = Score.objects.get(worker=kept.worker).wrong

    accept_all(job=job, by=owner_of(job.client))

    assert Score.objects.get(worker=kept.worker).wrong == before + 1
    assert tend_waiting_gold() == 0


def test_gold_lasts_as_long_as_work_does() -> None:
    job = an_open_job(tasks=12, gold=4, gold_share_basis_points=5000, overlap_min=2, overlap_max=2)

    assert job.gold_share_basis_points == 5000
    assert job.tasks.filter(gold_question__isnull=False).count() * 6 == 12 * 2


def test_a_claim_and_a_submit_ask_the_database_as_often_at_gold_as_at_work() -> None:
    job = a_gilded_job(tasks=12, gold=12)
    worker = a_worker(job)
    work(job, worker=worker)
    tend_waiting_gold()
    said: dict[str, int] = {}

    def listen(step: str, act: object) -> None:
        with CaptureQueriesContext(connection) as heard:
            act()  # type: ignore[operator]  # a function of nothing
        said[step] = len(heard)

    def turn(chance: random.Random) -> Assignment:
        return claim_task(worker=worker, job_id=job.pk, chance=chance)

    def submit(held: Assignment, chance: random.Random = LATEST) -> None:
        submit_annotation(assignment_id=held.pk, worker=worker, result=an_answer("cat"), chance=chance)

    for kind, chance in (("work", NEVER_GOLD), ("gold", ALWAYS_GOLD)):
        listen(f"claim {kind}", lambda chance=chance: turn(chance))
        held = Assignment.objects.get(worker=worker, state="active")
        listen(f"wait {kind}", lambda held=held: submit(held))
    for kind in ("work", "gold"):
        fresh = job.tasks.filter(gold_question=None, assignments=None).order_by("pk")[0]
        other = work(job, at=fresh)
        if kind == "work":
            held = claim_task(worker=worker, job_id=job.pk, chance=NEVER_GOLD, among=[other.task_id])
        else:
            work(job, at=other.task)
            held = turn(ALWAYS_GOLD)
        listen(f"decide {kind}", lambda held=held: submit(held))

    assert said["claim work"] == said["claim gold"]
    assert said["wait work"] == said["wait gold"]
    assert said["decide work"] == said["decide gold"] == said["wait work"] + 3
