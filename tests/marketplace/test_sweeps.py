"""Sweeps: what the clock pays, ends and gives back, and that one broken job does not hold up the others."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import LedgerAccount
from billing.services import escrow, ledger
from kernel import clock
from kernel.money import Money
from marketplace.models import Assignment, Job, Slot
from marketplace.services.allocation import claim_task
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.expiry import expire_overdue_assignments
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.builders import (
    ALWAYS_GOLD,
    NEVER_GOLD,
    a_resolved_task,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    earned,
    held,
    owner_of,
)

pytestmark = pytest.mark.django_db

FEE = 2


def fees_of(owner: str) -> int:
    return ledger.balance(LedgerAccount.Kind.PLATFORM_FEES, owner, "USD").minor


def a_job_without_its_money() -> Job:
    """A job that owes more than it holds, as no service would leave it."""
    job = a_resolved_task(an_open_job(tasks=1)).job
    nothing = Money(0, job.currency)
    escrow.release_all_but(job_owner=job.billing_owner, client_owner=job.client.billing_owner, keep=nothing)
    return job


def test_the_fee_of_an_answer_that_is_paid_after_its_job_has_ended_reaches_the_platform() -> None:
    job = an_open_job(tasks=2)
    a_submitted_answer(job)
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    accept_due_assignments()
    complete_finished_jobs()

    assert (held(job), fees_of(job.billing_owner), fees_of(escrow.PLATFORM)) == (0, 0, FEE)


def test_gold_answered_after_the_job_was_cancelled_is_paid_as_soon_as_work_is() -> None:
    job = an_open_job(tasks=2, gold=2)
    work = claim_task(worker=a_worker(job), job_id=job.pk, chance=NEVER_GOLD)
    gold = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    for turn in (work, gold):
        answer(turn)
    accept_due_assignments()

    assert (earned(work.worker), earned(gold.worker)) == (10, 10)


def test_a_job_that_cannot_pay_does_not_hold_up_the_pay_in_others() -> None:
    broken = a_job_without_its_money()
    sound = a_resolved_task(an_open_job(tasks=1)).job

    assert accept_due_assignments() == 2

    assert set(Assignment.objects.filter(job=sound).values_list("state", flat=True)) == {"accepted"}
    assert set(Assignment.objects.filter(job=broken).values_list("state", flat=True)) == {"submitted"}


def test_a_reservation_that_cannot_be_ended_does_not_hold_up_the_others() -> None:
    job = an_open_job(tasks=2)
    broken, sound = (claim_task(worker=a_worker(job), job_id=job.pk) for _ in range(2))
    assert broken.ordinal
    taken = {"lane": Slot.Lane.WORK, "priority": broken.task.priority, "band": broken.task.band}
    Slot.objects.create(job=job, task=broken.task, ordinal=broken.ordinal, r=0.5, **taken)  # its turn is free already

    with clock.ahead_by(timedelta(days=1)):
        assert expire_overdue_assignments() == 1

    assert dict(Assignment.objects.values_list("pk", "state")) == {broken.pk: "active", sound.pk: "expired"}


def test_an_ended_job_that_owes_all_that_it_holds_is_looked_at_without_a_lock() -> None:
    job = an_open_job(tasks=1)
    claim_task(worker=a_worker(job), job_id=job.pk)
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    with CaptureQueriesContext(connection) as asked:
        complete_finished_jobs()

    assert [query["sql"] for query in asked if "FOR NO KEY UPDATE" in query["sql"]] == []
    assert held(job) == job.price.minor
