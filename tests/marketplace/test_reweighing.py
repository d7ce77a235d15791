"""Labels that rested on a score which a recall moved are weighed again: history ends as without the gold."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.models import AuditEvent, OutboxMessage
from marketplace.models import Assignment, Escalation, Job, Reweighing, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.recall import replay_recalls
from marketplace.services.review import reject_assignment
from marketplace.services.reweighing import reweigh_task
from marketplace.services.settlement import accept_due_assignments
from qualification.labels.results import Answer
from qualification.models import Certification, Score
from qualification.services.scoring import record_gold
from tests.marketplace.builders import NEVER_GOLD, a_worker, an_open_job, answer, earned, owner_of
from tests.marketplace.test_recall import a_gilded_job, gold, gold_of, recall
from tests.qualification.builders import a_user, an_answer
from workforce.models import Worker

pytestmark = pytest.mark.django_db


def proven(job: Job, *, right: int, wrong: int = 0) -> Worker:
    """A worker whose score rests on an exam of four right answers and on these."""
    worker = a_worker(job)
    for number in range(right + wrong):
        subject = f"assignment:{worker.pk}:{number}"
        record_gold(worker_id=worker.pk, skill_id=job.skill_id, correct=number < right, subject=subject)
    return worker


def say(job: Job, worker: Worker, animal: str, *, at: UUID | None = None) -> Assignment:
    among = [at] if at else None
    turn = claim_task(worker=worker, job_id=job.pk, chance=NEVER_GOLD, among=among)
    return answer(turn, animal)


def again(task_id: UUID) -> Task:
    return Task.objects.get(pk=task_id)


def keyed(animal: str) -> str:
    return Answer.of({"animal": (animal,)}).key


def split(**asked: Any) -> tuple[Job, Task, Assignment, Assignment]:
    """A task on which one who missed wrong gold is outvoted by one who has half the record, so that dog leads."""
    job = a_gilded_job(tasks=1, overlap_min=2, overlap_max=2, confidence_basis_points=5200, **asked)
    doubted, other = proven(job, right=2), proven(job, right=1)
    gold(job, worker=doubted)
    cat = say(job, doubted, "cat")
    dog = say(job, other, "dog", at=cat.task_id)
    return job, again(cat.task_id), cat, dog


def test_the_label_that_leads_without_the_recalled_gold_takes_the_place_of_the_other() -> None:
    job, task, cat, dog = split()
    assert (task.state, task.answer_key) == ("resolved", keyed("dog"))
    accept_due_assignments()

    recall(job)
    replay_recalls()

    after = again(task.pk)
    assert (after.state, after.answer_key, after.resolved_at) == ("resolved", keyed("cat"), task.resolved_at)
    found = Reweighing.objects.get()
    assert (found.outcome, found.from_key, found.to_key) == ("relabelled", keyed("dog"), keyed("cat"))
    assert (found.from_confidence, found.to_confidence) == (task.confidence, after.confidence)
    assert AuditEvent.objects.filter(subject_id=task.pk, action="task.reweighed").count() == 1
    accept_due_assignments()
    assert (earned(cat.worker), earned(dog.worker)) == (20, 10)
    (told,) = OutboxMessage.objects.filter(event="NoticeOwed", payload__notice="labels_reweighed")
    assert told.payload["detail"] == f"In “{job.title}” ({job.pk}), labels that are others now: 1."
    assert check_invariants() == []


def test_an_answer_that_was_rejected_and_is_the_label_now_is_paid() -> None:
    job, _, cat, _ = split()
    message = "This is a dog and not a cat, look again."
    reject_assignment(assignment_id=cat.pk, reason="wrong", message=message, by=owner_of(job.client))

    recall(job)
    replay_recalls()
    replay_recalls()

    assert Assignment.objects.get(pk=cat.pk).state == "accepted"
    accept_due_assignments()
    assert earned(cat.worker) == 20
    assert check_invariants() == []


def test_an_answer_that_is_rejected_since_though_it_is_the_label_stays_rejected() -> None:
    job, _, cat, _ = split(accept_on_resolution=False)
    recall(job)
    replay_recalls()
    message = "It is a cat, but the wrong one, and nobody asked for it."
    reject_assignment(assignment_id=cat.pk, reason="wrong", message=message, by=owner_of(job.client))

    replay_recalls()

    assert again(cat.task_id).answer_key == keyed("cat")
    assert Assignment.objects.get(pk=cat.pk).state == "rejected"


def unsure(job: Job) -> tuple[Task, Assignment]:
    """A task that is sure enough only as long as right answers to wrong gold count."""
    first, second = a_worker(job), a_worker(job)
    for worker in (first, second):
        gold(job, worker=worker, animal="cat")
    turn = say(job, first, "cat")
    say(job, second, "cat", at=turn.task_id)
    return again(turn.task_id), turn


def test_a_label_that_is_no_longer_sure_enough_waits_for_a_person_while_its_job_runs() -> None:
    job = a_gilded_job(tasks=1, confidence_basis_points=9720)
    task, turn = unsure(job)
    assert task.state == "resolved"
    accept_due_assignments()

    recall(job)
    replay_recalls()

    after = again(task.pk)
    assert (after.state, after.label, after.resolved_at) == ("in_adjudication", None, None)
    assert after.confidence is not None and after.confidence < 0.972
    escalation = Escalation.objects.get(task=task, kind="no_consensus")
    accept_due_assignments()
    assert earned(turn.worker) == 20
    decide_task(escalation_id=escalation.pk, result=an_answer("dog"), note="A dog.", by=a_user(is_staff=True))
    assert (again(task.pk).state, again(task.pk).answer_key) == ("resolved", keyed("dog"))
    assert (earned(turn.worker), check_invariants()) == (20, [])


def test_where_the_job_has_ended_the_label_keeps_its_place_with_its_honest_confidence() -> None:
    job = a_gilded_job(tasks=1, confidence_basis_points=9720)
    task, _ = unsure(job)
    with clock.ahead_by(timedelta(days=4)):
        accept_due_assignments()
        assert complete_finished_jobs() == 1
        recall(job)
        replay_recalls()

    after = again(task.pk)
    assert (after.state, after.answer_key) == ("resolved", task.answer_key)
    assert after.confidence is not None and task.confidence is not None
    assert after.confidence < 0.972 < task.confidence
    assert check_invariants() == []


def is_let_through(statement: str, task: Task) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [task.pk])
    except IntegrityError:
        return False
    return True


def test_the_database_lets_a_label_change_by_a_reweighing_of_it_alone() -> None:
    _, task, _, _ = split()
    reopened = "UPDATE marketplace_task SET state = 'in_adjudication', resolved_at = NULL WHERE id = %s"

    assert not is_let_through("UPDATE marketplace_task SET answer_key = 'x' WHERE id = %s", task)
    assert not is_let_through(reopened, task)
    believed = "UPDATE marketplace_task SET confidence = 0.5, confidence_low = 0.4, confidence_high = 0.6 WHERE id = %s"
    assert is_let_through(believed, task)


def test_a_task_is_weighed_once_for_each_recall_and_gold_never() -> None:
    job, task, _, _ = split()
    recalled = recall(job)

    assert reweigh_task(task_id=task.pk, recall=recalled) is not None
    assert reweigh_task(task_id=task.pk, recall=recalled) is None
    assert reweigh_task(task_id=gold_of(job).pk, recall=recalled) is None


ANIMALS = ("cat", "dog")


def history(seed: int, *, with_wrong_gold: bool) -> tuple[Job, list[Worker]]:
    """Five workers answer six tasks in some order, and right gold in between; and, if it is there, wrong gold."""
    chance = random.Random(seed)
    job = an_open_job(tasks=8, gold=1, overlap_min=3, overlap_max=3, confidence_basis_points=8500)
    tasks = list(Task.objects.filter(job=job, gold_question=None).order_by("external_id")[:6])
    workers = [proven(job, right=chance.randrange(3), wrong=chance.randrange(3)) for _ in range(5)]
    steps = [("work", who, number) for number in range(6) for who in chance.sample(range(5), 3)]
    steps += [("wrong gold", who, 0) for who in chance.sample(range(5), 4)]
    steps += [("right gold", who, number) for number in range(2) for who in chance.sample(range(5), 4)]
    chance.shuffle(steps)
    for kind, who, number in steps:
        animal, worker = chance.choice(ANIMALS), workers[who]
        if kind == "work":
            say(job, worker, animal, at=tasks[number].pk)
        elif kind == "right gold":
            subject = f"assignment:right:{number}"
            record_gold(worker_id=worker.pk, skill_id=job.skill_id, correct=animal == "cat", subject=subject)
        elif with_wrong_gold:
            gold(job, worker=worker, animal=animal)
    accept_due_assignments()
    return job, workers


def outcome(job: Job, workers: list[Worker]) -> dict[str, Any]:
    """What a history has come to, but for the pay of the gold itself."""
    tasks = Task.objects.filter(job=job, gold_question=None).order_by("external_id")
    columns = ("correct", "wrong", "estimate", "lower_bound", "gold_on", "bound_without_gold")
    gold_pay = [10 * Assignment.objects.filter(worker=worker, lane=1, state="accepted").count() for worker in workers]
    return {
        "labels": list(tasks.values_list("external_id", "state", "answer_key", "confidence", "majority_share")),
        "scores": [Score.objects.values_list(*columns).get(worker=worker) for worker in workers],
        "certifications": [Certification.objects.get(worker=worker).state for worker in workers],
        "pay": [earned(worker) - pay for worker, pay in zip(workers, gold_pay, strict=True)],
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_history_whose_wrong_gold_is_recalled_ends_as_the_same_history_without_it(seed: int) -> None:
    without, with_it = history(seed, with_wrong_gold=False), history(seed, with_wrong_gold=True)
    assert outcome(*without)["scores"] != outcome(*with_it)["scores"]

    recall(with_it[0])
    replay_recalls()
    # What is weighed again is weighed by what is believed now, and so it is in the history without.
    looked_at = Reweighing.objects.filter(task__job=with_it[0]).values("task__external_id")
    for task_id in Task.objects.filter(job=without[0], external_id__in=looked_at).values_list("pk", flat=True):
        reweigh_task(task_id=task_id)

    with clock.ahead_by(timedelta(days=4)):
        accept_due_assignments()
        assert outcome(*with_it) == outcome(*without)
        assert check_invariants() == []
