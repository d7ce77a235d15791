"""Admin roles over HTTP: who looks after what for the platform, granted and withdrawn by the role access."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.admin_roles import ADMIN_ROLES
from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.email_address import email_to_look_up
from kernel.errors import Invalid, NotFound
from kernel.models import AdminRole, User
from kernel.services.admin_roles import (
    CannotBeAdmin,
    LastAccessAdmin,
    OwnRoles,
    grant_admin_role,
    withdraw_admin_role,
)

ADMIN_ROLE_ID = "9b1d3c5e-7f20-4a4b-8c6d-0e2f4a6b8c1d"
USER_ID = "0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11"


class AdminOut(Out):
    """A person who holds an admin role."""

    id = fields.UUIDField()
    email = fields.EmailField()
    display_name = fields.LineField()


class AdminRoleOut(Out):
    """That a person holds an admin role."""

    EXAMPLE = {
        "id": ADMIN_ROLE_ID,
        "user": {"id": USER_ID, "email": "ada@example.org", "display_name": "Ada"},
        "role": "finance",
        "granted_by": "5d0f7e0a-4f39-4a63-8f0f-0c1d2a3b4c5d",
        "granted_at": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    user = AdminOut()
    role = fields.ChoiceField(choices=list(ADMIN_ROLES))
    granted_by = fields.UUIDField(
        source="granted_by_id", allow_null=True, help_text="Null for a role that was granted on the command line."
    )
    granted_at = fields.DateTimeField()


class AdminRoleIn(In):
    """A role for somebody."""

    EXAMPLE = {"email": "ada@example.org", "role": "finance", "why": "Grace is on leave."}
    email = fields.EmailField(help_text="Of somebody who has signed up.")
    role = fields.ChoiceField(
        choices=list(ADMIN_ROLES), help_text=" ".join(f"`{name}`: {about}" for name, about in ADMIN_ROLES.items())
    )
    why = fields.TextField(max_length=1000, required=False, allow_blank=True, help_text="For the record.")


class AdminRoleQuery(Query):
    """Which admin roles."""

    role = fields.ChoiceField(choices=list(ADMIN_ROLES), required=False)
    user = fields.UUIDField(required=False)


class AdminRolesView(ApiView):
    """Who is an admin, and what for."""

    @operation("List admin roles", query=AdminRoleQuery, answer=AdminRoleOut, paged=True)
    def get(self, request: Request) -> Response:
        """Every role that somebody holds, the latest first. Those that were withdrawn stand in the audit trail."""
        asked = self.read_query()
        if "user" in asked:
            asked["user_id"] = asked.pop("user")
        rows = self.permit.among(AdminRole.objects.select_related("user")).filter(**asked)
        return self.page(rows, AdminRoleOut, order_by=("-granted_at", "-id"))

    @operation(
        "Grant an admin role",
        body=AdminRoleIn,
        answer=AdminRoleOut,
        status=201,
        creates=True,
        errors=[OwnRoles, CannotBeAdmin],
    )
    def post(self, request: Request) -> Response:
        """Lets somebody hold an admin role; granting it again changes nothing. Nobody changes their own roles.

        It counts in sessions that have passed a second factor. A worker cannot be an admin: admins can read the
        questions that test workers.
        """
        asked = self.read_body()
        user = User.objects.filter(email=email_to_look_up(asked["email"]), is_active=True).first()
        if user is None:
            message = "Nobody has signed up with this e-mail address. Ask them to sign up first."
            raise Invalid(message, [{"field": "email", "message": message}])
        granted = grant_admin_role(user_id=user.pk, role=asked["role"], why=asked.get("why", ""), by=self.actor)
        return self.answer(AdminRoleOut(granted), status=201)


class AdminRoleView(ApiView):
    """One role that somebody holds."""

    @operation("Withdraw an admin role", errors=[NotFound, OwnRoles, LastAccessAdmin])
    def delete(self, request: Request, admin_role_id: UUID) -> Response:
        """Takes the role away at once; the person's sessions end. The last admin with the role access stays."""
        withdraw_admin_role(admin_role_id=admin_role_id, by=self.actor)
        return self.answer()
