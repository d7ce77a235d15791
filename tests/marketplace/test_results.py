"""Results: what a client takes away, and what not before it is paid."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.crypto import pseudonym
from marketplace.models import Annotation, Escalation, Job, Task
from marketplace.services import results
from marketplace.services.adjudication import decide_task
from marketplace.services.allocation import claim_task
from marketplace.services.completion import cancel_job
from marketplace.services.results import stream_results
from marketplace.services.review import reject_assignment, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from marketplace.services.submission import ReservationExpired, submit_annotation
from tests.marketplace.builders import (
    a_draft,
    a_resolved_task,
    a_submitted_answer,
    a_worker,
    an_open_job,
    answer,
    owner_of,
)
from tests.qualification.builders import a_skill, a_user, an_answer

pytestmark = pytest.mark.django_db


def results_of(job: Job) -> list[dict[str, Any]]:
    lines = b"".join(stream_results(job=job)).splitlines()
    return [json.loads(line) for line in lines]


def the_result_of(job: Job) -> dict[str, Any]:
    (line,) = results_of(job)
    return line


def test_a_line_tells_the_label_and_every_answer_by_pseudonym() -> None:
    job = an_open_job()
    workers = [a_worker(job), a_worker(job)]
    answers = [a_submitted_answer(job, worker=worker) for worker in workers]
    assert accept_due_assignments() == 2

    line = the_result_of(job)

    task = Task.objects.get()
    bounds = (line.pop("confidence_low"), line.pop("confidence_high"))
    assert bounds == (task.confidence_low, task.confidence_high)
    assert bounds[0] < line["confidence"] < bounds[1]
    assert line | {"answers": [], "confidence": 0, "resolved_at": ""} == {
        "task": str(task.pk),
        "external_id": "t0",
        "item": {"text": "Text 0"},
        "media": {},
        "state": "resolved",
        "label": an_answer("cat"),
        "value": "cat",
        "confidence": 0,
        "method": "consensus",
        "fit": None,
        "weighed_by": ["votes weighted by score"],
        "majority": {"value": "cat", "share": 1.0},
        "resolved_at": "",
        "withheld": False,
        "predictions": [],
        "reweighings": [],
        "answers": [],
    }
    assert line["confidence"] == task.confidence
    told = {"state": "accepted", "result": an_answer("cat"), "value": "cat", "version": 1}
    price = {"reward_minor": 10, "fee_minor": 2, "currency": "USD"}
    for given, worker, assignment in zip(line["answers"], workers, answers, strict=True):
        assignment.refresh_from_db()
        times = {"claimed_at": assignment.claimed_at, "submitted_at": assignment.submitted_at}
        name = pseudonym(worker_id=worker.pk, scope=str(job.client_id))
        assert given | {at: datetime.fromisoformat(given[at]) for at in times} == {
            "worker": name,
            "seconds": assignment.annotation.seconds,
            "soft_rejection": None,
            **told,
            **times,
            **price,
        }


def test_a_label_is_withheld_until_an_answer_to_it_is_paid() -> None:  # [B191]
    job = an_open_job()
    a_resolved_task(job)

    unpaid = the_result_of(job)
    accept_due_assignments()
    paid = the_result_of(job)

    hidden = {"state": "resolved", "label": None, "value": None, "confidence": None, "method": None, "majority": None}
    hidden |= {"fit": None, "weighed_by": None}
    assert {name: unpaid[name] for name in hidden} == hidden
    assert unpaid["withheld"] is True
    assert [(a["state"], a["result"], a["value"]) for a in unpaid["answers"]] == [("submitted", None, None)] * 2
    assert (paid["label"], paid["withheld"]) == (an_answer("cat"), False)


def test_a_rejected_answer_is_told_of_but_not_given_away() -> None:  # [B191]
    job = an_open_job(accept_on_resolution=False)
    task = a_resolved_task(job)
    by = owner_of(job.client)
    for assignment in task.assignments.all():
        reject_assignment(
            assignment_id=assignment.pk, reason="wrong", message="Every one of these is a dog, not a cat.", by=by
        )

    free = the_result_of(job)
    reversed_one = task.assignments.order_by("submitted_at").first()
    assert reversed_one is not None
    reverse_rejection(assignment_id=reversed_one.pk, why="It was a cat after all.", by=by)
    paid = the_result_of(job)

    assert (free["label"], free["withheld"]) == (None, True)
    assert [(a["state"], a["result"]) for a in free["answers"]] == [("rejected", None), ("rejected", None)]
    assert (paid["label"], paid["withheld"]) == (an_answer("cat"), False)
    assert [(a["state"], a["result"]) for a in paid["answers"]] == [("accepted", an_answer("cat")), ("rejected", None)]


def test_an_adjudicated_label_is_given_once_no_answer_waits() -> None:
    job = an_open_job(overlap_min=2, overlap_max=2, confidence_basis_points=9999)
    a_submitted_answer(job, animal="cat")
    a_submitted_answer(job, animal="dog")
    before = the_result_of(job)
    escalation = Escalation.objects.get()
    decide_task(escalation_id=escalation.pk, result=an_answer("dog"), note="A tail.", by=a_user(is_staff=True))
    waiting = the_result_of(job)
    accept_due_assignments()
    decided = the_result_of(job)

    assert (before["state"], before["label"], before["withheld"]) == ("in_adjudication", None, False)
    assert (before["confidence"], before["majority"]) == (None, None)
    assert (waiting["label"], waiting["withheld"]) == (None, True)
    assert (decided["label"], decided["value"], decided["method"]) == (an_answer("dog"), "dog", "adjudication")
    assert [decided[name] for name in ("confidence", "confidence_low", "confidence_high")] == [None] * 3
    assert sorted((a["state"], a["value"]) for a in decided["answers"]) == [("accepted", "dog"), ("submitted", None)]


def test_gold_and_turns_without_an_answer_are_not_in_the_results() -> None:
    job = an_open_job(tasks=3, gold=5)
    claim_task(worker=a_worker(job), job_id=job.pk)

    lines = results_of(job)

    assert sorted(line["external_id"] for line in lines) == ["t0", "t1", "t2"]
    assert [(line["state"], line["answers"], line["withheld"]) for line in lines] == [("open", [], False)] * 3


def test_a_cancelled_job_gives_what_was_paid() -> None:
    job = an_open_job()
    a_submitted_answer(job)
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    accept_due_assignments()

    line = the_result_of(job)

    assert (line["state"], line["label"], line["withheld"]) == ("void", None, False)
    assert [(a["state"], a["value"]) for a in line["answers"]] == [("accepted", "cat")]


def test_a_late_answer_is_no_result() -> None:
    job = an_open_job()
    assignment = claim_task(worker=a_worker(job), job_id=job.pk)

    with clock.ahead_by(timedelta(days=1)), pytest.raises(ReservationExpired):
        answer(assignment)

    assert Annotation.objects.get().late is True
    assert the_result_of(job)["answers"] == []


def test_another_client_knows_the_same_worker_by_another_name() -> None:
    skill = a_skill()
    one, other = an_open_job(skill=skill), an_open_job(skill=skill)
    worker = a_worker(one)
    for job in (one, other):
        a_submitted_answer(job, worker=worker)

    names = [the_result_of(job)["answers"][0]["worker"] for job in (one, other)]

    assert names == [pseudonym(worker_id=worker.pk, scope=str(job.client_id)) for job in (one, other)]
    assert names[0] != names[1]


SEVERAL = """<View><Text name="text" value="$text"/>
<Choices name="animal" toName="text" choice="multiple"><Choice value="cat"/><Choice value="dog"/></Choices>
<Choices name="size" toName="text"><Choice value="small"/><Choice value="big"/></Choices></View>"""


def test_where_more_is_asked_a_value_names_its_controls() -> None:
    job = an_open_job(label_schema=SEVERAL)
    result = [
        {"from_name": "animal", "to_name": "text", "type": "choices", "value": {"choices": ["cat", "dog"]}},
        {"from_name": "size", "to_name": "text", "type": "choices", "value": {"choices": ["big"]}},
    ]
    for _ in range(2):
        worker = a_worker(job)
        claimed = claim_task(worker=worker, job_id=job.pk)
        submit_annotation(assignment_id=claimed.pk, worker=worker, result=result)
    accept_due_assignments()

    line = the_result_of(job)

    assert (line["label"], line["value"]) == (result, {"animal": ["cat", "dog"], "size": ["big"]})


def test_a_piece_is_one_statement_and_every_task_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "TASKS_AT_ONCE", 4)
    job = a_draft(tasks=11)
    a_draft(client=job.client, tasks=3)
    pieces = stream_results(job=job)
    next(pieces)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        second = next(pieces)

    assert (len(queries), second.count(b"\n")) == (1, 4)
    ids = [line["task"] for line in results_of(job)]
    assert ids == sorted(str(pk) for pk in Task.objects.filter(job=job).values_list("pk", flat=True))
