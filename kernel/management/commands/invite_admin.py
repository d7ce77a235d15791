"""`manage.py invite_admin`: a token by which somebody becomes an admin, and chooses their password themselves."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from kernel.admin_roles import ADMIN_ROLES
from kernel.models import AdminInvitation
from kernel.services.admin_invitations import COMMAND_LINE, invite_admin, invite_first_admin


class Command(BaseCommand):
    """Prints an invitation; with ``--first`` only where nobody has an account yet."""

    help = "Invite an admin: print a token that works once, with all admin roles or those named by --role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--role", action="append", choices=list(ADMIN_ROLES), help="a role; may stand several times"
        )
        parser.add_argument("--hours", type=int, default=24, choices=range(1, 169), metavar="1..168", help="how long")
        parser.add_argument("--first", action="store_true", help="print nothing when anybody has an account already")

    def handle(self, *args: Any, hours: int, first: bool, role: list[str] | None = None, **options: Any) -> None:
        if not first:
            made = invite_admin(roles=role or ADMIN_ROLES, by=COMMAND_LINE, lasts=timedelta(hours=hours))
            self.stdout.write(invitation_in_words(*made))
        elif found := invite_first_admin():
            self.stdout.write(invitation_in_words(*found))


def invitation_in_words(invitation: AdminInvitation, token: str) -> str:
    """What whoever was invited needs to know."""
    return (
        f"Become an admin at {settings.BASE_URL}{reverse('invitation')} with this invitation: {token}\n"
        f"It works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC, and gives the roles "
        f"{', '.join(invitation.roles)}."
    )
