"""Every page on which something can be done, and the webhook, leave the events that docs/audit.md lists."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from kernel.models import AuditEvent, EmailLink, User
from kernel.services.admin_invitations import invite_admin
from kernel.services.audit import Actor
from kernel.services.signing_up import ask_for_confirmation, ask_for_reset
from marketplace.policy import TABLE
from tests.access.asked import NOBODY, the_mailed_token
from tests.access.watched import is_told, transactions_watched
from tests.billing.stripe_double.world import SECRET
from tests.billing.test_stripe_gateway_webhooks import AN_EVENT, signed
from tests.kernel.authenticators import App
from tests.kernel.people import PASSWORD, a_user, an_operator, console_of
from tests.kernel.test_sign_in_pages import FACTORS, SECOND_STEP, SIGN_IN, STEP_UP, at_the_second_step, hidden
from tests.kernel.test_sign_in_pages import with_an_app as added_an_app

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_is_slowed_down")]

DOCS: Final = Path(__file__).parents[2] / "docs" / "audit.md"
ANOTHER: Final = "another long password, surely"

Sent = tuple[Browser, str, dict[str, Any]]
"""Who sends it, where to, and the form."""


def signing_in(address: str = SIGN_IN) -> Sent:
    return Browser(), address, {"email": a_user().email, "password": PASSWORD}


def signed_in(user: User) -> Browser:
    browser = Browser()
    assert browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD}).status_code == 302
    return browser


def the_second_step() -> Sent:
    user, browser = a_user(), Browser()
    app, _ = added_an_app(signed_in(user))
    return browser, SECOND_STEP, {**at_the_second_step(user, browser=browser), "code": app.code()}


def stepping_up() -> Sent:
    browser = signed_in(a_user())
    return browser, STEP_UP, {**hidden(browser.get(f"{STEP_UP}?next={FACTORS}")), "password": PASSWORD}


def signing_out(address: str = "/account/sign-out/") -> Sent:
    return console_of(an_operator()), address, {}


def confirming() -> Sent:
    user = User.objects.create_user(NOBODY, PASSWORD, email_verified_at=None)
    ask_for_confirmation(user=user)
    return Browser(), "/account/confirm/", {"token": the_mailed_token(), "password": PASSWORD}


def asking_for_a_reset() -> Sent:
    return Browser(), "/account/forgotten/", {"email": a_user().email}


def resetting() -> Sent:
    ask_for_reset(email=a_user().email)
    assert EmailLink.objects.count() == 1
    return Browser(), "/account/reset/", {"token": the_mailed_token(), "password": ANOTHER}


def adding_a_factor() -> Sent:
    browser = signed_in(a_user())
    form = hidden(browser.post(FACTORS, {"step": "begin_app"}))
    return browser, FACTORS, {**form, "step": "add_app", "code": App(form["secret"]).code()}


def redeeming() -> Sent:
    a_user()  # the first of an installation confirms no address
    _, token = invite_admin(roles=["auditor"], by=Actor.system("test"))
    form = {"token": token, "email": NOBODY, "display_name": "Ada", "password": ANOTHER}
    return Browser(), "/account/invitation/", form


def told_by_stripe() -> Sent:
    body, signature = signed(AN_EVENT)
    return Browser(headers={"Stripe-Signature": signature}), "/webhooks/stripe/", {"": body}


DONE: Final[dict[str, Callable[[], Sent]]] = {
    "page.sign_in": signing_in,
    "page.second_step": the_second_step,
    "page.step_up": stepping_up,
    "page.sign_out": signing_out,
    "page.confirm_email": confirming,
    "page.forgotten": asking_for_a_reset,
    "page.reset_password": resetting,
    "page.second_factors": adding_a_factor,
    "page.invitation": redeeming,
    "page.stripe_webhook": told_by_stripe,
    "page.admin:login": lambda: signing_in("/admin/login/"),
    "page.admin:logout": lambda: signing_out("/admin/logout/"),
}

ONLY_READ: Final = {
    *("page.home", "page.schema", "page.docs", "page.live", "page.ready"),
    *("page.money", "page.money_trace", "page.client_money", "page.invoice", "page.earnings"),
    *("page.admin:index", "page.admin:app_list", "page.admin:jsi18n", "page.admin:autocomplete"),
    *("page.admin:view_on_site", "page.admin:password_change", "page.admin:password_change_done"),
}
"""Pages on which nothing can be done. Passwords are changed elsewhere; the console's own pages for that are closed."""


def documented() -> dict[str, set[str]]:
    """What the docs say that each page leaves."""
    rows = re.findall(r"^\| (page\.[a-z:_]+) \| (.*) \|$", DOCS.read_text(), flags=re.MULTILINE)
    return {name: set(events.split(", ")) for name, events in rows}


def test_every_page_is_done_or_only_read() -> None:
    pages = {rule.action for rule in TABLE.rules if rule.action.startswith("page.")}
    assert pages == DONE.keys() | ONLY_READ
    assert set(DONE) == documented().keys()


@pytest.mark.parametrize("name", DONE)
def test_a_page_leaves_the_events_that_the_docs_list(name: str, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    browser, address, form = DONE[name]()
    before = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first()
    with transactions_watched() as seen:
        if "" in form:
            answer = browser.post(address, form[""], content_type="application/json")
        else:
            answer = browser.post(address, form)

    events = AuditEvent.objects.filter(**({"id__gt": before} if before else {})).exclude(action="subject_key.made")
    assert answer.status_code in (200, 302)
    assert [sorted(changed) for changed in seen if not is_told(changed)] == []
    assert set(events.values_list("action", flat=True)) == documented().get(name)
