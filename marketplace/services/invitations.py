"""Invitations to act for a client or to look after one of its jobs: given, accepted, declined, withdrawn, run out.

Nothing here tells who invites whether an address is known: it is not looked up. The mail does (`invitation_mail`), to
whoever has the address, and only the person whose confirmed address it is can accept.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kernel import clock
from kernel.email_address import canonical_email
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import move
from kernel.models import User
from kernel.services.audit import Actor, record
from kernel.services.outbox import announce
from marketplace.access import ON_JOB
from marketplace.events import InvitationGiven
from marketplace.models import Client, Invitation, Job, JobUserObjectPermission, Membership
from marketplace.services.rights import is_owner, join, let_onto_job, lock_client, require_owner

State = Invitation.State

LASTS: Final = timedelta(days=14)
MOST_A_DAY: Final = 50
FORGOTTEN_AFTER: Final = timedelta(days=30)
TIDIED_AT_ONCE: Final = 500


class RoleHeld(Refused):
    """Whoever has this e-mail address acts for the client already, or has this role at the job."""

    code = "role_held"


class InvitationEnded(Refused):
    """The invitation has run out, was answered or withdrawn, or whoever gave it may invite no more."""

    code = "invitation_ended"


class TooManyInvitations(Refused):
    """One person gives at most 50 invitations within a day."""

    code = "too_many_invitations"


@transaction.atomic
def invite_member(*, client: Client, email: str, role: str, by: User) -> Invitation:
    """Ask whoever has this address to act for ``client``. An open invitation from before gives way to this one.

    Raises Invalid, NotAllowed for who is no owner, TooManyInvitations, and RoleHeld for a member, whom owners see.
    """
    if role not in Membership.Role.values:
        raise Invalid(f"{role!r} is not a role. Possible: {', '.join(Membership.Role.values)}.")
    return _invite(client=client, job=None, address=canonical_email(email), role=role, by=by)


@transaction.atomic
def invite_to_job(*, job: Job, email: str, role: str, by: User) -> Invitation:
    """Ask whoever has this address to look after one job. An open invitation from before gives way to this one.

    Raises Invalid, NotAllowed for who does not own its client, TooManyInvitations, and RoleHeld for who has the role.
    """
    if role not in ON_JOB:
        raise Invalid(f"{role!r} is not a role at jobs. Possible: {', '.join(ON_JOB)}.")
    return _invite(client=job.client, job=job, address=canonical_email(email), role=role, by=by)


@transaction.atomic
def accept_invitation(*, invitation_id: UUID, by: User) -> Invitation:
    """Take the role that one was asked to take; accepting twice is the same as once.

    Raises NotFound for everybody but the person whose confirmed address it names, InvitationEnded, and RoleHeld for
    who acts for the client already: an owner may change their role.
    """
    invitation = _locked_for(by, invitation_id)
    if invitation.accepted_by_id == by.pk:
        return invitation
    _refuse_what_ended(invitation)
    _give_role(invitation, by)
    invitation.ended_at, invitation.accepted_by = clock.now(), by
    move(
        invitation,
        State.ACCEPTED,
        by=Actor.user(by),
        why="accepted by whom it was for",
        fields=["ended_at", "accepted_by"],
    )
    return invitation


@transaction.atomic
def decline_invitation(*, invitation_id: UUID, by: User) -> Invitation:
    """Say no to what one was asked; saying so twice is the same as once. Raises NotFound or InvitationEnded."""
    invitation = _locked_for(by, invitation_id)
    if invitation.state != State.DECLINED:
        _refuse_what_ended(invitation)
        _end(invitation, State.DECLINED, by=Actor.user(by), why="declined by whom it was for")
    return invitation


@transaction.atomic
def withdraw_invitation(*, invitation_id: UUID, by: User) -> None:
    """Take an open invitation back. Raises NotFound, NotAllowed for who is no owner, or InvitationEnded."""
    invitation = _locked(invitation_id)
    require_owner(by, client=invitation.client)
    if invitation.state != State.OPEN:
        raise InvitationEnded(f"This invitation was {invitation.state} already.")
    _end(invitation, State.WITHDRAWN, by=Actor.user(by), why="withdrawn by an owner")


def end_invitations(invitations: QuerySet[Invitation], *, by: User, why: str) -> None:
    """Withdraw those of the invitations that are open, for a reason that took effect just now.

    The caller has locked their client.
    """
    for invitation in invitations.filter(state=State.OPEN).select_for_update(no_key=True).order_by("id"):
        _end(invitation, State.WITHDRAWN, by=Actor.user(by), why=why)


def open_invitations() -> QuerySet[Invitation]:
    """Those that can be answered now."""
    return Invitation.objects.filter(state=State.OPEN, expires_at__gt=clock.now(), invited_by__is_active=True)


def tidy_invitations() -> int:
    """End invitations whose time is up, and forget the addresses of those that ended long ago; how many there were."""
    now = clock.now()
    due = Invitation.objects.filter(state=State.OPEN, expires_at__lte=now).order_by("expires_at", "id")
    old = Invitation.objects.filter(ended_at__lt=now - FORGOTTEN_AFTER).exclude(email="").order_by("ended_at", "id")
    over = list(due.values_list("pk", flat=True)[:TIDIED_AT_ONCE])
    forgettable = list(old.values_list("pk", flat=True)[:TIDIED_AT_ONCE])
    return sum(map(_expire, over)) + sum(map(_forget_address, forgettable))


def _invite(*, client: Client, job: Job | None, address: str, role: str, by: User) -> Invitation:
    client = lock_client(client.pk)
    require_owner(by, client=client)
    now = clock.now()
    if Invitation.objects.filter(invited_by=by, created_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
        raise TooManyInvitations(f"One person gives at most {MOST_A_DAY} invitations within a day. Try again tomorrow.")
    if address in _addresses_with_the_role(client, job, role):
        what = "has this role at the job" if job else "acts for the client"
        raise RoleHeld(f"Whoever has this e-mail address {what} already.")
    end_invitations(Invitation.objects.filter(client=client, job=job, email=address), by=by, why="invited again")
    invitation = Invitation.objects.create(
        client=client, job=job, role=role, email=address, invited_by=by, created_at=now, expires_at=now + LASTS
    )
    to_what = {"role": role, "client": str(client.pk), "job": str(job.pk) if job else None}
    record(action="invitation.given", subject=invitation, by=Actor.user(by), to_state=invitation.state, details=to_what)
    announce(InvitationGiven(invitation_id=str(invitation.pk)))
    return invitation


def _addresses_with_the_role(client: Client, job: Job | None, role: str) -> set[str]:
    """Whom it makes no sense to invite. All are read, so that what is done does not depend on who is asked about."""
    if job is None:
        return set(Membership.objects.filter(client=client).values_list("user__email", flat=True))
    shares = JobUserObjectPermission.objects.filter(content_object=job, permission__codename=ON_JOB[role])
    return set(shares.values_list("user__email", flat=True))


def _give_role(invitation: Invitation, person: User) -> None:
    told = {"invitation": str(invitation.pk), "invited_by": str(invitation.invited_by_id)}
    if invitation.job is not None:
        let_onto_job(job=invitation.job, user=person, role=invitation.role, by=person, details=told)
        return
    if Membership.objects.filter(client=invitation.client_id, user=person).exists():
        raise RoleHeld("You act for this client already. An owner may change your role.")
    join(client=invitation.client, user=person, role=Membership.Role(invitation.role), by=person, details=told)


def _locked(invitation_id: UUID) -> Invitation:
    found = Invitation.objects.filter(pk=invitation_id)
    client_id = found.values_list("client_id", flat=True).first()
    if client_id is None:
        raise NotFound("invitation")
    lock_client(client_id)
    shown = found.select_related("client", "job", "invited_by")
    return shown.select_for_update(no_key=True, of=("self",)).get()


def _locked_for(person: User, invitation_id: UUID) -> Invitation:
    invitation = _locked(invitation_id)
    is_theirs = person.email_verified_at is not None and invitation.email == person.email
    if not is_theirs and invitation.accepted_by_id != person.pk:
        raise NotFound("invitation")
    return invitation


def _refuse_what_ended(invitation: Invitation) -> None:
    if invitation.state != State.OPEN:
        raise InvitationEnded(f"This invitation was {invitation.state}. Ask for another.")
    if invitation.expires_at <= clock.now():
        raise InvitationEnded("This invitation has run out. Ask for another.")
    if not invitation.invited_by.is_active or not is_owner(invitation.invited_by, client=invitation.client):
        raise InvitationEnded("Whoever gave this invitation may invite no more. Ask an owner for another.")


def _end(invitation: Invitation, to: Invitation.State, *, by: Actor, why: str) -> None:
    invitation.ended_at = clock.now()
    move(invitation, to, by=by, why=why, fields=["ended_at"])


@transaction.atomic
def _expire(invitation_id: UUID) -> bool:
    invitation = Invitation.objects.select_for_update(no_key=True).get(pk=invitation_id)
    if invitation.state != State.OPEN or clock.now() < invitation.expires_at:
        return False
    _end(invitation, State.EXPIRED, by=Actor.system("invitation_clock"), why="nobody answered in time")
    return True


@transaction.atomic
def _forget_address(invitation_id: UUID) -> bool:
    invitation = Invitation.objects.select_for_update(no_key=True).get(pk=invitation_id)
    invitation.email = ""
    invitation.save(update_fields=["email"])
    record(action="invitation.forgotten", subject=invitation, by=Actor.system("invitation_clock"))
    return True
