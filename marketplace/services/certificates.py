"""Certificates: begun when a job's labels stand, earned by inspections, issued with all of their evidence and signed.

Locks go certificate, task, escalation. Nothing but an inspection changes a label meanwhile: what is resolved stays so.
"""

import json
import secrets
from collections import defaultdict
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from kernel import clock
from kernel.errors import NotFound, Refused
from kernel.models import User
from kernel.services.audit import Actor, record
from kernel.services.audit_log import signing_key
from marketplace.models import Certificate, Escalation, Inspection, Job, JobVersion, Task
from marketplace.queries import current_schema_of, schema_of
from marketplace.services.certificate_orders import MOST_CLASSES, ONLY_CHOICES, is_being_inspected
from marketplace.services.escalations import (
    lock_escalation,
    mark_decided,
    open_escalation,
    require_mine_or_free,
    withdraw_all,
)
from marketplace.services.submission import InvalidAnswer
from qualification.labels.errors import ResultError
from qualification.labels.results import to_result, validate_result
from qualification.statistics.certificates.bound import Inspection as Looked
from qualification.statistics.certificates.course import ClassCourse, Terms
from qualification.statistics.certificates.evidence import (
    ALL_LABELS,
    ClassEvidence,
    Evidence,
    Look,
    hash_of_labels,
    named,
)

KIND: Final = "assay certificate 1"
AT_ONCE: Final = 5
"""How many inspections of a class wait for experts at the same time."""

DRAWER: Final = Actor.system("inspections")


class NotCertifiable(Refused):
    """Nothing can be promised of these labels now."""

    code = "not_certifiable"


class NotEarned(Refused):
    """The inspections do not say enough yet."""

    code = "not_earned"


@transaction.atomic
def begin_certificate(*, job_id: UUID, terms: Terms, per_class: bool, by: Actor) -> Certificate:
    """Let experts look at labels of a job until so much can be promised of it.

    Raises NotFound, or NotCertifiable while tasks have no label, where a certificate is in the making already, for what
    is no choice, or for more classes than promises can be made about.
    """
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None:
        raise NotFound("job")
    if not current_schema_of(job_id).asks_only_choices:
        raise NotCertifiable(ONLY_CHOICES)
    if is_being_inspected(job_id):
        raise NotCertifiable("A certificate of this job is in the making already. Issue that one first.")
    certificate = Certificate.objects.create(
        job=job,
        target_basis_points=round(terms.target * 10_000),
        assurance_basis_points=round(terms.assurance * 10_000),
        classes=_classes_of(job, per_class=per_class),
        seed=secrets.token_hex(32),
        begun_at=clock.now(),
    )
    told = {"target": terms.target, "assurance": terms.assurance, "seed": certificate.seed}
    record(action="certificate.begun", subject=certificate, by=by, details={"job": str(job.pk), **told})
    _open_inspections(certificate)
    return certificate


@transaction.atomic
def decide_inspection(*, escalation_id: UUID, result: object, note: str, by: User) -> Task:
    """Keep what an expert found at a task, in Label Studio's result JSON; where the label was wrong, theirs is taken.

    Raises InvalidAnswer, NotFound, NotYours or WrongState.
    """
    certificates = Certificate.objects.select_for_update(no_key=True, of=("self",)).select_related("job")
    certificate = certificates.filter(inspections__escalation=escalation_id).first()
    if certificate is None:
        raise NotFound("inspection")
    inspection = Inspection.objects.get(escalation=escalation_id)
    task = Task.objects.select_for_update(no_key=True).get(pk=inspection.task_id)
    escalation = lock_escalation(escalation_id)
    require_mine_or_free(escalation, by)
    schema = schema_of(JobVersion.objects.filter(job_id=task.job_id).latest("number").pk)
    try:
        answer = validate_result(schema, result)
    except ResultError as error:
        raise InvalidAnswer(str(error)) from error
    inspection.found_key, inspection.found_at = answer.key, clock.now()
    inspection.save(update_fields=["found_key", "found_at"])
    is_right = answer.key == inspection.said_key
    mark_decided(escalation, by=by, decision="right" if is_right else "corrected", note=note)
    if not is_right:
        task.label, task.answer_key, task.method = to_result(schema, answer), answer.key, Task.Method.ADJUDICATION
        task.save(update_fields=["label", "answer_key", "method"])
        record(action="task.corrected", subject=task, by=Actor.user(by), why=note or "an inspection found it wrong")
    _open_inspections(certificate)
    return task


@transaction.atomic
def issue_certificate(*, certificate_id: UUID, by: Actor) -> Certificate:
    """Make the promise, with its evidence, signed by the key of the audit log. What still waits is withdrawn.

    Raises NotFound, or NotEarned while a class may have more wrong labels than the terms allow.
    """
    certificate = (
        Certificate.objects.select_for_update(no_key=True, of=("self",))
        .select_related("job")
        .filter(pk=certificate_id)
        .first()
    )
    if certificate is None:
        raise NotFound("certificate")
    if certificate.issued_at is not None:
        return certificate
    evidence = evidence_of(certificate)
    for promise in evidence.promises():
        if not promise.is_kept:
            raise NotEarned(
                f"Of the {promise.labels} labels {named(promise.label)}, up to {promise.wrong_at_most} may be wrong "
                f"after these inspections, and {promise.allowed} are allowed. Decide the escalations of the kind "
                "inspection."
            )
    certificate.issued_at = clock.now()
    certificate.note = signing_key().signed(_text_of(certificate, evidence))
    certificate.save(update_fields=["issued_at", "note"])
    record(action="certificate.issued", subject=certificate, by=by, details={"job": str(certificate.job_id)})
    waiting = Escalation.objects.filter(inspection__certificate=certificate, inspection__found_at=None)
    locked = waiting.select_for_update(no_key=True, of=("self",)).order_by("pk")
    withdraw_all(locked, by=by, why="the certificate is issued")
    return certificate


