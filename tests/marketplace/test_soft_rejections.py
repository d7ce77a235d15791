"""Soft rejection: the answer is paid to the cent and used for nothing, and its task is as if it had not been given."""

import json

import pytest

from kernel.models import AuditEvent
from marketplace.models import Assignment, Certificate, Job, Task
from marketplace.services.adjudication import decide_task
from marketplace.services.checks import check_invariants
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.repricing import set_more_aside
from marketplace.services.results import stream_results
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.builders import (
    a_client,
    a_resolved_task,
    a_share,
    a_submitted_answer,
    an_open_job,
    available,
    earned,
    free_turns,
    held,
    owner_of,
    the_escalation,
)
from tests.marketplace.test_money_pages import page_of
from tests.qualification.builders import a_user, an_answer

pytestmark = pytest.mark.django_db

PRICE = 12  # a reward of 10 and a fee of 2
UNCLEAR = {"reason": "unclear", "message": "We meant the animal in front, and did not say so."}
WRONG = {"reason": "wrong", "message": "The text is about a dog; you answered cat."}


def owner(job: Job) -> Person:
    return Person(owner_of(job.client))


def turns_of(task: Task) -> list[Assignment]:
    return list(task.assignments.select_related("job__client", "worker__user").order_by("claimed_at"))


def softly(turn: Assignment, **said: str) -> tuple[int, dict[str, object]]:
    """The client's soft rejection of an answer."""
    return owner(turn.job).post(f"assignments/{turn.pk}/reject-softly/", UNCLEAR | said)


def a_paid_task(**order: object) -> Task:
    """A task that two workers labelled and were paid for."""
    task = a_resolved_task(an_open_job(**order))
    accept_due_assignments()
    return task


def test_a_paid_answer_that_is_not_used_leaves_its_task_open_for_one_more_and_that_one_is_set_aside() -> None:
    task = a_paid_task(client=a_client(funds_minor=100))
    first, second = turns_of(task)
    assert (held(task.job), available(task.job.client)) == (PRICE, 100 - 3 * PRICE)

    status, shown = softly(first)

    task.refresh_from_db()
    assert (status, shown["state"], shown["decided_at"] is not None, shown["rejection"]) == (
        200,
        "accepted",
        True,
        None,
    )
    soft = shown["soft_rejection"]
    assert isinstance(soft, dict) and (soft["reason"], soft["message"]) == ("unclear", UNCLEAR["message"])
    assert (task.state, task.label, task.answer_key, task.confidence, task.resolved_at) == (
        "open",
        None,
        "",
        None,
        None,
    )
    # One answer is used, so two turns may still come: one more than the job held.
    assert (held(task.job), available(task.job.client)) == (2 * PRICE, 100 - 4 * PRICE)
    assert (earned(first.worker), earned(second.worker), free_turns(task.job)) == (10, 10, 1)

    third = a_submitted_answer(task.job)
    accept_due_assignments()
    complete_finished_jobs()

    task.refresh_from_db()
    assert (task.state, third.ordinal, earned(third.worker)) == ("resolved", first.ordinal, 10)
    assert (held(task.job), available(task.job.client)) == (0, 100 - 3 * PRICE)
    assert Job.objects.get(pk=task.job_id).state == "completed"


def test_an_answer_that_waits_is_paid_at_once_by_being_rejected_softly() -> None:
    task = a_resolved_task(an_open_job(accept_on_resolution=False))
    first, second = turns_of(task)

    status, shown = softly(first)

    assert (status, shown["state"], shown["result"]) == (200, "accepted", an_answer("cat"))
    assert (earned(first.worker), earned(second.worker)) == (10, 0)
    # 36 held at launch, 12 of it paid; the other answer waits, and two turns may come.
    assert held(task.job) == 3 * PRICE


