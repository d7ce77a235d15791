"""Locks are taken in one order, so that nobody waits in a circle."""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction

from billing.models import LedgerAccount
from marketplace.models import Assignment, Escalation, Task
from marketplace.services.allocation import claim_task
from marketplace.services.expiry import lock_turn
from marketplace.services.pay_lifts import lift_pay, lift_pay_in
from tests.marketplace.builders import a_client, a_worker, an_open_job, earned
from tests.marketplace.test_pay_floor import PRICE, a_floor, a_job_of, takes, works

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

SECONDS_TO_WAIT = 20


def waits(backend_pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [backend_pid])
        (waiting,) = cursor.fetchone()
    return bool(waiting)


def begun(call: Callable[[], object], outcomes: list[object]) -> threading.Thread:
    """A thread that makes this call in a transaction of its own, once it waits for a lock of ours."""
    pids: list[int] = []

    def run() -> None:
        try:
            with transaction.atomic():
                pids.append(connection.connection.info.backend_pid)
                outcomes.append(call())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    ends = time.monotonic() + SECONDS_TO_WAIT
    while not (pids and waits(pids[0])):
        assert time.monotonic() < ends
        time.sleep(0.01)
    return thread


def test_whoever_waits_for_a_turns_task_does_not_hold_the_turn() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    locked: list[object] = []

    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).get(pk=turn.task_id)
        other = begun(partial(lock_turn, turn.pk), locked)
        held_by_nobody = Assignment.objects.select_for_update(no_key=True, nowait=True).get(pk=turn.pk)
    other.join()

    assert held_by_nobody == turn
    assert locked == [turn]


def test_whoever_waits_for_what_lacks_in_a_reserve_to_be_decided_holds_no_account() -> None:
    a_floor(1200)
    job = a_job_of(20, client=a_client(funds_minor=20 * PRICE + 12), reserve_basis_points=500)
    worker = works(job, *takes(44.5, 5))
    lift_pay()
    lifted: list[object] = []

    with transaction.atomic():
        Escalation.objects.select_for_update(no_key=True).get(kind="pay_floor")
        other = begun(partial(lift_pay_in, job_id=job.pk), lifted)
        accounts = LedgerAccount.objects.filter(owner__in=[job.billing_owner, f"worker:{worker.pk}"])
        free = accounts.select_for_update(no_key=True, skip_locked=True).count()
        there = accounts.count()
    other.join()

    assert (free, lifted, earned(worker)) == (there, [0], 62)
