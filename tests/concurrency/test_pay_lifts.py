"""Sweeps that lift pay at one instant lift it once, also while the job is ended."""

from collections.abc import Callable
from functools import partial

import pytest

from marketplace.models import Lift
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.pay_lifts import lift_pay
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import earned, owner_of
from tests.marketplace.test_pay_floor import a_floor, a_job_of, reserve_of, takes, works

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_four_sweeps_and_a_cancellation_lift_each_worker_once() -> None:
    a_floor(1200)
    job = a_job_of(20, reserve_basis_points=5000)
    workers = [works(job, *takes(44.5, 5)) for _ in range(2)]

    calls: list[Callable[[], object]] = [*[lift_pay] * 4, partial(cancel_job, job_id=job.pk, by=owner_of(job.client))]
    outcomes = at_once(calls)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert [earned(worker) for worker in workers] == [75, 75]
    assert (Lift.objects.count(), reserve_of(job)) == (2, 0)
    assert check_invariants() == []