def test_a_label_that_the_others_make_sure_enough_stands_and_nothing_is_set_aside() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=3, confidence_basis_points=6000)
    dissent = a_submitted_answer(job, animal="dog")
    a_submitted_answer(job)
    a_submitted_answer(job)
    task = Task.objects.get(job=job)
    before, funds, at = task.confidence, available(job.client), task.resolved_at
    assert (task.answer_key, task.majority_share) == ('{"animal":["cat"]}', 2 / 3)

    status, shown = softly(dissent)

    task.refresh_from_db()
    assert (status, shown["state"], shown["agrees"]) == (200, "accepted", False)
    assert (task.state, task.answer_key, task.majority_share) == ("resolved", '{"animal":["cat"]}', 1.0)
    assert before is not None and task.confidence is not None and task.confidence > before
    assert (task.resolved_at, held(job), available(job.client)) == (at, 2 * PRICE, funds)
    assert AuditEvent.objects.filter(action="task.label_stands", subject_id=str(task.pk)).count() == 1


def test_when_rejected_answers_took_up_the_other_turns_a_person_decides() -> None:
    job = an_open_job(tasks=1, overlap_min=3, overlap_max=3, confidence_basis_points=6000)
    dissent = a_submitted_answer(job, animal="dog")
    one = a_submitted_answer(job)
    a_submitted_answer(job)
    owner(job).post(f"assignments/{dissent.pk}/reject/", WRONG)

    softly(one)
    a_submitted_answer(job, animal="dog")  # what was rejected took up a turn, and has no say

    task = Task.objects.get(job=job)
    answers = the_escalation(task.pk).details["answers"]
    assert (task.state, answers, free_turns(job)) == ("in_adjudication", 2, 0)


def test_what_a_person_decided_stays() -> None:
    job = an_open_job(tasks=1, overlap_min=2, overlap_max=2)
    turn = a_submitted_answer(job, animal="dog")
    a_submitted_answer(job)
    task = Task.objects.get(job=job)
    decide_task(escalation_id=the_escalation(task.pk).pk, result=an_answer("cat"), note="A cat.", by=a_user())

    status, _ = softly(turn)

    task.refresh_from_db()
    assert (status, task.state, task.method, free_turns(job)) == (200, "resolved", "adjudication", 0)
    assert earned(turn.worker) == 10


def test_while_funds_for_one_more_answer_are_missing_it_is_refused_and_nothing_has_changed() -> None:
    task = a_paid_task(client=a_client(funds_minor=3 * 48 + 47), reward_minor=40)
    first, _ = turns_of(task)

    status, said = softly(first)

    task.refresh_from_db()
    assert (status, said["code"]) == (409, "insufficient_funds")
    assert said["message"] == "0.48 USD are needed and 0.47 USD are there: 0.01 USD are missing."
    assert (task.state, Assignment.objects.get(pk=first.pk).ordinal, held(task.job)) == ("resolved", first.ordinal, 48)


def test_whom_a_job_was_shared_with_for_review_spends_what_it_holds_and_no_more_of_its_clients_funds() -> None:
    task = a_paid_task(client=a_client(funds_minor=100))
    first, second = turns_of(task)
    reviewer = Person(a_user())
    assert reviewer.user
    a_share(task.job, guest=reviewer.user, role="reviewer")

    status, refusal = reviewer.post(f"assignments/{first.pk}/reject-softly/", UNCLEAR)

    task.refresh_from_db()
    assert (status, refusal["code"], "0.12 USD more than the job holds" in refusal["message"]) == (
        409,
        "takes_funds",
        True,
    )
    assert (task.state, held(task.job), available(task.job.client)) == ("resolved", PRICE, 100 - 3 * PRICE)
    set_more_aside(job_id=task.job.pk, amount_minor=PRICE, by=owner_of(task.job.client))
    assert reviewer.post(f"assignments/{first.pk}/reject-softly/", UNCLEAR)[0] == 200
    assert code_of(reviewer.post(f"assignments/{second.pk}/reject-softly/", UNCLEAR)) == (409, "takes_funds")
    assert (held(task.job), available(task.job.client)) == (2 * PRICE, 100 - 4 * PRICE)
    assert softly(second)[0] == 200
    assert check_invariants() == []


