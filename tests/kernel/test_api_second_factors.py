"""Second factors over HTTP: two steps in, stepping up, and one's own factors."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from kernel import clock
from kernel.models import User
from tests.kernel.authenticators import App, SecurityKey
from tests.kernel.people import PASSWORD, a_user, browser_of, error_of

pytestmark = pytest.mark.django_db

STEP = timedelta(seconds=30)


def post(browser: APIClient, path: str, body: object = None) -> tuple[int, Any]:
    answer: Any = browser.post(f"/api/v1/{path}", body or {}, format="json")
    return answer.status_code, answer.json() if answer.content else None


def signed_in(token: str) -> APIClient:
    browser = browser_of()
    browser.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return browser


def with_an_app(user: User) -> tuple[App, APIClient, list[str]]:
    """Somebody who has just added an authenticator app: the app, their browser, and their recovery codes."""
    browser = browser_of(user)
    with clock.ahead_by(-2 * STEP):
        _, begun = post(browser, "second-factors/totp/begin/")
        app = App(begun["secret"])
        status, added = post(browser, "second-factors/totp/", {"challenge": begun["challenge"], "code": app.code()})
    assert (status, added["factor"]["kind"], len(added["recovery_codes"])) == (201, "totp", 10)
    assert browser.get("/api/v1/me/").status_code == 401
    return app, signed_in(added["token"]), added["recovery_codes"]


def first_step(user: User) -> Any:
    """What the first step of a sign-in answers to the right password."""
    status, said = post(browser_of(), "session/", {"email": user.email, "password": PASSWORD})
    assert (status, said["code"]) == (401, "second_factor_needed")
    return said["details"]


def test_signing_in_takes_two_steps_once_there_is_a_second_factor() -> None:
    user = a_user()
    app, _, _ = with_an_app(user)
    asked = first_step(user)
    assert (asked["kinds"], asked["webauthn"]) == (["recovery_codes", "totp"], None)

    wrong = post(browser_of(), "session/second-factor/", {"challenge": asked["challenge"], "code": "000000"})
    assert (wrong[0], wrong[1]["code"]) == (409, "wrong_second_factor")
    status, session = post(
        browser_of(), "session/second-factor/", {"challenge": asked["challenge"], "code": app.code()}
    )
    assert (status, sorted(session)) == (201, ["expires_at", "idle_seconds", "token"])
    browser = signed_in(session["token"])
    assert browser.get("/api/v1/me/").json()["email"] == user.email
    (live,) = [each for each in browser.get("/api/v1/sessions/").json()["results"] if each["revoked_at"] is None]
    assert live["second_factor_at"] is not None


def test_a_challenge_opens_nothing_by_itself() -> None:  # [B134]
    user = a_user()
    with_an_app(user)
    challenge = first_step(user)["challenge"]
    assert error_of(signed_in(challenge).get("/api/v1/me/")) == (401, "not_signed_in")
    status, said = post(browser_of(), "session/second-factor/", {"challenge": challenge})
    assert (status, said["code"]) == (409, "wrong_second_factor")


def test_a_security_key_is_added_and_signs_in() -> None:
    user = a_user()
    browser, key = browser_of(user), SecurityKey()
    _, begun = post(browser, "second-factors/webauthn/begin/")
    assert begun["webauthn"]["publicKey"]["rp"] == {"id": "localhost", "name": "Assay"}
    credential = key.register(begun["webauthn"])
    as_browsers_write = {**credential, "clientExtensionResults": {}, "authenticatorAttachment": "cross-platform"}
    body = {"challenge": begun["challenge"], "name": "blue", "credential": as_browsers_write}
    status, added = post(browser, "second-factors/webauthn/", body)
    assert (status, added["factor"]["name"]) == (201, "blue")

    asked = first_step(user)
    answer = key.use(asked["webauthn"])
    status, _ = post(browser_of(), "session/second-factor/", {"challenge": asked["challenge"], "credential": answer})
    assert status == 201


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"type": "password"},
        {"rawId": "not base64!"},
        {"response": {}},
        {"response": "x"},
        {"smuggled": 1},
        {"id": 5, "rawId": 5},
    ],
)
def test_a_security_keys_answer_is_read_strictly(change: dict[str, object]) -> None:
    user = a_user()
    browser, key = browser_of(user), SecurityKey()
    _, begun = post(browser, "second-factors/webauthn/begin/")
    credential = {**key.register(begun["webauthn"]), **change}
    body = {"challenge": begun["challenge"], "name": "blue", "credential": credential}
    status, said = post(browser, "second-factors/webauthn/", body)
    assert (status, said["code"]) == (400, "invalid")


def test_one_steps_up_with_a_code_and_is_told_for_how_long() -> None:
    user = a_user()
    app, browser, codes = with_an_app(user)
    _, asked = post(browser, "session/step-up/begin/")
    assert (asked["kinds"], asked["webauthn"]) == (["recovery_codes", "totp"], None)
    status, said = post(browser, "session/step-up/", {"code": app.code()})
    assert (status, list(said)) == (200, ["fresh_until"])
    assert post(browser, "session/step-up/", {"challenge": asked["challenge"], "code": codes[0]})[0] == 200
    assert post(browser, "session/step-up/", {"password": PASSWORD})[1]["code"] == "wrong_second_factor"


def test_ones_factors_are_listed_renewed_and_removed() -> None:
    user = a_user()
    _, browser, old = with_an_app(user)
    app, codes = browser.get("/api/v1/second-factors/").json()["factors"]
    assert [(app["kind"], app["left"]), (codes["kind"], codes["left"])] == [("totp", None), ("recovery_codes", 10)]
    status, renewed = post(browser, "second-factors/recovery-codes/")
    assert (status, len(renewed["recovery_codes"]), set(old) & set(renewed["recovery_codes"])) == (201, 10, set())
    assert error_of(browser.delete(f"/api/v1/second-factors/{codes['id']}/")) == (404, "not_found")
    assert browser.delete(f"/api/v1/second-factors/{app['id']}/").status_code == 204
    assert browser.get("/api/v1/second-factors/").json() == {"factors": []}


def test_secrets_are_shown_once_and_never_stored_in_an_answer() -> None:
    _, browser, codes = with_an_app(a_user())
    shown = browser.get("/api/v1/second-factors/").content.decode()
    assert not [code for code in codes if code in shown]
    assert browser.get("/api/v1/second-factors/").headers["Cache-Control"] == "no-store"
