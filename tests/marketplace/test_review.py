"""Review and the end of a job: who is paid what, when, and what goes back to the client, to the cent."""

from datetime import timedelta

import pytest

from billing.services.ledger import InsufficientFunds
from kernel import clock
from kernel.errors import Invalid
from kernel.flow import WrongState
from marketplace.models import Assignment, Job, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.eligibility import NotEligible
from marketplace.services.expiry import expire_overdue_assignments
from marketplace.services.posting import NothingToLaunch, launch_job
from marketplace.services.review import (
    CannotReject,
    TooLateToReverse,
    accept_all,
    accept_assignment,
    reject_assignment,
    reverse_rejection,
)
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_resolved_task,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    free_turns,
    held,
    owner_of,
    the_escalation,
)
from tests.qualification.builders import a_user, an_answer

pytestmark = pytest.mark.django_db

PRICE = 12  # a reward of 10 and a fee of 2
A_MESSAGE = "The picture shows a dog; you answered cat."


def a_dissent(**order: object) -> Assignment:
    """The answer of one who said dog, where two said cat and carried it."""
    job = an_open_job(tasks=1, overlap_min=3, overlap_max=3, confidence_basis_points=5000, **order)
    dissent = a_submitted_answer(job, animal="dog")
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="cat")
    assert Task.objects.get(job=job).answer_key == '{"animal":["cat"]}'
    return dissent


def rejected(assignment: Assignment) -> Assignment:
    return reject_assignment(
        assignment_id=assignment.pk, reason="wrong", message=A_MESSAGE, by=owner_of(assignment.job.client)
    )


def test_a_launch_holds_the_worst_case_and_says_what_is_missing() -> None:  # [B030]
    client = a_client(funds_minor=3 * PRICE * 4 - 1)
    job = a_draft(client=client, tasks=4, overlap_max=3)

    with pytest.raises(InsufficientFunds):
        launch_job(job_id=job.pk, by=owner_of(client))

    job.refresh_from_db()
    assert (job.state, held(job), available(client), free_turns(job)) == ("draft", 0, 3 * PRICE * 4 - 1, 0)


def test_a_job_without_tasks_is_not_launched() -> None:
    with pytest.raises(NothingToLaunch):
        launch_job(job_id=a_draft(tasks=0).pk, by=a_user())


def test_gold_turns_are_in_the_worst_case() -> None:
    job = an_open_job(tasks=10, gold=3, overlap_max=3, gold_share_basis_points=1000)

    # 10 tasks × 3 answers, and 10% gold beside them: 4 turns over 3 gold tasks, so 2 for each.
    assert held(job) == (10 * 3 + 6) * PRICE


def test_answers_that_agree_with_the_resolution_are_paid_by_the_next_sweep() -> None:
    task = a_resolved_task(an_open_job(tasks=1))

    assert accept_due_assignments() == 2

    assert set(task.assignments.values_list("state", flat=True)) == {"accepted"}
    assert [earned(assignment.worker) for assignment in task.assignments.all()] == [10, 10]
    assert held(task.job) == 3 * PRICE - 2 * PRICE


def test_silence_accepts_after_the_review_window_and_not_before() -> None:  # [B167]
    dissent = a_dissent(review_seconds=3600)

    with clock.ahead_by(timedelta(minutes=59)):
        accept_due_assignments()
    assert Assignment.objects.get(pk=dissent.pk).state == "submitted"
    with clock.ahead_by(timedelta(minutes=61)):
        accept_due_assignments()

    assert Assignment.objects.get(pk=dissent.pk).state == "accepted"
    assert earned(dissent.worker) == 10


def test_a_client_may_accept_one_by_one_or_all_and_twice_pays_once() -> None:  # [B153]
    dissent = a_dissent(accept_on_resolution=False)
    client = dissent.job.client

    accept_assignment(assignment_id=dissent.pk, by=owner_of(client))
    accept_assignment(assignment_id=dissent.pk, by=owner_of(client))

    assert earned(dissent.worker) == 10
    assert accept_all(job=dissent.job, by=owner_of(client)) == 2
    assert accept_all(job=dissent.job, by=owner_of(client)) == 0


def test_a_rejection_needs_a_listed_reason_a_message_of_substance_and_a_resolved_task() -> None:  # [B191]
    dissent = a_dissent()
    by = owner_of(dissent.job.client)

    with pytest.raises(Invalid):
        reject_assignment(assignment_id=dissent.pk, reason="ugly", message=A_MESSAGE, by=by)
    with pytest.raises(Invalid):
        reject_assignment(assignment_id=dissent.pk, reason="wrong", message="bad", by=by)
    with pytest.raises(CannotReject):
        rejected(a_submitted_answer(an_open_job()))

    assert rejected(dissent).state == "rejected"
    assert earned(dissent.worker) == 0


