"""Invitations to become an admin over HTTP: given by the role access, redeemed by whoever was given the token."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.admin_roles import ADMIN_ROLES
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.people import UserOut
from kernel.api.serializers import In, Out
from kernel.api.throttles import SignInThrottle
from kernel.api.views import ApiView
from kernel.errors import NotFound
from kernel.models import AdminInvitation
from kernel.services.admin_invitations import InvitationOver, invite_admin, redeem_invitation, withdraw_invitation
from kernel.services.signing_up import EmailTaken


class AdminInvitationIn(In):
    """What somebody is invited to."""

    EXAMPLE = {"roles": ["finance", "auditor"]}
    roles = fields.ListField(
        child=fields.ChoiceField(choices=list(ADMIN_ROLES)),
        min_length=1,
        max_length=len(ADMIN_ROLES),
        help_text=" ".join(f"`{name}`: {about}" for name, about in ADMIN_ROLES.items()),
    )


class AdminInvitationOut(Out):
    """An invitation to become an admin."""

    EXAMPLE = {
        "id": "3c2b1a09-8f7e-4d6c-9b5a-4f3e2d1c0b9a",
        "roles": ["finance", "auditor"],
        "invited_by": "5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d",
        "invited_at": "2026-05-17T12:00:00Z",
        "expires_at": "2026-05-18T12:00:00Z",
        "withdrawn_at": None,
        "redeemed_at": None,
        "redeemed_by": None,
    }
    id = fields.UUIDField()
    roles = fields.ListField(child=fields.ChoiceField(choices=list(ADMIN_ROLES)))
    invited_by = fields.UUIDField(
        source="invited_by_id", allow_null=True, help_text="Null for one that was made on the command line."
    )
    invited_at = fields.DateTimeField()
    expires_at = fields.DateTimeField()
    withdrawn_at = fields.DateTimeField(allow_null=True)
    redeemed_at = fields.DateTimeField(allow_null=True)
    redeemed_by = fields.UUIDField(source="redeemed_by_id", allow_null=True, help_text="Who became an admin by it.")


class NewAdminInvitationOut(AdminInvitationOut):
    """An invitation with its token, which is shown only here."""

    EXAMPLE = {**AdminInvitationOut.EXAMPLE, "token": "ai_8FqQm3kTnD2p5Yw0yT4mJx8uYQvRr1nS6bB0aH7cKdE"}
    token = fields.LineField(help_text="Hand it over yourself, to nobody but whom you mean.")


class RedeemIn(In):
    """Who was invited."""

    EXAMPLE = {
        "token": "ai_8FqQm3kTnD2p5Yw0yT4mJx8uYQvRr1nS6bB0aH7cKdE",
        "email": "ada@example.org",
        "password": "correct horse battery staple",
        "display_name": "Ada",
    }
    token = fields.SecretField()
    email = fields.EmailField()
    password = fields.NewPasswordField(
        help_text="At least 12 characters, not a common one, not like the e-mail address."
    )
    display_name = fields.LineField(max_length=100)


class InvitationsView(ApiView):
    """Who was invited to become an admin."""

    @operation("List admin invitations", answer=AdminInvitationOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every invitation, the latest first, with those that are over."""
        rows = self.permit.among(AdminInvitation.objects.all())
        return self.page(rows, AdminInvitationOut, order_by=("-invited_at", "-id"))

    @operation("Invite an admin", body=AdminInvitationIn, answer=NewAdminInvitationOut, status=201)
    def post(self, request: Request) -> Response:
        """Makes a token by which one person may become an admin with these roles, once, within 24 hours.

        It ends before when whoever gave it loses the role `access`.
        """
        invitation, token = invite_admin(roles=self.read_body()["roles"], by=self.actor)
        invitation.token = token  # type: ignore[attr-defined]  # shown beside its fields, and never kept
        return self.answer(NewAdminInvitationOut(invitation), status=201)


class InvitationView(ApiView):
    """One invitation."""

    @operation("Withdraw an admin invitation", errors=[NotFound, InvitationOver])
    def delete(self, request: Request, admin_invitation_id: UUID) -> Response:
        """Takes back an invitation that nobody has used."""
        withdraw_invitation(invitation_id=admin_invitation_id, by=self.actor)
        return self.answer()


class RedeemView(ApiView):
    """Whoever was invited."""

    authentication_classes = []
    throttle_classes = [SignInThrottle]

    @operation(
        "Redeem an admin invitation",
        body=RedeemIn,
        answer=UserOut,
        status=201,
        errors=[InvitationOver, EmailTaken],
        public=True,
    )
    def post(self, request: Request) -> Response:
        """Makes a new user with the roles of the invitation, and sends a mail to confirm the address with.

        The roles count once it is confirmed, and a second factor was added and shown. Only the first user of an
        installation need not confirm.
        """
        return self.answer(UserOut(redeem_invitation(**self.read_body())), status=201)
