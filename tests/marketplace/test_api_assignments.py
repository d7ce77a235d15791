"""Assignments over HTTP: what a worker is given, told and refused; gold and work cannot be told apart."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.services.audit import Actor
from marketplace.models import Annotation, Assignment, Job
from marketplace.services.allocation import claim_task
from marketplace.services.posting import pause_job
from marketplace.services.review import reject_assignment, reverse_rejection
from marketplace.services.settlement import accept_due_assignments
from tests.marketplace.api_people import Person, code_of, somebody
from tests.marketplace.builders import a_resolved_task, a_worker, an_open_job, answer, owner_of
from tests.qualification.builders import ANIMALS, a_user, an_answer
from tests.qualification.builders import a_worker as an_uncertified_worker
from workforce.services.standing import pause_worker

pytestmark = pytest.mark.django_db

NO_ASSIGNMENT = (404, {"code": "not_found", "message": "There is no such assignment."})
A_MESSAGE = "The text is about a dog; you answered cat."
TURN = {
    "id",
    "job",
    "title",
    "state",
    "reward_minor",
    "currency",
    "claimed_at",
    "expires_at",
    "submitted_at",
    "decision_due_at",
    "decided_at",
    "rejection",
    "soft_rejection",
    "interruption",
}
TASK = {"instructions", "label_schema", "item", "result"}


def shape_of(value: Any) -> Any:
    """The names and kinds of values all the way down, in their order."""
    if isinstance(value, dict):
        return [(name, shape_of(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        return [shape_of(inner) for inner in value]
    return type(value).__name__


def test_a_claim_gives_all_that_is_needed_to_answer() -> None:
    job = an_open_job()
    worker = Person(a_worker(job).user)

    status, turn = worker.post("assignments/", {"job": str(job.pk)})

    assignment = Assignment.objects.get()
    assert (status, turn | {"label_schema": None, "claimed_at": "", "expires_at": ""}) == (
        201,
        {
            "id": str(assignment.pk),
            "job": str(job.pk),
            "title": "Animals",
            "state": "active",
            "reward_minor": 10,
            "currency": "USD",
            "claimed_at": "",
            "expires_at": "",
            "submitted_at": None,
            "decision_due_at": None,
            "decided_at": None,
            "rejection": None,
            "soft_rejection": None,
            "interruption": None,
            "instructions": "Say which animal the text is about.",
            "label_schema": None,
            "item": {"text": "Text 0"},
            "result": None,
        },
    )
    assert set(turn) == TURN | TASK
    assert turn["label_schema"]["xml"] == ANIMALS
    assert set(turn["label_schema"]["parsed"]) == {"parts", "needs"}
    assert assignment.expires_at - assignment.claimed_at == timedelta(seconds=600)


def test_gold_and_work_look_the_same_at_every_step() -> None:
    job = an_open_job(tasks=12, gold=6)
    worker = a_worker(job)
    person = Person(worker.user)
    shapes: dict[bool, set[str]] = {True: set(), False: set()}

    for _ in range(18):
        status, turn = person.post("assignments/")
        if status != 201:
            break
        is_gold = Assignment.objects.get(pk=turn["id"]).task.gold_question_id is not None
        _, again = person.get(f"assignments/{turn['id']}/")
        _, submitted = person.post(f"assignments/{turn['id']}/submit/", {"result": an_answer("cat")})
        _, later = person.get(f"assignments/{turn['id']}/")
        moments = [_since_claim(each) for each in (turn, again, submitted, later)]
        shapes[is_gold].add(repr([shape_of(each) for each in (turn, again, submitted, later)] + moments))

    assert len(shapes[True]) == len(shapes[False]) == 1
    assert shapes[True] == shapes[False]


def _since_claim(turn: dict[str, Any]) -> list[object]:
    """What of a turn's clocks is fixed by the job: how long it may be held, and how long a decision may take."""
    fixed = [turn["reward_minor"], turn["state"], turn["decided_at"]]
    claimed, expires = clock_of(turn["claimed_at"]), clock_of(turn["expires_at"])
    due = clock_of(turn["decision_due_at"]) - clock_of(turn["submitted_at"]) if turn["submitted_at"] else None
    return [*fixed, expires - claimed, due]


def clock_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_two_tabs_get_one_reservation() -> None:
    job = an_open_job(tasks=3)
    worker = Person(a_worker(job).user)

    first, second = worker.post("assignments/"), worker.post("assignments/", {"job": str(job.pk)})

    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert Assignment.objects.count() == 1


