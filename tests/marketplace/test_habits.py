"""Habits of workers in a job: learnt by its fits, stored with what these know, and merged by."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel.services.audit import Actor
from marketplace.models import FittedWorker, Job, Task
from marketplace.services.allocation import claim_task
from marketplace.services.beliefs import TaskBelief, belief_of
from marketplace.services.fitting import fit_job
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from marketplace.services.second_looks import look_again
from marketplace.services.slots import CHANCE, open_slot
from marketplace.services.submission import submit_annotation
from qualification.labels.habits import read_habits
from qualification.labels.results import Answer
from qualification.labels.schema import parse_schema
from qualification.models import Score
from qualification.statistics.believing import believe
from qualification.statistics.consensus import Vote
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import Person
from tests.marketplace.builders import a_draft, a_worker, owner_of
from tests.qualification.builders import a_user
from workforce.models import Worker

pytestmark = pytest.mark.django_db

NUMBERS = '<View><Text name="t" value="$text"/><Number name="n" toName="t" min="0" max="100"/></View>'
SCHEMA = parse_schema(NUMBERS)
TASKS = 15


def saying(number: float) -> list[dict[str, Any]]:
    return [{"from_name": "n", "to_name": "t", "type": "number", "value": {"number": number}}]


def a_counted_job(*added: float) -> tuple[Job, list[Worker]]:
    """A job whose tasks are numbers, answered by workers who each add something to them."""
    workers = len(added)
    job = a_draft(tasks=0, label_schema=NUMBERS, confidence_basis_points=8000, overlap_min=workers, overlap_max=workers)
    rows = "\n".join(json.dumps({"item": {"text": str(20 + 4 * place)}}) for place in range(TASKS))
    by = owner_of(job.client)
    import_tasks(job_id=job.pk, stream=BytesIO(rows.encode()), format="jsonl", by=Actor.user(by))
    job = launch_job(job_id=job.pk, by=by)
    people = [a_worker(job) for _ in added]
    for worker, more in zip(people, added, strict=True):
        for _ in range(TASKS):
            turn = claim_task(worker=worker, job_id=job.pk)
            result = saying(int(turn.task.item["text"]) + more)
            submit_annotation(assignment_id=turn.pk, worker=worker, result=result)
    return job, people


def one_more(job: Job, said: dict[Worker, float]) -> TaskBelief:
    """What is believed of a task that these answer after the fit."""
    task = Task.objects.create(job=job, item={"text": "One more"})
    open_slot(task=task, ordinal=1, chance=CHANCE)
    for worker, number in said.items():
        turn = claim_task(worker=worker, job_id=job.pk, among=[task.pk])
        submit_annotation(assignment_id=turn.pk, worker=worker, result=saying(number))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        belief = belief_of(task=task, job=job, schema=SCHEMA)
    assert belief is not None
    assert len(asked.captured_queries) == 1
    return belief


def test_numbers_are_merged_without_what_the_fit_knows_their_workers_to_add() -> None:
    job, (plain, _, _, high) = a_counted_job(0, 0, 20, 20)
    fit = fit_job(job_id=job.pk)
    newcomer = a_worker(job)

    belief = one_more(job, {plain: 50, high: 70, newcomer: 48})

    known = {row.worker_id: read_habits(row.habits) for row in FittedWorker.objects.filter(fit=fit)}
    scores = dict(Score.objects.filter(skill=job.skill).values_list("worker", "estimate"))
    votes = [
        Vote(Answer.of({"n": [f'{{"number":{said}}}']}), scores[worker.pk], habits=known.get(worker.pk, {}))
        for worker, said in ((plain, 50), (high, 70), (newcomer, 48))
    ]
    assert newcomer.pk not in known
    assert known[high.pk]["n"].shift - known[plain.pk]["n"].shift > 10
    assert belief.posterior == believe(SCHEMA, votes, belief.fit, interval=True)
    assert belief.posterior.majority.answer.chosen("n") == ('{"number":50}',)


def test_a_second_look_settles_tasks_whose_answers_differ_by_no_more_than_their_workers_do() -> None:
    job, _ = a_counted_job(0, 0, 20, 20)
    tasks = Task.objects.filter(job=job)
    assert set(tasks.values_list("state", flat=True)) == {"in_adjudication"}
    fit_job(job_id=job.pk)

    assert look_again() == TASKS
    assert set(tasks.values_list("state", "method")) == {("resolved", "consensus")}


def test_a_fit_says_whether_habits_weigh_answers_and_what_spoke_for_it() -> None:
    job, _ = a_counted_job(0, 0, 20, 20)
    fit_job(job_id=job.pk)

    [shown] = Person(owner_of(job.client)).every(f"jobs/{job.pk}/fits/")

    [of_number] = shown["habits"]
    assert of_number.pop("gain") > 0
    assert of_number == {"control": "n", "is_used": True, "tried": TASKS, "by_gold": False}


def test_the_console_says_in_words_what_weighs_what_is_merged() -> None:
    job, _ = a_counted_job(0, 0, 20, 20)
    fit = fit_job(job_id=job.pk)
    assert fit is not None

    console = console_of(made_admin(a_user(), "escalations"))
    page = console.get(reverse("admin:marketplace_fit_change", args=[fit.pk])).content.decode()

    assert (
        "<bdi>n</bdi>: answers weigh by their workers&#x27; habits; with habits merged answers come nearer to" in page
    )
    assert "<bdi>what is merged</bdi>: from two answers just as alike as gold asks for it is right in " in page


def test_where_nobody_answers_otherwise_the_fit_keeps_no_habits_and_scores_weigh() -> None:
    job, (first, *_) = a_counted_job(0, 0, 0)

    fit = fit_job(job_id=job.pk)

    assert fit is not None
    assert fit.habits == [{"control": "n", "is_used": False, "tried": TASKS, "by_gold": False, "gain": 0.0}]
    assert [row.habits for row in FittedWorker.objects.filter(fit=fit)] == [{}, {}, {}]
    assert one_more(job, {first: 50}).posterior.leader == Answer.of({"n": ['{"number":50}']})


def test_the_same_answers_teach_the_same_habits() -> None:
    job, _ = a_counted_job(0, 0, 20, 20)

    taught = []
    for _ in range(2):
        fit = fit_job(job_id=job.pk)
        rows = FittedWorker.objects.filter(fit=fit).order_by("worker")
        taught.append([(row.worker_id, row.habits) for row in rows])

    assert taught[0] == taught[1] != []
