"""Overlap that is raised while workers answer, tasks come and prices change: escrow covers the worst case all along."""

from collections.abc import Callable
from functools import partial

import pytest

from marketplace.models import Assignment, Job, Task
from marketplace.services.checks import check_invariants
from marketplace.services.overlaps import raise_overlap
from marketplace.services.repricing import reprice_job
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_submitted_answer, a_worker, an_open_job, held, owner_of, with_tasks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_raising_the_overlap_meets_answers_tasks_and_prices() -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=2)
    by, workers = owner_of(job.client), [a_worker(job) for _ in range(4)]

    calls: list[Callable[[], object]] = [
        *[
            partial(a_submitted_answer, job, worker=worker, animal=animal)
            for worker, animal in zip(workers, ("cat", "dog", "dog", "cat"), strict=True)
        ],
        partial(raise_overlap, job_id=job.pk, overlap_max=4, by=by),
        partial(raise_overlap, job_id=job.pk, overlap_max=3, by=by),
        partial(reprice_job, job_id=job.pk, reward_minor=20, by=by),
        partial(with_tasks, job, "standard"),
    ]
    outcomes = at_once(calls)

    assert Job.objects.get(pk=job.pk).overlap_max == 4
    assert Task.objects.filter(job=job).count() == 3
    assert not [outcome for outcome in outcomes[6:] if isinstance(outcome, Exception)]
    taken = Assignment.objects.filter(job=job, ordinal__isnull=False)
    assert held(job) >= sum(turn.reward_minor + turn.fee_minor for turn in taken)
    assert check_invariants() == []
