"""Sweeps that fit at once: one fit is written, with its workers alone, and a sweep leaves a long one in peace."""

from functools import partial

import pytest
from django.db import connection

from marketplace.models import Fit, FittedWorker, Participation
from marketplace.services import fitting
from marketplace.services.fitting import fit_grown_jobs, fit_job
from marketplace.services.growth import FIRST_AT
from tests.concurrency.crowd import at_once
from tests.marketplace.test_fits import a_worked_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_of_several_who_fit_at_once_the_workers_of_one_fit_are_left() -> None:
    job, _ = a_worked_job(tasks=2)

    at_once([partial(fit_job, job_id=job.pk)] * 4)

    latest = Fit.objects.filter(job=job).latest("number")
    assert list(FittedWorker.objects.values_list("fit", flat=True)) == [latest.pk] * 3


def test_a_sweep_leaves_the_work_to_one_that_is_at_it() -> None:
    job, _ = a_worked_job(tasks=1)
    Participation.objects.filter(job=job).update(claims=FIRST_AT)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [fitting.FITTER])
        assert at_once([fit_grown_jobs] * 2) == [0, 0]
        cursor.execute("SELECT pg_advisory_unlock(%s)", [fitting.FITTER])

    assert fit_grown_jobs() == 1