def test_a_claim_sent_again_under_its_key_is_answered_as_before() -> None:
    job = an_open_job(tasks=3)
    worker = Person(a_worker(job).user)

    first = worker.post("assignments/", {"job": str(job.pk)}, key="claim-1")
    worker.post(f"assignments/{first[1]['id']}/submit/", {"result": an_answer("cat")})

    assert worker.post("assignments/", {"job": str(job.pk)}, key="claim-1") == first
    assert Assignment.objects.count() == 1


def test_a_claim_costs_few_queries_and_no_more_when_the_job_is_larger() -> None:
    def queries(tasks: int) -> int:
        job = an_open_job(tasks=tasks)
        worker = Person(a_worker(job).user)
        worker.get("assignments/")  # notes that the key was used
        Person(a_worker(job).user).post("assignments/", {"job": str(job.pk)})  # what each process reads once
        with CaptureQueriesContext(connection) as seen:
            assert worker.post("assignments/", {"job": str(job.pk)})[0] == 201
        return len(seen)

    assert queries(2) == queries(60) <= 14


def test_only_workers_claim_and_others_have_no_assignments() -> None:
    job = an_open_job()
    client = Person(owner_of(job.client))

    assert code_of(client.post("assignments/", {"job": str(job.pk)})) == (403, "not_allowed")
    assert client.every("assignments/") == []
    assert code_of(Person().post("assignments/")) == (401, "not_signed_in")


def test_each_reason_why_there_is_no_task_has_its_name() -> None:
    def reason_of(worker: Any, job: Job | None = None) -> str:
        status, refusal = Person(worker.user).post("assignments/", {"job": str(job.pk)} if job else {})
        assert (status, refusal["code"]) in {(409, "not_eligible"), (409, "nothing_to_do")}
        assert refusal["message"]
        reason: str = refusal["details"]["reason"]
        return reason

    assert reason_of(an_uncertified_worker()) == "no_open_job"
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1, max_assignments_per_worker=1)
    assert reason_of(an_uncertified_worker(), job) == "not_certified"
    assert reason_of(an_uncertified_worker()) == "none_fits"
    capped, paused = a_worker(job), a_worker(job)
    answer(claim_task(worker=capped, job_id=job.pk))
    assert reason_of(capped, job) == "cap_reached"
    pause_worker(
        worker_id=paused.pk,
        until=clock.now() + timedelta(hours=1),
        why="Three answers in one second.",
        by=Actor.user(a_user(is_staff=True)),
    )
    assert reason_of(paused, job) == "worker_paused"
    claim_task(worker=a_worker(job), job_id=job.pk)
    assert reason_of(a_worker(job), job) == "all_taken"
    pause_job(job_id=job.pk, by=owner_of(job.client))
    assert reason_of(a_worker(job), job) == "job_paused"
    twice = an_open_job(tasks=1, overlap_min=2, overlap_max=2)
    once = a_worker(twice)
    answer(claim_task(worker=once, job_id=twice.pk))
    assert reason_of(once, twice) == "nothing_left_for_you"


def test_why_none_of_the_open_jobs_fits_is_told_job_by_job() -> None:
    first, second = an_open_job(), an_open_job()

    _, refusal = Person(an_uncertified_worker().user).post("assignments/")

    assert [(each["job"], each["reason"]) for each in refusal["details"]["reasons"]] == [
        (str(first.pk), "not_certified"),
        (str(second.pk), "not_certified"),
    ]


def test_who_holds_a_task_elsewhere_is_told_which() -> None:
    job, other = an_open_job(), an_open_job()
    worker = Person(a_worker(job).user)
    _, turn = worker.post("assignments/", {"job": str(job.pk)})

    status, refusal = worker.post("assignments/", {"job": str(other.pk)})

    assert (status, refusal["code"]) == (409, "already_reserved")
    assert refusal["details"] == {"assignment": turn["id"], "job": str(job.pk)}
    assert code_of(worker.post("assignments/", {"job": "00000000-0000-4000-8000-000000000000"}))[0] == 409
    worker.post(f"assignments/{turn['id']}/return/")
    unknown = worker.post("assignments/", {"job": "00000000-0000-4000-8000-000000000000"})
    assert code_of(unknown) == (404, "not_found")


