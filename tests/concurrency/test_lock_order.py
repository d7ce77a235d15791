"""Locks are taken in one order, so that nobody waits in a circle."""

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO

import pytest
from django.db import connection, transaction

from billing.models import LedgerAccount
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from marketplace.models import Assignment, Escalation, Task
from marketplace.services.allocation import claim_task
from marketplace.services.certificates import issue_certificate
from marketplace.services.checks import check_invariants
from marketplace.services.escalations import claim_escalation
from marketplace.services.expiry import lock_turn
from marketplace.services.pay_lifts import lift_pay, lift_pay_in
from marketplace.services.posting import lock_job
from marketplace.services.prioritising import PriorityReport, prioritise_tasks
from tests.marketplace.api_people import an_admin
from tests.marketplace.automation import tasks_by_name
from tests.marketplace.builders import a_client, a_worker, an_open_job, answer, earned
from tests.marketplace.test_certificates import a_labelled_job, decide
from tests.marketplace.test_certificates import begun as begun_certificate
from tests.marketplace.test_pay_floor import PRICE, a_floor, a_job_of, takes, works
from tests.qualification.builders import a_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

SECONDS_TO_WAIT = 20
BY = Actor.system("test")


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


def test_an_order_is_computed_before_the_job_is_locked_and_what_is_settled_meanwhile_keeps_its_place() -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1)
    worker, settled = a_worker(job), tasks_by_name(job)["t0"]
    rows = [{"external_id": name, "scores": [0.5, 0.5]} for name in ("t0", "t1")]
    stream = BytesIO("".join(f"{json.dumps(row)}\n" for row in rows).encode())
    outcomes: list[object] = []

    with transaction.atomic():
        lock_job(job.pk)
        other = begun(partial(prioritise_tasks, job_id=job.pk, stream=stream, by=BY), outcomes)
        left_to_read = stream.read()
        answer(claim_task(worker=worker, job_id=job.pk, among=[settled.pk]))
    other.join()

    assert (left_to_read, outcomes) == (b"", [PriorityReport(tasks=1, batch=1)])
    assert {name: task.priority for name, task in tasks_by_name(job).items()} == {"t0": settled.priority, "t1": 1}
    assert check_invariants() == []


def test_an_inspection_that_is_claimed_as_its_certificate_is_issued_is_withdrawn_from_who_claimed_it() -> None:
    certificate, expert = begun_certificate(a_labelled_job(*["cat"] * 20)), an_admin()
    for inspection in certificate.inspections.order_by("position")[:4]:
        decide(expert, inspection, "cat")
    waits = list(certificate.inspections.filter(found_at=None).values_list("escalation_id", flat=True))
    outcomes: list[object] = []

    with transaction.atomic():
        claim_escalation(escalation_id=waits[0], by=a_user(is_staff=True))
        other = begun(partial(issue_certificate, certificate_id=certificate.pk, by=BY), outcomes)
    other.join()

    assert outcomes == [certificate]
    withdrawn = AuditEvent.objects.filter(action="escalation.withdrawn").values_list("subject_id", "from_state")
    assert dict(withdrawn) == {str(pk): "claimed" if pk == waits[0] else "open" for pk in waits}
