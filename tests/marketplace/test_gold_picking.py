"""Which gold a worker meets, and how often: least used first, never twice, every class alike, less with a record."""

import json
import random
from collections import Counter
from io import BytesIO
from typing import Any

import pytest

from kernel.services.audit import Actor
from marketplace.models import Assignment, Job, Slot, Task
from marketplace.services.allocation import claim_task
from marketplace.services.expiry import return_assignment
from marketplace.services.importing import import_tasks
from marketplace.services.posting import launch_job
from marketplace.services.slots import GOLD_LOOKED_AT
from qualification.models import Exam, GoldQuestion
from qualification.services.scoring import record_gold
from qualification.statistics.gold_rate import gold_rate
from tests.marketplace.builders import ALWAYS_GOLD, a_draft, a_worker, an_open_job, answer, owner_of
from tests.qualification.builders import questions_of
from workforce.models import Worker

pytestmark = pytest.mark.django_db


def with_gold(job: Job, *animals: str, texts: list[str] | None = None) -> Job:
    """Add gold of these classes to a draft, with these texts, and launch it."""
    named = texts or [f"Known {number}" for number in range(len(animals))]
    rows = [
        {"item": {"text": text}, "gold_answer": animal, "gold_reason": "So it is."}
        for text, animal in zip(named, animals, strict=True)
    ]
    lines = "\n".join(json.dumps(row) for row in rows)
    by = owner_of(job.client)
    import_tasks(job_id=job.pk, stream=BytesIO(lines.encode()), format="jsonl", by=Actor.user(by))
    return launch_job(job_id=job.pk, by=by)


def met(job: Job, worker: Worker, *, times: int) -> list[Assignment]:
    turns = []
    for _ in range(times):
        turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)
        turns.append(Assignment.objects.select_related("task__gold_question").get(pk=turn.pk))
        answer(turn, "cat")
    return turns


def class_of(turn: Assignment) -> str:
    assert turn.task.gold_question is not None
    result: Any = turn.task.gold_question.result
    return str(result[0]["value"]["choices"][0])


def test_gold_that_was_asked_least_is_asked_first() -> None:
    job = an_open_job(tasks=12, gold=4, gold_share_basis_points=5000)

    asked = Counter(met(job, a_worker(job), times=1)[0].task_id for _ in range(8))

    assert sorted(asked.values()) == [2, 2, 2, 2]


def test_a_turn_that_is_given_back_stands_where_it_stood() -> None:
    job = an_open_job(tasks=12, gold=4, gold_share_basis_points=5000)
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk, chance=ALWAYS_GOLD)

    return_assignment(assignment_id=turn.pk, worker=worker)

    assert turn.ordinal is not None
    slot = Slot.objects.get(task=turn.task, ordinal=turn.ordinal)
    assert slot.r < Slot.objects.filter(job=job, lane=Slot.Lane.GOLD, ordinal=2).order_by("r")[0].r


def test_a_worker_meets_the_class_that_they_met_least() -> None:
    job = with_gold(a_draft(tasks=40, gold_share_basis_points=5000), *["cat"] * 9, "dog", "dog")
    worker = a_worker(job)

    turns = met(job, worker, times=4)

    assert Counter(class_of(turn) for turn in turns) == {"cat": 2, "dog": 2}


def test_nobody_meets_an_item_again_that_was_gold_in_another_job_or_in_an_exam() -> None:
    first = with_gold(a_draft(tasks=8, gold_share_basis_points=5000), "cat", texts=["The same text"])
    worker = a_worker(first)
    exam_item = GoldQuestion.objects.get(pk=exam_question(worker)).item["text"]
    met(first, worker, times=1)
    draft = a_draft(tasks=8, gold_share_basis_points=5000, skill=first.skill)
    second = with_gold(draft, "cat", "cat", "cat", texts=["The same text", exam_item, "A new text"])

    turns = met(second, worker, times=2)

    assert [turn.lane for turn in turns] == [Slot.Lane.GOLD, Slot.Lane.WORK]
    assert turns[0].task.item == {"text": "A new text"}
    stranger = a_worker(first)
    assert [turn.lane for turn in met(second, stranger, times=2)] == [Slot.Lane.GOLD] * 2


def exam_question(worker: Worker) -> Any:
    return questions_of(Exam.objects.get(worker=worker))[0]


@pytest.mark.parametrize(
    ("share", "answers", "missed", "rate"),
    [
        (0.04, 0, False, 0.05),
        (0.04, 40, False, 0.04),
        (0.04, 40, True, 0.05),
        (0.04, 1e9, False, 0.03),
        (0.48, 0, True, 0.5),
        (0.6, 0, True, 0.6),
        (0.0, 0, True, 0.0),
    ],
)
def test_gold_is_more_frequent_for_newcomers_and_after_a_miss(
    share: float, answers: float, *, missed: bool, rate: float
) -> None:
    assert gold_rate(share=share, answers=answers, missed_last=missed) == pytest.approx(rate, abs=1e-6)


def test_a_claim_goes_by_the_record_of_its_worker() -> None:
    job = an_open_job(tasks=40, gold=20, gold_share_basis_points=2000)
    newcomer, proven = a_worker(job), a_worker(job)
    for number in range(60):
        record_gold(worker_id=proven.pk, skill_id=job.skill_id, correct=True, subject=f"assignment:{number}")

    class Between(random.Random):
        """Chance that is gold for newcomers alone, at a share of a fifth."""

        def random(self) -> float:
            return 0.22

    lanes = [claim_task(worker=worker, job_id=job.pk, chance=Between()).lane for worker in (newcomer, proven)]

    assert lanes == [Slot.Lane.GOLD, Slot.Lane.WORK]


def test_who_met_all_of_the_gold_in_front_meets_what_stands_behind_it() -> None:
    many = [f"The text {number}" for number in range(GOLD_LOOKED_AT + 1)]
    first = with_gold(a_draft(tasks=160, gold_share_basis_points=5000), *["cat"] * len(many), texts=many)
    worker = a_worker(first)
    met(first, worker, times=len(many))
    draft = a_draft(tasks=160, gold_share_basis_points=5000, skill=first.skill)
    second = with_gold(draft, *["cat"] * (len(many) + 1), texts=[*many, "A new text"])
    Slot.objects.filter(task=Task.objects.get(job=second, item={"text": "A new text"})).update(r=0.99)

    turns = met(second, worker, times=2)

    assert [turn.lane for turn in turns] == [Slot.Lane.GOLD, Slot.Lane.WORK]
    assert turns[0].task.item == {"text": "A new text"}
