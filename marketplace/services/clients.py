"""Clients and their members: who may act for an organisation, and on which job."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from guardian.shortcuts import assign_perm, remove_perm

from kernel.email_address import canonical_email
from kernel.errors import Invalid, NotFound, Refused
from kernel.models import User
from kernel.services.audit import Actor, record
from kernel.text import clean_line
from marketplace.models import Client, Job, JobUserObjectPermission, Membership
from workforce.countries import is_country

GRANTS: Final = {
    Membership.Role.OWNER: ("view_client", "post_jobs", "fund_client", "manage_members"),
    Membership.Role.MEMBER: ("view_client", "post_jobs"),
}
JOB_GRANTS: Final = ("view_job", "review_job", "manage_job")


class LastOwner(Refused):
    """A client keeps at least one owner."""

    code = "last_owner"


@transaction.atomic
def create_client(*, name: str, country: str, owner: User) -> Client:
    """A new client, with ``owner`` as its first member. Raises Invalid for a name or country that cannot be one."""
    if not is_country(country):
        raise Invalid(f"{country!r} is not a country. Write its two letters as in ISO 3166-1, such as US or DE.")
    client = Client.objects.create(name=clean_line(name, what="name", field="name", longest=120), country=country)
    record(action="client.created", subject=client, by=Actor.user(owner))
    _join(client=client, user=owner, role=Membership.Role.OWNER, by=owner)
    return client


@transaction.atomic
def add_member(*, client: Client, email: str, role: str, by: User) -> Membership:
    """Let the user with this e-mail address act for ``client``; an existing membership changes its role.

    Raises Invalid for an unknown person or role, and LastOwner when the only owner would become less.
    """
    user = _person(email)
    if role not in Membership.Role.values:
        raise Invalid(f"{role!r} is not a role. Possible: {', '.join(Membership.Role.values)}.")
    current = _locked_members(client).filter(user=user).first()
    if current is not None:
        _leave(current, by=by)
    membership = _join(client=client, user=user, role=Membership.Role(role), by=by)
    _require_an_owner(client)
    return membership


@transaction.atomic
def remove_member(*, client: Client, membership_id: UUID, by: User) -> None:
    """Let a member no longer act for ``client``. Raises NotFound, or LastOwner."""
    membership = _locked_members(client).filter(pk=membership_id).first()
    if membership is None:
        raise NotFound("member")
    _leave(membership, by=by)
    _require_an_owner(client)


@transaction.atomic
def share_job(*, job: Job, email: str, permission: str, by: User) -> JobUserObjectPermission:
    """Grant one person one permission on one job, for those who are not members of its client. Raises Invalid."""
    if permission not in JOB_GRANTS:
        raise Invalid(f"{permission!r} is not a permission on jobs. Possible: {', '.join(JOB_GRANTS)}.")
    user = _person(email)
    assign_perm(permission, user, job)
    details = {"user": str(user.pk), "permission": permission}
    record(action="job.shared", subject=job, by=Actor.user(by), details=details)
    shares: QuerySet[JobUserObjectPermission] = JobUserObjectPermission.objects.select_related("permission", "user")
    return shares.get(content_object=job, user=user, permission__codename=permission)


@transaction.atomic
def unshare_job(*, job: Job, share_id: int, by: User) -> None:
    """Take one permission on one job back from one person. Raises NotFound."""
    grant = JobUserObjectPermission.objects.select_related("permission").filter(content_object=job, pk=share_id).first()
    if grant is None:
        raise NotFound("share")
    grant.delete()
    details = {"user": str(grant.user_id), "permission": grant.permission.codename}
    record(action="job.unshared", subject=job, by=Actor.user(by), details=details)


def _person(email: str) -> User:
    user = User.objects.filter(email=canonical_email(email), is_active=True).first()
    if user is None:
        raise Invalid("Nobody has signed up with this e-mail address. Ask them to sign up first, then add them.")
    return user


def _locked_members(client: Client) -> QuerySet[Membership]:
    Client.objects.select_for_update(no_key=True).get(pk=client.pk)
    return Membership.objects.filter(client=client)


def _join(*, client: Client, user: User, role: Membership.Role, by: User) -> Membership:
    membership = Membership.objects.create(client=client, user=user, role=role)
    for permission in GRANTS[role]:
        assign_perm(permission, user, client)
    record(action="membership.created", subject=membership, by=Actor.user(by), to_state=role)
    return membership


def _leave(membership: Membership, *, by: User) -> None:
    for permission in GRANTS[Membership.Role.OWNER]:
        remove_perm(permission, membership.user, membership.client)
    record(action="membership.removed", subject=membership, by=Actor.user(by), from_state=membership.role)
    membership.delete()


def _require_an_owner(client: Client) -> None:
    if not Membership.objects.filter(client=client, role=Membership.Role.OWNER).exists():
        raise LastOwner("A client keeps at least one owner. Make somebody else an owner first.")
