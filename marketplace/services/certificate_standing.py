"""How far the certificate of a job is, and what can be promised of its labels so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from marketplace.models import Certificate, CertificateOrder, Job
from marketplace.services.certificates import evidence_of
from qualification.statistics.certificates.evidence import ALL_LABELS

STATES: Final = ("waiting", "inspecting", "issued", "refused")


@dataclass(frozen=True, slots=True)
class ClassStanding:
    """What can be promised of labels that say the same. ``looks`` and ``wrong`` count up to the first that waits."""

    says: str
    labels: int
    looks: int
    wrong: int
    wrong_at_most: int
    wrong_allowed: int
    right_at_least: float
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A certificate, or the order of one. Inspections are ``made`` or ``waiting``, and ``wrong`` labels were found."""

    state: str
    target_basis_points: int
    assurance_basis_points: int
    per_class: bool
    ordered_at: datetime | None
    begun_at: datetime | None
    issued_at: datetime | None
    refused_because: str
    made: int
    wrong: int
    waiting: int
    classes: tuple[ClassStanding, ...]


def standing_of(job: Job) -> Standing | None:
    """Where the certificate of ``job`` stands that was ordered or begun last; None where there never was one."""
    order = CertificateOrder.objects.filter(job=job).order_by("-ordered_at", "-pk").first()
    certificate = Certificate.objects.filter(job=job).order_by("-begun_at", "-pk").first()
    if order is not None and order.certificate_id is None:
        is_later = certificate is None or order.ordered_at > certificate.begun_at
        certificate = None if is_later else certificate
    if certificate is None:
        return None if order is None else _ordered(order)
    return _begun(certificate)


def _ordered(order: CertificateOrder) -> Standing:
    return Standing(
        state="refused" if order.refused_because else "waiting",
        target_basis_points=order.target_basis_points,
        assurance_basis_points=order.assurance_basis_points,
        per_class=order.per_class,
        ordered_at=order.ordered_at,
        begun_at=None,
        issued_at=None,
        refused_because=order.refused_because,
        made=0,
        wrong=0,
        waiting=0,
        classes=(),
    )


def _begun(certificate: Certificate) -> Standing:
    found = list(certificate.inspections.values_list("said_key", "found_key"))
    order = CertificateOrder.objects.filter(certificate=certificate).first()
    is_issued = certificate.issued_at is not None
    return Standing(
        state="issued" if is_issued else "inspecting",
        target_basis_points=certificate.target_basis_points,
        assurance_basis_points=certificate.assurance_basis_points,
        per_class=ALL_LABELS not in certificate.classes,
        ordered_at=order.ordered_at if order else None,
        begun_at=certificate.begun_at,
        issued_at=certificate.issued_at,
        refused_because="",
        made=sum(key != "" for _, key in found),
        wrong=sum(key not in ("", said) for said, key in found),
        waiting=0 if is_issued else sum(key == "" for _, key in found),
        classes=tuple(_classes_of(certificate)),
    )


def _classes_of(certificate: Certificate) -> list[ClassStanding]:
    evidence = evidence_of(certificate)
    return [
        ClassStanding(
            says=one.label,
            labels=promise.labels,
            looks=len(one.looks),
            wrong=sum(look.said != look.found for look in one.looks),
            wrong_at_most=promise.wrong_at_most,
            wrong_allowed=promise.allowed,
            right_at_least=promise.right_at_least,
            is_kept=promise.is_kept,
        )
        for one, promise in zip(evidence.classes, evidence.promises(), strict=True)
    ]
