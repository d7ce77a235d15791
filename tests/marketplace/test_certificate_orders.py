"""Certificates that clients order: with the job or later, made by themselves, followed and taken away over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.models import LedgerEntry
from kernel.flow import WrongState
from kernel.models import AuditEvent
from marketplace.models import Certificate, CertificateOrder, Inspection, Job, Task
from marketplace.services.certificate_making import make_certificates
from marketplace.services.completion import cancel_job, complete_finished_jobs
from marketplace.services.predictors import tend_predictors
from marketplace.services.settlement import accept_due_assignments
from qualification.statistics.certificates.course import Terms
from qualification.statistics.certificates.plan import looks_expected
from tests.kernel.people import made_admin
from tests.marketplace.api_people import Person, code_of
from tests.marketplace.automation import Audits, a_row, audits_of, let_people_answer, predict
from tests.marketplace.builders import a_draft, a_submitted_answer, a_worker, an_open_job, owner_of, with_tasks
from tests.marketplace.test_certificates import decide_all, verified
from tests.marketplace.test_resolution_of_kinds import SPANS
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

EASY = {"target_basis_points": 6000, "assurance_basis_points": 6000}


def client_of(job: Job) -> Person:
    return Person(owner_of(job.client))


def ordered(job: Job, **terms: Any) -> dict[str, Any]:
    status, told = client_of(job).post(f"jobs/{job.pk}/certificate/", {**EASY, **terms})
    assert status == 201, told
    found: dict[str, Any] = told
    return found


def standing(job: Job) -> dict[str, Any]:
    status, told = client_of(job).get(f"jobs/{job.pk}/certificate/")
    assert status == 200, told
    found: dict[str, Any] = told
    return found


def label(job: Job, *animals: str) -> None:
    """Let one worker label the next tasks so."""
    worker = a_worker(job)
    for animal in animals:
        a_submitted_answer(job, worker=worker, animal=animal)


def an_ordered_job(tasks: int = 20, **terms: Any) -> Job:
    job = an_open_job(tasks=tasks, overlap_min=1, overlap_max=1)
    ordered(job, **terms)
    return job


def test_a_job_is_posted_with_the_certificate_that_its_client_wants() -> None:
    draft = a_draft(tasks=0)
    client = client_of(draft)
    body = {
        "client": str(draft.client_id),
        "title": "Animals",
        "instructions": "Say which.",
        "label_schema": draft.versions.get().label_schema.xml,
        "currency": "USD",
        "reward_minor": 10,
        "skill": str(draft.skill_id),
        "certificate": {"target_basis_points": 9900},
    }

    status, told = client.post("jobs/", body)

    assert status == 201, told
    terms = {"target_basis_points": 9900, "assurance_basis_points": 9500, "per_class": True}
    assert told["certificate"] == terms
    (listed,) = [job for job in client.get("jobs/")[1]["results"] if job["id"] == told["id"]]
    assert listed["certificate"] == terms
    assert client.get(f"jobs/{told['id']}/certificate/")[1]["state"] == "waiting"
    assert client.get(f"jobs/{draft.pk}/")[1]["certificate"] is None
    status, told = client.get(f"jobs/{draft.pk}/certificate/")
    assert (status, told["message"]) == (404, "There is no such certificate: none was ordered or begun for this job.")


@pytest.mark.parametrize("share", [4999, 9901, 10_000, 0.95, True, "9500"])
def test_terms_out_of_range_are_refused(share: object) -> None:
    job = a_draft()
    asked = client_of(job).post(f"jobs/{job.pk}/certificate/", {"target_basis_points": share})
    assert code_of(asked) == (400, "invalid")
    assert not CertificateOrder.objects.exists()


def test_what_is_drawn_or_written_cannot_be_certified() -> None:
    job = a_draft(tasks=0, label_schema=SPANS)
    status, told = client_of(job).post(f"jobs/{job.pk}/certificate/", {})
    assert (status, told["code"]) == (400, "invalid")
    assert "Certificates are about choices" in told["message"]


def test_one_order_waits_at_a_time() -> None:
    job = an_ordered_job(tasks=3)
    again = client_of(job).post(f"jobs/{job.pk}/certificate/", EASY)
    assert code_of(again) == (409, "certificate_already_ordered")
    label(job, "cat", "cat", "cat")
    make_certificates()
    again = client_of(job).post(f"jobs/{job.pk}/certificate/", EASY)
    assert code_of(again) == (409, "certificate_already_ordered")


def test_it_begins_by_itself_when_all_tasks_have_their_label_and_is_issued_when_enough_is_known(tmp_path: Path) -> None:
    job = an_ordered_job(tasks=20)
    assert make_certificates() == 0
    label(job, *["cat"] * 19)
    assert (make_certificates(), standing(job)["state"]) == (0, "waiting")
    label(job, "cat")

    assert (make_certificates(), make_certificates()) == (1, 0)

    begun = standing(job)
    assert (begun["state"], begun["inspections"]) == ("inspecting", {"made": 0, "wrong": 0, "waiting": 5})
    file = f"/api/v1/jobs/{job.pk}/certificate/file/"
    assert client_of(job).http.get(file).status_code == 409
    decide_all(Certificate.objects.get(), "cat")
    assert (make_certificates(), make_certificates()) == (1, 0)
    issued = standing(job)
    assert (issued["state"], issued["inspections"]) == ("issued", {"made": 6, "wrong": 0, "waiting": 0})
    assert issued["classes"] == [
        {
            "says": '{"animal":["cat"]}',
            "labels": 20,
            "looks": 6,
            "wrong": 0,
            "wrong_at_most": 3,
            "wrong_allowed": 8,
            "right_at_least": 0.85,
            "is_kept": True,
        }
    ]
    taken: Any = client_of(job).http.get(file)
    assert taken["Content-Type"] == "text/plain; charset=utf-8"
    (kept := tmp_path / "job.txt").write_bytes(taken.content)
    assert "resting on 6 inspections" in verified(kept, "--key", issued["public_key"])
    told = AuditEvent.objects.filter(action__startswith="certificate.").order_by("at", "id")
    assert [event.action for event in told] == ["certificate.ordered", "certificate.begun", "certificate.issued"]


def test_the_jobs_end_and_its_refund_do_not_wait_for_the_certificate_and_it_costs_nothing() -> None:
    job = an_ordered_job(tasks=6)
    label(job, *["cat"] * 6)
    make_certificates()
    accept_due_assignments()

    assert complete_finished_jobs() == 1

    entries = LedgerEntry.objects.count()
    assert Job.objects.get(pk=job.pk).state == Job.State.COMPLETED
    decide_all(Certificate.objects.get(), "cat")
    make_certificates()
    assert standing(job)["state"] == "issued"
    assert LedgerEntry.objects.count() == entries


def test_who_asks_for_the_file_too_early_reads_how_far_the_certificate_is() -> None:
    def why_not(job: Job) -> str:
        status, told = client_of(job).get(f"jobs/{job.pk}/certificate/file/")
        assert (status, told["code"]) == (409, "certificate_not_issued")
        return str(told["message"])

    job = an_ordered_job(tasks=7)
    assert why_not(job).endswith("not begun yet. It begins by itself when all tasks have their label.")
    label(job, *["cat"] * 7)
    make_certificates()
    assert why_not(job).endswith("Experts have looked at 0 labels so far, and 5 more wait for them.")
    cancelled = an_ordered_job(tasks=2)
    cancel_job(job_id=cancelled.pk, by=owner_of(cancelled.client))
    make_certificates()
    assert why_not(cancelled).endswith("cannot be issued. This job has no label of which anything could be promised.")


def test_while_labels_are_inspected_the_job_takes_no_new_tasks() -> None:
    job = an_ordered_job(tasks=2)
    label(job, "cat", "cat")
    make_certificates()

    with pytest.raises(WrongState, match="being inspected for a certificate"):
        with_tasks(job, "standard")

    decide_all(Certificate.objects.get(), "cat")
    make_certificates()
    with_tasks(job, "standard")
    assert Task.objects.filter(job=job).count() == 3


def test_a_job_that_ends_without_a_label_cannot_be_certified() -> None:
    job = an_ordered_job(tasks=2)
    cancel_job(job_id=job.pk, by=owner_of(job.client))

    assert (make_certificates(), make_certificates()) == (1, 0)

    refused = standing(job)
    assert refused["state"] == "refused"
    assert refused["refused_because"] == "This job has no label of which anything could be promised."
    assert AuditEvent.objects.filter(action="certificate.refused").count() == 1
    assert ordered(job)["state"] == "waiting"


def test_an_order_waits_while_an_admins_certificate_is_in_the_making() -> None:
    job = an_ordered_job(tasks=2)
    label(job, "cat", "cat")
    from_the_command = Certificate.objects.create(
        job=job, target_basis_points=6000, assurance_basis_points=6000, classes={}, seed="0"
    )
    assert make_certificates() == 0
    assert standing(job)["state"] == "inspecting"
    Certificate.objects.filter(pk=from_the_command.pk).update(issued_at=from_the_command.begun_at, note="signed")
    assert make_certificates() == 1


def test_models_vote_first_then_people_then_experts() -> None:
    """The engine spends by sequence: a model's labels stand under its bound, people label the rest, experts certify."""
    job = an_open_job(tasks=16, allowed_error_basis_points=5000)
    ordered(job)
    predict(job, *(a_row(f"t{n}") for n in range(16)), chance=Audits(every=2))
    let_people_answer(audits_of(job))
    assert tend_predictors() == 8
    methods = Task.objects.filter(job=job).order_by("method").values_list("method", flat=True)
    assert list(methods) == ["consensus"] * 8 + ["prediction"] * 8

    make_certificates()

    assert list(Certificate.objects.get().classes.values()) == [{"answered": 16, "decided": 0}]
    decide_all(Certificate.objects.get(), "cat")
    inspected = set(Inspection.objects.values_list("task__method", flat=True))
    assert inspected == {"consensus", "prediction"}
    make_certificates()
    assert standing(job)["state"] == "issued"


