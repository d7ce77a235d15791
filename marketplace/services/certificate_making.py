"""Certificates that were ordered, on their way: begun when all tasks have their label, issued when enough is known."""

import logging
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction

from kernel.errors import Refused
from kernel.services.audit import Actor, record
from marketplace.models import Certificate, CertificateOrder, Job, Task
from marketplace.services.certificate_orders import CertificateTerms, is_being_inspected
from marketplace.services.certificates import NotCertifiable, NotEarned, begin_certificate, issue_certificate
from marketplace.services.growth import awaits_last_look
from marketplace.services.posting import lock_job

logger = logging.getLogger(__name__)

MAKING: Final = Actor.system("certificate_making")


def make_certificates() -> int:
    """Begin what was ordered and can be, and issue what has been earned; returns how many steps were taken.

    Each in a transaction of its own, and one that fails does not hold up the others.
    """
    waiting = CertificateOrder.objects.filter(certificate=None, refused_because="").order_by("ordered_at", "id")
    earning = Certificate.objects.filter(issued_at=None, order__isnull=False).order_by("begun_at", "id")
    begun = sum(_attempt(_begin, order_id) for order_id in list(waiting.values_list("pk", flat=True)))
    return begun + sum(
        _attempt(_issue, certificate_id) for certificate_id in list(earning.values_list("pk", flat=True))
    )


def _attempt(step: Callable[[UUID], bool], about: UUID) -> bool:
    try:
        return step(about)
    except (Refused, DatabaseError):
        logger.exception("A step of the certificate or order %s could not be taken.", about)
        return False


@transaction.atomic
def _begin(order_id: UUID) -> bool:
    job_id = CertificateOrder.objects.values_list("job_id", flat=True).get(pk=order_id)
    if not _is_labelled(job_id) or awaits_last_look(job_id):
        return False
    job = lock_job(job_id)
    order = CertificateOrder.objects.select_for_update(no_key=True).get(pk=order_id)
    if order.certificate_id or order.refused_because or not _is_labelled(job_id) or is_being_inspected(job_id):
        return False
    try:
        with transaction.atomic():
            order.certificate = begin_certificate(
                job_id=job.pk, terms=_terms_of(order).shares, per_class=order.per_class, by=MAKING
            )
            order.save(update_fields=["certificate"])
    except NotCertifiable as reason:
        order.certificate, order.refused_because = None, reason.message
        order.save(update_fields=["refused_because"])
        record(
            action="certificate.refused",
            subject=order,
            by=MAKING,
            why=reason.message,
            details={"job": str(job.pk)},
        )
    return True


def _terms_of(order: CertificateOrder) -> CertificateTerms:
    return CertificateTerms(
        target_basis_points=order.target_basis_points,
        assurance_basis_points=order.assurance_basis_points,
        per_class=order.per_class,
    )


def _is_labelled(job_id: UUID) -> bool:
    """Whether no task at work waits for its label, and some have one or none will."""
    work = Task.objects.filter(job_id=job_id, gold_question=None)
    if work.filter(state__in=[Task.State.OPEN, Task.State.IN_ADJUDICATION]).exists():
        return False
    return (
        work.filter(state=Task.State.RESOLVED).exists() or Job.objects.filter(pk=job_id, state__in=Job.ENDED).exists()
    )


def _issue(certificate_id: UUID) -> bool:
    try:
        issue_certificate(certificate_id=certificate_id, by=MAKING)
    except NotEarned:
        return False
    return True
