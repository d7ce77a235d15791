"""Somebody who is asked to act for a client, and what is answered about an invitation that is not there."""

from marketplace.models import Client, Invitation
from marketplace.services.invitations import invite_member
from tests.marketplace.builders import owner_of

NO_INVITATION = (404, {"code": "not_found", "message": "There is no such invitation."})
STRANGER = "nobody.here@example.org"


def asked(client: Client, *, email: str, role: str = "member") -> Invitation:
    return invite_member(client=client, email=email, role=role, by=owner_of(client))


def open_ones(client: Client) -> list[str]:
    return sorted(client.invitations.filter(state="open").values_list("email", flat=True))
