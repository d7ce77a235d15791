"""Prices that change while workers claim, and money that two waiting jobs want: exact, whoever comes first."""

from collections.abc import Callable
from functools import partial

import pytest

from marketplace.models import Assignment, Job
from marketplace.services.allocation import claim_task
from marketplace.services.awaiting_funds import start_funded_jobs
from marketplace.services.checks import check_invariants
from marketplace.services.posting import launch_job
from marketplace.services.repricing import reprice_job
from tests.billing.builders import a_funding
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_client, a_draft, a_worker, an_open_job, available, held, owner_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_each_claim_bears_a_price_that_was_in_force_and_escrow_covers_all_of_them() -> None:
    job = an_open_job(tasks=12, overlap_min=1, overlap_max=1, reward_minor=10)
    workers = [a_worker(job) for _ in range(12)]
    claims = [partial(claim_task, worker=worker, job_id=job.pk) for worker in workers]
    reprices = [partial(reprice_job, job_id=job.pk, reward_minor=reward, by=owner_of(job.client)) for reward in (20, 5)]

    calls: list[Callable[[], object]] = [*claims[:6], *reprices, *claims[6:]]
    outcomes = at_once(calls)

    turns = [outcome for outcome in outcomes if isinstance(outcome, Assignment)]
    job.refresh_from_db()
    assert len(turns) == 12
    assert {turn.reward_minor for turn in turns} <= {5, 10, 20}
    assert job.price_list == 3
    assert held(job) >= sum(turn.reward_minor + turn.fee_minor for turn in turns)
    assert check_invariants() == []


def test_two_jobs_that_wait_for_the_same_funds_are_not_both_opened() -> None:
    client = a_client(funds_minor=0)
    jobs = [
        launch_job(job_id=a_draft(client=client, reward_minor=100).pk, by=owner_of(client), when_funded=True)
        for _ in range(2)
    ]
    a_funding(client.billing_owner, 360 + 359)

    at_once([start_funded_jobs] * 8)

    assert [Job.objects.get(pk=job.pk).state for job in jobs] == ["open", "awaiting_funds"]
    assert (held(jobs[0]), available(client)) == (360, 359)
    assert check_invariants() == []
