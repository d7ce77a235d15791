"""Errors, pages and uploads of the API's shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from kernel import clock
from kernel.models import AuditEvent
from kernel.services.audit import Actor, record
from tests.kernel.people import a_user, browser_of, error_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kernel.probe_urls")]


def test_a_refusal_is_a_code_a_sentence_and_details() -> None:
    answer = browser_of(a_user()).post("/notes/", {"text": "closed"}, format="json")
    assert answer.status_code == 409
    assert answer.json() == {
        "code": "closed",
        "message": "The desk is closed until tomorrow.",
        "details": {"opens": "08:00"},
    }


def test_our_own_fault_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:  # [B130]
    answer = browser_of(a_user()).post("/notes/", {"text": "broken"}, format="json")
    assert error_of(answer) == (500, "internal_error")
    reference = answer.json()["details"]["request"]
    assert "secret" not in answer.content.decode()
    assert f"Request {reference} to POST NotesView failed." in caplog.messages


def test_a_value_that_only_the_database_refuses_is_still_a_400() -> None:
    answer = browser_of(a_user()).post("/notes/", {"text": "x" * 100}, format="json")  # with its prefix too long a word
    assert answer.status_code == 400
    assert answer.json() == {"code": "invalid", "message": "What was sent holds a value that cannot be stored."}


def test_who_is_not_signed_in_and_who_may_not_are_told_apart() -> None:
    stranger = browser_of().get("/events/")
    assert error_of(stranger) == (401, "not_signed_in")
    assert stranger.headers["WWW-Authenticate"] == "Bearer"
    assert browser_of(a_user()).get("/events/").json() == {
        "code": "not_allowed",
        "message": "Only an admin of the platform may do this, with the role auditor.",
    }


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer as_unknown", "Bearer ak_unknown", "Basic YTpi", "Token x", "Bearer " + "a" * 10_000, "é"],
)
def test_a_token_that_is_none_is_refused(header: str) -> None:
    answer = browser_of().get("/api/v1/me/", headers={"Authorization": header})
    assert error_of(answer) == (401, "not_signed_in")


def test_a_row_that_is_not_there_is_named() -> None:
    answer = browser_of(a_user()).get(f"/people/{uuid4()}/")
    assert answer.status_code == 404
    assert answer.json() == {"code": "not_found", "message": "There is no such user."}


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v1/api-keys/5/", "/api/v1/me/../me/x/"])
def test_an_address_that_nobody_has_is_a_404_in_json(path: str) -> None:
    assert browser_of().get(path).json() == {"code": "not_found", "message": "There is nothing at this address."}


def test_answers_are_not_stored_on_the_way() -> None:
    assert browser_of(a_user()).get("/api/v1/me/").headers["Cache-Control"] == "no-store"


def events(number: int, *, at: datetime | None = None) -> None:
    user = a_user()
    with transaction.atomic():
        for position in range(number):
            record(action=f"event.{position}", subject=user, by=Actor.user(user))
        assert AuditEvent.objects.filter(action__startswith="event.").count() >= number


@contextmanager
def same_instant() -> Iterator[None]:
    """Let all rows have one and the same time, so that only the id tells them apart."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    AuditEvent.objects.update(at=datetime(2026, 5, 17, tzinfo=UTC))
    yield


def walk(limit: int) -> list[str]:
    """All ids, page by page."""
    browser, ids, cursor = browser_of(a_user(admin=True)), [], ""
    with same_instant():
        while True:
            answer = browser.get(f"/events/?limit={limit}{cursor}").json()
            assert len(answer["results"]) <= limit
            ids += [row["id"] for row in answer["results"]]
            if answer["next_cursor"] is None:
                return ids
            cursor = f"&cursor={answer['next_cursor']}"


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_hold_each_row_once_also_when_all_are_of_one_instant(limit: int) -> None:
    events(30)
    assert walk(limit) == [str(pk) for pk in AuditEvent.objects.order_by("id").values_list("id", flat=True)]


def test_rows_that_come_meanwhile_neither_repeat_nor_hide_others() -> None:
    admin = browser_of(a_user(admin=True))
    events(10)
    first = admin.get("/events/?limit=5").json()
    events(10)
    second = admin.get(f"/events/?limit=5&cursor={first['next_cursor']}").json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == [str(pk) for pk in AuditEvent.objects.order_by("at", "id").values_list("id", flat=True)[:10]]