def test_an_answer_is_handed_in_once_and_cannot_be_changed() -> None:
    job = an_open_job()
    worker = Person(a_worker(job).user)
    _, turn = worker.post("assignments/")
    at = f"assignments/{turn['id']}/"

    misfit = worker.post(f"{at}submit/", {"result": an_answer("horse")})
    status, given = worker.post(f"{at}submit/", {"result": an_answer("cat")})
    again = worker.post(f"{at}submit/", {"result": an_answer("cat")})
    changed = worker.post(f"{at}submit/", {"result": an_answer("dog")})

    assert code_of(misfit) == (400, "invalid_answer")
    assert (status, given["state"], set(given)) == (200, "submitted", TURN)
    assert again == (200, given)
    assert code_of(changed) == (409, "wrong_state")
    assert worker.get(at)[1]["result"] == an_answer("cat")
    assert code_of(worker.post(f"{at}return/")) == (409, "wrong_state")


def test_a_returned_task_is_not_offered_to_the_same_worker_again() -> None:
    job = an_open_job(tasks=1)
    worker = Person(a_worker(job).user)
    _, turn = worker.post("assignments/")

    status, returned = worker.post(f"assignments/{turn['id']}/return/")

    assert (status, returned["state"], set(returned)) == (200, "returned", TURN)
    assert worker.post("assignments/", {"job": str(job.pk)})[1]["details"]["reason"] == "nothing_left_for_you"


@pytest.mark.parametrize("key", [None, "submit-1"])
def test_a_late_answer_is_refused_and_kept_with_or_without_a_key(key: str | None) -> None:
    job = an_open_job(tasks=1)
    worker = a_worker(job)
    turn = claim_task(worker=worker, job_id=job.pk)

    with clock.ahead_by(timedelta(seconds=601)):
        person = Person(worker.user)
        refused = person.post(f"assignments/{turn.pk}/submit/", {"result": an_answer("cat")}, key=key)
        _, shown = person.get(f"assignments/{turn.pk}/")

    assert code_of(refused) == (409, "reservation_expired")
    assert Annotation.objects.get().late is True
    assert (shown["state"], shown["result"]) == ("expired", an_answer("cat"))


def test_a_rejected_answer_shows_why_and_until_when_that_can_be_taken_back() -> None:
    job = an_open_job(accept_on_resolution=False)
    task = a_resolved_task(job)
    turn = task.assignments.select_related("worker__user")[0]
    worker = Person(turn.worker.user)
    rejected = reject_assignment(
        assignment_id=turn.pk, reason="wrong", message=A_MESSAGE, by=owner_of(job.client)
    ).rejection

    (listed,) = worker.every("assignments/", state="rejected")
    reverse_rejection(assignment_id=turn.pk, why="It was a cat.", by=owner_of(job.client))
    (paid,) = worker.every("assignments/", job=job.pk)

    assert listed["rejection"] == {
        "reason": "wrong",
        "message": A_MESSAGE,
        "rejected_at": rejected.rejected_at.isoformat().replace("+00:00", "Z"),
        "reversible_until": rejected.reversible_until.isoformat().replace("+00:00", "Z"),
        "reversed_at": None,
        "pay": "held",
        "appeal": None,
    }
    assert paid["state"] == "accepted"
    assert paid["rejection"]["reversed_at"] is not None


def test_nobody_sees_or_answers_anothers_assignment() -> None:
    job = an_open_job(tasks=2)
    turn = claim_task(worker=a_worker(job), job_id=job.pk)

    for person in (Person(a_worker(job).user), Person(owner_of(job.client)), somebody()):
        assert person.get(f"assignments/{turn.pk}/") == NO_ASSIGNMENT
        assert person.every("assignments/", job=job.pk) == []
    other = Person(a_worker(job).user)
    assert other.post(f"assignments/{turn.pk}/submit/", {"result": an_answer("cat")}) == NO_ASSIGNMENT
    assert other.post(f"assignments/{turn.pk}/return/") == NO_ASSIGNMENT
    assert Assignment.objects.get().state == "active"


def test_own_assignments_are_listed_latest_first_by_a_fixed_number_of_queries() -> None:
    job = an_open_job(tasks=5, overlap_min=1, overlap_max=1)
    worker = a_worker(job)
    turns = [answer(claim_task(worker=worker, job_id=job.pk)) for _ in range(5)]
    accept_due_assignments()
    person = Person(worker.user)
    person.get("assignments/")  # notes that the key was used

    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            person.get("assignments/", limit=limit)
        return len(seen)

    assert queries(2) == queries(5)
    assert [row["id"] for row in person.every("assignments/", limit=2)] == [str(turn.pk) for turn in reversed(turns)]
