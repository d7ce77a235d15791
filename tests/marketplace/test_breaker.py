"""The breaker: rejections against evidence stop, workers stay paid, and a person decides about those that were made."""

import contextlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.flow import WrongState
from marketplace.models import Assignment, Breaker, Escalation, Job, Rejection
from marketplace.queries.earnings import earnings_of
from marketplace.queries.spending import spent_on
from marketplace.services.appeals import appeal
from marketplace.services.breaker import RejectionsFrozen, decide_breaker
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.escalations import NotYours
from marketplace.services.review import accept_all, reject_assignment, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person, an_admin
from tests.marketplace.builders import a_submitted_answer, a_worker, an_open_job, earned, held, owner_of
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

REASON = {"reason": "wrong", "message": "This is a dog and not a cat, look again."}


def a_job_to_review(*, tasks: int = 4, overlap: int = 3, **order: object) -> Job:
    """A job whose answers all wait for its client: each task was given the same label by everybody."""
    job = an_open_job(
        tasks=tasks,
        overlap_min=overlap,
        overlap_max=overlap,
        confidence_basis_points=7000,
        accept_on_resolution=False,
        **order,
    )
    for _ in range(overlap):
        worker = a_worker(job)
        for _ in range(tasks):
            a_submitted_answer(job, worker=worker)
    return job


def waiting(job: Job) -> list[Assignment]:
    return list(Assignment.objects.filter(job=job, state="submitted").select_related("worker").order_by("claimed_at"))


def reject(turn: Assignment) -> Assignment:
    return reject_assignment(assignment_id=turn.pk, by=owner_of(turn.job.client), **REASON)


def a_tripped_breaker(job: Job) -> Breaker:
    for turn in waiting(job)[:3]:
        reject(turn)
    return Breaker.objects.get(job=job)


def decided(breaker: Breaker, decision: str) -> Escalation:
    return decide_breaker(
        escalation_id=breaker.escalation_id, decision=decision, note="Looked at.", by=a_user(is_staff=True)
    )


def test_the_third_rejection_of_a_label_that_others_reach_alone_is_the_last() -> None:  # [B191]
    job = a_job_to_review()
    first, second, third, fourth, *_ = waiting(job)

    reject(first)
    reject(second)
    assert not Breaker.objects.exists()
    reject(third)
    with pytest.raises(RejectionsFrozen):
        reject(fourth)

    breaker = Breaker.objects.get()
    assert (breaker.state, breaker.rule, breaker.version) == ("tripped", "against_evidence", 1)
    assert {row["contradicts"] for row in breaker.inputs["against_evidence"]} == {"consensus"}
    assert (breaker.inputs["rejected"], breaker.inputs["answers"]) == (3, 12)
    assert (breaker.escalation.kind, breaker.escalation.job_id) == ("rejection_breaker", job.pk)
    assert set(breaker.rejections.values_list("assignment", flat=True)) == {first.pk, second.pk, third.pk}
    assert check_invariants() == []


def test_answers_that_wait_are_accepted_by_silence_and_paid_while_rejections_are_frozen() -> None:
    job = a_job_to_review(review_seconds=3600)
    a_tripped_breaker(job)

    with clock.ahead_by(timedelta(hours=2)):
        assert accept_due_assignments() == 9

    assert Assignment.objects.filter(job=job, state="accepted").count() == 9
    assert held(job) == 3 * 12
    assert check_invariants() == []


def test_a_wave_that_is_reversed_is_paid_once_and_appeals_end_with_it() -> None:
    job = a_job_to_review()
    breaker = a_tripped_breaker(job)
    turns = list(Assignment.objects.filter(rejection__breaker=breaker).select_related("worker"))
    appeal(assignment_id=turns[0].pk, text="Look again: this is a cat.", worker=turns[0].worker)

    decided(breaker, "reverse")

    states = Assignment.objects.filter(rejection__breaker=breaker).values_list("state", flat=True)
    assert list(states) == ["accepted"] * 3
    assert sum(earned(worker) for worker in {turn.worker for turn in turns}) == 30
    assert Escalation.objects.get(kind="appeal").state == "withdrawn"
    assert check_invariants() == []
    with pytest.raises(WrongState):
        decided(breaker, "reset")


def test_a_breaker_that_is_reset_lets_rejections_stand_and_begins_to_count_anew() -> None:
    job = a_job_to_review()
    breaker = a_tripped_breaker(job)

    decided(breaker, "reset")
    reject(waiting(job)[0])
    reject(waiting(job)[0])
    assert Breaker.objects.filter(state="tripped").count() == 0
    reject(waiting(job)[0])

    assert Breaker.objects.filter(job=job).count() == 2
    assert Assignment.objects.filter(job=job, state="rejected").count() == 6
    assert check_invariants() == []


