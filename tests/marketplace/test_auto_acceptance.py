"""Labels without a person: only while audits bound the error, never of audits or begun tasks, and watched for drift."""

import json

import pytest
from django.core import mail

from kernel.events import NoticeOwed
from kernel.models import AuditEvent, OutboxMessage
from kernel.services.notices import send_notice
from marketplace.models import AutoAcceptance, Escalation, Job, Prediction, Predictor, Slot, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.predictors import tend_predictors
from marketplace.services.results import stream_results
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.soft_rejections import reject_softly
from tests.marketplace.api_people import an_admin, code_of
from tests.marketplace.automation import VERSION, Audits, a_row, audits_of, let_people_answer, predict, the_predictor
from tests.marketplace.builders import a_client, a_worker, an_open_job, answer, available, held, owner_of

pytestmark = pytest.mark.django_db

CAT = '{"animal":["cat"]}'


def a_predicted_job(
    *, tasks: int = 16, every: int = 2, allowed: int = 5000, score: float = 0.9, **order: object
) -> Job:
    """A job whose client's model says that all is cats; one of ``every`` tasks is an audit."""
    job = an_open_job(tasks=tasks, allowed_error_basis_points=allowed, **order)
    predict(job, *(a_row(f"t{n}", score=score) for n in range(tasks)), chance=Audits(every=every))
    return job


def test_a_job_is_labelled_by_its_model_once_audits_allow_it() -> None:
    client = a_client(funds_minor=10_000)
    job = a_predicted_job(client=client)
    audits = audits_of(job)
    assert (len(audits), Slot.objects.filter(job=job).count()) == (8, 32)

    let_people_answer(audits)
    accepted = tend_predictors()

    predictor = the_predictor(job)
    assert (accepted, predictor.state, predictor.threshold) == (8, "accepting", 0.9)
    assert predictor.error_bound is not None and predictor.error_bound <= 0.5
    labelled = Task.objects.filter(job=job, method="prediction")
    assert set(labelled.values_list("state", "answer_key", "confidence")) == {("resolved", CAT, 9 / 10)}
    [(low, high)] = set(labelled.values_list("confidence_low", "confidence_high"))
    assert (low, high) == pytest.approx((0.025 ** (1 / 9), 0.975 ** (1 / 9)))
    assert not set(labelled.values_list("pk", flat=True)) & {audit.pk for audit in audits}
    assert (Slot.objects.filter(job=job).count(), check_invariants()) == (0, [])

    accept_due_assignments()
    assert complete_finished_jobs() == 1
    assert (held(job), available(client)) == (0, 10_000 - 16 * 12)
    lines = [json.loads(line) for line in b"".join(stream_results(job=job)).splitlines()]
    line = next(line for line in lines if line["method"] == "prediction")
    assert (line["value"], line["answers"], line["majority"], line["withheld"]) == ("cat", [], None, False)
    assert [(told["model_version"], told["score"], told["is_label"]) for told in line["predictions"]] == [
        (VERSION, 0.9, True)
    ]
    assert check_invariants() == []


def test_nothing_is_accepted_before_every_audit_is_answered() -> None:
    job = a_predicted_job()
    audits = audits_of(job)

    let_people_answer(audits[:-1])
    assert (tend_predictors(), the_predictor(job).state) == (0, "accepting")
    let_people_answer(audits[-1:])

    assert tend_predictors() == 8


def test_without_an_allowed_error_a_model_only_votes() -> None:
    job = an_open_job(tasks=4)
    predict(job, *(a_row(f"t{n}") for n in range(4)), chance=Audits(every=1))

    let_people_answer(Task.objects.filter(job=job)[:2])

    assert (tend_predictors(), audits_of(job), the_predictor(job).state) == (0, [], "measuring")


def test_a_model_whose_audits_are_wrong_is_never_let_accept() -> None:
    job = a_predicted_job()

    let_people_answer(audits_of(job), "dog")

    assert (tend_predictors(), the_predictor(job).state) == (0, "measuring")
    assert the_predictor(job).wrong == 8


def test_only_predictions_that_are_sure_enough_are_accepted() -> None:
    job = an_open_job(tasks=40, allowed_error_basis_points=4000)
    scores = [0.95 if n < 20 else 0.5 for n in range(40)]
    predict(job, *(a_row(f"t{n}", score=score) for n, score in enumerate(scores)), chance=Audits(every=2))
    audits = audits_of(job)
    sure = set(Prediction.objects.filter(score=0.95).values_list("task", flat=True))

    let_people_answer([audit for audit in audits if audit.pk in sure], "cat")
    let_people_answer([audit for audit in audits if audit.pk not in sure], "dog")

    assert (tend_predictors(), the_predictor(job).threshold) == (10, 0.95)
    assert {task_id in sure for task_id in AutoAcceptance.objects.values_list("task", flat=True)} == {True}


