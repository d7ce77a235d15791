"""What a page of somebody else's can make a browser do here: nothing, whatever origin it claims."""

import re
from typing import Any, Final

import pytest
from django.test import Client

from kernel.models import Session
from tests.access.addresses import ask
from tests.kernel.people import PASSWORD, an_operator, console_of
from tests.workforce.people import a_worker

pytestmark = pytest.mark.django_db

FOREIGN: Final = [
    "null",
    "https://evil.test",
    "https://evilassay.test",
    "https://assay.test.evil.test",
    "http://assay.test",
    "https://assay.test:8443",
    "https://assay.test@evil.test",
    "https://ASSAY.test.",
]
HERE: Final[dict[str, Any]] = {"SERVER_NAME": "assay.test", "secure": True}


@pytest.fixture(autouse=True)
def own_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["assay.test"]


def token_in(browser: Client, address: str) -> str:
    """The mark that forms of the page at the address carry."""
    page = browser.get(address, **HERE).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_page_of_others_is_told_that_it_may_read(origin: str) -> None:  # [B126]
    for address in ("/api/v1/me/", "/api/v1/schema/", "/health/live", "/", "/static/kernel/assay.css"):
        for method in ("GET", "OPTIONS"):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = ask(Client(), method, address, headers=asked, **HERE)
            assert [name for name in answer.headers if name.startswith("Access-Control-")] == [], address


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_form_of_others_signs_anybody_in_or_out_even_with_a_mark_of_ours(origin: str) -> None:  # [B126]
    admin = an_operator()
    strange, known = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    known.cookies.update(console_of(admin).cookies)
    sent = {"email": admin.email, "password": PASSWORD, "csrfmiddlewaretoken": token_in(strange, "/account/sign-in/")}
    marked = {"csrfmiddlewaretoken": token_in(known, "/admin/")}

    signing_in = strange.post("/account/sign-in/", sent, headers={"Origin": origin}, **HERE)
    signing_out = known.post("/account/sign-out/", marked, headers={"Origin": origin}, **HERE)

    assert (signing_in.status_code, signing_out.status_code) == (403, 403)
    assert "This form was not sent from a page of ours" in signing_in.content.decode()
    assert [session.revoked_at for session in Session.objects.all()] == [None]


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_form_of_others_decides_anything_at_the_console(origin: str) -> None:  # [B126]
    console = Client(enforce_csrf_checks=True)
    console.cookies.update(console_of(an_operator()).cookies)
    worker = a_worker()
    address = "/admin/workforce/worker/"
    decision = {"action": "pause", "_selected_action": str(worker.pk), "reason": "Too fast.", "hours": "12"}
    marked = {**decision, "csrfmiddlewaretoken": token_in(console, address)}

    refused = console.post(address, marked, headers={"Origin": origin}, **HERE)
    worker.refresh_from_db()
    assert (refused.status_code, worker.state) == (403, "active")

    unmarked = console.post(address, decision, headers={"Origin": "https://assay.test"}, **HERE)
    worker.refresh_from_db()
    assert (unmarked.status_code, worker.state) == (403, "active")

    ours = console.post(address, marked, headers={"Origin": "https://assay.test"}, **HERE)
    worker.refresh_from_db()
    assert (ours.status_code, worker.state) == (302, "paused")


def test_cookies_are_for_this_host_and_not_for_scripts() -> None:  # [B141]
    browser = Client()
    admin = an_operator()
    token = token_in(browser, "/account/sign-in/")
    browser.post(
        "/account/sign-in/", {"email": admin.email, "password": PASSWORD, "csrfmiddlewaretoken": token}, **HERE
    )

    kept = {name: (bool(c["httponly"]), c["samesite"], c["path"], c["domain"]) for name, c in browser.cookies.items()}
    assert kept == {"csrf": (True, "Strict", "/", ""), "session": (True, "Lax", "/", "")}
