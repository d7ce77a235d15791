"""People who sign up and in as anybody would, for the kernel's tests."""

from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client as Browser
from rest_framework.test import APIClient

from kernel import allauth_gateway as gateway
from kernel.allauth_gateway import Factor
from kernel.models import User
from kernel.services.access import sign_in, sign_up
from tests.kernel.authenticators import App

PASSWORD = "correct horse battery staple"
_numbers = count(1)


def a_user(*, admin: bool = False) -> User:
    """Somebody new."""
    user = sign_up(email=f"person{next(_numbers)}@example.org", password=PASSWORD, display_name="Somebody")
    if admin:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user


def browser_of(user: User | None = None) -> APIClient:
    """A client that sends this person's token, or none."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        _, token = sign_in(email=user.email, password=PASSWORD)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def console_of(user: User) -> Browser:
    """A browser with the cookie of this person's session."""
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    browser = Browser()
    _, browser.cookies[settings.SESSION_COOKIE_NAME] = sign_in(email=user.email, password=PASSWORD, through="console")
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
