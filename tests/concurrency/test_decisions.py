"""Two who decide about one thing at the same instant: one outcome, one pay, and a trace of the order."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from kernel import clock
from kernel.errors import Refused
from kernel.flow import WrongState
from kernel.models import AuditEvent, SubjectKey
from kernel.services.audit import Actor
from kernel.services.subject_keys import KeyDestroyed, destroy_key
from marketplace.models import Annotation, Assignment
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.expiry import expire_overdue_assignments
from marketplace.services.review import accept_assignment, reject_assignment, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import ReservationExpired
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import a_resolved_task, a_worker, an_open_job, answer, earned, owner_of
from tests.qualification.builders import a_user
from workforce.identity_data import IdentityField, Purpose
from workforce.services.identity import IdentityReading, read_identity
from workforce.services.standing import suspend_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

Calls = list[Callable[[], object]]


def a_claimed_turn() -> Assignment:
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, reservation_seconds=60)
    return claim_task(worker=a_worker(job), job_id=job.pk)


def a_waiting_answer() -> Assignment:
    task = a_resolved_task(an_open_job(tasks=1, accept_on_resolution=False))
    return task.assignments.order_by("submitted_at")[0]


def now_of(turn: Assignment) -> Assignment:
    return Assignment.objects.get(pk=turn.pk)


def moves_of(turn: Assignment) -> list[str]:
    events = AuditEvent.objects.filter(subject_id=str(turn.pk)).order_by("id")
    return [event.to_state for event in events if event.to_state]


def test_eight_submits_of_one_turn_are_one_answer() -> None:  # [B151]
    turn = a_claimed_turn()
    animals = ["cat", "dog"] * 4

    outcomes = at_once([partial(answer, turn, animal) for animal in animals])

    kept = Annotation.objects.get(assignment=turn)
    taken = [animal for animal, outcome in zip(animals, outcomes, strict=True) if isinstance(outcome, Assignment)]
    assert {f'{{"animal":["{animal}"]}}' for animal in taken} == {kept.answer_key}
    assert (len(taken), sum(isinstance(outcome, WrongState) for outcome in outcomes)) == (4, 4)
    assert moves_of(turn).count("submitted") == 1
    assert check_invariants() == []


def test_an_answer_at_the_instant_of_its_expiry_is_late_evidence_whoever_ends_the_turn() -> None:  # [B151, B167]
    turn = a_claimed_turn()

    with clock.ahead_by(turn.expires_at - clock.now()):
        calls: Calls = [partial(answer, turn), expire_overdue_assignments, expire_overdue_assignments]
        outcomes = at_once(calls)

    assert isinstance(outcomes[0], ReservationExpired)
    assert now_of(turn).state == "expired"
    assert moves_of(turn).count("expired") == 1
    assert Annotation.objects.get(assignment=turn).late is True
    assert check_invariants() == []


def test_of_acceptances_and_rejections_at_once_one_decision_stands_and_pays_once() -> None:  # [B153]
    waiting = a_waiting_answer()
    by = owner_of(waiting.job.client)
    accept = partial(accept_assignment, assignment_id=waiting.pk, by=by)
    message = "The picture shows a dog; you answered cat."
    reject = partial(reject_assignment, assignment_id=waiting.pk, reason="wrong", message=message, by=by)

    outcomes = at_once([*[accept] * 8, *[reject] * 8])

    decided = now_of(waiting)
    done = [isinstance(outcome, Assignment) for outcome in outcomes]
    assert all(isinstance(outcome, Assignment | Refused) for outcome in outcomes)
    assert (sum(done[:8]), sum(done[8:])) == ((8, 0) if decided.state == "accepted" else (0, 1))
    assert earned(waiting.worker) == (10 if decided.state == "accepted" else 0)
    assert [state for state in moves_of(waiting) if state in ("accepted", "rejected")] == [decided.state]
    assert check_invariants() == []


def test_eight_reversals_and_the_clock_pay_a_rejected_answer_once() -> None:  # [B153]
    waiting = a_waiting_answer()
    by = owner_of(waiting.job.client)
    message = "The picture shows a dog; you answered cat."
    reject_assignment(assignment_id=waiting.pk, reason="wrong", message=message, by=by)
    reverse = partial(reverse_rejection, assignment_id=waiting.pk, why="It was a cat.", by=by)

    calls: Calls = [*[reverse] * 8, accept_due_assignments]
    outcomes = at_once(calls)

    assert sum(isinstance(outcome, Assignment) for outcome in outcomes) == 1
    assert earned(waiting.worker) == 10
    assert check_invariants() == []


def test_a_suspension_in_the_middle_of_a_submit_and_a_payment_takes_neither_away() -> None:  # [B157]
    waiting = a_waiting_answer()
    worker, admin = waiting.worker, Actor.user(a_user(is_staff=True))
    job = an_open_job(tasks=1, overlap_min=1, overlap_max=1, skill=waiting.job.skill)
    turn = claim_task(worker=worker, job_id=job.pk)

    calls: Calls = [
        partial(answer, turn),
        partial(accept_assignment, assignment_id=waiting.pk, by=owner_of(waiting.job.client)),
        partial(suspend_worker, worker_id=worker.pk, why="Sold the account.", by=admin),
    ]
    outcomes = at_once(calls)

    worker.refresh_from_db()
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert (worker.state, now_of(turn).state, now_of(waiting).state) == ("suspended", "submitted", "accepted")
    assert earned(worker) == 10
    told = AuditEvent.objects.filter(subject_id__in=[str(turn.pk), str(waiting.pk), str(worker.pk)])
    assert {"submitted", "accepted", "suspended"} <= set(told.values_list("to_state", flat=True))
    assert check_invariants() == []


def test_an_identity_that_is_erased_while_it_is_read_is_read_whole_or_not_at_all() -> None:  # [B158]
    worker, admin = a_claimed_turn().worker, Actor.user(a_user(is_staff=True))
    fields = [IdentityField.LEGAL_NAME, IdentityField.ADDRESS, IdentityField.BIRTH_DATE]
    read = partial(read_identity, worker_id=worker.pk, purpose=Purpose.LEGAL_REQUEST, fields=fields, by=admin)
    profile = SubjectKey.Purpose.PROFILE
    erase = partial(destroy_key, subject=f"user:{worker.user_id}", purpose=profile, by=admin, why="erasure")

    calls: Calls = [*[read] * 8, erase]
    outcomes = at_once(calls)[:-1]

    whole = [outcome for outcome in outcomes if isinstance(outcome, IdentityReading)]
    assert {len(reading.values) for reading in whole} <= {3}
    assert len(whole) + sum(isinstance(outcome, KeyDestroyed) for outcome in outcomes) == 8
    with pytest.raises(KeyDestroyed):
        read()


@pytest.mark.parametrize(
    "jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=30)], ids=lambda jump: f"B166-{jump}"
)
def test_a_clock_that_jumps_between_answer_and_payment_pays_once(jump: timedelta) -> None:
    waiting = a_waiting_answer()

    with clock.ahead_by(jump):
        at_once([accept_due_assignments] * 4)
    at_once([accept_due_assignments] * 4)
    accept_assignment(assignment_id=waiting.pk, by=owner_of(waiting.job.client))

    assert earned(waiting.worker) == 10
    assert check_invariants() == []
