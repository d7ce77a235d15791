"""Clients and their members: who acts for an organisation in which role, and who looks after which job no more."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kernel.errors import Invalid, NotFound
from kernel.models import User
from kernel.services.audit import Actor, record
from kernel.services.notices import tell
from kernel.text import clean_line
from marketplace.models import Client, Invitation, Job, JobUserObjectPermission, Membership
from marketplace.services.invitations import end_invitations
from marketplace.services.rights import join, leave, lock_client, require_an_owner, require_owner, turn_into
from workforce.countries import is_country


def tell_owners(*, client_id: UUID, notice: str, detail: str) -> None:
    """Owe each owner of a client a mail, in the caller's transaction (`kernel.services.notices`)."""
    owners = Membership.objects.filter(client=client_id, role=Membership.Role.OWNER).order_by("pk")
    for user_id in owners.values_list("user_id", flat=True):
        tell(user_id=user_id, notice=notice, detail=detail)


@transaction.atomic
def create_client(*, name: str, country: str, owner: User) -> Client:
    """A new client, with ``owner`` as its first member. Raises Invalid for a name or country that cannot be one."""
    if not is_country(country):
        raise Invalid(f"{country!r} is not a country. Write its two letters as in ISO 3166-1, such as US or DE.")
    client = Client.objects.create(name=clean_line(name, what="name", field="name", longest=120), country=country)
    record(action="client.created", subject=client, by=Actor.user(owner))
    join(client=client, user=owner, role=Membership.Role.OWNER, by=owner)
    return client


@transaction.atomic
def change_role(*, client: Client, membership_id: UUID, role: str, by: User) -> Membership:
    """Make a member an owner, or an owner a member, whose open invitations then end.

    Raises Invalid for what is no role, NotAllowed for who is no owner, NotFound, and LastOwner.
    """
    if role not in Membership.Role.values:
        raise Invalid(f"{role!r} is not a role. Possible: {', '.join(Membership.Role.values)}.")
    client = lock_client(client.pk)
    require_owner(by, client=client)
    membership = _members(client).filter(pk=membership_id).first()
    if membership is None:
        raise NotFound("member")
    if membership.role != role:
        turn_into(membership, Membership.Role(role), by=by)
        require_an_owner(client)
        end_invitations(_given_by(membership), by=by, why="who gave it owns the client no more")
    return membership


@transaction.atomic
def remove_member(*, client: Client, membership_id: UUID, by: User) -> None:
    """Let a member no longer act for ``client``; open invitations to them, and those that they gave, end.

    Raises NotFound, NotAllowed for who removes another and is no owner, and LastOwner.
    """
    client = lock_client(client.pk)
    membership = _members(client).filter(pk=membership_id).first()
    if membership is None:
        raise NotFound("member")
    if membership.user_id != by.pk:
        require_owner(by, client=client)
    given = _given_by(membership)
    leave(membership, by=by)
    require_an_owner(client)
    end_invitations(given, by=by, why="who gave it has left the client")
    end_invitations(client.invitations.filter(email=membership.user.email), by=by, why="whom it was for was removed")


@transaction.atomic
def unshare_job(*, job: Job, share_id: int, by: User) -> None:
    """Take one role at one job back from one person; open invitations of theirs to it end. Raises NotFound."""
    client = lock_client(job.client_id)
    require_owner(by, client=client)
    shares = JobUserObjectPermission.objects.select_related("permission", "user").filter(content_object=job)
    share = shares.filter(pk=share_id).first()
    if share is None:
        raise NotFound("share")
    share.delete()
    details = {"user": str(share.user_id), "permission": share.permission.codename}
    record(action="job.unshared", subject=job, by=Actor.user(by), details=details)
    end_invitations(job.invitations.filter(email=share.user.email), by=by, why="the job is shared with them no more")


def _members(client: Client) -> QuerySet[Membership]:
    return Membership.objects.filter(client=client).select_related("user", "client")


def _given_by(member: Membership) -> QuerySet[Invitation]:
    return Invitation.objects.filter(client=member.client_id, invited_by=member.user_id)
