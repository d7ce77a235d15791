"""The promises that check_invariants tries: jobs keep them in all they go through, and what breaks one is seen."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError

from kernel import clock
from kernel.models import OutboxMessage
from marketplace.background import check_everything
from marketplace.models import Assignment, Escalation, Job, Slot, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import CHECKS, SECTIONS
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.expiry import expire_overdue_assignments, return_assignment
from marketplace.services.posting import pause_job
from marketplace.services.review import reject_assignment, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from tests.billing.flows import run_relay
from tests.marketplace.breaking import broken, broken_of, one_resolved_and_paid, sql, the_first_turn
from tests.marketplace.builders import (
    a_draft,
    a_resolved_task,
    a_submitted_answer,
    a_worker,
    an_open_job,
    held,
    owner_of,
)
from tests.qualification.builders import a_user, an_answer
from workforce.models import Worker

pytestmark = pytest.mark.django_db

REASON = {"reason": "wrong", "message": "This is a dog and not a cat, look again."}


def reject(assignment: Assignment, job: Job) -> None:
    reject_assignment(assignment_id=assignment.pk, by=owner_of(job.client), **REASON)


def test_nothing_is_broken_in_an_empty_house_or_a_draft() -> None:
    assert broken() == []
    a_draft(tasks=3, gold=2)
    assert broken() == []


def test_nothing_is_broken_while_a_job_goes_its_way() -> None:
    job = an_open_job(tasks=3, gold=3, accept_on_resolution=False)
    assert broken() == []
    returned = claim_task(worker=a_worker(job), job_id=job.pk)
    assert broken() == []
    return_assignment(assignment_id=returned.pk, worker=returned.worker)
    claim_task(worker=a_worker(job), job_id=job.pk)
    with clock.ahead_by(timedelta(days=1)):
        assert expire_overdue_assignments() == 1
    assert broken() == []
    while not Task.objects.filter(state="resolved").exists():
        a_submitted_answer(job)
        assert broken() == []
    answer = Assignment.objects.filter(task__state="resolved", state="submitted").order_by("pk")[0]
    reject(answer, job)
    assert broken() == []
    pause_job(job_id=job.pk, by=owner_of(job.client))
    reverse_rejection(assignment_id=answer.pk, why="It was a cat after all.", by=owner_of(job.client))
    assert broken() == []
    waiting = Assignment.objects.filter(state="submitted").count()
    with clock.ahead_by(timedelta(days=4)):
        assert accept_due_assignments() == waiting
        assert broken() == []


def test_nothing_is_broken_by_an_escalation_and_its_decision() -> None:
    job = an_open_job(overlap_min=2, overlap_max=2, confidence_basis_points=9999)
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    assert broken() == []

    escalation = Escalation.objects.get()
    decide_task(escalation_id=escalation.pk, result=an_answer("dog"), note="A tail.", by=a_user(is_staff=True))

    assert broken() == []


def test_nothing_is_broken_by_the_end_of_a_job() -> None:
    job = an_open_job(tasks=2, gold=2, accept_on_resolution=False)
    while Task.objects.filter(state="open", gold_question=None).exists():
        a_submitted_answer(job)
    rejected = Assignment.objects.filter(task__state="resolved", state="submitted").order_by("pk").first()
    assert rejected is not None
    reject(rejected, job)
    with clock.ahead_by(timedelta(days=4)):
        accept_due_assignments()
        assert complete_finished_jobs() == 1
        assert (Job.objects.get().state, held(job)) == ("completed", 12)
        assert broken() == []
    with clock.ahead_by(timedelta(days=8)):
        assert broken() == []  # the rejection stands now, and its pay waits for the sweep
        complete_finished_jobs()
        assert (held(job), broken()) == (0, [])


def test_nothing_is_broken_by_a_cancellation_with_turns_under_way() -> None:
    job = an_open_job(tasks=3)
    a_submitted_answer(job)
    claim_task(worker=a_worker(job), job_id=job.pk)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    assert (held(job), broken()) == (24, [])
    accept_due_assignments()
    assert (held(job), broken()) == (12, [])
    with clock.ahead_by(timedelta(days=1)):
        expire_overdue_assignments()
        assert (held(job), broken()) == (12, [])
        complete_finished_jobs()
        assert (held(job), broken()) == (0, [])


def test_a_turn_that_is_held_and_free_at_once_is_seen() -> None:
    job = an_open_job()
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    Slot.objects.create(job=job, task=turn.task, lane=0, priority=5, r=0.5, ordinal=turn.ordinal or 0)

    assert broken() == [
        (
            "no turn is held twice, or held and free at once",
            f"turn {turn.ordinal} of task {turn.task_id}",
            "stands 2 times",
        )
    ]


def test_a_worker_with_two_turns_at_one_task_is_seen() -> None:
    job = an_open_job()
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    sql("ALTER TABLE marketplace_assignment DROP CONSTRAINT one_turn_per_worker")
    sql("DROP INDEX one_reservation_at_a_time")
    other = claim_task(worker=a_worker(job), job_id=job.pk)
    sql("UPDATE marketplace_assignment SET worker_id = %s WHERE id = %s", turn.worker_id, other.pk)

    promise = "no worker has two turns at one task, or two reservations"
    assert broken_of(promise) == [
        (promise, f"worker {turn.worker_id}", f"has 2 turns at task {turn.task_id}"),
        (promise, f"worker {turn.worker_id}", "holds 2 reservations"),
    ]


def test_turns_beyond_the_overlap_are_seen() -> None:
    job = an_open_job()
    task = Task.objects.get()
    for ordinal in (3, 4):
        sql(
            "INSERT INTO marketplace_slot (job_id, task_id, lane, priority, r, ordinal) VALUES (%s, %s, 0, 5, 0.5, %s)",
            job.pk, task.pk, ordinal,
        )  # fmt: skip

    assert broken() == [
        ("no work task has more turns than its job's overlap", f"task {task.pk}", "has turns up to 4; the overlap is 3")
    ]


def test_turns_at_a_settled_task_or_in_an_ended_job_are_seen() -> None:
    job = one_resolved_and_paid()
    task = Task.objects.get()
    slot = Slot.objects.create(job=job, task=task, lane=0, priority=5, r=0.5, ordinal=3)
    promise = "turns are offered only at open tasks of running jobs"

    assert broken() == [(promise, f"slot {slot.pk}", "offers a turn at a task that is resolved, in a job that is open")]


def test_an_open_task_at_which_nobody_can_work_is_seen() -> None:
    an_open_job()
    Slot.objects.all().delete()
    task = Task.objects.get()

    assert broken() == [
        (
            "every open task waits for somebody",
            f"task {task.pk}",
            "is open, but no turn at it is free or being worked on",
        )
    ]


def test_an_escalation_without_its_task_and_a_task_without_its_escalation_are_seen() -> None:
    job = an_open_job(overlap_min=2, overlap_max=2, confidence_basis_points=9999)
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    task = Task.objects.get()
    promise = "a task is in adjudication exactly while its escalation waits"

    sql("UPDATE marketplace_escalation SET kind = 'failed_payout'")
    assert broken() == [(promise, f"task {task.pk}", "is in_adjudication with 0 waiting escalations")]
    sql("UPDATE marketplace_escalation SET kind = 'no_consensus'")
    sql("UPDATE marketplace_task SET state = 'void'")
    assert broken() == [(promise, f"task {task.pk}", "is void with 1 waiting escalations")]


def test_a_label_that_nobody_gave_is_seen() -> None:
    job = an_open_job()
    Slot.objects.all().delete()
    task = Task.objects.get()
    sql(
        "UPDATE marketplace_task SET state = 'resolved', label = '[]', answer_key = '{}', method = 'consensus', "
        "confidence = 1, resolved_at = now()"
    )

    assert broken() == [
        (
            "resolved tasks have a label that somebody gave",
            f"task {task.pk}",
            "is resolved without a label, an answer key or anybody who gave it",
        )
    ]
    assert job.state == "open"


def test_a_submitted_turn_without_an_answer_is_seen() -> None:
    job = an_open_job()
    turn = a_submitted_answer(job)
    sql("DELETE FROM marketplace_annotation")

    promise = "a turn has an answer exactly when it was submitted"
    assert broken() == [(promise, f"assignment {turn.pk}", "is submitted without an answer")]


def test_a_rejection_that_the_turn_does_not_know_of_is_seen() -> None:
    job = an_open_job(accept_on_resolution=False)
    a_resolved_task(job)
    turn = the_first_turn()
    reject(turn, job)
    sql("DELETE FROM marketplace_rejection")

    promise = "a turn is rejected exactly while its rejection stands"
    assert broken() == [(promise, f"assignment {turn.pk}", "is rejected without a rejection")]


def test_copies_that_differ_are_seen() -> None:
    job = an_open_job()
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    slot = Slot.objects.get()
    sql("UPDATE marketplace_slot SET priority = 7")
    sql("UPDATE marketplace_participation SET claims = 3")
    promise = "copies agree with what they are copies of"

    assert broken() == [
        (promise, f"slot {slot.pk}", "names another job, lane, priority or band than its task does"),
        (promise, f"worker {turn.worker_id} in job {job.pk}", "is counted with 3 claims, and has made 1"),
    ]


@pytest.mark.parametrize("noun", ["job", "escalation"])
def test_a_state_that_nobody_was_told_of_is_seen(noun: str) -> None:
    job = an_open_job(overlap_min=2, overlap_max=2, confidence_basis_points=9999)
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    row = job.pk if noun == "job" else Escalation.objects.get().pk
    sql("DELETE FROM kernel_auditevent WHERE subject_id = %s", str(row))

    message = "is open, but the last that was told of it is nothing"
    assert broken() == [(f"every {noun} is what the audit says", f"{noun} {row}", message)]


def test_an_admin_who_is_a_worker_is_seen() -> None:
    worker, admin = a_worker(an_open_job()), a_user(is_staff=True)
    sql("UPDATE kernel_adminrole SET user_id = %s WHERE user_id = %s", worker.user_id, admin.pk)

    roles = "access, auditor, certification, escalations, finance"
    message = f"holds the admin role {roles}, and is a worker who is active"
    assert broken() == [("nobody is an admin and a worker", f"user {worker.user_id}", message)]

    Worker.objects.filter(pk=worker.pk).update(
        state="offboarded", standing_reason="Left."
    )  # who has left may come back as an admin
    assert broken() == []


def test_the_command_shows_each_promise_and_where_the_money_is() -> None:
    an_open_job()
    out = StringIO()

    call_command("ledger_check", stdout=out)

    lines = out.getvalue().splitlines()
    shown = [
        line for section, promises in SECTIONS.items() for line in (section, *(f"      ok  {p}" for p in promises))
    ]
    assert lines[: len(shown)] == shown
    assert lines[-1].split() == ["accounted", "for", "1,000,000"]


def test_the_command_says_what_is_broken_and_fails() -> None:
    job = an_open_job()
    Slot.objects.filter(job=job).delete()
    task, out = Task.objects.get(), StringIO()

    with pytest.raises(CommandError, match=rf"^Broken: 1 of {len(CHECKS)} promises\. Faults: 1\.$"):
        call_command("ledger_check", stdout=out)

    lines = out.getvalue().splitlines()
    at = lines.index("  BROKEN  every open task waits for somebody")
    assert lines[at + 1] == f"            task {task.pk}: is open, but no turn at it is free or being worked on"


def test_what_the_nightly_check_finds_is_told_to_those_who_look_after_money() -> None:
    admin = a_user(is_staff=True)
    check_everything()
    assert OutboxMessage.objects.count() == 0
    job = an_open_job()
    Slot.objects.filter(job=job).delete()

    check_everything()
    run_relay()

    (letter,) = [letter for letter in mail.outbox if letter.to == [admin.email]]
    assert letter.subject == "The books need you: a promise is broken"
    assert "Broken: every open task waits for somebody" in letter.body
