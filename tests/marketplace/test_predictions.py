"""Predictions of a client's models: taken all or none, measured on what people say, and voting only by that."""

import json
from io import BytesIO

import pytest
from django.db import IntegrityError, transaction

from kernel.flow import WrongState
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from marketplace.models import Prediction, PredictionCheck, Predictor, Task
from marketplace.services.allocation import claim_task
from marketplace.services.completion import cancel_job
from marketplace.services.import_faults import InvalidImport
from marketplace.services.importing import ImportReport, import_tasks
from marketplace.services.posting import launch_job
from marketplace.services.predictions import PredictionReport
from marketplace.services.predictors import tend_predictors
from marketplace.services.recall import recall_gold, replay_recalls
from qualification.statistics.fusion.priors import WEIGHTED
from tests.marketplace.api_people import Person
from tests.marketplace.automation import (
    Audits,
    a_row,
    audits_of,
    let_people_answer,
    predict,
    tasks_by_name,
    the_predictor,
)
from tests.marketplace.builders import a_draft, a_worker, an_open_job, answer, owner_of
from tests.qualification.builders import an_answer

pytestmark = pytest.mark.django_db

THE_PART = {"control": "animal", "classes": ["cat", "dog"]}
CAT, DOG = '{"animal":["cat"]}', '{"animal":["dog"]}'


def test_tasks_come_with_predictions_in_label_studios_form() -> None:
    job = a_draft(tasks=0)
    prediction = {"model": "cats", "model_version": "v1", "score": 0.9, "result": an_answer("cat")}
    rows = [
        {"item": {"text": "Miaow"}, "predictions": [prediction, {**prediction, "model_version": "v2", "score": 1}]},
        {"item": {"text": "Woof"}, "gold_answer": "dog", "gold_reason": "Dogs do.", "predictions": [prediction]},
        {"item": {"text": "?"}},
    ]
    stream = BytesIO(json.dumps(rows).encode())

    report = import_tasks(job_id=job.pk, stream=stream, format="json", by=Actor.system("test"))

    assert report == ImportReport(tasks=2, gold=1, predictions=3)
    found = Prediction.objects.order_by("pk").values_list("predictor__version", "score", "answer_key", "is_audit")
    assert list(found) == [("v1", 0.9, CAT, False), ("v2", 1.0, CAT, False), ("v1", 0.9, CAT, False)]
    assert AuditEvent.objects.get(action="job.tasks_imported").details["predictions"] == 3


def test_predictions_come_later_too_by_the_names_of_their_tasks() -> None:
    job = an_open_job(tasks=2)
    task = tasks_by_name(job)["t1"]
    by_id = {**a_row("t1", "dog"), "external_id": None, "task": str(task.pk)}

    report = predict(job, a_row("t0", score=0.5), by_id)

    assert report == PredictionReport(predictions=2)
    found = Prediction.objects.order_by("pk").values_list("task__external_id", "score", "answer_key", "result")
    assert list(found) == [("t0", 0.5, CAT, an_answer("cat")), ("t1", 0.9, DOG, an_answer("dog"))]
    event = AuditEvent.objects.get(action="job.predictions_imported")
    assert (event.subject_id, event.details) == (str(job.pk), {"predictions": 2})


