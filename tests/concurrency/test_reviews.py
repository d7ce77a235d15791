"""Reviews under load: those who pay the same answers wait for each other, and none waits for ever."""

from collections.abc import Callable
from functools import partial
from threading import Event
from time import sleep

import pytest
from django.db import connection, transaction

from kernel.services.audit import Actor
from marketplace.models import Assignment
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.settlement import REVIEW_CLOCK, SETTLED_TOGETHER, settle_all
from tests.concurrency.crowd import at_once
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_submitted_answer, a_worker, an_open_job, owner_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def wait_until_somebody_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone() == (True,):
                return
            sleep(0.02)
    raise AssertionError("Nobody waits for anybody.")


def test_a_client_who_accepts_all_with_a_key_and_the_review_clock_pay_each_answer_once() -> None:  # [B153]
    job = an_open_job(tasks=SETTLED_TOGETHER + 1, overlap_min=1, overlap_max=1, accept_on_resolution=False)
    worker = a_worker(job)
    turns = [a_submitted_answer(job, worker=worker) for _ in range(SETTLED_TOGETHER + 1)]
    client, is_held = Person(owner_of(job.client)), Event()

    @transaction.atomic
    def clock_pays(turn: Assignment) -> int:
        Assignment.objects.select_for_update(no_key=True).get(pk=turn.pk)
        is_held.set()
        wait_until_somebody_waits()
        return settle_all(ids=[turn.pk], by=REVIEW_CLOCK)

    def client_accepts_all() -> tuple[int, object]:
        is_held.wait()
        return client.post(f"jobs/{job.pk}/acceptances/", key="all")

    calls: list[Callable[[], object]] = [partial(clock_pays, turns[-1]), client_accepts_all]
    assert at_once(calls) == [1, (201, {"accepted": SETTLED_TOGETHER})]
    assert check_invariants() == []


def test_a_job_is_cancelled_while_its_answers_are_being_accepted() -> None:
    job = an_open_job(tasks=12, overlap_min=2, overlap_max=2)
    worker = a_worker(job)
    for _ in range(12):
        a_submitted_answer(job, worker=worker)
    by, is_held = owner_of(job.client), Event()
    waiting = Assignment.objects.filter(job=job).order_by("pk")

    @transaction.atomic
    def accept_in_order() -> int:
        """As a batch of acceptances locks its answers, with a cancellation in the middle."""
        first, *others = waiting.values_list("pk", flat=True)
        waiting.select_for_update(no_key=True).get(pk=first)
        is_held.set()
        wait_until_somebody_waits()
        list(waiting.select_for_update(no_key=True).filter(pk__in=others))
        return settle_all(ids=[first, *others], by=Actor.user(by))

    def cancel() -> str:
        is_held.wait()
        return cancel_job(job_id=job.pk, by=by).state

    calls: list[Callable[[], object]] = [accept_in_order, cancel]
    assert at_once(calls) == [12, "cancelled"]
    assert check_invariants() == []