def test_an_estimate_says_how_many_inspections_a_certificate_takes() -> None:
    job = a_draft(tasks=30)
    client = client_of(job)
    assert client.get(f"jobs/{job.pk}/estimate/")[1]["inspections"] is None
    ordered(job, target_basis_points=9500, assurance_basis_points=9500, per_class=False)
    assert client.get(f"jobs/{job.pk}/estimate/")[1]["inspections"] == {"low": 25, "expected": 29, "high": 29}


def test_the_plan_is_what_the_course_takes() -> None:
    terms = Terms(0.95, 0.95)
    assert looks_expected(terms, labels=1000, wrong=0, classes=1) == 68
    assert looks_expected(terms, labels=850, wrong=0, classes=2) == 82
    assert looks_expected(terms, labels=1000, wrong=25, classes=1) == 243
    assert looks_expected(terms, labels=20_000, wrong=1000, classes=1) == 20_000
    assert looks_expected(terms, labels=10, wrong=0, classes=1) == 10


def test_experts_are_not_told_which_class_is_still_looked_at() -> None:
    job = an_ordered_job(tasks=2)
    expert, auditor = (Person(made_admin(a_user(), role)) for role in ("escalations", "auditor"))
    assert code_of(expert.get(f"jobs/{job.pk}/certificate/")) == (403, "not_allowed")
    assert auditor.get(f"jobs/{job.pk}/certificate/")[1]["state"] == "waiting"


def test_an_order_ends_in_one_way() -> None:
    job = an_ordered_job(tasks=2)
    label(job, "cat", "cat")
    make_certificates()
    with pytest.raises(IntegrityError, match="certificate_order_has_one_end"), transaction.atomic():
        CertificateOrder.objects.update(refused_because="No.")
