"""Certificates that clients order: with the job or later, made by themselves once all tasks have their label.

Experts' inspections cost the client nothing, and nothing about the job waits for them (docs/adr/0041).
"""

from dataclasses import dataclass
from math import ceil
from typing import Final
from uuid import UUID

from django.db import transaction

from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState
from kernel.models import User
from kernel.services.audit import Actor, record
from marketplace.models import Certificate, CertificateOrder, Job
from marketplace.queries import current_schema_of
from qualification.labels.schema import LabelSchema
from qualification.statistics.certificates.course import Terms
from qualification.statistics.certificates.plan import looks_expected

LEAST_BASIS_POINTS: Final = 5_000
MOST_BASIS_POINTS: Final = 9_900
"""Of what a client may ask for; beyond it experts would look at nearly everything."""

MOST_CLASSES: Final = 50
"""About which one certificate promises something."""


ONLY_CHOICES: Final = (
    "Certificates are about choices, where a label is right or wrong. This job asks for what is drawn or written, too."
)


class AlreadyOrdered(Refused):
    """A certificate of this job is ordered or in the making already."""

    code = "certificate_already_ordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateTerms:
    """What a client asks for: the share of right labels, how sure that must be, and whether in each class."""

    target_basis_points: int = 9_500
    assurance_basis_points: int = 9_500
    per_class: bool = True

    @property
    def shares(self) -> Terms:
        """The same as shares from 0 to 1."""
        return Terms(self.target_basis_points / 10_000, self.assurance_basis_points / 10_000)


@dataclass(frozen=True, slots=True)
class Inspections:
    """How many inspections a certificate takes: where no label is wrong, usually, and where as many as may be are."""

    low: int
    expected: int
    high: int


@transaction.atomic
def order_certificate(*, job_id: UUID, terms: CertificateTerms, by: User) -> CertificateOrder:
    """Ask for a certificate of a job, whatever its state.

    Raises NotFound, Invalid for terms out of range or for labels that are no choices, and AlreadyOrdered.
    """
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None:
        raise NotFound("job")
    for name, share in (("target", terms.target_basis_points), ("assurance", terms.assurance_basis_points)):
        if not LEAST_BASIS_POINTS <= share <= MOST_BASIS_POINTS:
            raise Invalid(
                f"The {name} is {share} basis points; it must be between {LEAST_BASIS_POINTS} and {MOST_BASIS_POINTS}."
            )
    if not current_schema_of(job.pk).asks_only_choices:
        raise Invalid(ONLY_CHOICES)
    waiting = CertificateOrder.objects.filter(job=job, certificate=None, refused_because="")
    if waiting.exists() or is_being_inspected(job.pk):
        raise AlreadyOrdered("A certificate of this job is ordered or in the making already. Wait for that one first.")
    order = CertificateOrder.objects.create(
        job=job,
        target_basis_points=terms.target_basis_points,
        assurance_basis_points=terms.assurance_basis_points,
        per_class=terms.per_class,
    )
    told = {"target": terms.shares.target, "assurance": terms.shares.assurance, "per_class": terms.per_class}
    record(action="certificate.ordered", subject=order, by=Actor.user(by), details={"job": str(job.pk), **told})
    return order


def is_being_inspected(job_id: UUID) -> bool:
    """Whether a certificate of this job is in the making: its labels stand so long, but for what experts correct."""
    return Certificate.objects.filter(job=job_id, issued_at=None).exists()


def require_labels_may_grow(job: Job) -> None:
    """Raise WrongState while labels of a locked job are inspected: a certificate is about those that there were."""
    if is_being_inspected(job.pk):
        raise WrongState(
            f"Labels of job {job.pk} are being inspected for a certificate, which is about all of its tasks. It takes "
            f"new ones when the certificate is issued. {when_issued(job)} What cannot wait can be a job of its own."
        )


def when_issued(job: Job) -> str:
    """For a client: who issues the certificate that is in the making, when, and where they see how far it is."""
    ordered = CertificateOrder.objects.filter(certificate__job=job, certificate__issued_at=None)
    who = "It is issued by itself" if ordered.exists() else "An admin issues it"
    return f"{who} once experts have looked at enough labels; the certificate of the job shows how far they are."


def inspections_expected(*, order: CertificateOrder, tasks: int, schema: LabelSchema, confidence: float) -> Inspections:
    """How many labels experts are likely to look at, in a job with so many tasks, resolved at this confidence.

    As if all classes had as many labels. Labels that are resolved at 0.95 are wrong in 5% of cases at most, and
    usually, as most are surer than they have to be, in half as many.
    """
    classes = min(schema.possible_answers, MOST_CLASSES, tasks) if order.per_class else 1
    if not classes:
        return Inspections(0, 0, 0)
    labels = ceil(tasks / classes)
    terms = CertificateTerms(
        target_basis_points=order.target_basis_points, assurance_basis_points=order.assurance_basis_points
    ).shares

    def looks(share_of_doubt: float) -> int:
        wrong = round(labels * (1 - confidence) * share_of_doubt)
        return min(tasks, classes * looks_expected(terms, labels=labels, wrong=wrong, classes=classes))

    return Inspections(looks(0.0), looks(0.5), looks(1.0))
