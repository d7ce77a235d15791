"""`manage.py create_admin`: an admin of the platform. A fresh installation has none."""

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from kernel.admin_roles import ADMIN_ROLES
from kernel.email_address import canonical_email
from kernel.errors import Invalid
from kernel.models import User
from kernel.services.admin_roles import create_admin
from kernel.services.audit import Actor


class Command(BaseCommand):
    """Makes one user who is an admin; the password never stands on the command line."""

    help = (
        "Create an admin, with all admin roles or those named by --role. "
        "The password is asked for, or read from the environment variable that you name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the e-mail address that the admin signs in with")
        parser.add_argument("--password-from", metavar="NAME", help="environment variable that holds the password")
        parser.add_argument(
            "--role",
            action="append",
            choices=list(ADMIN_ROLES),
            help="an admin role to grant; may stand several times. All of them unless given",
        )
        parser.add_argument("--first", action="store_true", help="refuse when anybody has an account already")

    @transaction.atomic
    def handle(
        self,
        *args: Any,
        email: str,
        password_from: str | None,
        first: bool,
        role: list[str] | None = None,
        **options: Any,
    ) -> None:
        if first and User.objects.exists():
            raise CommandError("Somebody has an account here already; this is not a fresh installation.")
        email = _address(email)
        if User.objects.filter(email=email).exists():
            raise CommandError(f"{email} has an account already.")
        password = _password(password_from)
        try:
            validate_password(password, User(email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        roles = [name for name in ADMIN_ROLES if name in (role or ADMIN_ROLES)]
        by = Actor.system("command_line")
        create_admin(email=email, password=password, roles=roles, by=by, why="created by create_admin")
        self.stdout.write(f"{email} is an admin now: {', '.join(roles)}.")


def _address(email: str) -> str:
    try:
        return canonical_email(email)
    except Invalid as error:
        raise CommandError(error.message) from None


def _password(variable: str | None) -> str:
    if variable is not None:
        password = os.environ.get(variable, "")
        if not password:
            raise CommandError(f"The environment variable {variable} is empty.")
        return password
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for a password. Name a variable with --password-from.")
    return getpass.getpass("Password of the admin: ")
