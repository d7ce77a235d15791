"""Settled tasks are looked at again by later fits: confidence is brought up to date, and what is unsure asked again."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.models import AuditEvent
from marketplace.models import Assignment, Certificate, Escalation, Fit, FittedWorker, Job, Reweighing, SecondLook, Task
from marketplace.services.allocation import claim_task
from marketplace.services.certificate_making import make_certificates
from marketplace.services.certificate_orders import CertificateTerms, order_certificate
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.fitting import fit_grown_jobs, fit_job
from marketplace.services.growth import END_WAITS, FIRST_AT
from marketplace.services.overlaps import raise_overlap
from marketplace.services.reweighing import reweigh_task
from marketplace.services.second_looks import look_again
from marketplace.services.settlement import accept_due_assignments
from qualification.labels.results import Answer
from tests.marketplace.api_people import Person
from tests.marketplace.builders import (
    a_client,
    a_worker,
    an_open_job,
    answer,
    available,
    earned,
    free_turns,
    held,
    owner_of,
)
from tests.marketplace.test_results import the_result_of
from tests.qualification.builders import an_answer
from workforce.models import Worker

pytestmark = pytest.mark.django_db

CAT, DOG = (Answer.of({"animal": (animal,)}).key for animal in ("cat", "dog"))


def a_settled_task(job: Job, *said: str) -> tuple[Task, list[Worker]]:
    """A task of which as many workers as there are animals have said these."""
    workers = [a_worker(job) for _ in said]
    turns: list[Assignment] = []
    for worker, animal in zip(workers, said, strict=True):
        among = [turn.task_id for turn in turns[:1]] or None
        turns.append(answer(claim_task(worker=worker, job_id=job.pk, among=among), animal))
    return Task.objects.get(pk=turns[0].task_id), workers


def learnt(job: Job, accuracy: Mapping[Worker, float]) -> Fit:
    """A fit that knows so much of each of these workers."""
    fit = fit_job(job_id=job.pk)
    assert fit is not None
    for worker, rate in accuracy.items():
        FittedWorker.objects.filter(fit=fit, worker=worker).update(rates=[rate])
    return fit


def again(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def test_a_label_that_stands_is_shown_with_the_confidence_and_the_interval_of_now() -> None:
    job = an_open_job()
    task, workers = a_settled_task(job, "cat", "cat")
    accept_due_assignments()
    fit = learnt(job, dict.fromkeys(workers, 0.98))

    assert look_again() == 1

    after, found = again(task), Reweighing.objects.get()
    assert (after.state, after.answer_key, after.resolved_at) == ("resolved", CAT, task.resolved_at)
    assert after.confidence is not None and task.confidence is not None and after.confidence > task.confidence + 0.01
    assert (after.confidence_low, after.confidence_high) != (task.confidence_low, task.confidence_high)
    assert (found.outcome, found.fit, found.recall) == ("confirmed", fit, None)
    assert (found.from_confidence, found.to_confidence) == (task.confidence, after.confidence)
    told = AuditEvent.objects.get(subject_id=task.pk, action="task.reweighed")
    assert told.details["to"] == {"label": CAT, "confidence": after.confidence}
    line = the_result_of(job)
    assert [(each["outcome"], each["to_confidence"]) for each in line["reweighings"]] == [
        ("confirmed", after.confidence)
    ]
    assert (line["fit"], line["weighed_by"]) == (1, ["one coin"])


def test_labels_that_stand_are_brought_up_to_date_together_and_each_of_the_others_by_itself() -> None:
    job = an_open_job(tasks=7)
    settled = [a_settled_task(job, "cat", "cat") for _ in range(6)]
    doubtful, unsure = settled[-1]
    surely = [worker for _, workers in settled[:-1] for worker in workers]
    fit = learnt(job, dict.fromkeys(surely, 0.98) | dict.fromkeys(unsure, 0.6))

    with CaptureQueriesContext(connection) as asked:
        assert look_again() == 6

    locks = [
        sql for each in asked if "FOR NO KEY UPDATE" in (sql := each["sql"] or "") and 'FROM "marketplace_job"' in sql
    ]
    assert len(locks) == 2
    outcomes = Reweighing.objects.filter(fit=fit).values_list("task", "outcome")
    assert dict(outcomes) == {task.pk: "confirmed" for task, _ in settled[:-1]} | {doubtful.pk: "asked"}
    for task, _ in settled[:-1]:
        told = AuditEvent.objects.get(subject_id=task.pk, action="task.reweighed")
        assert told.details["to"] == {"label": CAT, "confidence": again(task).confidence}
        assert again(task).confidence != task.confidence


def test_what_has_hardly_changed_is_neither_locked_nor_written() -> None:
    job = an_open_job(tasks=2)
    a_settled_task(job, "cat", "cat")
    fit_job(job_id=job.pk)
    assert look_again() == 1
    written = Reweighing.objects.count()

    fit_job(job_id=job.pk)

    assert (look_again(), look_again()) == (1, 0)
    assert Reweighing.objects.count() == written
    assert SecondLook.objects.filter(done_at=None).count() == 0


def test_one_more_answer_is_asked_for_where_a_label_is_no_longer_sure_enough() -> None:
    job = an_open_job(tasks=2)
    task, workers = a_settled_task(job, "cat", "cat")
    accept_due_assignments()
    before = free_turns(job), held(job)
    learnt(job, dict.fromkeys(workers, 0.6))

    look_again()

    opened = again(task)
    assert (opened.state, opened.label, opened.confidence, opened.resolved_at) == ("open", None, None, None)
    assert Reweighing.objects.get().outcome == "asked"
    assert (free_turns(job), held(job)) == (before[0] + 1, before[1])
    third = a_worker(job)
    answer(claim_task(worker=third, job_id=job.pk, among=[task.pk]), "cat")
    assert Assignment.objects.filter(task=task).count() == 3
    assert [earned(worker) for worker in workers] == [10, 10]
    assert check_invariants() == []


@pytest.mark.parametrize(
    ("when_unsure", "state", "outcome"),
    [("escalate", "in_adjudication", "reopened"), ("resolve", "resolved", "confirmed")],
)
def test_with_no_answer_left_a_person_decides_or_the_label_is_given_as_sure_as_it_is(
    when_unsure: str, state: str, outcome: str
) -> None:
    job = an_open_job(overlap_max=2, when_unsure=when_unsure)
    task, workers = a_settled_task(job, "cat", "cat")
    learnt(job, dict.fromkeys(workers, 0.6))

    look_again()

    after = again(task)
    assert (after.state, Reweighing.objects.get().outcome) == (state, outcome)
    assert after.confidence is not None and after.confidence < 0.9
    assert Escalation.objects.filter(task=task, kind="no_consensus").count() == (state == "in_adjudication")


def test_a_person_decides_where_the_job_does_not_hold_what_one_more_answer_costs() -> None:
    job = an_open_job(tasks=3, client=a_client(funds_minor=1_000))
    task, workers = a_settled_task(job, "cat", "cat")
    accept_due_assignments()
    raise_overlap(job_id=job.pk, overlap_max=4, by=owner_of(job.client))  # takes what the settled task did not need
    learnt(job, dict.fromkeys(workers, 0.6))

    look_again()

    assert (again(task).state, Reweighing.objects.get().outcome) == ("in_adjudication", "reopened")
    assert (held(job), available(job.client)) == (96, 1_000 - 24 - 96)  # nobody approved that it may cost more
    assert check_invariants() == []


def test_the_answer_that_leads_by_what_is_known_now_is_the_label() -> None:
    job = an_open_job(overlap_max=2, confidence_basis_points=5000)
    task, (first, second) = a_settled_task(job, "cat", "dog")
    assert (task.state, task.answer_key) == ("resolved", CAT)
    accept_due_assignments()
    assert (earned(first), earned(second)) == (10, 0)
    learnt(job, {first: 0.6, second: 0.95})

    look_again()
    accept_due_assignments()

    after = again(task)
    assert (after.state, after.label, after.answer_key) == ("resolved", an_answer("dog"), DOG)
    assert Reweighing.objects.get().outcome == "relabelled"
    assert (earned(first), earned(second)) == (10, 10)
    assert check_invariants() == []


def test_what_waits_for_a_person_is_settled_where_it_is_sure_enough_now() -> None:
    job = an_open_job(overlap_max=2)
    task, (first, second) = a_settled_task(job, "cat", "dog")
    assert task.state == "in_adjudication"
    learnt(job, {first: 0.55, second: 0.99})

    look_again()

    assert (again(task).state, again(task).answer_key) == ("resolved", DOG)
    assert Escalation.objects.get(task=task).state == "withdrawn"


def test_a_job_ends_after_a_last_fit_and_its_look_and_waits_ten_minutes_at_most() -> None:
    late, job = an_open_job(), an_open_job()
    for each in (late, job):
        a_settled_task(each, "cat", "cat")
        each.participations.update(claims=FIRST_AT)
    accept_due_assignments()
    assert complete_finished_jobs() == 0

    assert fit_job(job_id=job.pk) is not None
    assert complete_finished_jobs() == 0
    assert look_again() == 1
    assert fit_job(job_id=job.pk) is not None
    assert complete_finished_jobs() == 0
    assert look_again() == 1
    assert complete_finished_jobs() == 1

    with clock.ahead_by(END_WAITS):
        assert complete_finished_jobs() == 1
    assert set(Job.objects.values_list("state", flat=True)) == {"completed"}


def test_a_settled_job_is_fitted_a_last_time_for_less_than_a_quarter_more() -> None:
    job = an_open_job(tasks=2)
    a_settled_task(job, "cat", "cat")
    claims = job.participations.order_by("pk")
    claims.filter(pk=claims[0].pk).update(claims=FIRST_AT)
    assert fit_grown_jobs() == 1
    a_settled_task(job, "cat", "cat")

    assert (fit_grown_jobs(), fit_grown_jobs()) == (1, 0)


def test_a_certificate_begins_after_the_last_look_and_keeps_labels_from_any_other() -> None:
    job = an_open_job()
    task, workers = a_settled_task(job, "cat", "cat")
    job.participations.update(claims=FIRST_AT)
    order_certificate(job_id=job.pk, terms=CertificateTerms(), by=owner_of(job.client))
    assert (make_certificates(), Certificate.objects.count()) == (0, 0)
    fit_job(job_id=job.pk)
    look_again()
    shown = again(task).confidence

    assert make_certificates() == 1
    learnt(job, dict.fromkeys(workers, 0.6))

    assert look_again() == 0
    assert (again(task).state, again(task).confidence) == ("resolved", shown)


def test_jobs_that_have_ended_are_not_looked_at() -> None:
    job = an_open_job(tasks=2)
    task, workers = a_settled_task(job, "cat", "cat")
    learnt(job, dict.fromkeys(workers, 0.6))
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    assert look_again() == 0
    assert again(task).state == "resolved"


def test_what_a_person_decided_is_not_looked_at() -> None:
    job = an_open_job(tasks=2, overlap_max=2)
    task, _ = a_settled_task(job, "cat", "cat")
    Task.objects.filter(pk=task.pk).update(method="adjudication")
    fit_job(job_id=job.pk)

    assert look_again() == 0


def test_a_client_reads_what_a_fit_came_to_for_settled_tasks() -> None:
    job = an_open_job(tasks=2)
    _, workers = a_settled_task(job, "cat", "cat")
    learnt(job, dict.fromkeys(workers, 0.6))
    owner = Person(owner_of(job.client))
    assert [fit["second_look"] for fit in owner.every(f"jobs/{job.pk}/fits/")] == [None]

    look_again()

    (shown,) = owner.every(f"jobs/{job.pk}/fits/")
    assert shown["second_look"].pop("done_at") is not None
    assert shown["second_look"] == {"confirmed": 0, "relabelled": 0, "asked": 1, "reopened": 0, "resolved": 0}


def test_a_look_that_is_not_through_goes_on_where_it_was() -> None:
    job = an_open_job(tasks=3)
    tasks = sorted(a_settled_task(job, "cat", "cat")[0].pk for _ in range(3))
    SecondLook.objects.create(fit=learnt(job, {}), after_id=tasks[1])

    assert look_again() == 1
    assert SecondLook.objects.get().after_id == tasks[2]


def test_one_look_by_a_fit_weighs_a_task_once() -> None:
    job = an_open_job(tasks=2)
    task, _ = a_settled_task(job, "cat", "cat")
    fit = fit_job(job_id=job.pk)

    assert reweigh_task(task_id=task.pk, fit=fit) is not None
    assert reweigh_task(task_id=task.pk, fit=fit) is None
    with clock.ahead_by(timedelta(days=1)):
        assert reweigh_task(task_id=task.pk) is not None