@pytest.mark.parametrize("cursor", ["x", "WyIxIl0", "WyIxIl0:abc", "%00", "a" * 1500, "' OR 1=1 --"])
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:  # [B018]
    answer = browser_of(a_user(admin=True)).get("/events/", {"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid_cursor", "invalid")


def test_a_cursor_of_another_list_is_refused() -> None:
    admin = a_user(admin=True)
    events(5)
    browser = browser_of(admin)
    cursor = browser.get("/events/?limit=1").json()["next_cursor"]
    assert error_of(browser.get(f"/api/v1/api-keys/?cursor={cursor}")) == (400, "invalid_cursor")


def test_an_upload_is_read_and_sent_twice_counts_once() -> None:
    browser = browser_of(a_user())
    sends = [
        browser.generic("POST", "/lines/", "a,b\n1,2\n", content_type="text/csv", headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [answer.json() for answer in sends] == [{"lines": 2, "type": "text/csv"}] * 2
    assert "Idempotent-Replayed" in sends[1].headers
    assert AuditEvent.objects.filter(action="lines.counted").count() == 1


def test_another_upload_under_the_same_key_is_refused() -> None:
    browser = browser_of(a_user())
    key = {"Idempotency-Key": "k"}
    browser.generic("POST", "/lines/", "a,b\n1,2\n", content_type="text/csv", headers=key)
    assert error_of(browser.generic("POST", "/lines/", "a,b\n1,3\n", content_type="text/csv", headers=key)) == (
        409,
        "idempotency_key_reused",
    )
    assert error_of(
        browser.generic("POST", "/lines/", "a,b\n1,2\n", content_type="application/x-ndjson", headers=key)
    ) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("size", "content_type", "headers", "answer"),
    [
        (3 * 1024 * 1024, "text/csv", {}, None),
        (3 * 1024 * 1024 + 1, "text/csv", {}, (413, "body_too_large")),
        (10, "application/json", {}, (415, "unsupported_media_type")),
        (10, "text/csv; charset=latin-1", {}, (415, "unsupported_media_type")),
        (10, "text/csv", {"Content-Encoding": "gzip"}, (415, "unsupported_media_type")),
    ],
)
def test_an_upload_is_of_a_kind_and_a_size(
    size: int, content_type: str, headers: dict[str, str], answer: tuple[int, str] | None
) -> None:
    sent = browser_of(a_user()).generic("POST", "/lines/", "x" * size, content_type=content_type, headers=headers)
    assert (error_of(sent) if answer else sent.json()) == (answer or {"lines": 1, "type": "text/csv"})


def test_health_names_what_is_not_well() -> None:
    assert browser_of().get("/health/live").json() == {"status": "live"}
    answer = browser_of().get("/health/ready")
    assert answer.status_code == 503
    assert [(part["part"], part["well"]) for part in answer.json()["parts"]] == [
        ("database", True),
        ("broker", False),
        ("relay", False),
        ("worker", False),
        ("beat", False),
    ]


def test_an_api_key_from_its_making_to_its_end() -> None:
    user = a_user()
    person = browser_of(user)
    body = {
        "name": "nightly import",
        "scopes": ["jobs.write", "jobs.read"],
        "expires_at": (clock.now() + timedelta(days=1)).isoformat(),
    }
    made = person.post("/api/v1/api-keys/", body, format="json").json()
    assert made["scopes"] == ["jobs.read", "jobs.write"]
    program = browser_of()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {made['token']}")
    assert program.get("/api/v1/me/").json()["signed_in_by"] == "api_key"
    for attempt in (
        program.post("/api/v1/api-keys/", body, format="json"),
        program.get("/api/v1/api-keys/"),
        program.delete("/api/v1/session/"),
    ):
        assert error_of(attempt) == (403, "not_allowed")
    assert error_of(browser_of(a_user()).delete(f"/api/v1/api-keys/{made['id']}/")) == (404, "not_found")
    person = browser_of(user)
    assert person.delete(f"/api/v1/api-keys/{made['id']}/").status_code == 204
    assert error_of(program.get("/api/v1/me/")) == (401, "not_signed_in")
    listed = person.get("/api/v1/api-keys/").json()["results"]
    assert [(key["id"], "token" in key, key["revoked_at"] is None) for key in listed] == [(made["id"], False, False)]
