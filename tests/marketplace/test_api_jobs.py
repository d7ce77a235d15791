"""Jobs over HTTP: posted, filled, launched and watched by those who post them; looked at by those who may work."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.models import Client, Job, Task
from marketplace.services.allocation import claim_task
from tests.access.world import in_person
from tests.marketplace.api_people import NO_JOB, Person, an_admin, code_of, owner, somebody
from tests.marketplace.builders import (
    a_client,
    a_draft,
    a_member,
    a_resolved_task,
    a_share,
    a_worker,
    an_open_job,
    held,
)
from tests.qualification.builders import ANIMALS, a_skill, a_user, an_answer

pytestmark = pytest.mark.django_db

CLIENT_SEES = {
    "id",
    "client",
    "title",
    "state",
    "currency",
    "reward_minor",
    "fee_minor",
    "fee_basis_points",
    "fee_minimum_minor",
    "prices",
    "skill",
    "overlap_min",
    "overlap_max",
    "confidence_basis_points",
    "when_unsure",
    "label_worth_minor",
    "gold_share_basis_points",
    "reservation_seconds",
    "review_seconds",
    "accept_on_resolution",
    "max_assignments_per_worker",
    "guess_seconds",
    "allowed_error_basis_points",
    "audit_share_basis_points",
    "reserve_basis_points",
    "certificate",
    "requirements",
    "created_at",
    "awaits_since",
    "launched_at",
    "finished_at",
}


def an_order(client: Client, **changed: Any) -> dict[str, Any]:
    order = {
        "client": str(client.pk),
        "title": "Animals",
        "instructions": "Say which animal the text is about.",
        "label_schema": ANIMALS,
        "currency": "USD",
        "reward_minor": 10,
        "skill": str(a_skill(bank=0).pk),
    }
    return order | changed


def test_a_posted_job_shows_everything_that_was_ordered_or_filled_in() -> None:
    client = a_client()

    status, job = owner(client).post("jobs/", an_order(client, overlap_max=4, requirements=[]))

    row = Job.objects.get()
    assert status == 201
    assert set(job) == CLIENT_SEES | {"held_up_because", "version", "instructions", "label_schema", "progress"}
    assert {
        name: job[name] for name in ("state", "overlap_min", "overlap_max", "fee_minor", "gold_share_basis_points")
    } == {
        "state": "draft",
        "overlap_min": 2,
        "overlap_max": 4,
        "fee_minor": 2,
        "gold_share_basis_points": 500,
    }
    assert job["requirements"] == [{"skill": str(row.skill_id), "min_lower_bound": 0.0}]
    assert job["label_schema"]["xml"] == ANIMALS
    assert job["label_schema"]["parsed"]["needs"] == {"text": "Text"}
    assert owner(client).get(f"jobs/{row.pk}/") == (200, job)


def test_a_job_for_a_client_of_others_is_refused_as_for_one_that_never_was() -> None:
    ada, others = somebody(), a_client()
    order = an_order(others)
    never = order | {"client": "00000000-0000-4000-8000-000000000000"}

    refusal = ada.post("jobs/", order)

    assert refusal == ada.post("jobs/", never)
    assert refusal == (
        400,
        {
            "code": "invalid",
            "message": "There is no such client.",
            "errors": [{"field": "client", "message": "There is no such client."}],
        },
    )
    assert code_of(an_admin().post("jobs/", order)) == (403, "not_allowed")
    assert not Job.objects.exists()


def test_what_cannot_be_ordered_is_refused_by_name() -> None:
    client = a_client()
    skill = str(a_skill(bank=0).pk)
    ada = owner(client)

    def faults(**changed: Any) -> list[str]:
        status, refusal = ada.post("jobs/", an_order(client, **changed))
        assert (status, refusal["code"]) == (400, "invalid")
        return [fault["field"] for fault in refusal.get("errors", [])] or [refusal["message"]]

    assert faults(reward_minor=0) == ["reward_minor"]
    assert faults(reward_minor=1.5) == ["reward_minor"]
    assert faults(reward_minor=True) == ["reward_minor"]
    assert faults(currency="usd") == ["currency"]
    assert faults(confidence_basis_points=10_000) == ["confidence_basis_points"]
    assert faults(requirements=[{"skill": skill, "min_lower_bound": 1.01}]) == ["requirements.0.min_lower_bound"]
    assert faults(requirements=[{"skill": skill}] * 2) == ["requirements"]
    assert faults(fee_minor=0) == ["fee_minor"]
    assert faults(overlap_min=5, overlap_max=3) == ["overlap_max is 3; it must be between 5 and 100."]
    assert faults(skill=str(client.pk)) == [f"There is no skill {client.pk}. List the skills to see which there are."]
    assert code_of(ada.post("jobs/", an_order(client, label_schema="<View/>"))) == (400, "invalid_schema")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/csv", "external_id,text\na,It meows.\nb,It barks.\n"),
        ("application/json", '[{"external_id": "a", "item": {"text": "It meows."}}, {"item": {"text": "It barks."}}]'),
        ("application/x-ndjson", '{"item": {"text": "It meows."}}\n{"item": {"text": "It barks."}}\n'),
    ],
)
def test_tasks_come_in_three_forms(media_type: str, content: str) -> None:
    job = a_draft(tasks=0)

    assert owner(job).upload(f"jobs/{job.pk}/tasks/", content, media_type) == (
        201,
        {"tasks": 2, "gold": 0, "predictions": 0},
    )
    assert sorted(row["item"]["text"] for row in owner(job).every(f"jobs/{job.pk}/tasks/")) == [
        "It barks.",
        "It meows.",
    ]


def test_an_import_with_a_fault_names_its_row_and_leaves_nothing() -> None:
    job = a_draft(tasks=0)
    rows = "external_id,text\na,It meows.\na,It barks.\n"

    status, refusal = owner(job).upload(f"jobs/{job.pk}/tasks/", rows, "text/csv")

    assert (status, refusal["code"]) == (400, "invalid_import")
    assert [(fault["row"], fault["column"]) for fault in refusal["errors"]] == [(3, "external_id")]
    assert not Task.objects.exists()
    assert code_of(owner(job).upload(f"jobs/{job.pk}/tasks/", "<x/>", "text/xml")) == (415, "unsupported_media_type")


def test_a_repeated_import_under_one_key_adds_its_tasks_once() -> None:
    job = a_draft(tasks=0)
    client = owner(job)

    for _ in range(2):
        answered = client.http.post(
            f"/api/v1/jobs/{job.pk}/tasks/",
            b'{"item": {"text": "It meows."}}',
            content_type="application/x-ndjson",
            headers={"Idempotency-Key": "import-1"},
        )
        assert (answered.status_code, answered.json()) == (201, {"tasks": 1, "gold": 0, "predictions": 0})

    assert Task.objects.count() == 1


def test_hidden_gold_is_not_among_the_tasks_that_are_listed() -> None:
    job = a_draft(tasks=2, gold=3)

    tasks = owner(job).every(f"jobs/{job.pk}/tasks/", limit=1)

    assert sorted(task["external_id"] for task in tasks) == ["t0", "t1"]
    assert owner(job).get(f"jobs/{job.pk}/")[1]["progress"]["gold_tasks"] == 3


def test_a_label_is_listed_once_it_is_paid_for() -> None:
    job = an_open_job()
    a_resolved_task(job)
    client = owner(job)

    (withheld,) = client.every(f"jobs/{job.pk}/tasks/", state="resolved")
    client.post(f"jobs/{job.pk}/acceptances/")
    (given,) = client.every(f"jobs/{job.pk}/tasks/", external_id="t0")

    task = Task.objects.get()
    bounds = {"confidence_low": None, "confidence_high": None}
    shown = {"label": None, "confidence": None, **bounds, "method": None, "withheld": True}
    assert withheld | {"created_at": "", "resolved_at": ""} == {
        "id": str(task.pk),
        "external_id": "t0",
        "item": {"text": "Text 0"},
        "priority": 5,
        "band": "standard",
        "state": "resolved",
        "created_at": "",
        "resolved_at": "",
        **shown,
    }
    assert {name: given[name] for name in shown} == {
        "label": an_answer("cat"),
        "confidence": task.confidence,
        "confidence_low": task.confidence_low,
        "confidence_high": task.confidence_high,
        "method": "consensus",
        "withheld": False,
    }


def test_the_estimate_says_what_is_missing_until_the_money_is_there() -> None:
    client = a_client(funds_minor=100)
    job = a_draft(client=client, tasks=10)
    ada = owner(client)

    status, estimate = ada.get(f"jobs/{job.pk}/estimate/")
    refused = ada.post(f"jobs/{job.pk}/launch/")

    assert status == 200
    assert (estimate["worst_cost_minor"], estimate["available_minor"], estimate["missing_minor"]) == (360, 100, 260)
    assert estimate["low"]["cost_minor"] <= estimate["expected"]["cost_minor"] <= estimate["high"]["cost_minor"] <= 360
    assert code_of(refused) == (409, "insufficient_funds")
    assert ada.get(f"jobs/{job.pk}/")[1]["state"] == "draft"
    assert code_of(ada.post(f"jobs/{a_draft(client=client, tasks=0).pk}/launch/")) == (409, "no_tasks")


def test_a_job_is_launched_once_however_often_the_request_is_sent() -> None:
    job = a_draft()
    client = owner(job)

    first = client.post(f"jobs/{job.pk}/launch/", key="launch")
    again = client.post(f"jobs/{job.pk}/launch/", key="launch")

    assert first == again and first[1]["state"] == "open"
    assert code_of(client.post(f"jobs/{job.pk}/launch/")) == (409, "wrong_state")
    assert held(job) == 36


def test_a_job_is_paused_resumed_and_cancelled_by_its_client_or_an_admin() -> None:
    job = an_open_job()
    client, admin = owner(job), an_admin()

    assert client.post(f"jobs/{job.pk}/pause/")[1]["state"] == "paused"
    assert admin.post(f"jobs/{job.pk}/resume/")[1]["state"] == "open"
    assert admin.post(f"jobs/{job.pk}/pause/")[1]["state"] == "paused"
    assert client.post(f"jobs/{job.pk}/cancel/")[1]["state"] == "cancelled"
    assert code_of(client.post(f"jobs/{job.pk}/resume/")) == (409, "wrong_state")
    assert code_of(client.post(f"jobs/{job.pk}/pause/", {"why": "x"})) == (400, "invalid")


def test_an_admin_may_stop_a_job_but_not_launch_fill_or_share_it() -> None:
    job, admin = a_draft(), an_admin()

    assert code_of(admin.post(f"jobs/{job.pk}/launch/")) == (403, "not_allowed")
    assert code_of(admin.upload(f"jobs/{job.pk}/tasks/", "text\nx\n", "text/csv")) == (403, "not_allowed")
    share = {"email": a_user().email, "role": "viewer"}
    assert code_of(admin.post(f"jobs/{job.pk}/invitations/", share)) == (403, "not_allowed")
    assert code_of(admin.post(f"jobs/{job.pk}/acceptances/")) == (403, "not_allowed")


def test_a_revision_is_a_new_version_and_leaves_what_is_claimed_alone() -> None:
    job = an_open_job()
    worker = a_worker(job)
    claim_task(worker=worker, job_id=job.pk)
    client = owner(job)

    status, version = client.post(f"jobs/{job.pk}/versions/", {"instructions": "Only cats and dogs."})

    assert (status, version["number"], version["instructions"]) == (201, 2, "Only cats and dogs.")
    assert version["label_schema"]["xml"] == ANIMALS
    assert [row["number"] for row in client.every(f"jobs/{job.pk}/versions/")] == [2, 1]
    (turn,) = Person(worker.user).every("assignments/")
    _, shown = Person(worker.user).get(f"assignments/{turn['id']}/")
    assert shown["instructions"] == "Say which animal the text is about."
    other = ANIMALS.replace("cat", "horse")
    assert code_of(client.post(f"jobs/{job.pk}/versions/", {"label_schema": other})) == (409, "schema_breaks_answers")


def test_a_job_does_not_exist_for_other_clients() -> None:
    job, others = an_open_job(), owner(a_client())
    share = {"email": a_user().email, "role": "viewer"}

    for path in ("", "tasks/", "estimate/", "versions/", "shares/", "assignments/", "results/", "statement/"):
        assert others.get(f"jobs/{job.pk}/{path}") == NO_JOB
    for path in ("launch/", "pause/", "resume/", "cancel/", "acceptances/"):
        assert others.post(f"jobs/{job.pk}/{path}") == NO_JOB
    assert others.post(f"jobs/{job.pk}/versions/", {"instructions": "Hm."}) == NO_JOB
    assert others.upload(f"jobs/{job.pk}/tasks/", "text\nx\n", "text/csv") == NO_JOB
    assert others.delete(f"jobs/{job.pk}/shares/1/") == NO_JOB
    assert others.every("jobs/", client=job.client_id) == []
    assert others.user
    assert in_person(others.user).post(f"jobs/{job.pk}/invitations/", share) == NO_JOB
    job.refresh_from_db()
    assert job.state == "open"


def test_a_member_sees_all_jobs_of_the_client_and_filters_them() -> None:
    client = a_client()
    draft, running = a_draft(client=client), an_open_job(client=client)
    an_open_job()
    person = a_user()
    a_member(client, user=person)
    member = Person(person)

    rows = member.every("jobs/", limit=1)

    assert [row["id"] for row in rows] == [str(running.pk), str(draft.pk)]
    assert set(rows[0]) == CLIENT_SEES
    assert [row["id"] for row in member.every("jobs/", state="draft")] == [str(draft.pk)]
    assert code_of(member.get("jobs/", client__name="x")) == (400, "invalid")


@pytest.mark.parametrize(
    ("role", "reads", "reviews", "manages"),
    [("viewer", 403, 403, 403), ("reviewer", 200, 201, 403), ("manager", 403, 403, 200)],
)
def test_a_share_lets_one_person_onto_one_job(role: str, reads: int, reviews: int, manages: int) -> None:
    job = an_open_job()
    other = an_open_job(client=job.client)
    client, guest = owner(job), somebody()
    assert guest.user

    share = a_share(job, guest=guest.user, role=role)

    assert guest.get(f"jobs/{job.pk}/")[0] == 200
    assert guest.get(f"jobs/{other.pk}/") == NO_JOB
    assert guest.get(f"jobs/{job.pk}/tasks/")[0] == reads
    assert guest.get(f"jobs/{job.pk}/assignments/")[0] == reads
    assert guest.post(f"jobs/{job.pk}/acceptances/")[0] == reviews
    assert guest.post(f"jobs/{job.pk}/pause/")[0] == manages
    assert code_of(guest.get(f"jobs/{job.pk}/shares/")) == (403, "not_allowed")
    assert [row["id"] for row in guest.every("jobs/")] == [str(job.pk)]
    assert guest.every("clients/") == []

    user = {"id": str(guest.user.pk), "email": guest.user.email, "display_name": ""}
    assert client.every(f"jobs/{job.pk}/shares/") == [{"id": share.pk, "user": user, "role": role}]
    assert client.delete(f"jobs/{job.pk}/shares/{share.pk}/") == (204, None)
    assert guest.get(f"jobs/{job.pk}/") == NO_JOB


def test_lists_of_jobs_take_a_fixed_number_of_queries() -> None:
    client = a_client()
    jobs = [an_open_job(client=client) for _ in range(4)]
    people = {"client": owner(client), "worker": Person(a_worker(jobs[0]).user)}

    for side, person in people.items():
        assert len(person.every("jobs/", side=side)) == 4  # what each process reads once, and that the key was used
        queries = []
        for limit in (1, 4):
            with CaptureQueriesContext(connection) as seen:
                person.get("jobs/", side=side, limit=limit)
            queries.append(len(seen))
        assert queries[0] == queries[1], side


def test_a_share_of_another_job_is_not_taken_back_through_ones_own() -> None:
    job, others = an_open_job(), an_open_job()
    share = a_share(others)

    refused = owner(job).delete(f"jobs/{job.pk}/shares/{share.pk}/")

    assert refused == (404, {"code": "not_found", "message": "There is no such share."})
    assert owner(others).every(f"jobs/{others.pk}/shares/") != []
