"""Inviting admins: a token that is shown once, and whoever shows it in time chooses a password and is one.

So an installation starts without any account, and its first admin's password is known to that admin alone.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kernel import clock
from kernel.admin_roles import ACCESS, ADMIN_ROLES
from kernel.email_address import canonical_email
from kernel.errors import Invalid, NotFound, Refused
from kernel.models import AdminInvitation, AdminRole, EmailLink, User
from kernel.services.admin_roles import create_admin
from kernel.services.audit import Actor, record
from kernel.services.email_links import owe_link
from kernel.services.signing_up import EmailTaken
from kernel.text import clean_line
from kernel.tokens import INVITATION_MARK, new_token, sha256_of

LASTS: Final = timedelta(hours=24)
COMMAND_LINE: Final = Actor.system("command_line")


class InvitationOver(Refused):
    """The invitation is unknown, has run out, was used or withdrawn, or whoever gave it may invite no more."""

    code: ClassVar[str] = "invitation_over"


@transaction.atomic
def invite_admin(*, roles: Collection[str], by: Actor, lasts: timedelta = LASTS) -> tuple[AdminInvitation, str]:
    """An invitation to become an admin with these roles, and its token, shown only here. Raises Invalid."""
    unknown = sorted(set(roles) - set(ADMIN_ROLES))
    if unknown or not roles:
        raise Invalid(f"An admin has one or more of these roles: {', '.join(ADMIN_ROLES)}.")
    token = new_token(INVITATION_MARK)
    now = clock.now()
    invitation = AdminInvitation.objects.create(
        token_sha256=sha256_of(token),
        roles=[role for role in ADMIN_ROLES if role in roles],
        invited_by_id=UUID(by.id) if by.kind == "user" else None,
        invited_at=now,
        expires_at=now + lasts,
    )
    record(action="admin_invitation.made", subject=invitation, by=by, details={"roles": invitation.roles})
    return invitation, token


@transaction.atomic
def invite_first_admin() -> tuple[AdminInvitation, str] | None:
    """An invitation with every role where nobody has an account yet, else None. Those made for it before end."""
    if User.objects.exists():
        return None
    for earlier in _open().filter(invited_by=None).order_by("id"):
        _withdraw(earlier, by=COMMAND_LINE)
    return invite_admin(roles=ADMIN_ROLES, by=COMMAND_LINE)


@transaction.atomic
def redeem_invitation(*, token: str, email: str, password: str, display_name: str) -> User:
    """Make whoever shows the token the admin that it promises, and owe them a mail to confirm their address with.

    They name it themselves, and what is addressed to it is theirs from then on: invitations of clients too. The first
    of an installation need not confirm it: nobody else is there yet, and mail may not be set up.
    Raises InvitationOver before anything else is looked at, EmailTaken, and Invalid for an address, a name or a
    password that cannot be one.
    """
    invitation = _open().select_for_update(no_key=True).filter(token_sha256=sha256_of(token)).first()
    if invitation is None or not _still_stands(invitation):
        raise InvitationOver("This invitation is unknown, was used, or has run out. Ask for another.")
    address = canonical_email(email)
    display_name = clean_line(display_name, what="name", field="display_name", longest=100)
    try:
        validate_password(password, user=User(email=address, display_name=display_name))
    except ValidationError as error:
        faults: list[dict[str, object]] = [{"field": "password", "message": message} for message in error.messages]
        raise Invalid("This password cannot be taken.", errors=faults) from None
    by = Actor("user", str(invitation.invited_by_id)) if invitation.invited_by_id else COMMAND_LINE
    is_first = not User.objects.exists()
    try:
        with transaction.atomic():
            admin = create_admin(
                email=address,
                password=password,
                display_name=display_name,
                roles=invitation.roles,
                by=by,
                why=f"by invitation {invitation.pk}",
                vouched_for=is_first,
            )
    except IntegrityError:
        raise EmailTaken("Somebody has this e-mail address here already. Take another, or be granted a role.") from None
    invitation.redeemed_at, invitation.redeemed_by = clock.now(), admin
    invitation.save(update_fields=["redeemed_at", "redeemed_by"])
    record(action="admin_invitation.redeemed", subject=invitation, by=Actor.user(admin))
    if not is_first:
        owe_link(user=admin, purpose=EmailLink.Purpose.CONFIRM, by=Actor.user(admin))
    return admin


@transaction.atomic
def withdraw_invitation(*, invitation_id: UUID, by: Actor) -> None:
    """Take back an invitation that nobody has used. Raises NotFound and InvitationOver."""
    invitation = AdminInvitation.objects.select_for_update(no_key=True).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound("invitation")
    if invitation.redeemed_at or invitation.withdrawn_at:
        raise InvitationOver("This invitation was used or withdrawn already.")
    _withdraw(invitation, by=by)


def _withdraw(invitation: AdminInvitation, *, by: Actor) -> None:
    invitation.withdrawn_at = clock.now()
    invitation.save(update_fields=["withdrawn_at"])
    record(action="admin_invitation.withdrawn", subject=invitation, by=by)


def _open() -> QuerySet[AdminInvitation]:
    return AdminInvitation.objects.filter(redeemed_at=None, withdrawn_at=None, expires_at__gt=clock.now())


def _still_stands(invitation: AdminInvitation) -> bool:
    """Whether whoever gave it could give it still; an invitation does not outlive its giver's role."""
    giver = invitation.invited_by_id
    return giver is None or AdminRole.objects.filter(user=giver, role=ACCESS, user__is_active=True).exists()
