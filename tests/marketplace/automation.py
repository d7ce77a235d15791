"""Predictions of tasks, and people who answer them, made through the services that users go through."""

import json
import random
from collections.abc import Iterable, Mapping
from io import BytesIO

from kernel.services.audit import Actor
from marketplace.models import Job, Prediction, Predictor, Task
from marketplace.services.allocation import claim_task
from marketplace.services.predictions import PredictionReport, import_predictions
from marketplace.services.slots import CHANCE
from tests.marketplace.builders import a_worker, answer, owner_of
from tests.qualification.builders import an_answer

VERSION = "2026-05"


def a_row(task: str, animal: str = "cat", *, score: float = 0.9, version: str = VERSION) -> dict[str, object]:
    """A prediction as a client sends it."""
    return {"external_id": task, "model_version": version, "score": score, "result": an_answer(animal)}


def predict(job: Job, *rows: Mapping[str, object], chance: random.Random = CHANCE) -> PredictionReport:
    """Let the job's client send these predictions."""
    lines = "\n".join(json.dumps(row) for row in rows)
    return import_predictions(
        job_id=job.pk, stream=BytesIO(lines.encode()), by=Actor.user(owner_of(job.client)), chance=chance
    )


def the_predictor(job: Job) -> Predictor:
    return Predictor.objects.get(job=job)


def audits_of(job: Job) -> list[Task]:
    audits = Prediction.objects.filter(predictor__job=job, is_audit=True).values("task")
    return list(Task.objects.filter(pk__in=audits).select_related("job").order_by("external_id"))


class Audits(random.Random):
    """Chance that draws the first of each ``every`` tasks as an audit."""

    def __init__(self, *, every: int) -> None:
        super().__init__()
        self._every, self._drawn = every, 0

    def random(self) -> float:
        self._drawn += 1
        return 0.0 if (self._drawn - 1) % self._every == 0 else 0.999


def let_people_answer(tasks: Iterable[Task], animal: str = "cat", *, people: int = 2) -> None:
    """Let the same few workers answer each of these tasks, all alike."""
    tasks = list(tasks)
    workers = [a_worker(tasks[0].job) for _ in range(people)]
    for task in tasks:
        for worker in workers:
            answer(claim_task(worker=worker, job_id=task.job_id, among=[task.pk]), animal)


def tasks_by_name(job: Job) -> dict[str, Task]:
    return {task.external_id: task for task in Task.objects.filter(job=job).select_related("job")}
