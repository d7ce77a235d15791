"""Overlap that is raised while a job runs: more answers where workers do not agree, and their price is there first."""

import pytest

from billing.models import LedgerAccount
from billing.services import ledger
from kernel.models import AuditEvent
from marketplace.models import Job, Slot, Task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job
from marketplace.services.posting import launch_job
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_submitted_answer,
    an_open_job,
    available,
    free_turns,
    held,
    owner_of,
    with_tasks,
)
from tests.marketplace.test_pay_floor import a_floor

pytestmark = pytest.mark.django_db

PRICE = 12  # a reward of 10 and a fee of 2


def raised(job: Job, overlap_max: int) -> tuple[int, dict[str, object]]:
    return Person(owner_of(job.client)).post(f"jobs/{job.pk}/overlap/", {"overlap_max": overlap_max})


def reserve_of(job: Job) -> int:
    return ledger.balance(LedgerAccount.Kind.PAY_RESERVE, job.billing_owner, job.currency).minor


def test_workers_who_do_not_agree_are_asked_beyond_what_the_overlap_was_and_it_is_set_aside_first() -> None:
    job = an_open_job(
        client=a_client(funds_minor=100), tasks=1, overlap_min=2, overlap_max=3, confidence_basis_points=9900
    )
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")

    status, shown = raised(job, 5)

    assert (status, shown["overlap_max"], held(job), available(job.client)) == (200, 5, 5 * PRICE, 100 - 5 * PRICE)
    told = AuditEvent.objects.get(action="job.overlap_raised", subject_id=str(job.pk))
    assert told.details == {"before": 3, "overlap_max": 5, "held_minor": 2 * PRICE}
    for animal in ("dog", "cat", "dog"):
        a_submitted_answer(job, animal=animal)
    task = Task.objects.get(job=job)
    ordinals = task.assignments.order_by("ordinal").values_list("ordinal", flat=True)
    assert (task.state, list(ordinals)) == ("in_adjudication", [1, 2, 3, 4, 5])
    assert check_invariants() == []


def test_while_its_funds_are_missing_nothing_changes() -> None:
    job = an_open_job(client=a_client(funds_minor=100), tasks=2, overlap_min=2, overlap_max=3)

    status, said = raised(job, 5)

    assert (status, said["code"]) == (409, "insufficient_funds")
    assert said["message"] == "0.48 USD are needed and 0.28 USD are there: 0.20 USD are missing."
    assert (Job.objects.get(pk=job.pk).overlap_max, held(job), available(job.client)) == (3, 72, 28)


def test_it_is_never_lowered_and_ends_with_its_job() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=3)

    assert raised(job, 2)[1]["message"] == "overlap_max is 2; it is 3 now, and can be raised up to 100."
    assert (raised(job, 3)[0], held(job)) == (200, 3 * PRICE)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    assert code_of(raised(job, 4)) == (409, "wrong_state")


def test_a_draft_holds_it_when_it_is_launched() -> None:
    job = a_draft(tasks=1, overlap_min=2, overlap_max=3)

    assert (raised(job, 4)[0], held(job)) == (200, 0)
    launch_job(job_id=job.pk, by=owner_of(job.client))

    assert held(job) == 4 * PRICE


def test_gold_lasts_for_the_more_that_is_worked() -> None:
    job = an_open_job(tasks=10, gold=3, overlap_min=2, overlap_max=3, gold_share_basis_points=1000)
    assert (Slot.objects.filter(job=job, lane=1).count(), held(job)) == (6, (10 * 3 + 6) * PRICE)

    raised(job, 6)

    assert (Slot.objects.filter(job=job, lane=1).count(), free_turns(job)) == (9, 20)
    assert held(job) == (10 * 6 + 9) * PRICE
    assert check_invariants() == []


def test_the_reserve_for_the_floor_grows_with_overlap_tasks_and_prices() -> None:
    a_floor(1200)
    job = an_open_job(
        client=a_client(funds_minor=1_000),
        tasks=5,
        overlap_min=1,
        overlap_max=1,
        guess_seconds=30,
        reserve_basis_points=2000,
    )
    client = Person(owner_of(job.client))
    assert (held(job), reserve_of(job), available(job.client)) == (60, 12, 928)

    raised(job, 2)
    assert (held(job), reserve_of(job), available(job.client)) == (120, 24, 856)
    with_tasks(job, "standard", "standard", "standard", "standard", "standard")
    assert (held(job), reserve_of(job), available(job.client)) == (240, 48, 712)
    client.post(f"jobs/{job.pk}/reprice/", {"reward_minor": 20})
    assert (held(job), reserve_of(job), available(job.client)) == (480, 96, 424)
    client.post(f"jobs/{job.pk}/reprice/", {"reward_minor": 10})
    assert (held(job), reserve_of(job), available(job.client)) == (480, 96, 424)

    refused = raised(job, 10)
    assert code_of(refused) == (409, "insufficient_funds")
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    assert (held(job), reserve_of(job), available(job.client)) == (0, 0, 1_000)
    assert check_invariants() == []


def test_a_job_that_was_launched_before_there_was_a_floor_grows_without_a_reserve() -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    a_floor(1200)

    raised(job, 2)

    assert (held(job), reserve_of(job)) == (2 * PRICE, 0)
