"""The order of tasks from a client's model, and what automation was worth: over HTTP, by hand-computed outcomes."""

import json
from collections.abc import Mapping

import pytest

from kernel.models import AuditEvent
from marketplace.models import Slot
from marketplace.services.allocation import claim_task
from marketplace.services.checks import check_invariants
from marketplace.services.predictors import tend_predictors
from marketplace.services.settlement import accept_due_assignments
from qualification.statistics.automation.saving import Saving
from tests.marketplace.api_people import Person
from tests.marketplace.automation import Audits, a_row, audits_of, let_people_answer, predict, tasks_by_name
from tests.marketplace.builders import a_worker, an_open_job, answer, owner_of

pytestmark = pytest.mark.django_db

LINES = "application/x-ndjson"


def lines_of(*rows: Mapping[str, object]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_unsure_tasks_come_first_and_their_free_turns_with_them() -> None:
    job = an_open_job(tasks=5)
    owner = Person(owner_of(job.client))
    sure = [0.9, 0.5, 0.7]
    rows = lines_of(*({"external_id": f"t{n}", "scores": [top, 1 - top]} for n, top in enumerate(sure)))

    assert owner.upload(f"jobs/{job.pk}/priorities/?batch=1", rows, LINES) == (200, {"tasks": 3, "batch": 1})

    priorities = {name: task.priority for name, task in tasks_by_name(job).items()}
    assert priorities == {"t1": 1, "t2": 2, "t0": 6, "t3": 5, "t4": 5}
    assert sorted(Slot.objects.values_list("priority", flat=True)) == [1, 1, 2, 2, 5, 5, 5, 5, 6, 6]
    assert check_invariants() == []
    event = AuditEvent.objects.get(action="job.tasks_prioritised")
    assert event.details == {"tasks": 3, "batch": 1, "measure": "margin", "diversity": "none"}


def test_a_diverse_batch_takes_one_of_each_kind() -> None:
    job = an_open_job(tasks=4)
    owner = Person(owner_of(job.client))
    places = [[0.0, 0.0], [0.0, 0.1], [9.0, 9.0], [9.0, 9.1]]
    rows = [{"external_id": f"t{n}", "scores": [0.5, 0.5], "embedding": place} for n, place in enumerate(places)]

    for diversity in ("clusters", "core_set"):
        path = f"jobs/{job.pk}/priorities/?batch=2&diversity={diversity}"
        assert owner.upload(path, lines_of(*rows), LINES) == (200, {"tasks": 4, "batch": 2})
        first = {name for name, task in tasks_by_name(job).items() if task.priority == 1}
        assert {name in ("t0", "t1") for name in first} == {True, False}


def test_a_core_set_keeps_away_from_what_has_its_label() -> None:
    job = an_open_job(tasks=4)
    owner = Person(owner_of(job.client))
    for _ in range(2):
        answer(claim_task(worker=a_worker(job), job_id=job.pk, among=[tasks_by_name(job)["t0"].pk]))
    places = [[0.0, 0.0], [0.0, 0.1], [9.0, 9.0], [9.0, 9.1]]
    rows = [{"external_id": f"t{n}", "scores": [0.5, 0.5], "embedding": place} for n, place in enumerate(places)]

    path = f"jobs/{job.pk}/priorities/?batch=1&diversity=core_set"
    assert owner.upload(path, lines_of(*rows), LINES) == (200, {"tasks": 3, "batch": 1})

    assert [name for name, task in tasks_by_name(job).items() if task.priority == 1] == ["t3"]


def test_a_file_with_a_fault_changes_no_order() -> None:
    job = an_open_job(tasks=3)
    owner = Person(owner_of(job.client))
    rows = lines_of(
        {"external_id": "t0", "scores": [0.5, 0.5]},
        {"external_id": "t0", "scores": [0.5, 0.5]},
        {"external_id": "t1", "scores": [1]},
        {"external_id": "t2", "scores": [0.5, 0.3, 0.2]},
        {"external_id": "t2", "scores": [0.5, 0.5], "cost": 1},
    )

    status, refused = owner.upload(f"jobs/{job.pk}/priorities/", rows, LINES)

    assert (status, refused["code"]) == (400, "invalid_import")
    assert [(fault["row"], fault["column"]) for fault in refused["errors"]] == [
        (2, ""),
        (3, "scores"),
        (4, ""),
        (5, "cost"),
    ]
    assert {task.priority for task in tasks_by_name(job).values()} == {5}


def test_a_client_sees_how_many_audits_are_answered_and_how_many_of_them_are_wrong() -> None:
    job = an_open_job(tasks=6, allowed_error_basis_points=500)
    predict(job, *(a_row(f"t{n}") for n in range(6)), chance=Audits(every=2))
    owner = Person(owner_of(job.client))
    first, second, _ = audits_of(job)

    def audits() -> list[int]:
        (shown,) = owner.every(f"jobs/{job.pk}/predictors/")
        return [shown[name] for name in ("audits", "audits_answered", "audits_wrong")]

    assert audits() == [3, 0, 0]
    let_people_answer([first])
    let_people_answer([second], "dog")
    tend_predictors()
    assert audits() == [3, 2, 1]


def test_the_return_on_automation_is_exact_and_from_what_was_paid() -> None:
    job = an_open_job(tasks=16, allowed_error_basis_points=5000)
    predict(job, *(a_row(f"t{n}") for n in range(16)), chance=Audits(every=2))
    owner = Person(owner_of(job.client))
    let_people_answer(audits_of(job))
    assert tend_predictors() == 8
    accept_due_assignments()

    assert owner.get(f"jobs/{job.pk}/automation/", automation_cost_minor=50) == (
        200,
        {
            "currency": "USD",
            "labels_saved": 8,
            "labels_by_people": 8,
            "spent_minor": 192,
            "saved_minor": 192,
            "automation_cost_minor": 50,
            "monitoring_cost_minor": 192,
            "return_minor": -50,
        },
    )


def test_a_label_costs_what_it_costs_to_the_cent_and_nothing_is_made_up() -> None:
    costs = {"automation_cost_minor": 5, "monitoring_cost_minor": 7}

    assert Saving(labels_saved=10, labels_by_people=3, spent_minor=100, **costs).return_minor == 333 - 12
    assert Saving(labels_saved=10, labels_by_people=0, spent_minor=0, **costs).return_minor is None
    assert Saving(labels_saved=0, labels_by_people=0, spent_minor=0, **costs).return_minor == -12
