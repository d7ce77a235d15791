"""What is not served, what is not echoed, and which steps cannot be skipped."""

import json
from typing import Any, Final

import pytest
from django.db import Error as DatabaseError
from django.db import connection
from django.test import Client
from pytest_django import Settings

from kernel.services.health import show_life
from tests.access.addresses import ask
from tests.access.world import a_side
from tests.kernel.people import a_user, an_operator, browser_of, console_of
from tests.marketplace.api_people import Person, an_admin
from tests.marketplace.builders import a_draft, owner_of
from tests.workforce.people import an_application

pytestmark = pytest.mark.django_db

SCRIPT: Final = "<script>alert('x')</script>"


# What is not served


def test_no_page_browses_the_api_and_no_address_tells_of_the_inside() -> None:  # [B129]
    for address in ("/api/", "/api/v1/", "/metrics", "/__debug__/", "/debug/", "/silk/", "/flower/"):
        assert ask(Client(), "GET", address).status_code == 404, address

    answer = Client().get("/api/v1/me/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/json")
    assert Client().get("/admin/").headers["Location"].startswith("/admin/login/")


def test_in_production_strangers_are_told_only_whether_it_is_well(settings: Settings) -> None:  # [B129]
    for part in ("relay", "worker", "beat"):
        show_life(part=part)
    here = Client().get("/health/ready").json()
    settings.PRODUCTION = True

    for browser in (Client(), console_of(a_user())):
        assert list(browser.get("/health/ready").json()) == ["status"]
    assert list(console_of(an_operator()).get("/health/ready").json()) == ["status", "parts"]
    assert [part["part"] for part in here["parts"]] == ["database", "broker", "relay", "worker", "beat"]


def test_asking_whether_it_is_well_is_counted_by_address(settings: Settings) -> None:
    settings.REQUESTS_A_MINUTE = {"stranger": 3}
    answers = [Client().get("/health/ready", REMOTE_ADDR="192.0.2.77") for _ in range(5)]

    assert [answer.status_code == 429 for answer in answers[2:]].count(True) >= 1
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_requests")
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert Client().get("/health/live", REMOTE_ADDR="192.0.2.77").status_code == 200


# What is not echoed


def test_what_was_sent_is_nowhere_shown_as_markup() -> None:  # [B098]
    console = console_of(an_operator())
    for address in ("/admin/kernel/user/", "/admin/marketplace/job/", "/account/sign-in/", "/", "/admin/login/"):
        for name in ("q", "next", "o", "_popup", "x"):
            answer: Any = console.get(address, {name: SCRIPT}, follow=True)
            assert SCRIPT not in answer.content.decode(), (address, name)
    typed = {"email": f"{SCRIPT}@x.org", "password": SCRIPT, "next": SCRIPT}
    assert SCRIPT not in Client().post("/account/sign-in/", typed).content.decode()
    assert SCRIPT not in Client().get(f"/{SCRIPT}/").content.decode()


def test_what_the_api_repeats_is_json_that_no_browser_shows_as_a_page() -> None:  # [B098]
    answer = Client().post("/api/v1/session/", json.dumps({SCRIPT: 1}), content_type="application/json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


# What was not asked for


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("", "application/json", 204),
        ("{}", "application/json", 204),
        (" { } ", "application/json", 400),
        ('{"everywhere": true}', "application/json", 400),
        ("[]", "application/json", 400),
        ("{}", "text/plain", 400),
        ("x" * 3_000_000, "application/octet-stream", 400),
    ],
)
def test_an_operation_without_a_body_takes_none(body: str, content_type: str, status: int) -> None:  # [B015]
    answer = browser_of(a_user()).generic("DELETE", "/api/v1/session/", body, content_type=content_type)

    assert answer.status_code == status
    if status == 400:
        assert answer.json() == {"code": "malformed", "message": "This operation takes no body. Send it without one."}


# Steps that cannot be skipped


def test_no_step_of_a_job_is_skipped_or_taken_back() -> None:  # [B118]
    job = a_draft(tasks=2)
    owner = Person(owner_of(job.client))

    def step(name: str) -> tuple[int, str]:
        status, said = owner.post(f"jobs/{job.pk}/{name}/")
        return status, said.get("state") or said["code"]

    assert [step(name) for name in ("pause", "resume")] == [(409, "wrong_state")] * 2
    assert step("cancel") == (200, "cancelled")
    assert [step(name) for name in ("launch", "pause", "resume", "cancel")] == [(409, "wrong_state")] * 4


def test_no_decision_about_a_person_is_made_twice() -> None:  # [B118]
    application, admin = an_application(), an_admin()
    decide = f"applications/{application.pk}"

    assert admin.post(f"{decide}/decline/", {"reason": "Not now."})[0] == 200
    for path, body in ((f"{decide}/approve/", {}), (f"{decide}/decline/", {"reason": "Again."})):
        status, said = admin.post(path, body)
        assert (status, said["code"]) == (409, "wrong_state")


def test_what_was_decided_about_an_answer_is_not_decided_again() -> None:  # [B118]
    side = a_side()
    of_answer = f"assignments/{side.ids['assignment_id']}"
    rejection = {"reason": "wrong", "message": "It is a dog, and not a cat."}

    assert side.owner.post(f"{of_answer}/accept/")[0] == 200
    for step, body, code in (
        ("reject", rejection, "cannot_reject"),
        ("reverse", {"why": "A mistake."}, "wrong_state"),
    ):
        status, said = side.owner.post(f"{of_answer}/{step}/", body)
        assert (status, said["code"]) == (409, code)
    assert side.owner.post(f"{of_answer}/accept/")[1]["state"] == "accepted"


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("marketplace_job", "state = 'completed' WHERE state = 'draft'"),
        ("workforce_application", "state = 'submitted' WHERE state <> 'submitted'"),
        ("billing_payout", "state = 'settled' WHERE state = 'requested'"),
        ("marketplace_assignment", "state = 'active' WHERE state IN ('accepted', 'submitted')"),
    ],
)
def test_the_database_itself_refuses_to_jump(table: str, change: str) -> None:  # [B118]
    a_side()
    a_draft()
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")  # noqa: S608  (our own words)
