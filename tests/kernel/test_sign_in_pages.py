"""The pages on which people sign in with a second factor, add one, and show it again."""

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser

from kernel import allauth_gateway as gateway
from kernel import clock
from kernel.models import Challenge, Session, User
from kernel.services.signing_up import sign_up
from tests.kernel.authenticators import App, SecurityKey
from tests.kernel.people import PASSWORD, a_user

pytestmark = pytest.mark.django_db

STEP = timedelta(seconds=30)
SIGN_IN, SECOND_STEP, STEP_UP = "/account/sign-in/", "/account/second-step/", "/account/step-up/"
FACTORS = "/account/second-factors/"


def hidden(answer: Any) -> dict[str, Any]:
    """What stands hidden in the last form of a page."""
    form = answer.content.decode().rpartition("<form")[2]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def at_the_second_step(user: User, *, browser: Browser, then: str = "/admin/") -> Any:
    answer = browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD, "next": then})
    assert (answer.status_code, settings.SESSION_COOKIE_NAME in browser.cookies) == (200, False)
    return hidden(answer)


def key_of(browser: Browser) -> str:
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def an_admin() -> User:
    return a_user(admin=True)


def with_an_app(browser: Browser) -> tuple[App, list[str]]:
    """Add an authenticator app on the page; it and the recovery codes that are shown."""
    begun = browser.post(FACTORS, {"step": "begin_app", "next": "/admin/"})
    form = hidden(begun)
    app = App(form["secret"])
    assert f"secret={form['secret']}" in form["link"]
    with clock.ahead_by(-STEP):
        code = app.code()
    added = browser.post(FACTORS, {**form, "step": "add_app", "code": code})
    codes = re.findall(r"\b\d{10}\b", added.content.decode())
    assert len(codes) == 10
    return app, codes


def test_an_admin_without_a_second_factor_is_led_to_add_one_and_then_let_in() -> None:
    admin, browser = an_admin(), Browser()
    answer = browser.post(SIGN_IN, {"email": admin.email, "password": PASSWORD, "next": "/admin/kernel/user/"})
    assert answer.headers["Location"] == f"{FACTORS}?next=%2Fadmin%2Fkernel%2Fuser%2F"
    before = key_of(browser)
    assert "you need one before anything here opens to you" in browser.get(FACTORS).content.decode()

    with_an_app(browser)

    assert key_of(browser) != before
    stranger = Browser()
    stranger.cookies[settings.SESSION_COOKIE_NAME] = before
    assert stranger.get(FACTORS).status_code == 302
    assert browser.get("/admin/kernel/user/").status_code == 200


def test_the_second_step_takes_a_code_and_leads_on() -> None:
    user, browser = a_user(), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    app, codes = with_an_app(browser)

    for code in (app.code(), codes[0]):
        browser = Browser()
        form = at_the_second_step(user, browser=browser, then=FACTORS)
        answer = browser.post(SECOND_STEP, {**form, "code": code})
        assert answer.headers["Location"] == FACTORS
        assert browser.get(FACTORS).status_code == 200


def test_a_wrong_code_may_be_tried_again_on_the_same_page_five_times() -> None:  # [B137]
    user, browser = a_user(), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    app, _ = with_an_app(browser)
    browser = Browser()
    form = at_the_second_step(user, browser=browser)
    for _ in range(5):
        answer = browser.post(SECOND_STEP, {**form, "code": "000000"})
        assert (answer.status_code, "This is not right" in answer.content.decode()) == (403, True)
        assert hidden(answer)["challenge"] == form["challenge"]
    answer = browser.post(SECOND_STEP, {**form, "code": app.code()})
    assert (answer.status_code, "Sign in again." in answer.content.decode()) == (403, True)


