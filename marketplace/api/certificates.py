"""What is promised of a job's labels, over HTTP: ordered, followed, taken away as a signed text."""

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import Out
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound, Refused
from kernel.services.audit_log import signing_key
from marketplace.access import find_job
from marketplace.api.certificate_shapes import CertificateTermsIn
from marketplace.models import Job
from marketplace.services.certificate_orders import AlreadyOrdered, CertificateTerms, order_certificate
from marketplace.services.certificate_standing import STATES, Standing, standing_of

HOW_TO_VERIFY: Final = (
    "The file is one line of JSON, an empty line, and an Ed25519 signature of the line in the form of signed notes. "
    "Run `manage.py certificate verify FILE --key {key}` on any installation: it checks the signature, that tasks were "
    "drawn in the order of the seed, and computes every bound anew from the inspections. With `--results` and the "
    "job's results as downloaded it says whether the certificate is about these labels."
)


class NotIssued(Refused):
    """The certificate is not issued yet; its state says how far it is."""

    code = "certificate_not_issued"


class LooksOut(Out):
    """What experts have looked at so far."""

    made = fields.IntegerField()
    wrong = fields.IntegerField(help_text="Labels that were wrong, and are corrected.")
    waiting = fields.IntegerField(help_text="Inspections that wait for an expert.")


class ClassOut(Out):
    """What can be promised of the labels of one class now."""

    says = fields.TextField(help_text="As a JSON object from question to choices; empty for all labels together.")
    labels = fields.IntegerField(help_text="How many tasks have this label.")
    looks = fields.IntegerField(help_text="How many of them experts have looked at, without a gap.")
    wrong = fields.IntegerField(help_text="How many of those were wrong, and are corrected.")
    wrong_at_most = fields.IntegerField(help_text="How many of the rest may be wrong still.")
    wrong_allowed = fields.IntegerField(help_text="How many may be, by what was ordered.")
    right_at_least = fields.FloatField(help_text="The same as a share of right labels, 0 to 1.")
    is_kept = fields.BooleanField(help_text="Whether that is as much as was ordered.")


class CertificateOut(Out):
    """How far the certificate of a job is, and what can be promised so far."""

    EXAMPLE = {
        "state": "issued",
        "target_basis_points": 9500,
        "assurance_basis_points": 9500,
        "per_class": True,
        "ordered_at": "2026-05-17T12:00:00Z",
        "begun_at": "2026-05-18T12:00:00Z",
        "issued_at": "2026-05-20T09:30:00Z",
        "refused_because": "",
        "inspections": {"made": 156, "wrong": 1, "waiting": 0},
        "classes": [
            {
                "says": '{"animal":["cat"]}',
                "labels": 1000,
                "looks": 78,
                "wrong": 0,
                "wrong_at_most": 50,
                "wrong_allowed": 50,
                "right_at_least": 0.95,
                "is_kept": True,
            }
        ],
        "public_key": "assay.example.org+5e1a2b3c+AbC…",
        "how_to_verify": "Save the file …",
    }
    state = fields.ChoiceField(
        choices=STATES,
        help_text="`waiting`: tasks have no label yet. `inspecting`: experts look at labels. `issued`, or `refused`.",
    )
    target_basis_points = fields.IntegerField(help_text="The share of labels that is to be right.")
    assurance_basis_points = fields.IntegerField(help_text="How sure that must be.")
    per_class = fields.BooleanField(help_text="Of the labels of each class, not only of all together.")
    ordered_at = fields.DateTimeField(allow_null=True, help_text="Null where an admin began it.")
    begun_at = fields.DateTimeField(allow_null=True)
    issued_at = fields.DateTimeField(allow_null=True)
    refused_because = fields.TextField(help_text="Why nothing can be promised; else empty.")
    inspections = LooksOut()
    classes = ClassOut(many=True)
    public_key = fields.LineField(help_text="With which this installation signs now.")
    how_to_verify = fields.TextField()


class CertificateView(ApiView):
    """The certificate of a job."""

    @operation("Show a job's certificate", answer=CertificateOut, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """How far the last one is that was ordered, or begun by an admin; what can be promised of each class so far."""
        job = find_job(job_id, permit=self.permit)
        return self.answer(CertificateOut(_shown(_standing(job))))

    @operation(
        "Order a certificate of a job",
        body=CertificateTermsIn,
        answer=CertificateOut,
        status=201,
        creates=True,
        errors=[NotFound, Invalid, AlreadyOrdered],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Has experts certify the labels, of a job of any state: it begins by itself when all tasks have a label.

        The same as `certificate` when the job is posted. Only for choices. It costs nothing beyond the job, and neither
        the job's end nor its refund waits for it; while labels are inspected, the job takes no new tasks.
        """
        find_job(job_id, permit=self.permit)
        order_certificate(job_id=job_id, terms=CertificateTerms(**self.read_body()), by=self.user)
        job = find_job(job_id, permit=self.permit)
        return self.answer(CertificateOut(_shown(_standing(job))), status=201)


class CertificateFileView(ApiView):
    """A certificate, to be kept."""

    @operation(
        "Download a job's certificate",
        answer=OpenApiResponse(
            OpenApiTypes.BINARY,
            description="One line of JSON, an empty line, and its signature.",
            examples=[OpenApiExample("The file", value='{"kind":"assay certificate 1",…}\n\n— origin wXyZ…\n')],
        ),
        media_type="text/plain",
        errors=[NotFound, NotIssued],
    )
    def get(self, request: Request, job_id: UUID) -> HttpResponse:
        """The certificate that was issued last: terms, draw, every inspection, a hash over all labels, signed.

        `manage.py certificate verify` checks it on any installation, without a database.
        """
        job = find_job(job_id, permit=self.permit)
        issued = job.certificates.exclude(issued_at=None).order_by("-issued_at", "-pk").first()
        if issued is None:
            raise NotIssued(_why_not_issued(_standing(job)))
        answer = HttpResponse(issued.note, content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="certificate-{job.pk}.txt"'
        return answer


def _why_not_issued(found: Standing) -> str:
    if found.state == "refused":
        return f"The certificate that was ordered cannot be issued. {found.refused_because}"
    if found.state == "waiting":
        return "The certificate of this job is not begun yet. It begins by itself when all tasks have their label."
    return (
        f"The certificate of this job is not issued yet. Experts have looked at {found.made} labels so far, and "
        f"{found.waiting} more wait for them."
    )


def _standing(job: Job) -> Standing:
    found = standing_of(job)
    if found is None:
        raise NotFound("certificate: none was ordered or begun for this job")
    return found


def _shown(found: Standing) -> dict[str, Any]:
    key = str(signing_key().public)
    return {
        **asdict(found),
        "inspections": {"made": found.made, "wrong": found.wrong, "waiting": found.waiting},
        "public_key": key,
        "how_to_verify": HOW_TO_VERIFY.format(key=key),
    }
