"""Signing up, in and out over HTTP."""

import pytest

from tests.kernel.people import PASSWORD, a_user, browser_of, error_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kernel.probe_urls")]


def test_a_person_signs_in_and_sees_who_they_are() -> None:
    user = a_user()
    signed_in = browser_of().post("/api/v1/session/", {"email": user.email, "password": PASSWORD}, format="json")
    assert (signed_in.status_code, sorted(signed_in.json())) == (201, ["expires_at", "idle_seconds", "token"])
    me = browser_of().get("/api/v1/me/", headers={"Authorization": f"Bearer {signed_in.json()['token']}"}).json()
    assert me == {
        "id": str(user.pk),
        "email": user.email,
        "display_name": "Somebody",
        "email_is_confirmed": True,
        "roles": [],
        "signed_in_by": "session",
        "signed_in_until": signed_in.json()["expires_at"],
        "second_factor_at": None,
        "fresh_until": me["fresh_until"],
    }


def test_an_admin_has_the_role_of_one() -> None:
    assert browser_of(a_user(admin=True)).get("/api/v1/me/").json()["roles"] == [
        "access",
        "auditor",
        "certification",
        "escalations",
        "finance",
    ]


def test_a_password_that_cannot_be_taken_is_named() -> None:
    person = {"email": "ada@example.org", "password": "password", "display_name": "Ada"}
    answer = browser_of().post("/api/v1/users/", person, format="json")
    assert error_of(answer) == (400, "invalid")
    assert answer.json()["errors"] == [
        {
            "field": "password",
            "message": "This password is too short. It must contain at least 12 characters.",
        },
        {"field": "password", "message": "This password is too common."},
    ]


def test_wrong_credentials_are_a_401_that_tells_nothing_more() -> None:
    user = a_user()
    answers = [
        browser_of().post("/api/v1/session/", {"email": email, "password": "wrong horse"}, format="json")
        for email in (user.email, "nobody@example.org")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.json() for answer in answers] == [
        {"code": "wrong_credentials", "message": "This e-mail address and this password do not belong together."}
    ] * 2


def test_who_still_sends_the_token_of_an_ended_session_may_sign_in_again() -> None:
    user = a_user()
    browser = browser_of(user)
    assert browser.delete("/api/v1/session/").status_code == 204
    assert error_of(browser.get("/api/v1/me/")) == (401, "not_signed_in")
    assert error_of(browser.delete("/api/v1/session/")) == (401, "not_signed_in")
    answer = browser.post("/api/v1/session/", {"email": user.email, "password": PASSWORD}, format="json")
    assert answer.status_code == 201
