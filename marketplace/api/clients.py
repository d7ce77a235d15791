"""Clients over HTTP: organisations that post work, and the people who act for them."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import fields
from kernel.api.operations import operation
from kernel.api.serializers import In, Out, Query
from kernel.api.views import ApiView
from kernel.errors import NotFound
from marketplace.access import find_client
from marketplace.models import Client, Membership
from marketplace.services.clients import change_role, create_client, remove_member
from marketplace.services.rights import GRANTS, LastOwner

CLIENT_ID = "c1f0a2b4-3d5e-4f60-8a9b-0c1d2e3f4a5b"
USER_ID = "0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11"


class ClientIn(In):
    """A client to be."""

    EXAMPLE = {"name": "Museum of Handwriting", "country": "GB"}
    name = fields.LineField(max_length=120)
    country = fields.LineField(max_length=2, help_text="Where it is registered: ISO 3166-1 alpha-2.")


class ClientOut(Out):
    """A client."""

    EXAMPLE = {"id": CLIENT_ID, **ClientIn.EXAMPLE, "created_at": "2026-05-17T12:00:00Z"}
    id = fields.UUIDField()
    name = fields.LineField()
    country = fields.LineField()
    created_at = fields.DateTimeField()


class ClientQuery(Query):
    """Which clients."""

    name = fields.LineField(required=False, max_length=120, help_text="A part of the name, in any case.")


class PersonOut(Out):
    """A person of one's own organisation."""

    id = fields.UUIDField()
    email = fields.EmailField()
    display_name = fields.LineField()


class MemberOut(Out):
    """A person who acts for a client."""

    EXAMPLE = {
        "id": "8e7d6c5b-4a39-4281-9706-f5e4d3c2b1a0",
        "user": {"id": USER_ID, "email": "ada@example.org", "display_name": "Ada"},
        "role": "member",
        "may": list(GRANTS[Membership.Role.MEMBER]),
        "created_at": "2026-05-17T12:00:00Z",
    }
    id = fields.UUIDField()
    user = PersonOut()
    role = fields.ChoiceField(choices=Membership.Role.choices)
    may = fields.SerializerMethodField(help_text="What this role may do for the client.")
    created_at = fields.DateTimeField()

    def get_may(self, membership: Membership) -> list[str]:
        """The permissions of the role."""
        return list(GRANTS[Membership.Role(membership.role)])


class RoleIn(In):
    """What a member shall be."""

    EXAMPLE = {"role": "owner"}
    role = fields.ChoiceField(
        choices=Membership.Role.choices,
        help_text="A member posts and reviews jobs; an owner also moves money and decides who is a member.",
    )


class ClientsView(ApiView):
    """Clients."""

    @operation("List clients", query=ClientQuery, answer=ClientOut, paged=True)
    def get(self, request: Request) -> Response:
        """The clients that one acts for, the newest first; an admin sees all. For everybody else the list is empty."""
        rows = self.permit.among(Client.objects.all())
        if name := self.read_query().get("name"):
            rows = rows.filter(name__icontains=name)
        return self.page(rows, ClientOut, order_by=("-created_at", "-id"))

    @operation("Create a client", body=ClientIn, answer=ClientOut, status=201, creates=True)
    def post(self, request: Request) -> Response:
        """Makes an organisation. Whoever creates it is its first owner; there is nothing to pay yet."""
        return self.answer(ClientOut(create_client(**self.read_body(), owner=self.user)), status=201)


class ClientView(ApiView):
    """One client."""

    @operation("Show a client", answer=ClientOut, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """A client that one acts for; any for an admin."""
        return self.answer(ClientOut(find_client(client_id, permit=self.permit)))


class MembersView(ApiView):
    """Who acts for a client."""

    @operation("List members", answer=MemberOut, paged=True, errors=[NotFound])
    def get(self, request: Request, client_id: UUID) -> Response:
        """Everybody who acts for the client, in the order in which they came."""
        client = find_client(client_id, permit=self.permit)
        rows = Membership.objects.filter(client=client).select_related("user")
        return self.page(rows, MemberOut, order_by=("created_at", "id"))


class MemberView(ApiView):
    """One member."""

    @operation("Remove a member", errors=[NotFound, LastOwner])
    def delete(self, request: Request, client_id: UUID, member_id: UUID) -> Response:
        """For owners; anybody may remove themselves. A client keeps at least one owner.

        Open invitations to them, and those that they gave, end.
        """
        members = Membership.objects.filter(client=client_id).select_related("client")
        member = self.permit.find(members, member_id, noun="member", seen_in="list_members")
        remove_member(client=member.client, membership_id=member_id, by=self.user)
        return self.answer()


class MemberRoleView(ApiView):
    """What a member is."""

    @operation("Change a member's role", body=RoleIn, answer=MemberOut, errors=[NotFound, LastOwner])
    def put(self, request: Request, client_id: UUID, member_id: UUID) -> Response:
        """For owners, in person. Makes a member an owner, or an owner a member; one owner stays."""
        members = Membership.objects.filter(client=client_id).select_related("client")
        found = self.permit.find(members, member_id, noun="member", seen_in="list_members")
        member = change_role(client=found.client, membership_id=member_id, by=self.user, **self.read_body())
        return self.answer(MemberOut(member))