def test_a_guest_who_may_set_more_aside_too_is_not_told_what_the_client_has() -> None:
    task = a_paid_task(client=a_client(funds_minor=3 * 48 + 47), reward_minor=40)
    first, _ = turns_of(task)
    guest = Person(a_user())
    assert guest.user
    for role in ("reviewer", "manager"):
        a_share(task.job, guest=guest.user, role=role)

    status, refusal = guest.post(f"assignments/{first.pk}/reject-softly/", UNCLEAR)

    said = "0.48 USD are needed, and the client's funds do not suffice."
    assert (status, refusal["code"], refusal["message"]) == (409, "insufficient_funds", said)


@pytest.mark.parametrize("step", ["again", "rejected", "ended", "certified", "unknown", "not resolved"])
def test_it_is_refused_with_a_sentence_where_it_makes_no_sense(step: str) -> None:
    task = a_resolved_task(an_open_job(accept_on_resolution=False))
    first, second = turns_of(task)
    said = dict(UNCLEAR)
    if step == "again":
        softly(first)
    elif step == "rejected":
        owner(task.job).post(f"assignments/{first.pk}/reject/", WRONG)
    elif step == "ended":
        cancel_job(job_id=task.job_id, by=owner_of(task.job.client))
    elif step == "certified":
        Certificate.objects.create(
            job=task.job, target_basis_points=9500, assurance_basis_points=9500, classes={}, seed="0" * 64
        )
    elif step == "unknown":
        said["reason"] = "no such reason"
    else:
        softly(second)  # the task is open again, and the other answer still waits

    status, answer = softly(first, **said)

    assert (status, answer["code"]) == {
        "rejected": (409, "wrong_state"),
        "unknown": (400, "invalid"),
    }.get(step, (409, "cannot_reject"))
    assert earned(first.worker) == (10 if step == "again" else 0)


def test_its_worker_reads_that_they_are_paid_and_why_it_is_not_used() -> None:
    task = a_paid_task()
    first, _ = turns_of(task)
    softly(first)
    worker = Person(first.worker.user)

    _, turn = worker.get(f"assignments/{first.pk}/")
    status, refused = worker.post(f"assignments/{first.pk}/appeal/", {"text": "It was a cat, I am quite sure."})

    assert (turn["state"], turn["reward_minor"], turn["rejection"]) == ("accepted", 10, None)
    assert turn["soft_rejection"] | {"rejected_at": ""} == UNCLEAR | {"rejected_at": ""}
    assert (status, refused["code"]) == (409, "cannot_appeal")
    assert worker.get("earnings/")[1]["balances"][0]["available_minor"] == 10


def test_results_and_spending_tell_it_and_the_label_is_withheld_until_an_answer_is_paid_that_is_used() -> None:
    task = a_resolved_task(an_open_job(accept_on_resolution=False))
    first, _ = turns_of(task)
    softly(first)
    a_submitted_answer(task.job)

    (line,) = [json.loads(line) for line in b"".join(stream_results(job=task.job)).splitlines()]
    (spent,) = owner(task.job).get(f"clients/{task.job.client_id}/spending/")[1]["results"]

    assert (line["state"], line["label"], line["withheld"]) == ("resolved", None, True)
    told = [(answer["state"], answer["soft_rejection"]) for answer in line["answers"]]
    assert told == [("accepted", "unclear"), ("submitted", None), ("submitted", None)]
    assert (spent["accepted_answers"], spent["unused_answers"], spent["unused_minor"]) == (1, 1, PRICE)
    client = task.job.client
    page = page_of(owner_of(client), "/money/client/", client=str(client.pk))[1]
    assert "1 softly: <bdi>0,12 $</bdi> paid and not used" in page
    (row,) = owner(task.job).every(f"jobs/{task.job_id}/tasks/")
    assert (row["label"], row["withheld"]) == (None, True)
