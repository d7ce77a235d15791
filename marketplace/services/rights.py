"""Rights on clients and jobs as they come and go: memberships, the permissions behind roles, and their audit events.

Whatever changes who may act for a client holds the client's row, so that such changes wait for each other. The lock
stands before that of an invitation, and is held together with no lock of a job.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from guardian.shortcuts import assign_perm, remove_perm

from kernel.errors import NotAllowed, Refused
from kernel.models import User
from kernel.services.audit import Actor, record
from marketplace.access import ON_JOB
from marketplace.models import Client, Job, Membership

GRANTS: Final = {
    Membership.Role.OWNER: ("view_client", "post_jobs", "fund_client", "manage_members"),
    Membership.Role.MEMBER: ("view_client", "post_jobs"),
}


class LastOwner(Refused):
    """A client keeps at least one owner."""

    code = "last_owner"


def lock_client(client_id: UUID) -> Client:
    """The client, held until the end of the transaction."""
    return Client.objects.select_for_update(no_key=True).get(pk=client_id)


def is_owner(user: User, *, client: Client) -> bool:
    """Whether somebody owns the client now."""
    return Membership.objects.filter(client=client, user=user, role=Membership.Role.OWNER).exists()


def require_owner(user: User, *, client: Client) -> None:
    """Raise NotAllowed unless somebody owns the locked client: who did when they asked may do so no more."""
    if not is_owner(user, client=client):
        raise NotAllowed("You may not do this with this client. It takes the role owner.")


def require_an_owner(client: Client) -> None:
    """Raise LastOwner when nobody owns the locked client any more."""
    if not Membership.objects.filter(client=client, role=Membership.Role.OWNER).exists():
        raise LastOwner("A client keeps at least one owner. Make somebody else an owner first.")


def join(
    *, client: Client, user: User, role: Membership.Role, by: User, details: Mapping[str, object] | None = None
) -> Membership:
    """Let somebody act for the locked client."""
    membership = Membership.objects.create(client=client, user=user, role=role)
    _grant(membership)
    record(action="membership.created", subject=membership, by=Actor.user(by), to_state=role, details=details)
    return membership


def leave(membership: Membership, *, by: User) -> None:
    """Let a member of a locked client no longer act for it."""
    _withdraw(membership)
    record(action="membership.removed", subject=membership, by=Actor.user(by), from_state=membership.role)
    membership.delete()


def turn_into(membership: Membership, role: Membership.Role, *, by: User) -> None:
    """Give a member of a locked client another role."""
    before = membership.role
    _withdraw(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    _grant(membership)
    record(action="membership.changed", subject=membership, by=Actor.user(by), from_state=before, to_state=role)


def let_onto_job(*, job: Job, user: User, role: str, by: User, details: Mapping[str, object]) -> None:
    """Let somebody look after one job in a role."""
    assign_perm(ON_JOB[role], user, job)
    told = {"user": str(user.pk), "role": role, **details}
    record(action="job.shared", subject=job, by=Actor.user(by), details=told)


def _grant(membership: Membership) -> None:
    for permission in GRANTS[Membership.Role(membership.role)]:
        assign_perm(permission, membership.user, membership.client)


def _withdraw(membership: Membership) -> None:
    for permission in GRANTS[Membership.Role.OWNER]:
        remove_perm(permission, membership.user, membership.client)
