"""Steering: who is asked next about which task, and that nobody goes without."""

import random
from dataclasses import replace
from statistics import fmean

import pytest

from marketplace.bench.quality.steering import simulated, work_off
from marketplace.models import FittedWorker, Job, Slot, Task
from marketplace.services.allocation import NothingToDo, claim_task
from marketplace.services.expiry import return_assignment
from marketplace.services.fitting import fit_job
from tests.marketplace.builders import NEVER_GOLD, Fixed, a_submitted_answer, a_worker, an_open_job, answer
from workforce.models import Worker

pytestmark = pytest.mark.django_db

ANYWAY = Fixed(0.05)
FIGURES = ("answers", "right", "gini", "by_sure", "by_newcomers", "waited")


def tasks_of(job: Job) -> list[Task]:
    return list(Task.objects.filter(job=job).order_by("external_id"))


def claimed(worker: Worker, job: Job, chance: random.Random = NEVER_GOLD) -> Task:
    return claim_task(worker=worker, job_id=job.pk, chance=chance).task


def said(worker: Worker, task: Task, animal: str) -> None:
    answer(claim_task(worker=worker, job_id=task.job_id, among=[task.pk]), animal)


def a_job_with_a_sure_worker(**order: object) -> tuple[Job, Worker, Task]:
    """A job of eight tasks, of which two nobody was asked about yet, and a worker who mostly agrees with another.

    Six tasks are unsure; one of them, which is returned, this worker has not had.
    """
    job = an_open_job(tasks=8, overlap_min=2, overlap_max=4, confidence_basis_points=9990, **order)
    sure, other, often_wrong = (a_worker(job) for _ in range(3))
    *had, unsure = tasks_of(job)[:6]
    for task in had:
        said(sure, task, "cat")
        said(other, task, "cat")
        said(often_wrong, task, "dog")
    said(other, unsure, "cat")
    said(often_wrong, unsure, "dog")
    assert fit_job(job_id=job.pk) is not None
    found = FittedWorker.objects.filter(fit__job=job, is_sure=True).values_list("worker", flat=True)
    assert set(found) == {sure.pk, other.pk}
    return job, sure, unsure


@pytest.mark.parametrize("start", [0.0, 0.3, 0.999])
def test_a_sure_worker_is_asked_about_an_unsure_task(start: float) -> None:
    job, sure, unsure = a_job_with_a_sure_worker()

    assert claimed(sure, job, Fixed(start)).pk == unsure.pk


def test_newcomers_are_given_first_turns_and_when_these_are_taken_what_is_left() -> None:
    job, _, unsure = a_job_with_a_sure_worker()
    new = [task.pk for task in tasks_of(job)[6:]]

    given = [claimed(a_worker(job), job).pk for _ in range(10)]

    assert sorted(given[:4]) == sorted(new * 2)
    assert len(set(given[4:])) == 6
    assert unsure.pk in given[4:]
    with pytest.raises(NothingToDo):
        claimed(a_worker(job), job)


def test_one_newcomer_in_ten_is_asked_about_an_unsure_task_all_the_same() -> None:
    job, _, _ = a_job_with_a_sure_worker()
    unsure = {task.pk for task in tasks_of(job)[:6]}

    assert claimed(a_worker(job), job, ANYWAY).pk in unsure


def test_a_turn_at_an_unsure_task_that_is_given_back_waits_for_a_sure_worker_again() -> None:
    job, sure, unsure = a_job_with_a_sure_worker()
    newcomer = a_worker(job)
    turn = claim_task(worker=newcomer, job_id=job.pk, among=[unsure.pk])

    return_assignment(assignment_id=turn.pk, worker=newcomer)

    assert claimed(a_worker(job), job).pk != unsure.pk
    assert claimed(sure, job).pk == unsure.pk


def test_what_is_urgent_goes_first_whoever_asks() -> None:
    job, sure, _ = a_job_with_a_sure_worker()
    urgent = tasks_of(job)[7]
    Slot.objects.filter(task=urgent).update(priority=0)

    assert claimed(sure, job).pk == urgent.pk


def test_a_sure_worker_who_had_every_unsure_task_is_given_first_turns() -> None:
    job, sure, unsure = a_job_with_a_sure_worker()
    said(sure, unsure, "cat")

    given = []
    for _ in range(2):
        turn = claim_task(worker=sure, job_id=job.pk)
        given.append(turn.task_id)
        answer(turn)

    assert sorted(given) == sorted(task.pk for task in tasks_of(job)[6:])


def test_who_is_alone_in_a_job_gets_every_task_of_it() -> None:
    job = an_open_job(tasks=6, overlap_min=1, overlap_max=3, confidence_basis_points=9990)
    for worker in (a_worker(job), a_worker(job), a_worker(job)):
        had = {a_submitted_answer(job, worker=worker, animal="cat").task_id for _ in range(6)}

        assert had == {task.pk for task in tasks_of(job)}
        with pytest.raises(NothingToDo):
            claimed(worker, job)
        fit_job(job_id=job.pk)


def test_steering_brings_sure_workers_to_unsure_tasks_sooner_and_takes_no_more_answers_for_it() -> None:
    by_chance, steered, again = (
        [work_off(simulated(seed), seed=seed, share=0.05, is_steered=is_steered) for seed in seeds]
        for is_steered, seeds in ((False, (5, 6, 7)), (True, (5, 6, 7)), (True, (6,)))
    )

    assert again == steered[1:2]
    chance, way = (
        {name: fmean(getattr(course, name) for course in courses) for name in FIGURES}
        for courses in (by_chance, steered)
    )
    assert way["by_sure"] > 1.5 * chance["by_sure"]
    assert way["by_newcomers"] < chance["by_newcomers"]
    assert way["waited"] < chance["waited"] / 2
    assert way["answers"] < 1.05 * chance["answers"]
    assert way["right"] > chance["right"] - 0.02
    assert abs(way["gini"] - chance["gini"]) < 0.05


def test_where_a_recording_has_times_waits_are_told_in_minutes() -> None:
    recording = simulated(2)
    answers = recording.answers
    pairs = list(zip(answers.task.tolist(), answers.worker.tolist(), strict=True))
    random.Random(2).shuffle(pairs)
    timed = replace(recording, minutes={pair: 2.0 * place for place, pair in enumerate(pairs)})

    by_chance, steered = (work_off(timed, seed=2, share=0.05, is_steered=is_steered) for is_steered in (False, True))

    assert by_chance.minutes is not None
    assert steered.minutes is not None
    assert 0 < steered.minutes < by_chance.minutes
    assert work_off(recording, seed=2, share=0.05, is_steered=True).minutes is None
