"""Gold is recalled while workers answer it, while their scores move, and while the job ends."""

from functools import partial
from uuid import UUID

import pytest
from django.db import connection

from kernel.flow import WrongState
from marketplace.models import Assignment, Escalation, Fit, Job, Reweighing, Slot, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.escalations import claim_escalation
from marketplace.services.fitting import FITTER, fit_job
from marketplace.services.gold import tend_waiting_gold
from marketplace.services.gold_review import decide_gold_review, review_gold
from marketplace.services.overlaps import raise_overlap
from marketplace.services.recall import recall_gold, replay_recalls
from marketplace.services.reweighing import reweigh_task
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import submit_annotation
from qualification.models import GoldRecall, Score
from tests.concurrency.crowd import at_once
from tests.concurrency.interleaving import play
from tests.marketplace.builders import ALWAYS_GOLD, NEVER_GOLD, a_worker, an_open_job, answer, earned, owner_of
from tests.qualification.builders import a_user, an_answer

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


def doubted(job: Job) -> UUID:
    """The gold of a job that nine workers missed who answered all of their exam right; nobody doubts it yet."""
    for _ in range(9):
        turn = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
        submit_annotation(assignment_id=turn.pk, worker=turn.worker, result=an_answer("dog"))
        tend_waiting_gold()
    question = gold_of(job).gold_question_id
    assert question is not None
    return question


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_a_recall_and_a_doubt_leaves_a_person_with_gold_that_is_none(seed: int) -> None:
    job = an_open_job(tasks=12, gold=1, overlap_min=2, overlap_max=2)
    question = doubted(job)

    recall = partial(recall_gold, gold_question_id=question, why="It is a fox.", by=owner_of(job.client))
    game = play([review_gold, recall], seed=seed)

    assert [outcome for outcome in game.outcomes if isinstance(outcome, Exception)] == []
    assert not Escalation.objects.filter(kind="gold_review", state__in=Escalation.LIVE).exists()


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_a_recall_and_more_overlap_offers_recalled_gold(seed: int) -> None:
    job = an_open_job(tasks=2, gold=1, overlap_min=2, overlap_max=2)
    question, owner = gold_of(job).gold_question_id, owner_of(job.client)
    assert question is not None

    more = partial(raise_overlap, job_id=job.pk, overlap_max=12, by=owner)
    recall = partial(recall_gold, gold_question_id=question, why="It is a fox.", by=owner)
    game = play([more, recall], seed=seed)

    assert [outcome for outcome in game.outcomes if isinstance(outcome, Exception)] == []
    assert not Slot.objects.filter(job=job, lane=Slot.Lane.GOLD).exists()
    assert check_invariants() == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decision", ["keep", "recall"])
def test_no_order_of_a_decision_a_recall_a_doubt_and_an_answer_waits_in_a_circle(decision: str, seed: int) -> None:
    job = an_open_job(tasks=12, gold=1, overlap_min=2, overlap_max=2)
    question = doubted(job)
    turn = claim_task(worker=a_worker(job), job_id=job.pk, chance=ALWAYS_GOLD)
    assert review_gold() == 1
    asked, admin = Escalation.objects.get(kind="gold_review"), a_user(is_staff=True)

    game = play(
        [
            partial(decide_gold_review, escalation_id=asked.pk, decision=decision, note="Looked at.", by=admin),
            partial(recall_gold, gold_question_id=question, why="It is a fox.", by=owner_of(job.client)),
            partial(submit_annotation, assignment_id=turn.pk, worker=turn.worker, result=an_answer("dog")),
            partial(raise_overlap, job_id=job.pk, overlap_max=3, by=owner_of(job.client)),
            review_gold,
        ],
        seed=seed,
    )

    refused = [outcome for outcome in game.outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(outcome, WrongState) for outcome in refused)  # the review was withdrawn first
    assert not Slot.objects.filter(job=job, lane=Slot.Lane.GOLD).exists()
    put_right()
    assert check_invariants() == []


def test_a_recall_waits_for_a_fit_that_may_have_read_the_gold() -> None:
    job = an_open_job(tasks=12, gold=1, overlap_min=2, overlap_max=2)
    question = doubted(job)
    assert fit_job(job_id=job.pk) is not None
    recall_gold(gold_question_id=question, why="It is a fox.", by=owner_of(job.client))
    answer(claim_task(worker=a_worker(job), job_id=job.pk, chance=NEVER_GOLD))

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [FITTER])
        assert at_once([replay_recalls]) == [0]
        cursor.execute("SELECT pg_advisory_unlock(%s)", [FITTER])
    assert (GoldRecall.objects.get().evidence_withdrawn_at, Fit.objects.count()) == (None, 1)

    assert replay_recalls() == 1
    assert list(Fit.objects.order_by("number").values_list("gold", "answers")) == [(1, 9), (0, 1)]


@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_weighing_again_adjudication_answers_and_pay_waits_in_a_circle(seed: int) -> None:
    job = an_open_job(tasks=1, gold=1, overlap_min=2, overlap_max=2, confidence_basis_points=9900)
    question = gold_of(job).gold_question_id
    assert question is not None
    workers = [a_worker(job), a_worker(job)]
    for worker in workers:
        turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
        submit_annotation(assignment_id=turn.pk, worker=worker, result=an_answer("dog"))
    for worker, animal in zip(workers, ("cat", "dog"), strict=True):
        answer(claim_task(worker=worker, job_id=job.pk, chance=NEVER_GOLD), animal)
    tend_waiting_gold()
    recall = recall_gold(gold_question_id=question, why="It is a fox.", by=owner_of(job.client))
    asked, admin = Escalation.objects.get(kind="no_consensus"), a_user(is_staff=True)
    assert asked.task_id is not None

    game = play(
        [
            replay_recalls,
            partial(reweigh_task, task_id=asked.task_id, recall=recall),
            partial(decide_task, escalation_id=asked.pk, result=an_answer("cat"), note="A cat.", by=admin),
            accept_due_assignments,
            partial(claim_escalation, escalation_id=asked.pk, by=admin),
        ],
        seed=seed,
    )

    faults = [each for each in game.outcomes if isinstance(each, Exception) and not isinstance(each, WrongState)]
    assert faults == []
    put_right()
    assert Task.objects.get(pk=asked.task_id).method == "adjudication"
    assert Reweighing.objects.filter(task=asked.task_id).count() <= 1
    assert check_invariants() == []