def test_one_wrong_row_keeps_all_predictions_out_and_every_fault_is_told() -> None:
    job = a_draft(tasks=3)
    predict(job, a_row("t2"))

    with pytest.raises(InvalidImport) as refused:
        predict(
            job,
            a_row("t0"),
            a_row("t1", "cow"),
            {**a_row("t1"), "score": 1.5, "model_version": ""},
            {**a_row("t1"), "score": True, "cost": 3},
            a_row("t9"),
            a_row("t2"),
            {**a_row("t1"), "external_id": None},
            {**a_row("t1"), "external_id": None, "task": "t1"},
            {"external_id": "t1"},
        )

    assert [(fault["row"], fault["column"], fault["message"]) for fault in refused.value.errors] == [
        (2, "result", 'result[0].value.choices: "cow" is no choice of "animal". Choices: cat, dog.'),
        (3, "model_version", "It is empty."),
        (3, "score", "A score is a number from 0 to 1."),
        (4, "cost", 'There is no "cost" in a prediction. It has: model, model_version, score, result.'),
        (4, "score", "A score is a number from 0 to 1."),
        (5, "external_id", 'The job has no task "t9".'),
        (6, "", '"2026-05" has predicted this task already; predictions are never changed.'),
        (7, "task", "A row names its task once: by external_id, or by its own id as task."),
        (8, "task", '"t1" is no id of a task.'),
        (9, "model_version", "A model and its version are texts of 1 to 100 characters."),
        (9, "score", "A score is a number from 0 to 1."),
        (9, "result", "A prediction has a result, in Label Studio's form."),
    ]
    assert Prediction.objects.count() == 1


def test_a_prediction_comes_before_the_label_of_its_task() -> None:
    job = an_open_job(tasks=2)
    let_people_answer([tasks_by_name(job)["t0"]])

    with pytest.raises(InvalidImport) as refused:
        predict(job, a_row("t0"))

    message = "The task is not open any more; a prediction comes before the label."
    assert [fault["message"] for fault in refused.value.errors] == [message]
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    with pytest.raises(WrongState) as ended:
        predict(job, a_row("t1"))
    assert ended.value.message == f"Job {job.pk} is cancelled; predictions are of no use to it any more."


def test_what_a_model_said_stays_as_it_said_it() -> None:
    job = a_draft(tasks=1)
    predict(job, a_row("t0"))

    with pytest.raises(IntegrityError, match="are facts"), transaction.atomic():
        Prediction.objects.update(score=1.0)


def confidence_after_two_answers(job_tasks: int = 1, **row: object) -> float | None:
    """How sure a task with a prediction is after two people have said what it is."""
    job = an_open_job(tasks=job_tasks)
    if row:
        predict(job, a_row("t0", **row))  # type: ignore[arg-type]
    task = tasks_by_name(job)["t0"]
    let_people_answer([task])
    task.refresh_from_db()
    assert (task.method, task.answer_key, task.majority_share) == ("consensus", CAT, 1.0)
    return task.confidence


def test_a_model_that_is_not_measured_says_nothing_however_sure_it_is() -> None:
    alone = confidence_after_two_answers()

    assert confidence_after_two_answers(animal="cat", score=1.0) == alone
    assert confidence_after_two_answers(animal="dog", score=1.0) == alone


def test_a_model_is_measured_on_gold_and_on_what_people_say() -> None:
    job = a_draft(tasks=3, gold=1)
    gold = Task.objects.get(job=job, gold_question__isnull=False)
    Task.objects.filter(pk=gold.pk).update(external_id="g")
    predict(job, a_row("g", "cat"), a_row("t0", "cat"), a_row("t1", "dog"), a_row("t2", "dog"))
    launch_job(job_id=job.pk, by=owner_of(job.client))
    tasks = tasks_by_name(job)
    let_people_answer([tasks["t0"], tasks["t1"]])

    tend_predictors()
    tend_predictors()

    predictor = the_predictor(job)
    assert (predictor.right, predictor.wrong) == (2, 1)
    assert predictor.confusion == {CAT: {CAT: 2, DOG: 1}}
    checks = PredictionCheck.objects.order_by("prediction__task__external_id").values_list("source", "is_right")
    assert list(checks) == [("gold", True), ("work", True), ("work", False)]


