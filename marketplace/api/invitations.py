"""Invitations over HTTP: owners ask people to act for a client or to look after a job, and those say yes or no."""

from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import ON_JOB, find_client, find_invitation, find_job
from marketplace.api.clients import CLIENT_ID, USER_ID, PersonOut
from marketplace.models import Invitation, Membership
from marketplace.services.invitations import (
    InvitationEnded,
    RoleHeld,
    TooManyInvitations,
    accept_invitation,
    decline_invitation,
    invite_member,
    invite_to_job,
    open_invitations,
    withdraw_invitation,
)

NEWEST_FIRST: Final = ("-created_at", "-id")


class MemberInvitationIn(In):
    """Somebody who shall act for the client."""

    EXAMPLE = {"email": "ada@example.org", "role": "member"}
    email = fields.EmailField(help_text="Whether it has an account here makes no difference.")
    role = fields.ChoiceField(
        choices=Membership.Role.choices,
        help_text="A member posts and reviews jobs; an owner also moves money and decides who is a member.",
    )


class JobInvitationIn(In):
    """Somebody who shall look after one job."""

    EXAMPLE = {"email": "grace@example.org", "role": "reviewer"}
    email = fields.EmailField(help_text="Whether it has an account here makes no difference.")
    role = fields.ChoiceField(
        choices=list(ON_JOB),
        help_text="`viewer`: sees it and its progress. `reviewer`: also reads, accepts and rejects answers. "
        "`manager`: sees it, imports, launches, pauses, resumes and cancels.",
    )


class InvitationOut(Out):
    """That somebody is asked to act for a client, or to look after one job of it."""

    EXAMPLE = {
        "id": "6f1e2d3c-4b5a-4978-8c6d-0e1f2a3b4c5d",
        "state": "open",
        "client": CLIENT_ID,
        "client_name": "Museum of Handwriting",
        "job": None,
        "job_title": None,
        "role": "member",
        "email": "grace@example.org",
        "invited_by": {"id": USER_ID, "email": "ada@example.org", "display_name": "Ada"},
        "created_at": "2026-05-17T12:00:00Z",
        "expires_at": "2026-05-31T12:00:00Z",
    }
    id = fields.UUIDField()
    state = fields.ChoiceField(choices=Invitation.State.choices)
    client = fields.UUIDField(source="client_id")
    client_name = fields.LineField(source="client.name")
    job = fields.UUIDField(source="job_id", allow_null=True, help_text="Null for an invitation to the client itself.")
    job_title = fields.LineField(source="job.title", default=None, allow_null=True)
    role = fields.ChoiceField(choices=Invitation.Role.choices)
    email = fields.LineField(help_text="Whom it is for. Empty a month after it has ended.")
    invited_by = PersonOut()
    created_at = fields.DateTimeField()
    expires_at = fields.DateTimeField(help_text="Until when it can be accepted.")


class InvitationsView(ApiView):
    """What one is asked oneself."""

    @operation("List invitations", answer=InvitationOut, paged=True)
    def get(self, request: Request) -> Response:
        """The open invitations to one's own confirmed e-mail address, the newest first."""
        rows = self.permit.among(open_invitations()).select_related("client", "job", "invited_by")
        return self.page(rows, InvitationOut, order_by=NEWEST_FIRST)


class InvitationView(ApiView):
    """One invitation."""

    @operation("Withdraw an invitation", errors=[NotFound, InvitationEnded])
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        """For owners of the client. Takes back an invitation that nobody has answered."""
        invitation = find_invitation(invitation_id, permit=self.permit)
        withdraw_invitation(invitation_id=invitation.pk, by=self.user)
        return self.answer()


class InvitationAcceptanceView(ApiView):
    """A yes."""

    @operation("Accept an invitation", answer=InvitationOut, errors=[NotFound, InvitationEnded, RoleHeld])
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Takes the role at once. In person, with the address that it names; sent again, it changes nothing more.

        Who acts for a client, or looks after a job, cannot work in its jobs.
        """
        invitation = find_invitation(invitation_id, permit=self.permit)
        return self.answer(InvitationOut(accept_invitation(invitation_id=invitation.pk, by=self.user)))


class InvitationRefusalView(ApiView):
    """A no."""

    @operation("Decline an invitation", answer=InvitationOut, errors=[NotFound, InvitationEnded])
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Ends the invitation; its client sees that it is not open any more."""
        invitation = find_invitation(invitation_id, permit=self.permit)
        return self.answer(InvitationOut(decline_invitation(invitation_id=invitation.pk, by=self.user)))


class ClientInvitationsView(ApiView):
    """Who is asked to act for a client."""

    @operation("List invitations of a client", answer=InvitationOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """For owners. The open invitations to act for the client, the newest first."""
        rows = open_invitations().filter(client=find_client(client_id, permit=self.permit), job=None)
        return self.page(rows.select_related("client", "invited_by"), InvitationOut, order_by=NEWEST_FIRST)

    @operation(
        "Invite a member",
        body=MemberInvitationIn,
        answer=InvitationOut,
        status=201,
        creates=True,
        errors=[NotFound, RoleHeld, TooManyInvitations],
    )
    def post(self, request: Request, client_id: UUID) -> Response:
        """For owners, in person. Asks whoever has an e-mail address to act for the client, by a mail, for 14 days.

        It answers the same whether or not the address has an account here. An open invitation of the same address to
        the client gives way to this one. Who acts for a client cannot work in its jobs.
        """
        client = find_client(client_id, permit=self.permit)
        return self.answer(InvitationOut(invite_member(client=client, by=self.user, **self.read_body())), status=201)


class JobInvitationsView(ApiView):
    """Who is asked to look after a job."""

    @operation("List invitations to a job", answer=InvitationOut, paged=True, errors=[NotFound])
    def get(self, request: Request, job_id: UUID) -> Response:
        """For owners of its client. The open invitations to this one job, the newest first."""
        rows = open_invitations().filter(job=find_job(job_id, permit=self.permit))
        return self.page(rows.select_related("client", "job", "invited_by"), InvitationOut, order_by=NEWEST_FIRST)

    @operation(
        "Share a job",
        body=JobInvitationIn,
        answer=InvitationOut,
        status=201,
        creates=True,
        errors=[NotFound, RoleHeld, TooManyInvitations],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """For owners of its client, in person. Asks whoever has an e-mail address to look after this job, by a mail.

        It answers the same whether or not the address has an account here. An open invitation of the same address to
        the job gives way to this one. Whoever is let onto a job cannot work in it.
        """
        job = find_job(job_id, permit=self.permit)
        return self.answer(InvitationOut(invite_to_job(job=job, by=self.user, **self.read_body())), status=201)