def test_the_pay_of_a_wave_is_held_until_somebody_has_decided_however_long_that_takes() -> None:
    job = a_job_to_review(review_seconds=3600)
    breaker = a_tripped_breaker(job)
    with clock.ahead_by(timedelta(days=9)):
        accept_due_assignments()
        complete_finished_jobs()
        assert (Job.objects.get(pk=job.pk).state, held(job)) == ("completed", 3 * 12)
        (rejected,) = (spent.rejected for spent in spent_on([job]))
        assert (rejected.held_minor, rejected.released_minor) == (3 * 12, 0)
        workers = {rejection.assignment.worker for rejection in breaker.rejections.select_related("assignment__worker")}
        assert sum(earnings_of(worker)[0].held_minor for worker in workers) == 3 * 10
        assert check_invariants() == []
        decided(breaker, "reset")
        complete_finished_jobs()

        assert held(job) == 0
        assert check_invariants() == []


def test_far_more_rejections_than_scores_lead_to_expect_trip_it_without_other_evidence() -> None:
    job = a_job_to_review(tasks=12, overlap=1)
    for turn in waiting(job):
        try:
            reject(turn)
        except RejectionsFrozen:
            break

    breaker = Breaker.objects.get()
    assert breaker.rule == "far_above_expected"
    assert breaker.inputs["against_evidence"] == []
    assert breaker.inputs["rejected"] < 12
    assert check_invariants() == []


def test_what_was_accepted_long_ago_hides_no_rejections_of_today() -> None:
    job = an_open_job(tasks=72, overlap_min=1, overlap_max=1, accept_on_resolution=False)
    earlier, later = a_worker(job), a_worker(job)
    for _ in range(60):
        a_submitted_answer(job, worker=earlier)
    accept_all(job=job, by=owner_of(job.client))

    with clock.ahead_by(timedelta(days=8)):
        for _ in range(12):
            a_submitted_answer(job, worker=later)
        for turn in waiting(job):
            with contextlib.suppress(RejectionsFrozen):
                reject(turn)

    breaker = Breaker.objects.get()
    assert (breaker.rule, breaker.inputs["answers"]) == ("far_above_expected", 12)


def test_who_rejects_what_differs_from_the_label_is_let() -> None:
    job = an_open_job(tasks=4, overlap_min=3, overlap_max=3, confidence_basis_points=5000, accept_on_resolution=False)
    for animal in ("cat", "cat", "dog"):
        worker = a_worker(job)
        for _ in range(4):
            a_submitted_answer(job, worker=worker, animal=animal)

    for turn in Assignment.objects.filter(job=job, annotation__answer_key__contains="dog"):
        reject(turn)

    assert not Breaker.objects.exists()
    assert set(Rejection.objects.values_list("contradicts", flat=True)) == {""}


def test_a_rejection_that_was_taken_back_does_not_count() -> None:
    job = a_job_to_review()
    first, second, third, *_ = waiting(job)
    reject(first)
    reject(second)
    reverse_rejection(assignment_id=first.pk, why="It was a cat.", by=owner_of(job.client))
    reject(third)

    assert not Breaker.objects.exists()


def test_nobody_decides_about_their_own_rejections() -> None:
    breaker = a_tripped_breaker(a_job_to_review())

    with pytest.raises(NotYours):
        decide_breaker(
            escalation_id=breaker.escalation_id, decision="reset", note="Fine.", by=owner_of(breaker.job.client)
        )


def test_over_http_the_client_is_told_why_and_the_admin_sees_what_the_rule_saw() -> None:
    job = a_job_to_review()
    breaker = a_tripped_breaker(job)
    client, admin = Person(owner_of(job.client)), an_admin()

    status, said = client.post(f"assignments/{waiting(job)[0].pk}/reject/", REASON)
    assert (status, said["code"]) == (409, "rejections_frozen")
    assert said["details"] == {"escalation": str(breaker.escalation_id), "rule": "against_evidence"}

    _, shown = admin.get(f"escalations/{breaker.escalation_id}/")
    assert (shown["matter"]["rule"], shown["matter"]["version"]) == ("against_evidence", 1)
    assert [row["contradicts"] for row in shown["matter"]["rejections"]] == ["consensus"] * 3
    body = {"decision": "reverse", "note": "These are cats."}
    assert admin.post(f"escalations/{breaker.escalation_id}/decision/", body)[0] == 201
    assert Assignment.objects.filter(job=job, state="accepted").count() == 3


def test_the_database_refuses_a_rejection_past_a_tripped_breaker_and_other_evidence() -> None:
    job = a_job_to_review()
    a_tripped_breaker(job)
    one_more = """
        INSERT INTO marketplace_rejection SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),
            'assignment_id', (SELECT id FROM marketplace_assignment WHERE state = 'submitted' LIMIT 1)))).*
        FROM marketplace_rejection r LIMIT 1
    """
    for statement in (
        one_more,
        "UPDATE marketplace_breaker SET rule = 'x'",
        "UPDATE marketplace_breaker SET state = 'reset'",
        "UPDATE marketplace_rejection SET contradicts = ''",
        "UPDATE marketplace_rejection SET breaker_id = NULL",
        "DELETE FROM marketplace_breaker",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