def evidence_of(certificate: Certificate) -> Evidence:
    """What the inspections say so far: of each class those before the first that nobody has decided."""
    by_class: dict[str, list[Look]] = defaultdict(list)
    waits: set[str] = set()
    for row in certificate.inspections.order_by("position"):
        if row.found_at is None:
            waits.add(row.label)
        elif row.label not in waits:
            by_class[row.label].append(Look(str(row.task_id), row.drawn, row.said_key, row.found_key))
    return Evidence(
        terms=_terms_of(certificate),
        seed=certificate.seed,
        classes=tuple(
            ClassEvidence(label, counts["answered"], counts["decided"], tuple(by_class[label]))
            for label, counts in sorted(certificate.classes.items())
        ),
    )


def _classes_of(job: Job, *, per_class: bool) -> dict[str, dict[str, int]]:
    work = Task.objects.filter(job=job, gold_question=None)
    if work.filter(state__in=[Task.State.OPEN, Task.State.IN_ADJUDICATION]).exists():
        raise NotCertifiable("Some tasks of this job have no label yet. Certify it when all are resolved.")
    counts: dict[str, dict[str, int]] = {}
    for key, method in work.filter(state=Task.State.RESOLVED).values_list("answer_key", "method").iterator():
        of_class = counts.setdefault(key if per_class else ALL_LABELS, {"answered": 0, "decided": 0})
        of_class["decided" if method == Task.Method.ADJUDICATION else "answered"] += 1
    if not counts:
        raise NotCertifiable("This job has no label of which anything could be promised.")
    if len(counts) > MOST_CLASSES:
        raise NotCertifiable(
            f"This job has {len(counts)} different labels. Promises are made about up to {MOST_CLASSES} classes; ask "
            "for one about all labels together."
        )
    return counts


def _terms_of(certificate: Certificate) -> Terms:
    return Terms(certificate.target_basis_points / 10_000, certificate.assurance_basis_points / 10_000)


def _open_inspections(certificate: Certificate) -> None:
    """Let as many wait for experts as may, in each class that cannot be promised yet."""
    rows = list(certificate.inspections.order_by("position"))
    position = len(rows)
    evidence = evidence_of(certificate)
    for one, promise in zip(evidence.classes, evidence.promises(), strict=True):
        taken = [row for row in rows if row.label == one.label]
        waiting = sum(row.found_at is None for row in taken)
        looks = [Looked(row.drawn, row.found_at is None or row.found_key == row.said_key) for row in taken]
        while not promise.is_kept and waiting < AT_ONCE and len(looks) < one.answered:
            drawn = ClassCourse(one.answered, promise.labels, looks).draws_next
            position += 1
            _open(certificate, label=one.label, position=position, drawn=drawn)
            looks.append(Looked(drawn, right=True))
            waiting += 1


def _open(certificate: Certificate, *, label: str, position: int, drawn: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT.format(order=_BY_CHANCE if drawn else _BY_DOUBT),
            {"job": certificate.job_id, "certificate": certificate.pk, "label": label, "seed": certificate.seed},
        )
        task_id, said_key = cursor.fetchone()
    escalation = open_escalation(
        kind=Escalation.Kind.INSPECTION,
        by=DRAWER,
        why="a label is looked at for a certificate",
        job=certificate.job,
        task=Task.objects.get(pk=task_id),
        subject=f"certificate:{certificate.pk}",
    )
    Inspection.objects.create(
        certificate=certificate,
        escalation=escalation,
        task_id=task_id,
        label=label,
        position=position,
        drawn=drawn,
        said_key=said_key,
    )


_NEXT: Final = """
SELECT task.id, task.answer_key FROM marketplace_task task
WHERE task.job_id = %(job)s AND task.gold_question_id IS NULL AND task.state = 'resolved'
  AND task.method <> 'adjudication'
  AND (%(label)s = '' OR task.answer_key = %(label)s)
  AND NOT EXISTS (
    SELECT FROM marketplace_inspection seen WHERE seen.certificate_id = %(certificate)s AND seen.task_id = task.id)
ORDER BY {order} LIMIT 1
"""
_BY_CHANCE: Final = "encode(sha256(convert_to(%(seed)s || ':' || task.id::text, 'UTF8')), 'hex'), task.id"
_BY_DOUBT: Final = "task.confidence NULLS FIRST, task.id"


def _text_of(certificate: Certificate, evidence: Evidence) -> str:
    """What is signed: one line of canonical JSON (RFC 8785 but for numbers, which are written as Python does)."""
    written = {
        "kind": KIND,
        "certificate": str(certificate.pk),
        "job": str(certificate.job_id),
        "begun_at": certificate.begun_at.isoformat(),
        "issued_at": certificate.issued_at.isoformat() if certificate.issued_at else None,
        "labels_sha256": labels_sha256(certificate.job),
        "evidence": evidence.written(),
    }
    return json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def labels_sha256(job: Job) -> str:
    """A hash over all labels of a job, by ascending id of their tasks."""
    rows = Task.objects.filter(job=job, gold_question=None, state=Task.State.RESOLVED).order_by("pk")
    return hash_of_labels((str(task), key) for task, key in rows.values_list("pk", "answer_key").iterator())
