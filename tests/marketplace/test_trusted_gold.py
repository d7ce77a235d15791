"""Gold under review teaches nothing while nobody has decided; who answered it is judged by it as before."""

import json
from io import BytesIO

import pytest

from kernel.services.audit import Actor
from marketplace.models import Escalation, Job, Predictor, Rejection, Task
from marketplace.queries.recorded import history_of
from marketplace.services.allocation import claim_task
from marketplace.services.fitting import fit_job
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.gold_review import decide_gold_review, review_gold
from marketplace.services.importing import import_tasks
from marketplace.services.known_merges import known_merges
from marketplace.services.posting import launch_job
from marketplace.services.predictors import tend_predictors
from marketplace.services.shared_tasks import shared_tasks
from marketplace.services.submission import submit_annotation
from qualification.services.doubted_gold import doubt, keep
from tests.marketplace.automation import a_row, predict, the_predictor
from tests.marketplace.builders import ALWAYS_GOLD, a_draft, a_worker, answer, owner_of
from tests.marketplace.test_habits import NUMBERS, SCHEMA, saying
from tests.marketplace.test_recall import a_gilded_job, gold, gold_of, question_of, reject, sums, work
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

BY = Actor.system("test")


def doubted(job: Job) -> None:
    assert doubt(gold_question_id=question_of(job), why="Good workers miss it.", by=BY)


def kept(job: Job) -> None:
    keep(gold_question_id=question_of(job), why="It is a cat.", by=BY)


def test_a_fit_takes_it_for_no_truth_until_a_person_has_kept_it() -> None:
    job = a_gilded_job()
    gold(job)
    work(job)
    doubted(job)
    without = fit_job(job_id=job.pk)
    kept(job)
    again = fit_job(job_id=job.pk)

    assert without is not None and again is not None
    assert [(fit.gold, fit.answers) for fit in (without, again)] == [(0, 2), (1, 2)]


def test_neither_merging_nor_habits_are_learnt_from_it() -> None:
    job = a_draft(tasks=0, label_schema=NUMBERS, overlap_max=2, gold_share_basis_points=5000)
    known = {"item": {"text": "30"}, "gold_answer": saying(30), "gold_reason": "It says so."}
    rows = "\n".join(map(json.dumps, ({"item": {"text": "20"}}, known)))
    by = owner_of(job.client)
    import_tasks(job_id=job.pk, stream=BytesIO(rows.encode()), format="jsonl", by=Actor.user(by))
    launch_job(job_id=job.pk, by=by)
    for _ in range(2):
        turn = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
        submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=saying(30))
    doubted(job)
    without = known_merges(job, SCHEMA), shared_tasks(job)
    kept(job)
    again = known_merges(job, SCHEMA), shared_tasks(job)

    assert without == ([], [])
    assert ([each.is_right for each in again[0]], len(again[1])) == ([True], 1)


def test_what_if_takes_no_truth_from_it() -> None:
    job = a_gilded_job()
    gold(job)
    doubted(job)

    assert [task.truth for task in history_of(job, most=10).gold] == [None]


def counted(predictor: Predictor) -> tuple[int, int]:
    predictor.refresh_from_db()
    return predictor.right, predictor.wrong


def test_what_it_said_of_a_model_is_not_counted_while_it_is_under_review() -> None:
    job = a_draft(tasks=8, gold=1, overlap_max=2)
    Task.objects.filter(job=job, gold_question__isnull=False).update(external_id="g")
    predict(job, a_row("g", "dog"))
    predict(job, a_row("g", "dog", version="late"))
    launch_job(job_id=job.pk, by=owner_of(job.client))
    tend_predictors()
    early, late = Predictor.objects.order_by("version")
    assert [counted(each) for each in (early, late)] == [(0, 1), (0, 1)]
    for _ in range(9):
        gold(job)

    assert review_gold() == 1
    assert [counted(each) for each in (early, late)] == [(0, 0), (0, 0)]
    assert (early.confusion, tend_predictors(), counted(early)) == ({}, 0, (0, 0))

    asked = Escalation.objects.get(kind="gold_review")
    decide_gold_review(escalation_id=asked.pk, decision="keep", note="It is a cat.", by=a_user(is_staff=True))
    assert [counted(each) for each in (early, late)] == [(0, 1), (0, 1)]


def test_a_model_that_is_measured_only_then_is_not_measured_on_it() -> None:
    job = a_draft(tasks=8, gold=1)
    Task.objects.filter(job=job, gold_question__isnull=False).update(external_id="g")
    predict(job, a_row("g", "dog"))
    launch_job(job_id=job.pk, by=owner_of(job.client))
    doubted(job)

    tend_predictors()
    without = counted(the_predictor(job))
    kept(job)
    tend_predictors()

    assert (without, counted(the_predictor(job))) == ((0, 0), (0, 1))


def test_it_does_not_speak_against_who_rejects_an_answer() -> None:
    job = a_gilded_job(gold_share_basis_points=5000)
    before, after = gold(job, animal="cat"), gold(job, animal="cat")
    reject(before)
    doubted(job)
    reject(after)

    said = Rejection.objects.order_by("rejected_at").values_list("assignment", "contradicts")
    assert list(said) == [(before.pk, "gold"), (after.pk, "")]


def test_an_answer_that_was_on_its_way_moves_the_score_as_ever_until_the_gold_is_recalled() -> None:
    job = a_gilded_job()
    turn = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    assert turn.task_id == gold_of(job).pk
    doubted(job)

    answer(turn, "dog")
    tend_waiting_gold()

    assert sums(turn.worker) == (4.0, 1.0)