def test_a_security_key_is_added_and_used_on_the_pages() -> None:
    user, browser, key = a_user(), Browser(), SecurityKey()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    form = hidden(browser.post(FACTORS, {"step": "begin_key"}))
    credential = json.dumps(key.register(json.loads(form["options"])))
    added = browser.post(FACTORS, {**form, "name": "blue", "credential": credential})
    assert "Recovery codes" in added.content.decode()
    assert [factor.name for factor in gateway.factors_of(user)] == ["blue", ""]

    browser = Browser()
    form = at_the_second_step(user, browser=browser)
    answer = browser.post(SECOND_STEP, {**form, "credential": json.dumps(key.use(json.loads(form["options"])))})
    assert answer.headers["Location"] == "/admin/"


@pytest.mark.parametrize("credential", ["{}", "[]", "null", '{"id": NaN}', "no json", "[" * 9000])
def test_whatever_stands_in_the_place_of_a_keys_answer_is_refused(credential: str) -> None:
    user, browser = a_user(), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    form = hidden(browser.post(FACTORS, {"step": "begin_key"}))
    assert browser.post(FACTORS, {**form, "name": "blue", "credential": credential}).status_code == 403
    with_an_app(browser)
    browser = Browser()
    form = at_the_second_step(user, browser=browser)
    assert browser.post(SECOND_STEP, {**form, "credential": credential}).status_code == 403
    assert gateway.factors_of(user)[0].kind == "totp"


def test_the_page_of_factors_asks_for_a_fresh_session() -> None:
    user, browser = a_user(), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    with clock.ahead_by(timedelta(minutes=11)):
        for answer in (browser.get(FACTORS), browser.post(FACTORS, {"step": "begin_app"})):
            assert answer.headers["Location"] == f"{STEP_UP}?next=%2Faccount%2Fsecond-factors%2F"
        form = hidden(browser.get(f"{STEP_UP}?next={FACTORS}"))
        assert browser.post(STEP_UP, {**form, "password": "wrong horse"}).status_code == 403
        answer = browser.post(STEP_UP, {**form, "password": PASSWORD})
        assert answer.headers["Location"] == FACTORS
        assert browser.get(FACTORS).status_code == 200


def test_a_factor_is_removed_and_codes_are_renewed_on_the_page() -> None:
    user, browser = a_user(), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    _, codes = with_an_app(browser)
    renewed = browser.post(FACTORS, {"step": "renew_codes"}).content.decode()
    assert not [code for code in codes if code in renewed]
    for wrong in ("", "x", "9" * 18, "\u0661"):
        assert browser.post(FACTORS, {"step": "remove", "factor": wrong}).status_code == 403
    browser.post(FACTORS, {"step": "remove", "factor": str(gateway.factors_of(user)[0].id)})
    assert gateway.factors_of(user) == []


@pytest.mark.parametrize("path", [FACTORS, STEP_UP])
def test_strangers_are_led_to_the_sign_in(path: str) -> None:
    assert Browser().get(path).headers["Location"].startswith(f"{SIGN_IN}?next=")
    assert not Session.objects.exists()


@pytest.mark.parametrize("path", [SIGN_IN, SECOND_STEP, STEP_UP, FACTORS])
def test_every_form_is_ours(path: str) -> None:  # [B126]
    assert Browser(enforce_csrf_checks=True).post(path, {}).status_code == 403


def test_no_script_stands_in_a_page() -> None:
    user, browser = a_user(), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    for answer in (browser.get(SIGN_IN), browser.get(FACTORS), browser.post(FACTORS, {"step": "begin_key"})):
        text = answer.content.decode()
        assert re.findall(r"<script(?![^>]* src=)|\son\w+=|<style|\sstyle=", text) == []
        assert "no-store" in answer.headers["Cache-Control"]


def test_who_has_not_confirmed_their_address_adds_no_factor_on_the_page_either() -> None:
    sign_up(email="ada@example.org", password=PASSWORD, display_name="Not Ada")
    user, browser = User.objects.get(email="ada@example.org"), Browser()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})

    answers = [browser.get(FACTORS), browser.post(FACTORS, {"step": "begin_app"})]

    assert [answer.status_code for answer in answers] == [403, 403]
    for answer in answers:
        assert "Confirm your e-mail address first, by the link that was sent to it." in answer.content.decode()
    assert (Challenge.objects.count(), gateway.factors_of(user)) == (0, [])