def test_a_reversed_rejection_is_paid_once() -> None:
    dissent = rejected(a_dissent())

    reverse_rejection(assignment_id=dissent.pk, why="It was a dog indeed.", by=a_user(is_staff=True))

    dissent.refresh_from_db()
    assert (dissent.state, earned(dissent.worker)) == ("accepted", 10)
    with pytest.raises(WrongState):
        reverse_rejection(assignment_id=dissent.pk, why="Again.", by=a_user(is_staff=True))
    assert earned(dissent.worker) == 10


def test_a_rejected_answer_is_accepted_by_reversing_its_rejection_and_not_otherwise() -> None:
    dissent = rejected(a_dissent())

    with pytest.raises(WrongState):
        accept_assignment(assignment_id=dissent.pk, by=owner_of(dissent.job.client))

    dissent.refresh_from_db()
    assert (dissent.state, earned(dissent.worker)) == ("rejected", 0)


def test_a_finished_job_keeps_what_a_reversal_may_cost_until_it_cannot_be_reversed_any_more() -> None:
    dissent = rejected(a_dissent())
    job, client = dissent.job, dissent.job.client
    accept_due_assignments()

    assert complete_finished_jobs() == 1
    assert (held(job), available(client)) == (PRICE, 1_000_000 - 3 * PRICE)
    with clock.ahead_by(timedelta(days=7)):
        complete_finished_jobs()
        with pytest.raises(TooLateToReverse):
            reverse_rejection(assignment_id=dissent.pk, why="Too late.", by=a_user(is_staff=True))

    assert (held(job), available(client)) == (0, 1_000_000 - 2 * PRICE)


def test_a_reversal_after_completion_is_paid_from_what_was_kept() -> None:
    dissent = rejected(a_dissent())
    accept_due_assignments()
    complete_finished_jobs()

    reverse_rejection(assignment_id=dissent.pk, why="It was a dog indeed.", by=a_user(is_staff=True))

    assert (earned(dissent.worker), held(dissent.job)) == (10, 0)


def test_a_job_completes_when_everything_is_decided_and_gives_the_rest_back() -> None:
    task = a_resolved_task(an_open_job(tasks=1, overlap_max=3))
    job = task.job
    assert complete_finished_jobs() == 0

    accept_due_assignments()
    assert complete_finished_jobs() == 1

    job.refresh_from_db()
    assert (job.state, held(job), available(job.client)) == ("completed", 0, 1_000_000 - 2 * PRICE)


def test_an_adjudicated_answer_is_paid_and_its_opposite_waits_for_review() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=2)
    right, wrong = a_submitted_answer(job, animal="dog"), a_submitted_answer(job, animal="cat")

    decide_task(
        escalation_id=the_escalation(right.task_id).pk, result=an_answer("dog"), note="", by=a_user(is_staff=True)
    )
    accept_due_assignments()

    assert Assignment.objects.get(pk=right.pk).state == "accepted"
    assert Assignment.objects.get(pk=wrong.pk).state == "submitted"


def test_a_cancelled_job_refunds_at_once_what_it_cannot_come_to_pay() -> None:
    job = an_open_job(tasks=5, overlap_min=2, overlap_max=3)
    submitted = a_submitted_answer(job)
    active = claim_task(worker=a_worker(job), job_id=job.pk)

    cancel_job(job_id=job.pk, by=owner_of(job.client))

    assert (held(job), available(job.client)) == (2 * PRICE, 1_000_000 - 2 * PRICE)
    with pytest.raises(NotEligible):
        claim_task(worker=a_worker(job), job_id=job.pk)
    answer(active)
    accept_due_assignments()
    complete_finished_jobs()
    assert (earned(submitted.worker), earned(active.worker)) == (10, 10)
    assert (held(job), available(job.client)) == (0, 1_000_000 - 2 * PRICE)
    assert Job.objects.get(pk=job.pk).state == "cancelled"


def test_what_an_abandoned_reservation_of_a_cancelled_job_held_goes_back_too() -> None:
    job = an_open_job(tasks=1)
    claim_task(worker=a_worker(job), job_id=job.pk)
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    with clock.ahead_by(timedelta(days=1)):
        assert expire_overdue_assignments() == 1
        complete_finished_jobs()

    assert (held(job), available(job.client), free_turns(job)) == (0, 1_000_000, 0)


def test_a_draft_is_cancelled_without_touching_money() -> None:
    job = a_draft()

    cancel_job(job_id=job.pk, by=owner_of(job.client))

    assert available(job.client) == 1_000_000
