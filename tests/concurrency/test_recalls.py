"""Gold is recalled while workers answer it, while their scores move, and while the job ends."""

import pytest

from marketplace.models import Assignment, Job, Task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.recall import recall_gold, replay_recalls
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import submit_annotation
from qualification.models import GoldRecall, Score
from tests.concurrency.crowd import at_once
from tests.marketplace.builders import ALWAYS_GOLD, NEVER_GOLD, a_worker, an_open_job, answer, earned, owner_of
from tests.qualification.builders import an_answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

WORKERS = 6


def gold_of(job: Job) -> Task:
    return Task.objects.select_related("gold_question").get(job=job, gold_question__isnull=False)


def put_right() -> None:
    for _ in range(3):
        replay_recalls()
        tend_waiting_gold()
        accept_due_assignments()
    assert GoldRecall.objects.get().state == "replayed"


def test_answers_that_come_in_while_their_gold_is_recalled_count_for_nobody_and_are_paid() -> None:
    job = an_open_job(tasks=12, gold=1, overlap_min=2, overlap_max=2)
    turns = [claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD) for _ in range(WORKERS)]
    question, owner = gold_of(job).gold_question_id, owner_of(job.client)
    assert question is not None

    def submit(turn: Assignment) -> object:
        submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=an_answer("dog"))
        return tend_waiting_gold()

    def recall() -> object:
        recall_gold(gold_question_id=question, why="It is a fox.", by=owner)
        return replay_recalls()

    done = at_once([*(lambda turn=turn: submit(turn) for turn in turns), recall, recall])
    assert [outcome for outcome in done if isinstance(outcome, Exception)] == []
    put_right()

    scores = Score.objects.filter(worker__in=[turn.worker_id for turn in turns])
    assert set(scores.values_list("correct", "wrong")) == {(4.0, 0.0)}
    assert [earned(turn.worker) for turn in turns] == [10] * WORKERS
    assert check_invariants() == []


def test_a_job_that_ends_while_its_gold_is_recalled_pays_everybody_once() -> None:
    job = an_open_job(tasks=1, gold=1, overlap_min=2, overlap_max=2, confidence_basis_points=9000)
    question, owner = gold_of(job).gold_question_id, owner_of(job.client)
    assert question is not None
    first, second = a_worker(job), a_worker(job)
    for worker in (first, second):
        turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
        submit_annotation(assignment_id=turn.pk, worker=worker, result=an_answer("cat"))
    for worker in (first, second):
        answer(claim_task(worker=worker, job_id=job.pk, chance=NEVER_GOLD))
    tend_waiting_gold()

    def recall() -> object:
        recall_gold(gold_question_id=question, why="It is a fox.", by=owner)
        return replay_recalls()

    ends = [accept_due_assignments, complete_finished_jobs, replay_recalls]
    done = at_once([recall, *ends, *ends])
    assert [outcome for outcome in done if isinstance(outcome, Exception)] == []
    put_right()
    complete_finished_jobs()

    assert Job.objects.get(pk=job.pk).state == "completed"
    assert [earned(worker) for worker in (first, second)] == [20, 20]
    assert check_invariants() == []
