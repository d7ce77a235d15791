"""The promises that check_invariants tries: jobs keep them in all they go through, and what breaks one is seen."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from billing.models import LedgerAccount, Posting
from billing.services import ledger
from kernel import clock
from kernel.models import OutboxMessage
from kernel.money import Money
from marketplace.background import check_everything
from marketplace.models import Assignment, Escalation, Job, Slot, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import CHECKS, SECTIONS, check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.expiry import expire_overdue_assignments, return_assignment
from marketplace.services.posting import pause_job
from marketplace.services.review import reject_assignment, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from tests.billing.flows import run_relay
from tests.marketplace.builders import (
    a_client,
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

BY_CLIENT = "funded is everything, client by client"
AGREED = "what is earned is what was agreed at the claim, lifts, bonuses and time"
REASON = {"reason": "wrong", "message": "This is a dog and not a cat, look again."}


def broken() -> list[tuple[str, str, str]]:
    """What is broken: (promise, subject, message)."""
    return [(fault.check, fault.subject, fault.message) for fault in check_invariants()]


def broken_of(promise: str) -> list[tuple[str, str, str]]:
    """What breaks this one."""
    return [fault for fault in broken() if fault[0] == promise]


def sql(statement: str, *values: Any) -> None:
    """Change rows behind the back of services and triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


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


def one_resolved_and_paid() -> Job:
    job = an_open_job()
    a_resolved_task(job)
    accept_due_assignments()
    return job


def the_first_turn() -> Assignment:
    turn = Assignment.objects.order_by("claimed_at").first()
    assert turn is not None
    return turn


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


PAID = "every accepted turn is paid once, as it was agreed, and no other is"
QUOTED = "every turn bears a price that its job quoted for its band"


@pytest.mark.untrue("entries never change")
def test_an_accepted_turn_without_pay_is_seen() -> None:
    one_resolved_and_paid()
    turn = the_first_turn()
    sql("UPDATE billing_posting SET key = 'gone' WHERE key = %s", f"pay:{turn.pk}")

    assert [fault for fault in broken() if fault[0] == PAID] == [
        (PAID, f"assignment {turn.pk}", "is accepted, but not paid")
    ]


def test_pay_for_what_was_not_accepted_is_seen() -> None:
    job = one_resolved_and_paid()
    turn = the_first_turn()
    sql("UPDATE marketplace_assignment SET state = 'submitted', decided_at = NULL WHERE id = %s", turn.pk)

    assert (PAID, f"assignment {turn.pk}", "is submitted, but is paid") in broken()
    assert ("every assignment is what the audit says", f"assignment {turn.pk}",
            "is submitted, but the last that was told of it is accepted") in broken()  # fmt: skip
    assert job.state == "open"


def test_pay_of_another_amount_is_seen() -> None:
    job = one_resolved_and_paid()
    turn = the_first_turn()
    sql("UPDATE marketplace_assignment SET reward_minor = 11 WHERE id = %s", turn.pk)

    escrow, earnings = f"job_escrow job:{job.pk}", f"worker_earnings worker:{turn.worker_id}"
    moved = f"{escrow} > {earnings}: 10 USD, {escrow} > platform_fees job:{job.pk}: 2 USD"
    assert broken_of(PAID) == [(PAID, f"assignment {turn.pk}", f"is paid otherwise than agreed: {moved}")]
    assert {check for check, _, _ in broken()} == {PAID, BY_CLIENT, AGREED, QUOTED}


def test_pay_that_was_taken_back_is_seen() -> None:
    one_resolved_and_paid()
    turn = the_first_turn()
    ledger.reverse(posting_key=f"pay:{turn.pk}", key="undo")

    assert broken_of(PAID) == [(PAID, f"assignment {turn.pk}", "is accepted, but its pay was taken back")]
    assert {check for check, _, _ in broken()} == {PAID, BY_CLIENT, AGREED}


def move_money(job: Job, minor: int) -> None:
    entry = ledger.Entry(
        ledger.AccountKey(LedgerAccount.Kind.JOB_ESCROW, job.billing_owner),
        ledger.AccountKey(LedgerAccount.Kind.CLIENT_FUNDS, job.client.billing_owner),
        Money(abs(minor), "USD"),
    )
    entries = [entry if minor > 0 else ledger.Entry(entry.target, entry.source, entry.amount)]
    kind = Posting.Kind.ESCROW_RELEASED if minor > 0 else Posting.Kind.ESCROW_HELD
    ledger.post(key=f"move:{minor}", kind=kind, subject=job.billing_owner, entries=entries)


@pytest.mark.parametrize(
    "before",
    [
        lambda job: None,
        lambda job: claim_task(worker=a_worker(job), job_id=job.pk),
        a_submitted_answer,
    ],
    ids=["nothing done", "one turn taken", "one answered"],
)
def test_an_escrow_that_does_not_cover_the_worst_case_is_seen(before: Callable[[Job], object]) -> None:
    job = an_open_job(tasks=2)
    before(job)
    move_money(job, 1)

    promise = "a running job's escrow covers everything that it may come to cost"
    assert broken() == [(promise, f"job {job.pk}", "holds 71, and may cost 72 USD")]


def test_an_escrow_may_hold_more_than_is_still_needed_while_its_job_runs() -> None:
    job = an_open_job(tasks=2)
    a_submitted_answer(job)
    a_submitted_answer(job)
    accept_due_assignments()
    assert broken() == []


@pytest.mark.parametrize("minor", [1, -1])
def test_an_ended_job_that_holds_more_or_less_than_it_owes_is_seen(minor: int) -> None:
    job = an_open_job(tasks=3)
    claim_task(worker=a_worker(job), job_id=job.pk)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    move_money(job, minor)

    promise = "a job that does not run holds what its turns may still cost, and no more"
    message = f"is cancelled and holds {12 - minor}; its turns may still cost 12 USD"
    assert broken() == [(promise, f"job {job.pk}", message)]


def test_a_draft_that_holds_money_is_seen() -> None:
    job = a_draft(client=a_client())
    move_money(job, -5)

    promise = "a job that does not run holds what its turns may still cost, and no more"
    assert broken() == [(promise, f"job {job.pk}", "is draft and holds 5; its turns may still cost 0 USD")]


@pytest.mark.untrue("balances equal their entries", "money in is money held, kept and out")
def test_books_that_do_not_add_up_are_seen() -> None:
    job = an_open_job()
    sql("UPDATE billing_ledgeraccount SET balance_minor = balance_minor + 1 WHERE owner = %s", job.billing_owner)

    adds_up = "money in is money held, kept and out"
    assert {check for check, _, _ in broken()} == {"balances equal their entries", adds_up, BY_CLIENT}


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