def test_a_model_that_was_measured_on_gold_counts_as_if_it_had_never_been_once_it_is_recalled() -> None:
    job = a_draft(tasks=3, gold=2)
    for name, known in zip(("g", "h"), Task.objects.filter(job=job, gold_question__isnull=False), strict=True):
        Task.objects.filter(pk=known.pk).update(external_id=name)
    predict(job, a_row("g", "dog"), a_row("t0", "cat"))
    predict(job, a_row("g", "cat", version="next"), a_row("h", "cat", version="next"))
    launch_job(job_id=job.pk, by=owner_of(job.client))
    tasks = tasks_by_name(job)
    let_people_answer([tasks["t0"]])
    tend_predictors()
    counted = list(Predictor.objects.order_by("version").values_list("right", "wrong"))
    assert counted == [(1, 1), (2, 0)]

    question = tasks["g"].gold_question_id
    assert question is not None
    recall_gold(gold_question_id=question, why="It is neither.", by=owner_of(job.client))
    replay_recalls()
    tend_predictors()

    first, second = Predictor.objects.order_by("version")
    assert ((first.right, first.wrong), (second.right, second.wrong)) == ((1, 0), (1, 0))
    assert (first.confusion, second.confusion) == ({CAT: {CAT: 1}}, {CAT: {CAT: 1}})
    plain = [[0.555556, 0.444444], [0.444444, 0.555556]]
    assert first.error_rates == second.error_rates == [{**THE_PART, "label": "", "chances": plain}]
    assert PredictionCheck.objects.count() == 4


def test_gold_that_was_recalled_before_a_model_was_measured_on_it_measures_no_model() -> None:
    job = a_draft(tasks=3, gold=1)
    gold = Task.objects.get(job=job, gold_question__isnull=False)
    Task.objects.filter(pk=gold.pk).update(external_id="g")
    predict(job, a_row("g", "dog"))
    launch_job(job_id=job.pk, by=owner_of(job.client))
    assert gold.gold_question_id is not None
    recall_gold(gold_question_id=gold.gold_question_id, why="It is neither.", by=owner_of(job.client))
    replay_recalls()

    tend_predictors()

    predictor = the_predictor(job)
    assert (predictor.right, predictor.wrong, PredictionCheck.objects.count()) == (0, 0, 0)


def test_a_measured_model_decides_between_two_people() -> None:
    job = an_open_job(tasks=2, overlap_max=2, confidence_basis_points=7000)
    predict(job, a_row("t0", "dog"), a_row("t1", "dog"))
    Predictor.objects.update(right=40, wrong=2)
    tasks = tasks_by_name(job)
    for animal in ("cat", "dog"):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[tasks["t0"].pk]), animal)

    task = Task.objects.get(pk=tasks["t0"].pk)

    assert (task.state, task.answer_key, task.majority_share) == ("resolved", DOG, 0.5)
    # Two people who cancel each other out, and the log odds of 0.88, discounted as after two answers, above the floor.
    prior = WEIGHTED.calibration
    odds = (0.88 / 0.12) ** (2**-prior.discount)
    assert task.confidence == pytest.approx((1 - prior.floor) * odds / (1 + odds) + prior.floor / 2)
    tend_predictors()
    assert not PredictionCheck.objects.exists()  # people were split, so nobody but the model itself said so


def test_what_a_model_says_weighs_by_how_it_errs_where_that_is_true() -> None:
    """It is right on every cat and calls half of the dogs cat, so that "dog" tells more than "cat" does."""
    job = an_open_job(tasks=18, overlap_max=2, confidence_basis_points=5500)
    tasks = tasks_by_name(job)
    truths = ["cat"] * 8 + ["dog"] * 8
    said = ["cat"] * 12 + ["dog"] * 4 + ["cat", "dog"]
    predict(job, *(a_row(f"t{n}", animal) for n, animal in enumerate(said)))
    for animal in ("cat", "dog"):
        let_people_answer([tasks[f"t{n}"] for n, truth in enumerate(truths) if truth == animal], animal)
    tend_predictors()
    assert the_predictor(job).confusion == {CAT: {CAT: 8}, DOG: {CAT: 4, DOG: 4}}

    split = [tasks["t16"], tasks["t17"]]
    for animal in ("cat", "dog"):
        let_people_answer(split, animal, people=1)

    # By its one accuracy of 16 / 24 both would weigh 2. Of 8 cats it seems to get 20 / 24 right, of 8 dogs 12 / 24.
    by_cat, by_dog = (8 * 20 + 8 * 16) / (16 * 24), (8 * 12 + 8 * 16) / (16 * 24)
    odds = {CAT: by_cat / (1 - by_dog), DOG: by_dog / (1 - by_cat)}
    assert odds == {CAT: pytest.approx(1.8), DOG: pytest.approx(7 / 3)}
    prior = WEIGHTED.calibration
    for task, label in zip(split, (CAT, DOG), strict=True):
        task.refresh_from_db()
        assert task.confidence is not None
        likelier = odds[label] ** (2**-prior.discount)
        believed = (1 - prior.floor) * likelier / (1 + likelier) + prior.floor / 2
        assert task.answer_key == label
        assert task.confidence == pytest.approx(believed, abs=1e-5)


