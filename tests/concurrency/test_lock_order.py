"""Locks are taken in one order, so that nobody waits in a circle."""

import threading
import time

import pytest
from django.db import connection, transaction

from marketplace.models import Assignment, Task
from marketplace.services.allocation import claim_task
from marketplace.services.expiry import lock_turn
from tests.marketplace.builders import a_worker, an_open_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

SECONDS_TO_WAIT = 20


def waits(backend_pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [backend_pid])
        (waiting,) = cursor.fetchone()
    return bool(waiting)


def test_whoever_waits_for_a_turns_task_does_not_hold_the_turn() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    turn = claim_task(worker=a_worker(job), job_id=job.pk)
    pids: list[int] = []
    locked: list[Assignment] = []

    def lock() -> None:
        try:
            with transaction.atomic():
                pids.append(connection.connection.info.backend_pid)
                locked.append(lock_turn(turn.pk))
        finally:
            connection.close()

    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).get(pk=turn.task_id)
        other = threading.Thread(target=lock)
        other.start()
        ends = time.monotonic() + SECONDS_TO_WAIT
        while not (pids and waits(pids[0])):
            assert time.monotonic() < ends
            time.sleep(0.01)
        held_by_nobody = Assignment.objects.select_for_update(no_key=True, nowait=True).get(pk=turn.pk)
    other.join()

    assert held_by_nobody == turn
    assert locked == [turn]
