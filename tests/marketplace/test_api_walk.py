"""The life of a label over HTTP: a client posts, workers answer, an admin decides, everybody sees what is theirs."""

import json
from typing import Any

import pytest

from kernel.models import OutboxMessage
from marketplace.models import Client
from marketplace.services.checks import check_invariants
from marketplace.services.completion import complete_finished_jobs
from marketplace.services.settlement import accept_due_assignments
from tests.billing.builders import a_funding
from tests.marketplace.api_people import Person, an_admin, somebody
from tests.qualification.builders import ANIMALS, a_certification, a_skill, a_worker, an_answer

pytestmark = pytest.mark.django_db


def an_order(client_id: str, skill_id: object) -> dict[str, Any]:
    return {
        "client": client_id,
        "title": "Animals",
        "instructions": "Say which animal the text is about.",
        "label_schema": ANIMALS,
        "currency": "USD",
        "reward_minor": 10,
        "skill": str(skill_id),
        "overlap_min": 2,
        "overlap_max": 2,
        "confidence_basis_points": 9000,
    }


def a_certified_worker(skill: Any) -> Person:
    worker = a_worker()
    a_certification(worker, skill)
    return Person(worker.user)


def test_a_label_from_post_to_results() -> None:
    owner, skill = somebody(), a_skill()

    status, client = owner.post("clients/", {"name": "Museum", "country": "GB"})
    assert (status, client) == (
        201,
        {"id": client["id"], "name": "Museum", "country": "GB", "created_at": client["created_at"]},
    )
    a_funding(Client.objects.get().billing_owner, 1_000)

    status, job = owner.post("jobs/", an_order(client["id"], skill.pk))
    assert (status, job["state"], job["fee_minor"], job["version"]) == (201, "draft", 2, 1)
    rows = "external_id,text\na,It meows.\nb,It barks and meows.\n"
    assert owner.upload(f"jobs/{job['id']}/tasks/", rows, "text/csv") == (
        201,
        {"tasks": 2, "gold": 0, "predictions": 0},
    )

    status, estimate = owner.get(f"jobs/{job['id']}/estimate/")
    assert status == 200
    assert {name: estimate[name] for name in ("tasks", "gold_tasks", "worst_answers", "worst_cost_minor")} == {
        "tasks": 2,
        "gold_tasks": 0,
        "worst_answers": 4,
        "worst_cost_minor": 48,
    }
    assert (estimate["available_minor"], estimate["missing_minor"]) == (1_000, 0)

    status, launched = owner.post(f"jobs/{job['id']}/launch/")
    assert (status, launched["state"], launched["progress"]["held_minor"]) == (200, "open", 48)

    workers = [a_certified_worker(skill) for _ in range(2)]
    for each, (first, second) in zip(workers, [("cat", "cat"), ("cat", "dog")], strict=True):
        for _ in range(2):
            status, turn = each.post("assignments/", {"job": job["id"]})
            assert status == 201
            animal = first if turn["item"] == {"text": "It meows."} else second
            status, given = each.post(f"assignments/{turn['id']}/submit/", {"result": an_answer(animal)})
            assert (status, given["state"]) == (200, "submitted")

    admin = an_admin()
    status, waiting = admin.get("escalations/", state="open")
    assert (status, [(row["kind"], row["job"]) for row in waiting["results"]]) == (200, [("no_consensus", job["id"])])
    matter_at = f"escalations/{waiting['results'][0]['id']}/"
    status, escalation = admin.get(matter_at)
    assert escalation["matter"]["item"] == {"text": "It barks and meows."}
    assert [row["result"] for row in escalation["matter"]["answers"]] == [an_answer("cat"), an_answer("dog")]
    status, claimed = admin.post(f"{matter_at}claim/")
    assert (status, claimed["state"], claimed["claimed_by"]) == (200, "claimed", str(admin.user and admin.user.pk))
    status, decided = admin.post(f"{matter_at}decision/", {"result": an_answer("dog"), "note": "It barks first."})
    assert (status, decided["state"], decided["decision"]) == (201, "decided", "resolved")

    assert accept_due_assignments() == 3
    assert owner.post(f"jobs/{job['id']}/acceptances/") == (201, {"accepted": 1})
    assert complete_finished_jobs() == 1

    status, done = owner.get(f"jobs/{job['id']}/")
    assert (status, done["state"]) == (200, "completed")
    assert done["progress"] == {
        "tasks": {"open": 0, "resolved": 2, "in_adjudication": 0, "void": 0},
        "gold_tasks": 0,
        "answers": {
            "active": 0,
            "submitted": 0,
            "accepted": 4,
            "rejected": 0,
            "returned": 0,
            "expired": 0,
            "cut_short": 0,
        },
        "spent_minor": 48,
        "held_minor": 0,
    }
    results = [json.loads(line) for line in owner.download(f"jobs/{job['id']}/results/")]
    assert sorted((row["external_id"], row["value"], row["method"]) for row in results) == [
        ("a", "cat", "consensus"),
        ("b", "dog", "adjudication"),
    ]
    assert owner.get(f"clients/{client['id']}/balance/") == (
        200,
        {
            "client": client["id"],
            "balances": [
                {
                    "currency": "USD",
                    "available_minor": 952,
                    "escrow_minor": 0,
                    "reserve_minor": 0,
                    "disputed_minor": 0,
                    "refunds_in_flight_minor": 0,
                }
            ],
            "escrow": [],
        },
    )
    statement = owner.every(f"clients/{client['id']}/statement/")
    assert [(line["kind"], line["change_minor"], line["job"]) for line in statement] == [
        ("escrow_held", -48, job["id"]),
        ("funding_settled", 1_000, None),
    ]
    paid = owner.every(f"jobs/{job['id']}/statement/")
    assert sum(line["change_minor"] for line in paid) == 0
    assert [line["kind"] for line in paid].count("work_paid") == 8

    assert check_invariants() == []

    status, mine = workers[0].get("assignments/")
    assert [(row["state"], row["reward_minor"], row["title"]) for row in mine["results"]] == [
        ("accepted", 10, "Animals")
    ] * 2


def test_a_payment_page_appears_a_moment_after_a_funding_is_asked_for() -> None:
    owner = somebody()
    _, client = owner.post("clients/", {"name": "Museum", "country": "GB"})
    at = f"clients/{client['id']}/fundings/"

    status, funding = owner.post(at, {"amount_minor": 5_000, "currency": "USD"})

    assert (status, funding) == (
        201,
        {
            "id": funding["id"],
            "state": "preparing",
            "amount_minor": 5_000,
            "currency": "USD",
            "checkout_url": None,
            "refunded_minor": 0,
            "failure": "",
            "created_at": funding["created_at"],
            "settled_at": None,
        },
    )
    assert owner.get(f"{at}{funding['id']}/") == (200, funding)
    assert owner.every(at, state="preparing") == [funding]
    assert owner.every(at, state="settled") == []
    assert [message.event for message in OutboxMessage.objects.all()] == ["FundingRequested"]
