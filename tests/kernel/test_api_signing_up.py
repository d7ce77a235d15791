"""Signing up, confirming and resetting over HTTP and on the pages that mails lead to."""

from typing import Any

import pytest
from django.test import Client as Browser

from kernel.models import EmailLink, User
from tests.kernel.mailbox import mails_to, token_for
from tests.kernel.people import PASSWORD, a_user, browser_of, error_of

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
ANOTHER = "another horse, another staple"


def post(path: str, body: object) -> Any:
    return browser_of().post(f"/api/v1/{path}", body, format="json")


def signed_up() -> User:
    answer = post("users/", {"email": " ADA@example.org", "password": PASSWORD, "display_name": "Ada"})
    assert (answer.status_code, answer.json()) == (202, {"email": ADA})
    return User.objects.get()


def test_a_person_signs_up_confirms_and_signs_in() -> None:
    user = signed_up()
    assert browser_of(user).get("/api/v1/me/").json()["email_is_confirmed"] is False
    answer = post("email-confirmations/", {"token": token_for(ADA), "password": PASSWORD})
    assert (answer.status_code, answer.content) == (204, b"")
    assert browser_of(user).get("/api/v1/me/").json()["email_is_confirmed"] is True


def test_known_and_unknown_addresses_are_answered_alike() -> None:  # [B131]
    known = a_user().email
    for path, more in [("users/", {"password": PASSWORD, "display_name": "Ada"}), ("password-resets/", {})]:
        answers = [post(path, {"email": email, **more}) for email in (known, "nobody@example.org")]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert [list(answer.json()) for answer in answers] == [["email"], ["email"]]
        assert list(answers[0].headers) == list(answers[1].headers)


def test_links_that_are_over_are_refused() -> None:
    signed_up()
    token = token_for(ADA)
    wrong = post("email-confirmations/", {"token": token, "password": "wrong horse, same staple"})
    assert error_of(wrong) == (401, "wrong_credentials")
    assert post("email-confirmations/", {"token": token, "password": PASSWORD}).status_code == 204
    again = post("email-confirmations/", {"token": token, "password": PASSWORD})
    assert error_of(again) == (409, "link_over")


def test_a_forgotten_password_is_replaced() -> None:
    user = a_user()
    browser = browser_of(user)
    assert post("password-resets/", {"email": user.email}).json() == {"email": user.email}
    body = {"token": token_for(user.email), "password": ANOTHER}
    assert error_of(post("password-resets/completion/", {**body, "password": "short"})) == (400, "invalid")
    assert post("password-resets/completion/", body).status_code == 204
    assert browser.get("/api/v1/me/").status_code == 401
    assert post("session/", {"email": user.email, "password": ANOTHER}).status_code == 201


def test_ones_password_and_address_are_changed_in_person() -> None:
    user = a_user()
    browser = browser_of(user)
    changed = browser.put("/api/v1/me/password/", {"password": ANOTHER}, format="json")
    assert (changed.status_code, browser.get("/api/v1/me/").status_code) == (200, 401)
    browser.credentials(HTTP_AUTHORIZATION=f"Bearer {changed.json()['token']}")
    answer = browser.post("/api/v1/me/email/", {"email": "New@example.org"}, format="json")
    assert (answer.status_code, answer.json()) == (202, {"email": "new@example.org"})
    body = {"token": token_for("new@example.org"), "password": ANOTHER}
    assert post("email-confirmations/", body).status_code == 204
    assert browser.get("/api/v1/me/").json()["email"] == "new@example.org"


def test_another_confirmation_is_sent_to_who_has_not_confirmed() -> None:
    browser = browser_of(signed_up())
    assert browser.post("/api/v1/me/email-confirmation/").status_code == 202
    assert len(mails_to(ADA)) == 1  # the first link was void before its mail was written
    post("email-confirmations/", {"token": token_for(ADA), "password": PASSWORD})
    assert error_of(browser.post("/api/v1/me/email-confirmation/")) == (409, "already_confirmed")


def test_a_link_that_is_only_looked_at_is_not_used_up() -> None:
    signed_up()
    token, browser = token_for(ADA), Browser()
    for _ in range(3):
        page = browser.get(f"/account/confirm/?link={token}")
        assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "same-origin")
    assert EmailLink.objects.get().used_at is None

    wrong = browser.post("/account/confirm/", {"token": token, "password": "wrong horse"})
    assert (wrong.status_code, token in wrong.content.decode()) == (403, True)
    done = browser.post("/account/confirm/", {"token": token, "password": PASSWORD})
    assert "Your e-mail address is confirmed." in done.content.decode()


def test_a_password_is_forgotten_and_replaced_on_the_pages() -> None:
    user, browser = a_user(), Browser()
    answers = [browser.post("/account/forgotten/", {"email": email}) for email in (user.email, "nobody@example.org")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    token = token_for(user.email)
    assert browser.get(f"/account/reset/?link={token}").status_code == 200
    short = browser.post("/account/reset/", {"token": token, "password": "short"})
    assert "This password is too short." in short.content.decode()
    assert browser.post("/account/reset/", {"token": token, "password": ANOTHER}).status_code == 200
    assert post("session/", {"email": user.email, "password": ANOTHER}).status_code == 201


@pytest.mark.parametrize("path", ["/account/confirm/", "/account/reset/", "/account/forgotten/"])
def test_the_forms_of_these_pages_are_ours(path: str) -> None:  # [B126]
    assert Browser(enforce_csrf_checks=True).post(path, {}).status_code == 403
    strange = {"token": "\x00" * 300, "password": "x" * 100_000, "email": "\x00"}
    assert Browser().post(path, strange).status_code in (200, 403)
    assert Browser().get(path, {"link": '"><script>alert(1)</script>'}).status_code == 200


def test_what_stands_in_a_link_is_only_text_in_the_page() -> None:
    page = Browser().get("/account/reset/", {"link": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.content.decode()
