"""The pages as people have them: in a real browser, with its scripts, its security keys and what it lets a page do."""

from collections.abc import Iterator
from typing import Any

import pytest

from kernel.models import User
from kernel.services.signing_up import sign_up
from tests.chromium import CHROMIUM, Chromium, a_browser
from tests.kernel.mailbox import token_for
from tests.kernel.people import PASSWORD, a_user

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on the path"),
]

ANOTHER = "another horse, another battery"


@pytest.fixture
def here(live_server: Any, settings: Any) -> str:
    """Where the pages are; security keys are bound to it."""
    settings.BASE_URL = live_server.url
    return str(live_server.url)


@pytest.fixture
def browser() -> Iterator[Chromium]:
    """A browser that was never here."""
    with a_browser() as started:
        yield started


def sign_in(browser: Chromium, here: str, user: User, *, password: str = PASSWORD, then: str) -> None:
    browser.go(f"{here}/account/sign-in/")
    browser.fill(email=user.email, password=password)
    browser.press("Sign in")
    browser.wait_until_it_says(then)


def test_an_admin_adds_a_security_key_and_comes_in_with_it(browser: Chromium, here: str) -> None:
    admin = a_user(admin=True)
    browser.plug_in_a_security_key()
    sign_in(browser, here, admin, then="As an admin you need one before anything here opens to you.")
    browser.press("Add a security key")
    browser.wait_until_it_says("Give it a name")
    browser.fill(name="blue")
    browser.type_enter()
    browser.wait_until_it_says("Each stands in once for a second factor")
    browser.press("I have kept them. Go on")
    browser.wait_until_it_says("Operators' console")

    browser.forget_cookies()
    sign_in(browser, here, admin, then="Show that it is you")
    browser.press("Use a security key")
    browser.wait_until_it_says("Operators' console")
    browser.press("Second factors")
    browser.wait_until_it_says("Security key: blue")

    browser.go(f"{here}/account/step-up/?next=/admin/kernel/user/")
    browser.press("Use a security key")
    browser.wait_until_it_says("Select user to view")
    assert browser.faults == []


def test_a_browser_says_why_a_security_key_was_not_taken(browser: Chromium, here: str) -> None:
    user = a_user()
    browser.plug_in_a_security_key()
    sign_in(browser, here, user, then="The operators' console is for admins only")
    for name in ("blue", "again"):
        browser.go(f"{here}/account/second-factors/")
        browser.press("Add a security key")
        browser.wait_until_it_says("Give it a name")
        browser.fill(name=name)
        browser.press("Add it")
        browser.wait_until_it_says("Recovery codes" if name == "blue" else "This key is here already. Use another one.")

    elsewhere = here.replace("localhost", "127.0.0.1")
    browser.go(f"{elsewhere}/account/sign-in/")
    browser.fill(email=user.email, password=PASSWORD)
    browser.press("Sign in")
    browser.wait_until_it_says(f"Security keys work only at {here}")
    assert browser.faults == []


def test_a_newcomer_confirms_and_chooses_another_password_by_the_links_in_mails(browser: Chromium, here: str) -> None:
    email = sign_up(email="ada@example.org", password=PASSWORD, display_name="Ada")
    confirm = f"{here}/account/confirm/?link={token_for(email)}"
    for password, said in (
        ("wrong horse", "This is not the password that was chosen with this address."),
        (PASSWORD, "Your e-mail address is confirmed."),
        (PASSWORD, "This link is unknown, has run out, or was used."),
    ):
        browser.go(confirm)
        browser.fill(password=password)
        browser.press("Confirm")
        browser.wait_until_it_says(said)

    browser.press("Have another one sent")
    browser.wait_until_it_says("Password forgotten")
    browser.fill(email=email)
    browser.press("Send it")
    browser.wait_until_it_says("a mail is on its way to it")
    browser.go(f"{here}/account/reset/?link={token_for(email)}")
    browser.fill(password=ANOTHER)
    browser.press("Choose it")
    browser.wait_until_it_says("Your password is changed, and all your sessions have ended.")
    user = User.objects.get(email=email)
    sign_in(browser, here, user, password=ANOTHER, then="The operators' console is for admins only")
