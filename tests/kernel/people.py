"""People who sign up and in as anybody would, for the kernel's tests."""

from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client as Browser
from rest_framework.test import APIClient

from kernel import allauth_gateway as gateway
from kernel.admin_roles import ADMIN_ROLES
from kernel.allauth_gateway import Factor
from kernel.models import User
from kernel.services.access import open_session
from kernel.services.admin_roles import create_admin, grant_admin_role
from kernel.services.audit import Actor
from tests.kernel.authenticators import App

PASSWORD = "correct horse battery staple"
_numbers = count(1)


def a_user(*, admin: bool = False) -> User:
    """Somebody new."""
    user = User.objects.create_user(f"person{next(_numbers)}@example.org", PASSWORD, display_name="Somebody")
    return made_admin(user) if admin else user


def made_admin(user: User, *roles: str) -> User:
    """The user with these admin roles, or with all of them, as `create_admin` grants them."""
    for role in roles or ADMIN_ROLES:
        grant_admin_role(user_id=user.pk, role=role, by=Actor.system("test"))
    user.refresh_from_db()
    return user


def an_operator() -> User:
    """An admin with every role."""
    return create_admin(email=f"operator{next(_numbers)}@example.org", password=PASSWORD, by=Actor.system("test"))


def browser_of(user: User | None = None) -> APIClient:
    """A client that sends this person's token, or none."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of(user)}")
    return client


def token_of(user: User, *, through: str = "api") -> str:
    """The token of a new session of this person; an admin has shown a second factor for it."""
    _, token = open_session(user=user, through=through, second_factor="totp" if user.is_staff else "")
    return token


def console_of(user: User) -> Browser:
    """A browser with the cookie of this person's session; an admin has shown a second factor for it."""
    browser = Browser()
    browser.cookies[settings.SESSION_COOKIE_NAME] = token_of(user, through="console")
    return browser


def an_app_of(user: User) -> Factor:
    """An authenticator app that this person has from now on; their sessions stay as they are."""
    secret = gateway.new_totp_secret()
    with transaction.atomic():
        added = gateway.add_totp(user, secret=secret, code=App(secret).code())
    assert added is not None
    return added


def error_of(response: Any) -> tuple[int, str]:
    """The status and the code of an answer that says no."""
    return response.status_code, response.json()["code"]