def test_a_stopped_model_votes_no_more_and_is_given_nothing() -> None:
    job = an_open_job(tasks=2, overlap_max=2, confidence_basis_points=7000)
    predict(job, a_row("t0", "dog"))
    Predictor.objects.update(right=40, wrong=2, state="stopped", stopped_because="It was wrong.")
    task = tasks_by_name(job)["t0"]
    for animal in ("cat", "dog"):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[task.pk]), animal)

    task.refresh_from_db()
    assert task.state == "in_adjudication"
    with pytest.raises(InvalidImport) as refused:
        predict(job, a_row("t1"))
    message = '"2026-05" was stopped: It was wrong. Give another model_version.'
    assert [fault["message"] for fault in refused.value.errors] == [message]


def test_audits_come_first_and_are_decided_by_people_alone() -> None:
    job = an_open_job(tasks=4, allowed_error_basis_points=500, overlap_max=2, confidence_basis_points=7000)
    predict(job, *(a_row(f"t{n}", "dog") for n in range(4)), chance=Audits(every=4))
    Predictor.objects.update(right=40, wrong=2)

    (audit,) = audits_of(job)
    assert (audit.external_id, audit.priority) == ("t0", 0)
    for animal in ("cat", "dog"):
        claimed = claim_task(worker=a_worker(job), job_id=job.pk)
        assert claimed.task_id == audit.pk
        answer(claimed, animal)

    audit.refresh_from_db()
    assert audit.state == "in_adjudication"


def test_a_client_brings_predictions_and_reads_what_came_of_them_over_http() -> None:
    job = an_open_job(tasks=2)
    owner = Person(owner_of(job.client))
    lines = "".join(f"{json.dumps(a_row(f't{n}'))}\n" for n in range(2))

    assert owner.upload(f"jobs/{job.pk}/predictions/", lines, "application/x-ndjson") == (201, {"predictions": 2})
    assert owner.upload(f"jobs/{job.pk}/predictions/", lines, "application/x-ndjson")[0] == 400
    let_people_answer([tasks_by_name(job)["t0"]])
    tend_predictors()

    status, page = owner.get(f"jobs/{job.pk}/predictors/")
    (shown,) = page["results"]
    assert (status, shown.pop("id"), shown.pop("created_at") != "") == (200, str(the_predictor(job).pk), True)
    assert shown == {
        "model": "",
        "model_version": "2026-05",
        "state": "measuring",
        "predictions": 2,
        "audits": 0,
        "audits_answered": 0,
        "audits_wrong": 0,
        "accepted": 0,
        "right": 1,
        "wrong": 0,
        "confusion": {CAT: {CAT: 1}},
        "error_rates": [{**THE_PART, "choice": "", "chances": [[0.555556, 0.444444], [0.444444, 0.555556]]}],
        "threshold": None,
        "error_bound": None,
        "stopped_because": "",
    }
    worker = Person(a_worker(job).user)
    assert worker.get(f"jobs/{job.pk}/predictors/")[0] == 404
    status, claimed = worker.post("assignments/", {"job": str(job.pk)})
    assert status == 201
    assert not {"predictions", "prediction", "score"} & set(json.dumps(claimed).replace('"', " ").split())
