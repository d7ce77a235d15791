"""Certificates: earned by what experts find at labels drawn at random, issued with it, and checked without us."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from kernel.checkpoints import new_signing_key, read_note, signing_key_of
from kernel.models import AuditEvent
from kernel.services.audit import Actor
from kernel.services.audit_log import signing_key, trusted_keys
from marketplace.models import Certificate, Escalation, Inspection, Job, Task
from marketplace.services.certificates import (
    NotCertifiable,
    NotEarned,
    begin_certificate,
    evidence_of,
    issue_certificate,
    labels_sha256,
)
from marketplace.services.results import stream_results
from marketplace.services.settlement import accept_due_assignments
from qualification.statistics.certificates.course import AFTER_A_MISS, Terms
from qualification.statistics.certificates.evidence import rank
from tests.kernel.people import console_of, made_admin
from tests.marketplace.api_people import Person, an_admin, code_of
from tests.marketplace.builders import a_draft, a_submitted_answer, a_worker, an_open_job
from tests.marketplace.test_resolution_of_kinds import SPANS
from tests.qualification.builders import a_user, an_answer

pytestmark = pytest.mark.django_db

BY = Actor.system("test")
EASY = Terms(target=0.6, assurance=0.6)


def a_labelled_job(*animals: str) -> Job:
    """A job whose tasks one worker labelled so, each with one answer."""
    job = an_open_job(tasks=len(animals), overlap_min=1, overlap_max=1)
    worker = a_worker(job)
    for animal in animals:
        a_submitted_answer(job, worker=worker, animal=animal)
    return job


def begun(job: Job, terms: Terms = EASY, *, per_class: bool = True) -> Certificate:
    return begin_certificate(job_id=job.pk, terms=terms, per_class=per_class, by=BY)


def decide(admin: Person, inspection: Inspection, animal: str) -> dict[str, Any]:
    status, told = admin.post(f"escalations/{inspection.escalation_id}/decision/", {"result": an_answer(animal)})
    assert status == 201, told
    found: dict[str, Any] = told
    return found


def decide_all(certificate: Certificate, animal: str) -> int:
    """An expert finds this animal in whatever is drawn, until nothing waits; how many looks it took."""
    admin, looks = an_admin(), 0
    while waiting := certificate.inspections.filter(found_at=None).order_by("position").first():
        decide(admin, waiting, animal)
        looks += 1
    return looks


def verified(file: Path, *words: str) -> str:
    told = StringIO()
    call_command("certificate", "verify", str(file), *words, stdout=told)
    return told.getvalue()


def test_a_certificate_is_earned_issued_and_verified_without_the_database(
    tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = a_labelled_job(*["cat"] * 20)
    certificate = begun(job)
    assert decide_all(certificate, "cat") == 6

    call_command("certificate", "issue", str(job.pk), "--out", str(file := tmp_path / "job.txt"), stdout=StringIO())

    issued = Certificate.objects.get()
    written = json.loads(read_note(file.read_text(encoding="utf-8"), trusted=trusted_keys()))
    assert written["job"] == str(job.pk)
    assert written["labels_sha256"] == labels_sha256(job)
    assert written["evidence"]["classes"][0]["wrong_at_most"] == 3
    assert file.read_text(encoding="utf-8") == issued.note
    events = AuditEvent.objects.filter(action__startswith="certificate.").order_by("at")
    assert [event.action for event in events] == ["certificate.begun", "certificate.issued"]
    with django_assert_num_queries(0):
        told = verified(file)
    assert "resting on 6 inspections" in told
    assert told.endswith("  20 labels that say animal: cat: at least 85.00% right\n")


def test_the_command_says_how_far_a_certificate_is_and_what_is_lacking() -> None:
    job = a_labelled_job("cat", "cat", "cat")
    certificate = begun(job)

    def status() -> list[str]:
        call_command("certificate", "status", str(job.pk), stdout=(told := StringIO()))
        return told.getvalue().splitlines()

    first, of_cats = status()
    assert re.fullmatch(rf"Certificate {certificate.pk}: begun .* UTC; 3 inspections wait for experts\.", first)
    assert of_cats == "  3 labels that say animal: cat: at least 0.00% right so far; 60.00% is asked for"
    decide_all(certificate, "cat")
    call_command("certificate", "issue", str(job.pk), stdout=StringIO())
    first, of_cats = status()
    assert re.fullmatch(rf"Certificate {certificate.pk}: issued .* UTC\.", first)
    assert of_cats.endswith("% right")


def test_the_console_says_what_can_be_promised_so_far() -> None:
    certificate = begun(a_labelled_job(*["cat"] * 20))
    decide_all(certificate, "cat")

    console = console_of(made_admin(a_user(), "auditor"))
    page = console.get(reverse("admin:marketplace_certificate_change", args=[certificate.pk])).content.decode()

    assert "60% right, 60% sure" in page
    assert "20 labels that say animal: cat: at least 85.00% right" in page


def test_who_decides_an_inspection_is_not_shown_what_the_label_says() -> None:
    certificate = begun(a_labelled_job("cat", "cat", "cat"))
    inspection = certificate.inspections.order_by("position")[0]

    matter = an_admin().get(f"escalations/{inspection.escalation_id}/")[1]["matter"]

    assert set(matter) == {"item", "instructions", "label_schema"}
    assert Escalation.objects.get(pk=inspection.escalation_id).details == {}


def test_a_wrong_label_is_corrected_and_the_least_sure_ones_are_looked_at_next() -> None:
    job = a_labelled_job(*["cat"] * 30)
    certificate = begun(job, Terms(0.9, 0.9))
    first = certificate.inspections.order_by("position")[0]

    told = decide(an_admin(), first, "dog")

    assert told["decision"] == "corrected"
    task = Task.objects.get(pk=first.task_id)
    assert (task.label, task.method) == (an_answer("dog"), Task.Method.ADJUDICATION)
    assert AuditEvent.objects.get(action="task.corrected").subject_id == str(task.pk)
    assert list(certificate.inspections.order_by("position").values_list("drawn", flat=True)) == [True] * 5 + [False]
    decide_all(certificate, "cat")
    assert certificate.inspections.filter(drawn=False).count() == AFTER_A_MISS


def test_tasks_are_drawn_in_the_order_of_the_seed() -> None:
    job = a_labelled_job(*["cat"] * 12)
    certificate = begun(job, Terms(0.9, 0.9))
    decide_all(certificate, "cat")

    drawn = [str(task) for task in certificate.inspections.order_by("position").values_list("task_id", flat=True)]

    everything = [str(pk) for pk in Task.objects.filter(job=job).values_list("pk", flat=True)]
    assert drawn == sorted(everything, key=lambda task: rank(certificate.seed, task))[: len(drawn)]


def test_each_class_is_promised_by_itself_and_what_is_corrected_counts_where_it_belongs() -> None:
    job = a_labelled_job(*["cat"] * 6, *["dog"] * 6)
    certificate = begun(job)
    admin = an_admin()
    while waiting := certificate.inspections.filter(found_at=None).order_by("position").first():
        decide(admin, waiting, "dog")

    promises = evidence_of(certificate).promises()

    assert sorted(promise.labels for promise in promises) == [0, 12]
    assert [promise.is_kept for promise in promises] == [True, True]


def test_all_labels_together_may_be_promised_instead() -> None:
    job = a_labelled_job(*["cat"] * 6, *["dog"] * 6)
    certificate = begun(job, per_class=False)
    assert list(certificate.classes.values()) == [{"answered": 12, "decided": 0}]


def test_only_what_an_expert_decided_needs_no_look() -> None:
    job = a_labelled_job("cat", "cat", "cat")
    first, second, _ = Task.objects.filter(job=job).order_by("pk")
    Task.objects.filter(pk=first.pk).update(method=Task.Method.PREDICTION)
    Task.objects.filter(pk=second.pk).update(method=Task.Method.ADJUDICATION)

    certificate = begun(job)

    assert list(certificate.classes.values()) == [{"answered": 2, "decided": 1}]
    assert second.pk not in certificate.inspections.values_list("task_id", flat=True)
    assert decide_all(certificate, "cat") == 2


def test_it_is_not_issued_before_it_is_earned() -> None:
    certificate = begun(a_labelled_job(*["cat"] * 20))

    with pytest.raises(NotEarned, match=r"Of the 20 labels that say .*, up to 20 may be wrong .* 8 are allowed"):
        issue_certificate(certificate_id=certificate.pk, by=BY)


def test_looks_count_up_to_the_first_that_nobody_has_decided() -> None:
    certificate = begun(a_labelled_job(*["cat"] * 20))
    admin = an_admin()
    for inspection in certificate.inspections.order_by("-position")[:4]:
        decide(admin, inspection, "cat")

    assert [len(one.looks) for one in evidence_of(certificate).classes] == [0]


def test_what_still_waits_is_withdrawn_when_it_is_issued() -> None:
    certificate = begun(a_labelled_job(*["cat"] * 20))
    admin = an_admin()
    for inspection in certificate.inspections.order_by("position")[:3]:
        decide(admin, inspection, "cat")
    if not all(promise.is_kept for promise in evidence_of(certificate).promises()):
        decide(admin, certificate.inspections.order_by("position")[3], "cat")
    issue_certificate(certificate_id=certificate.pk, by=BY)

    states = Escalation.objects.filter(kind="inspection").values_list("state", flat=True)
    assert set(states) == {"decided", "withdrawn"}


def test_a_job_with_open_tasks_cannot_be_certified() -> None:
    job = an_open_job(tasks=2, overlap_min=1, overlap_max=1)
    a_submitted_answer(job)
    with pytest.raises(NotCertifiable, match="Some tasks of this job have no label yet"):
        begun(job)


def test_what_is_drawn_or_written_is_not_certified_by_an_admin_either() -> None:
    with pytest.raises(NotCertifiable, match="Certificates are about choices"):
        begun(a_draft(tasks=0, label_schema=SPANS))


def test_a_key_that_is_none_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="'nonsense' is no public key, such as"):
        verified(tmp_path / "job.txt", "--key", "nonsense")


def test_one_certificate_of_a_job_is_in_the_making_at_a_time() -> None:
    job = a_labelled_job("cat")
    begun(job)
    with pytest.raises(NotCertifiable, match="in the making already"):
        begun(job)


def test_an_inspection_is_decided_with_a_result_and_nothing_else() -> None:
    inspection = begun(a_labelled_job("cat", "cat")).inspections.order_by("position")[0]
    decision = f"escalations/{inspection.escalation_id}/decision/"

    assert code_of(an_admin().post(decision, {"decision": "noted"})) == (400, "invalid")
    assert code_of(an_admin().post(decision, {"result": [{"type": "choices"}]})) == (400, "invalid_answer")


@pytest.mark.parametrize("changed", [{"said_key": "x"}, {"position": 99}, {"drawn": False}])
def test_what_was_drawn_stands(changed: dict[str, Any]) -> None:
    inspection = begun(a_labelled_job("cat")).inspections.get()
    with pytest.raises(IntegrityError, match="What was drawn, found and signed"), transaction.atomic():
        Inspection.objects.filter(pk=inspection.pk).update(**changed)


def test_what_was_found_and_signed_stands(tmp_path: Path) -> None:
    a_certificate_file(tmp_path)
    with pytest.raises(IntegrityError, match="What was drawn, found and signed"), transaction.atomic():
        Inspection.objects.all().delete()
    with pytest.raises(IntegrityError, match="What was drawn, found and signed"), transaction.atomic():
        Certificate.objects.update(note="another")


def a_certificate_file(tmp_path: Path) -> Path:
    job = a_labelled_job(*["cat"] * 20)
    certificate = begun(job)
    decide_all(certificate, "cat")
    file = tmp_path / "job.txt"
    file.write_text(issue_certificate(certificate_id=certificate.pk, by=BY).note, encoding="utf-8")
    return file


def resigned(file: Path, **changed: Any) -> None:
    """The same certificate with other evidence, signed by the right key: what a dishonest installation could do."""
    written = json.loads(file.read_text(encoding="utf-8").split("\n")[0])
    written["evidence"] |= changed
    file.write_text(signing_key().signed(json.dumps(written) + "\n"), encoding="utf-8")


def test_a_certificate_that_was_changed_or_signed_by_others_is_told(tmp_path: Path) -> None:
    file = a_certificate_file(tmp_path)
    note = file.read_text(encoding="utf-8")
    file.write_text(note.replace('"target":0.6', '"target":0.9'), encoding="utf-8")
    with pytest.raises(CommandError, match="does not hold: its signature is not that of the key"):
        verified(file)
    file.write_text(note, encoding="utf-8")
    other = signing_key_of(new_signing_key("other")).public
    with pytest.raises(CommandError, match="does not hold: it is signed with a key that is not trusted"):
        verified(file, "--key", str(other))
    assert "Signed and sound" in verified(file, "--key", str(signing_key().public))


def test_who_holds_the_results_is_told_whether_the_certificate_is_about_these_labels(tmp_path: Path) -> None:
    file = a_certificate_file(tmp_path)
    job = Job.objects.get()
    accept_due_assignments()
    results = tmp_path / "results.jsonl"
    results.write_bytes(b"".join(stream_results(job=job)))
    words = ("--results", str(results))

    assert verified(file, *words).endswith(f"\nThe labels in {results} are those that it is about.\n")

    text = results.read_text(encoding="utf-8")
    for changed, told in (
        (text.replace('"cat"', '"dog"'), f"is about other labels than those in {results}"),
        (text.replace('"withheld":false', '"withheld":true', 1), "The label in line 1 is withheld."),
        ("Trust me.\n", "Line 1 is no line of a job's results about choices."),
    ):
        results.write_text(changed, encoding="utf-8")
        with pytest.raises(CommandError) as refused:
            verified(file, *words)
        assert told in str(refused.value)
    results.unlink()
    with pytest.raises(CommandError, match=r"results\.jsonl cannot be read: No such file"):
        verified(file, *words)


def test_a_promise_that_does_not_follow_from_its_evidence_is_told(tmp_path: Path) -> None:
    file = a_certificate_file(tmp_path)
    resigned(file, target=0.99)
    with pytest.raises(CommandError, match=r"does not hold: Of the 20 labels that say .*, 3 may be wrong; 0 are allow"):
        verified(file)


def test_tasks_that_were_not_drawn_by_the_seed_are_told(tmp_path: Path) -> None:
    file = a_certificate_file(tmp_path)
    resigned(file, seed="another seed")
    with pytest.raises(CommandError, match="were not drawn in the order of the seed"):
        verified(file)


@pytest.mark.parametrize(
    ("written", "other", "told"),
    [
        ('"answered": 20', '"answered": 1e999', "The number 1e999 is too large"),
        ('"answered": 20', '"answered": 1' + "0" * 400, "whole numbers are kept in 64 bits"),
        ('"answered": 20', '"answered": 9000000000000000000', "counts 9000000000000000000 labels in one class"),
        ('"answered": 20', '"answered": -1', "counts -1 labels in one class"),
        ('"answered": 20', '"answered": 20.0', "20.0 stands for a whole number"),
        ('"answered": 20', '"answered": "20"', "'20' stands for a whole number"),
        ('"answered": 20', '"answered": true', "True stands for a whole number"),
        ('"answered": 20', '"answered": 20, "answered": 20', 'The key "answered" is given twice'),
        ('"target": 0.6', '"target": NaN', "NaN is not a number that JSON knows"),
        ('"target": 0.6', '"target": Infinity', "Infinity is not a number that JSON knows"),
        ('"target": 0.6', '"target": "0.6"', "'0.6' stands for a share"),
        ('"target": 0.6', '"target": ' + "[" * 100_000 + "]" * 100_000, "nested more than 32 deep"),
        ('"job"', '"jobs"', "it lacks 'job'."),
    ],
)
def test_a_certificate_with_values_that_no_certificate_has_is_refused_in_a_sentence(
    tmp_path: Path, written: str, other: str, told: str
) -> None:
    file = a_certificate_file(tmp_path)
    text = json.dumps(json.loads(file.read_text(encoding="utf-8").split("\n")[0]))
    assert written in text
    file.write_text(signing_key().signed(text.replace(written, other, 1) + "\n"), encoding="utf-8")

    with pytest.raises(CommandError) as refused:
        verified(file)

    assert "does not hold: " in str(refused.value)
    assert told in str(refused.value)


def test_a_certificate_that_promises_nothing_is_refused(tmp_path: Path) -> None:
    file = a_certificate_file(tmp_path)
    resigned(file, classes=[])
    with pytest.raises(CommandError, match="does not hold: It has no class of labels, and so promises nothing"):
        verified(file)


def test_what_is_no_certificate_is_told(tmp_path: Path) -> None:
    file = tmp_path / "job.txt"
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        verified(file)
    file.write_text("Trust me.\n", encoding="utf-8")
    with pytest.raises(CommandError, match="does not hold: it is not signed in a form that can be read"):
        verified(file)
    file.write_text(signing_key().signed('{"kind":"something else"}\n'), encoding="utf-8")
    with pytest.raises(CommandError, match="is signed, but it is no certificate"):
        verified(file)
