"""What every answer tells a browser, whoever asks for whatever, and however it ends."""

import re
from typing import Any, Final

import pytest
from django.conf import settings as project
from django.test import Client, override_settings

from kernel.models import User
from kernel.page_policy import ALWAYS, NOTHING
from tests.access.addresses import addresses, ask
from tests.access.world import a_side
from tests.kernel.people import an_operator, token_of
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db

PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SIGN_OUT: Final = ("/account/sign-out/", "/admin/logout/")
STATIC: Final = (
    *("/static/admin/css/base.css", "/static/kernel/assay.css", "/static/nothing.css", "/static/admin/css/"),
    *("/static/../manage.py", "/static/%2e%2e/manage.py", "/static/..%2f..%2fmanage.py", "/static../manage.py"),
    *("/static//etc/passwd", "/static/%00", "/media/../manage.py", "/favicon.ico", "/.env", "/.git/config"),
)


def a_browser(user: User | None) -> Client:
    """What this person asks with: the session's token for the API, its cookie for pages."""
    if user is None:
        return Client(raise_request_exception=False)
    token = token_of(user, through="console")
    browser = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
    browser.cookies[project.SESSION_COOKIE_NAME] = token
    return browser


def a_person() -> User:
    return a_user()


def faults_of(answer: Any) -> dict[str, str | None]:
    """Headers of the answer that are not as they are to be."""
    expected = dict(ALWAYS)
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        expected["Content-Security-Policy"] = NOTHING
    found = {name: answer.headers.get(name) for name, value in expected.items() if answer.headers.get(name) != value}
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        policy = answer.headers.get("Content-Security-Policy", "")
        if policy != PAGE and not is_the_policy_of_the_docs(policy):
            found["Content-Security-Policy"] = policy
    allowing = {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}
    return {**found, **allowing}


def is_the_policy_of_the_docs(policy: str) -> bool:
    """Scripts by nonce, two styles by their hash, workers of its own making; for the rest like every page."""
    scripts = re.sub(r"script-src 'nonce-[\w-]{24}'", "script-src 'self'", policy)
    styles = re.sub(r"(?: 'sha256-[\w+/=]{44}'){2}; img", "; img", scripts)
    return styles.replace("worker-src blob:", "worker-src 'none'") == PAGE


@pytest.mark.parametrize(
    ("role", "console"), [("anonymous", 302), ("person", 302), pytest.param("admin", 200, marks=pytest.mark.slow)]
)
def test_every_address_answers_with_all_of_them(role: str, console: int) -> None:  # [B062, B127, B129]
    people = {"anonymous": lambda: None, "person": a_person, "admin": an_operator}
    ids = a_side().ids
    browser = a_browser(people[role]())
    faults, broken = {}, []
    for address in (*addresses(ids), *STATIC):
        for method in ("GET", "POST"):
            if address in SIGN_OUT and method == "POST":
                continue
            answer = ask(browser, method, address, content_type="application/json")
            if answer.status_code >= 500:
                broken.append(f"{method} {address}")
            if found := faults_of(answer):
                faults[f"{method} {address}"] = found

    assert (faults, broken) == ({}, ["GET /health/ready"])
    assert browser.get("/admin/").status_code == console
    assert [ask(browser, "POST", address).status_code for address in SIGN_OUT] == [302, 302]


@pytest.mark.parametrize("address", STATIC[3:])
def test_what_is_no_file_of_a_page_is_not_served(address: str) -> None:  # [B062]
    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "CONNECT", "BREW"])
def test_no_address_knows_other_methods(method: str) -> None:  # [B017]
    browser = Client()
    for address in (*addresses(), *STATIC[:3]):
        answer = browser.generic(method, address)
        assert (answer.status_code, faults_of(answer)) == (405, {}), address
        assert answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def test_a_page_may_mark_its_scripts_for_this_one_answer() -> None:
    policies = [Client().get("/api/v1/docs/") for _ in range(2)]
    nonces = [re.findall(r"nonce-([\w-]+)", answer.headers["Content-Security-Policy"]) for answer in policies]
    marks = [re.findall(r'<script [^>]*nonce="([^"]+)"', answer.content.decode()) for answer in policies]

    assert nonces == marks
    assert len(nonces[0]) == 1
    assert nonces[0] != nonces[1]
    assert all(answer.content.decode().count("<script") == 1 for answer in policies)


@override_settings(SECURE_HSTS_SECONDS=31_536_000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True, SECURE_SSL_REDIRECT=True)
def test_with_tls_a_browser_is_told_to_keep_to_it() -> None:
    for address in ("/", "/api/v1/me/", "/nothing", "/health/live", "/static/kernel/assay.css"):
        answer = ask(Client(), "GET", address, secure=True)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", address

    away, health = Client().get("/account/sign-in/"), Client().get("/health/live")
    assert (away.status_code, away.headers["Location"]) == (301, "https://testserver/account/sign-in/")
    assert (health.status_code, faults_of(away)) == (200, {})


# However it ends

LARGE: Final = b"x" * 2_700_000

ENDS: Final = [
    ("breaks", {}, 500, "internal_error", "Something went wrong here."),
    ("forbids", {}, 403, "not_allowed", "You may not do this."),
    ("suspects", {}, 400, "malformed", "The request is malformed."),
    ("reads", {"data": LARGE}, 413, "body_too_large", "The body is larger than what is read here."),
    ("nothing", {}, 404, "not_found", "There is nothing at this address."),
    ("breaks", {"headers": {"Host": "evil.test"}}, 400, "malformed", "The request is malformed."),
]


@pytest.mark.urls("tests.access.breaking_urls")
@pytest.mark.parametrize(("name", "sent", "status", "code", "message"), ENDS)
def test_whatever_goes_wrong_is_json_for_programs_and_a_page_for_people(
    name: str, sent: dict[str, Any], status: int, code: str, message: str
) -> None:  # [B125, B130]
    browser = Client(raise_request_exception=False)

    for_program = browser.generic("POST", f"/api/v1/{name}/", content_type="application/json", **sent)
    for_person = browser.generic("POST", f"/{name}/", content_type="text/plain", **sent)

    assert (for_program.status_code, for_program.json()) == (status, {"code": code, "message": message})
    assert (for_person.status_code, for_person.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{message}</h1>" in for_person.content.decode()
    assert "secret" not in for_program.content.decode() + for_person.content.decode()
    assert (faults_of(for_program), faults_of(for_person)) == ({}, {})


def test_a_method_that_an_address_does_not_know_is_answered_in_our_form() -> None:
    for_program, for_person = Client().post("/health/live"), Client().put("/")

    assert (for_program.status_code, for_program.json()["code"]) == (405, "method_not_allowed")
    assert (for_program.headers["Allow"], for_person.headers["Allow"]) == ("GET, HEAD", "GET, HEAD, OPTIONS")
    assert (for_person.status_code, faults_of(for_program), faults_of(for_person)) == (405, {}, {})
    assert "does not know this method" in for_person.content.decode()