def test_a_task_that_somebody_is_at_stays_with_people() -> None:
    job = a_predicted_job()
    let_people_answer(audits_of(job))
    busy, worker = Task.objects.filter(job=job, state="open").order_by("pk")[0], a_worker(job)
    claimed = claim_task(worker=worker, job_id=job.pk, among=[busy.pk])

    assert tend_predictors() == 7

    busy.refresh_from_db()
    assert (busy.state, Slot.objects.filter(task=busy).count()) == ("open", 1)
    answer(claimed)
    assert (tend_predictors(), check_invariants()) == (0, [])


def test_a_task_whose_only_answer_is_not_used_stays_with_people() -> None:
    job = a_predicted_job(overlap_min=1, overlap_max=2, confidence_basis_points=5000)
    let_people_answer(audits_of(job), people=1)
    answered, worker = Task.objects.filter(job=job, state="open").order_by("pk")[0], a_worker(job)
    turn = answer(claim_task(worker=worker, job_id=job.pk, among=[answered.pk]))
    reject_softly(
        assignment_id=turn.pk,
        reason="item",
        message="The text was cut off.",
        by=owner_of(job.client),
        may_take_funds=True,
    )

    assert tend_predictors() == 7

    answered.refresh_from_db()
    assert (answered.state, Slot.objects.filter(task=answered).count(), check_invariants()) == ("open", 1, [])


def test_where_two_models_that_may_accept_disagree_people_are_asked() -> None:
    job = a_predicted_job()
    names = list(Task.objects.filter(job=job).order_by("external_id").values_list("external_id", flat=True))
    predict(
        job,
        *(
            a_row(name, "cat" if place % 2 == 0 or place < 8 else "dog", version="v2")
            for place, name in enumerate(names)
        ),
    )
    let_people_answer(audits_of(job))

    tend_predictors()

    assert set(Predictor.objects.values_list("state", flat=True)) == {"accepting"}
    assert Task.objects.filter(job=job, method="prediction").count() == 8 - 4


def test_a_model_that_goes_wrong_after_it_was_let_accept_is_stopped() -> None:
    job = a_predicted_job(tasks=40, allowed=4000)
    audits = audits_of(job)
    let_people_answer(audits[:12])
    tend_predictors()
    assert the_predictor(job).state == "accepting"

    let_people_answer(audits[12:], "dog")
    assert tend_predictors() == 0

    predictor = the_predictor(job)
    assert (predictor.state, predictor.threshold) == ("stopped", None)
    assert predictor.stopped_because == (
        "The error is above the 40.00% that are allowed: 8 of 8 audits since it was let accept were wrong."
    )
    event = AuditEvent.objects.get(action="predictor.stopped")
    assert (event.subject_id, event.actor_id) == (str(predictor.pk), "automation")
    assert (tend_predictors(), check_invariants()) == (0, [])


def test_that_a_model_was_stopped_is_put_before_an_admin_and_its_client_is_told_once_what_to_do() -> None:
    job = a_predicted_job(tasks=40, allowed=4000)
    audits = audits_of(job)
    let_people_answer(audits[:12])
    given = tend_predictors()
    let_people_answer(audits[12:], "dog")
    tend_predictors()
    tend_predictors()

    predictor = the_predictor(job)
    asked = Escalation.objects.get(kind="automation_stopped")
    assert (asked.job_id, asked.subject, asked.owner) == (job.pk, f"predictor:{predictor.pk}", "escalations")
    told = {"model": str(predictor), "because": predictor.stopped_because, "labels_given": given}
    assert asked.details == told
    (notice,) = OutboxMessage.objects.filter(event="NoticeOwed", payload__notice="automation_stopped")
    assert (notice.payload["user_id"], predictor.stopped_because in notice.payload["detail"]) == (
        str(owner_of(job.client).pk),
        True,
    )
    send_notice(NoticeOwed(**notice.payload))
    (sent,) = mail.outbox
    assert (sent.subject, "under another model_version" in sent.body) == (
        "A model of yours accepts nothing any more",
        True,
    )

    admin = an_admin()
    assert admin.get(f"escalations/{asked.pk}/")[1]["matter"] == told
    refused = admin.post(f"escalations/{asked.pk}/decision/", {"decision": "keep", "note": "Why not."})
    assert code_of(refused) == (400, "invalid")
    decided = admin.post(f"escalations/{asked.pk}/decision/", {"decision": "noted", "note": "The pictures changed."})
    assert (decided[0], decided[1]["decision"]) == (201, "noted")


def test_drift_stops_a_model() -> None:
    job = a_predicted_job(tasks=100, every=1, overlap_min=1, overlap_max=1)
    audits = audits_of(job)
    let_people_answer(audits[:50], "cat", people=1)
    tend_predictors()
    assert the_predictor(job).state == "accepting"

    for animal, some in (("cat", audits[50:75]), ("dog", audits[75:])):
        let_people_answer(some, animal, people=1)
    tend_predictors()

    predictor = the_predictor(job)
    assert predictor.state == "stopped"
    assert predictor.stopped_because.startswith("The people's labels have drifted: in window 2 of the audits")
