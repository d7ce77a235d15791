"""Applications over HTTP: a person applies and follows their own; admins see all and decide."""

from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.flow import WrongState
from kernel.permit import Permit
from kernel.services.admin_roles import IsAdmin
from kernel.services.subject_keys import KeyDestroyed
from workforce.api.workers import ReasonIn, WorkerOut
from workforce.identity_data import LONGEST_ADDRESS, LONGEST_NAME, IdentityData
from workforce.models import Application
from workforce.queries import with_shared_tax_id
from workforce.services.applying import (
    LONGEST_NOTE,
    LONGEST_REASON,
    MOST_LANGUAGES,
    TERMS_VERSION,
    AlreadyApplied,
    AlreadyWorker,
    TermsOutdated,
    apply,
    approve_application,
    decline_application,
)
from workforce.services.persons import OwnCase

APPLICATION_ID = "0f9c2d1e-5b7a-4c3d-9e8f-1a2b3c4d5e6f"


class IdentityIn(In):
    """Who a person is. It is sealed at once; no operation shows it again but an admin's identity reading."""

    EXAMPLE = {
        "legal_name": "Ada Byron",
        "address": "12 St James's Square\nLondon SW1Y 4JH",
        "birth_date": "1985-12-10",
    }
    legal_name = fields.LineField(max_length=LONGEST_NAME, help_text="As it stands on a document.")
    address = fields.TextField(max_length=LONGEST_ADDRESS, help_text="As a letter would need it, in lines.")
    birth_date = fields.DateField(help_text="Workers are at least 18 years old.")
    tax_id = fields.LineField(
        max_length=50, required=False, help_text="5 to 20 letters and digits, however separated. May come later."
    )


class ApplicationIn(In):
    """What a person sends who wants to work here."""

    EXAMPLE = {
        "country": "GB",
        "languages": ["en", "pt-BR"],
        "note": "I have read old handwriting for years.",
        "terms_version": TERMS_VERSION,
        "identity": IdentityIn.EXAMPLE,
    }
    country = fields.LineField(max_length=2, help_text="Where the person lives: ISO 3166-1 alpha-2.")
    languages = fields.ListField(
        child=fields.LineField(max_length=10),
        min_length=1,
        max_length=MOST_LANGUAGES,
        help_text="Codes such as en or pt-BR, the best spoken first.",
    )
    note = fields.TextField(
        max_length=LONGEST_NOTE, required=False, allow_blank=True, help_text="What else the admins should know."
    )
    terms_version = fields.LineField(
        max_length=20, help_text=f"The terms that the person accepts by this. In force: {TERMS_VERSION}."
    )
    identity = IdentityIn()


class ApplicationOut(Out):
    """An application. Nothing of the identity stands in it."""

    EXAMPLE = {
        "id": APPLICATION_ID,
        "user": "0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11",
        "state": "submitted",
        "country": "GB",
        "languages": ["en", "pt-BR"],
        "note": "I have read old handwriting for years.",
        "terms_version": TERMS_VERSION,
        "submitted_at": "2026-05-17T12:00:00Z",
        "decided_at": None,
        "decision_reason": "",
    }
    id = fields.UUIDField()
    user = fields.UUIDField(source="user_id")
    state = fields.ChoiceField(choices=Application.State.choices)
    country = fields.LineField()
    languages = fields.ListField(child=fields.LineField())
    note = fields.TextField()
    terms_version = fields.LineField()
    submitted_at = fields.DateTimeField()
    decided_at = fields.DateTimeField(allow_null=True)
    decision_reason = fields.TextField(help_text="Why it was declined; empty before.")


class ExaminedApplicationOut(ApplicationOut):
    """An application, with what only those see who decide about it."""

    EXAMPLE = {**ApplicationOut.EXAMPLE, "shares_tax_id": False}
    shares_tax_id = fields.BooleanField(
        required=False,
        help_text="For admins: whether somebody else gave the same tax id, a reason to look and no verdict.",
    )


class ApplicationQuery(Query):
    """Which applications."""

    state = fields.ChoiceField(choices=Application.State.choices, required=False)


class ApprovalIn(In):
    """An approval."""

    EXAMPLE = {"reason": "Document checked."}
    reason = fields.TextField(max_length=LONGEST_REASON, required=False, allow_blank=True, help_text="For the record.")


class ApplicationsView(ApiView):
    """Applications."""

    @operation("List applications", query=ApplicationQuery, answer=ExaminedApplicationOut, paged=True)
    def get(self, request: Request) -> Response:
        """One's own applications, the newest first; an admin sees everybody's."""
        rows = visible_applications(self.permit).filter(**self.read_query())
        return self.page(rows, ExaminedApplicationOut, order_by=("-submitted_at", "-id"))

    @operation(
        "Apply to work here",
        body=ApplicationIn,
        answer=ApplicationOut,
        status=201,
        creates=True,
        errors=[AlreadyApplied, AlreadyWorker, TermsOutdated, KeyDestroyed, IsAdmin],
    )
    def post(self, request: Request) -> Response:
        """Asks to become a worker. An admin decides; after a refusal one may apply again.

        The identity is sealed under the person's own key, in a table apart from all else. The tax id may come later.
        """
        asked = self.read_body()
        identity = IdentityData(**asked.pop("identity"))
        return self.answer(ApplicationOut(apply(user=self.user, identity=identity, **asked)), status=201)


class ApplicationView(ApiView):
    """One application."""

    @operation("Show an application", answer=ExaminedApplicationOut, errors=[NotFound])
    def get(self, request: Request, application_id: UUID) -> Response:
        """One of one's own applications; any for an admin."""
        return self.answer(ExaminedApplicationOut(visible_applications(self.permit).get(pk=application_id)))


class ApprovalView(ApiView):
    """Approval of an application."""

    @operation(
        "Approve an application",
        body=ApprovalIn,
        answer=WorkerOut,
        status=201,
        creates=True,
        errors=[NotFound, WrongState, OwnCase, IsAdmin],
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """Makes the person an active worker, which is the answer. Nobody approves their own application."""
        why = self.read_body().get("reason", "")
        worker = approve_application(application_id=application_id, why=why, by=self.actor)
        return self.answer(WorkerOut(worker), status=201)


class DeclineView(ApiView):
    """Refusal of an application."""

    @operation(
        "Decline an application",
        body=ReasonIn,
        answer=ExaminedApplicationOut,
        creates=True,
        errors=[NotFound, WrongState, OwnCase],
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """Declines, with a reason that the person is shown."""
        decline_application(application_id=application_id, by=self.actor, **self.read_body())
        return self.answer(ExaminedApplicationOut(visible_applications(self.permit).get(pk=application_id)))


def visible_applications(permit: Permit) -> QuerySet[Application]:
    """The applications that the policy opens; with ``shares_tax_id`` for who may read it."""
    rows = permit.among(Application.objects.all())
    return with_shared_tax_id(rows) if "shares_tax_id" in permit.reads else rows
