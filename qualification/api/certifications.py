"""Certifications over HTTP: workers follow their own and ask for them, admins see all and decide."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from qualification.api.exams import EXAM_ID
from qualification.api.skills import SKILL_ID
from qualification.models import Certification
from qualification.services.admission import AlreadyCertified, RetryLater, WorkerMayNotWork
from qualification.services.certifications import (
    LONGEST_REASON,
    ExamDecides,
    deny_certification,
    grant_certification,
    request_certification,
    revoke_certification,
)
from workforce.api.base import WorkersOwnView
from workforce.services.persons import OwnCase

CERTIFICATION_ID = "e708192a-3b4c-4d5e-8f60-718293a4b5c6"
WORKER_ID = "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9"


class CertificationOut(Out):
    """A certification, from the request for it to its end."""

    EXAMPLE = {
        "id": CERTIFICATION_ID,
        "worker": WORKER_ID,
        "skill": SKILL_ID,
        "exam": EXAM_ID,
        "state": "granted",
        "requested_at": "2026-05-17T12:20:00Z",
        "granted_at": "2026-05-17T12:20:00Z",
        "expires_at": "2027-05-17T12:20:00Z",
        "ended_at": None,
        "reason": "",
    }
    id = fields.UUIDField()
    worker = fields.UUIDField(source="worker_id")
    skill = fields.UUIDField(source="skill_id")
    exam = fields.UUIDField(source="exam_id", allow_null=True, help_text="The exam that earned it, if one did.")
    state = fields.ChoiceField(choices=Certification.State.choices)
    requested_at = fields.DateTimeField()
    granted_at = fields.DateTimeField(allow_null=True)
    expires_at = fields.DateTimeField(allow_null=True, help_text="Null with `granted_at` given: it does not expire.")
    ended_at = fields.DateTimeField(allow_null=True, help_text="When it was denied, revoked or over.")
    reason = fields.TextField(help_text="Why it was denied or revoked.")


class CertificationQuery(Query):
    """Which certifications."""

    state = fields.ChoiceField(choices=Certification.State.choices, required=False)
    skill = fields.UUIDField(required=False)
    worker = fields.UUIDField(required=False)


class CertificationRequestIn(In):
    """The skill that is asked for."""

    EXAMPLE = {"skill": SKILL_ID}
    skill = fields.UUIDField()


class AdverseDecisionIn(In):
    """Why a certification is denied or revoked."""

    EXAMPLE = {"reason": "The sample did not follow the instructions."}
    reason = fields.TextField(max_length=LONGEST_REASON, help_text="The worker reads it.")


class CertificationsView(WorkersOwnView):
    """The certifications that one may see."""

    @operation("List certifications", query=CertificationQuery, answer=CertificationOut, paged=True)
    def get(self, request: Request) -> Response:
        """One's own, or for admins everybody's; the newest first."""
        asked = {f"{name}_id" if name != "state" else name: value for name, value in self.read_query().items()}
        return self.page(
            self.permit.among(Certification.objects.all()).filter(**asked),
            CertificationOut,
            order_by=("-requested_at", "-id"),
        )

    @operation(
        "Ask for a certification",
        body=CertificationRequestIn,
        answer=CertificationOut,
        status=201,
        creates=True,
        errors=[NotFound, ExamDecides, WorkerMayNotWork, AlreadyCertified, RetryLater],
    )
    def post(self, request: Request) -> Response:
        """For workers, and for skills that an admin grants. While a request waits, this gives the same one again."""
        certification = request_certification(worker=self.worker, skill_id=self.read_body()["skill"])
        return self.answer(CertificationOut(certification), status=201)


class CertificationView(ApiView):
    """One certification."""

    @operation("Show a certification", answer=CertificationOut, errors=[NotFound])
    def get(self, request: Request, certification_id: UUID) -> Response:
        """One's own, or for admins anybody's."""
        return self.answer(CertificationOut(self.permit.among(Certification.objects.all()).get(pk=certification_id)))


class GrantView(ApiView):
    """The grant of one certification."""

    @operation("Grant a certification", answer=CertificationOut, errors=[NotFound, WrongState, OwnCase])
    def post(self, request: Request, certification_id: UUID) -> Response:
        """Grants one that waits. It counts for as long as its skill says, in place of one that it renews."""
        granted = grant_certification(certification_id=certification_id, by=self.actor)
        return self.answer(CertificationOut(granted))


class DenialView(ApiView):
    """The denial of one certification."""

    @operation(
        "Deny a certification", body=AdverseDecisionIn, answer=CertificationOut, errors=[NotFound, WrongState, OwnCase]
    )
    def post(self, request: Request, certification_id: UUID) -> Response:
        """Denies one that waits. The worker may try again after the skill's retry delay."""
        denied = deny_certification(certification_id=certification_id, by=self.actor, **self.read_body())
        return self.answer(CertificationOut(denied))


class RevocationView(ApiView):
    """The revocation of one certification."""

    @operation(
        "Revoke a certification",
        body=AdverseDecisionIn,
        answer=CertificationOut,
        errors=[NotFound, WrongState, OwnCase],
    )
    def post(self, request: Request, certification_id: UUID) -> Response:
        """Takes a granted one away; the score of the moment is kept with the decision. What was earned is not touched.

        The worker may try again after the skill's retry delay; then an admin decides, whatever the skill's rule.
        """
        revoked = revoke_certification(certification_id=certification_id, by=self.actor, **self.read_body())
        return self.answer(CertificationOut(revoked))
