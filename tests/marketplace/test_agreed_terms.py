"""What was agreed at the claim holds, and each deadline has one last instant on either side of which it is tried."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from billing.checks import check_books
from billing.services.ledger import InsufficientFunds
from kernel import clock
from kernel.flow import WrongState
from marketplace.models import Assignment, Job
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.eligibility import NotEligible
from marketplace.services.posting import launch_job
from marketplace.services.review import (
    CannotReject,
    TooLateToReverse,
    accept_assignment,
    reject_assignment,
    reverse_rejection,
)
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import ReservationExpired
from qualification.models import Certification
from qualification.services.certifications import revoke_certification
from tests.by_hand import by_hand
from tests.marketplace.api_people import Person
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_resolved_task,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    held,
    owner_of,
)
from tests.qualification.builders import a_skill, an_admin
from workforce.models import Worker

pytestmark = pytest.mark.django_db

A_MOMENT = timedelta(milliseconds=1)
A_MESSAGE = "The picture shows a dog; you answered cat."


def at(instant: datetime) -> Any:
    """The clock at this instant or a little after: it goes on while we work."""
    return clock.ahead_by(instant - clock.now())


@pytest.mark.parametrize("fee", [10_000, 10_100, -100, 3_333], ids=lambda fee: f"B029-{fee}")
def test_the_fee_is_nobodys_to_set(fee: int) -> None:
    job = a_draft()
    shown = Person(owner_of(job.client)).get(f"jobs/{job.pk}/")[1]
    asked = {
        name: shown[name] for name in ("client", "title", "currency", "reward_minor", "overlap_min", "overlap_max")
    }

    status, said = Person(owner_of(job.client)).post("jobs/", {**asked, "fee_basis_points": fee})

    assert status == 400
    assert "fee_basis_points" in {fault["field"] for fault in said["errors"]}
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("reward", "fee"), [(1, 0), (2, 0), (3, 1), (7, 1), (8, 2)], ids=lambda minor: f"B029-of-{minor}"
)
def test_reward_and_fee_leave_escrow_to_the_cent(reward: int, fee: int) -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, reward_minor=reward)
    assert (job.fee_minor, held(job)) == (fee, reward + fee)

    turn = a_submitted_answer(job)
    accept_due_assignments()

    assert (earned(turn.worker), held(job)) == (reward, 0)
    assert (check_books(), check_invariants()) == ([], [])


@pytest.mark.parametrize("missing", [1, 2400], ids=["B030-a-cent", "B030-all"])
def test_a_job_that_its_client_cannot_pay_in_full_stays_a_draft(missing: int) -> None:
    client = a_client(funds_minor=2400 - missing)
    job = a_draft(client=client, tasks=1, overlap_max=2, reward_minor=1000)

    with pytest.raises(InsufficientFunds):
        launch_job(job_id=job.pk, by=owner_of(client))

    job.refresh_from_db()
    assert (job.state, held(job), available(client)) == ("draft", 0, 2400 - missing)


@pytest.mark.parametrize("name", ["reward_minor", "fee_minor", "currency"], ids=lambda name: f"B031-{name}")
def test_what_a_job_pays_cannot_be_revised(name: str) -> None:
    job = an_open_job()
    path, body = f"jobs/{job.pk}/versions/", {"instructions": "Look twice.", name: 1}

    status, said = Person(owner_of(job.client)).post(path, body)

    assert (status, [fault["field"] for fault in said["errors"]]) == (400, [name])
    assert job.versions.count() == 1


def test_a_claim_is_paid_at_its_own_price_whatever_becomes_of_the_jobs() -> None:  # [B031]
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1)
    turn = claim_task(worker=a_worker(job), job_id=job.pk)

    with by_hand():
        Job.objects.filter(pk=job.pk).update(reward_minor=1, fee_minor=0)
    with pytest.raises(DatabaseError), transaction.atomic():
        Assignment.objects.filter(pk=turn.pk).update(reward_minor=1)
    answer(turn)
    accept_due_assignments()

    assert earned(turn.worker) == 10


def expire(certification: Certification) -> None:
    with by_hand():
        Certification.objects.filter(pk=certification.pk).update(expires_at=clock.now())


def revoke(certification: Certification) -> None:
    revoke_certification(certification_id=certification.pk, reason="Copied answers.", by=an_admin())


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        pytest.param(expire, "expired", id="B171-expired"),
        pytest.param(revoke, "not_certified", id="B171-revoked"),
    ],
)
def test_who_loses_a_certification_in_the_middle_finishes_the_turn_is_paid_and_claims_no_other(
    lose: Callable[[Certification], None], reason: str
) -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1, skill=a_skill())
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk)

    lose(Certification.objects.get(worker=worker))
    answer(turn)
    accept_due_assignments()

    assert earned(worker) == 10
    with pytest.raises(NotEligible) as refused:
        claim_task(worker=worker, job_id=job.pk)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("early", "state"), [(5 * A_MOMENT * 1000, "submitted"), (0 * A_MOMENT, "expired")], ids=["B167-before", "B167-at"]
)
def test_an_answer_is_taken_before_the_reservations_last_instant_and_not_at_it(early: timedelta, state: str) -> None:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, reservation_seconds=60)
    turn = claim_task(worker=a_worker(job), job_id=job.pk)

    with at(turn.expires_at - early):
        if state == "submitted":
            answer(turn)
        else:
            with pytest.raises(ReservationExpired):
                answer(turn)

    assert Assignment.objects.get(pk=turn.pk).state == state
    assert earned(turn.worker) == 0


def a_waiting_answer() -> Assignment:
    job = an_open_job(tasks=1, accept_on_resolution=False, review_seconds=3600)
    return a_resolved_task(job).assignments.order_by("submitted_at")[0]


@pytest.mark.parametrize(("early", "rejects"), [(5, True), (0, False)], ids=["B167-B191-before", "B167-B191-at"])
def test_an_answer_is_rejected_before_silence_accepts_it_and_not_at_that_instant(early: int, rejects: bool) -> None:  # noqa: FBT001
    waiting = a_waiting_answer()
    assert waiting.review_due_at is not None

    with at(waiting.review_due_at - timedelta(seconds=early)):
        if rejects:
            reject(waiting)
            accept_due_assignments()
        else:
            with pytest.raises(CannotReject, match="silence accepts"):
                reject(waiting)
            accept_due_assignments()

    assert (Assignment.objects.get(pk=waiting.pk).state == "rejected", earned(waiting.worker)) == (
        rejects,
        0 if rejects else 10,
    )


def reject(waiting: Assignment) -> Assignment:
    by = owner_of(waiting.job.client)
    return reject_assignment(assignment_id=waiting.pk, reason="wrong", message=A_MESSAGE, by=by)


@pytest.mark.parametrize(("early", "pay"), [(5, 10), (0, 0)], ids=["B167-before", "B167-at"])
def test_a_rejection_is_reversed_before_its_last_instant_and_not_at_it(early: int, pay: int) -> None:
    refused = reject(a_waiting_answer())

    with at(refused.rejection.reversible_until - timedelta(seconds=early)):
        by = owner_of(refused.job.client)
        if pay:
            reverse_rejection(assignment_id=refused.pk, why="It was a cat.", by=by)
        else:
            with pytest.raises(TooLateToReverse):
                reverse_rejection(assignment_id=refused.pk, why="It was a cat.", by=by)

    assert earned(refused.worker) == pay
    assert check_invariants() == []


def test_who_rejects_everything_gets_no_label_and_says_why_each_time() -> None:  # [B191]
    waiting = [a_waiting_answer() for _ in range(2)]
    for each in waiting:
        reject(each)
        with pytest.raises(WrongState):
            accept_assignment(assignment_id=each.pk, by=owner_of(each.job.client))

    shown = [Person(each.worker.user).get(f"assignments/{each.pk}/")[1]["rejection"] for each in waiting]
    results = [Person(owner_of(each.job.client)).get(f"jobs/{each.job_id}/tasks/")[1]["results"] for each in waiting]

    assert [(told["reason"], told["message"]) for told in shown] == [("wrong", A_MESSAGE)] * 2
    assert [[row["label"] for row in rows] for rows in results] == [[None], [None]]


def test_a_worker_hoards_no_turns_and_a_cap_holds_for_given_back_ones_too() -> None:  # [B190]
    job = an_open_job(tasks=5, overlap_min=1, overlap_max=1, max_assignments_per_worker=2)
    worker = a_worker(job)
    person = Person(worker.user)
    seen = []
    for _ in range(2):
        turn = claim_task(worker=worker, job_id=job.pk)
        assert claim_task(worker=worker, job_id=job.pk) == turn
        seen.append(turn.task_id)
        assert person.post(f"assignments/{turn.pk}/return/")[0] == 200

    with pytest.raises(NotEligible):
        claim_task(worker=worker, job_id=job.pk)
    assert len(set(seen)) == 2
    assert Worker.objects.get(pk=worker.pk).state == "active"
