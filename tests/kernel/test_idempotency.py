"""A creating request that is sent twice has one effect and one answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from kernel import clock
from kernel.models import ApiKey, AuditEvent, IdempotencyRecord
from kernel.services.access import sign_in
from kernel.services.idempotency import forget_old_answers
from tests.kernel.people import PASSWORD, a_user, browser_of, error_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kernel.probe_urls")]


def leave(browser: APIClient, text: str, *, key: str = "k1", **more: Any) -> Any:
    return browser.post("/notes/", {"text": text}, format="json", headers={"Idempotency-Key": key}, **more)


def notes() -> list[str]:
    return list(AuditEvent.objects.filter(action__startswith="note.").order_by("id").values_list("action", flat=True))


def test_the_same_request_again_gets_the_same_answer_and_has_no_second_effect() -> None:
    browser = browser_of(a_user())
    first, second = leave(browser, "hello"), leave(browser, "hello")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers.get("Idempotent-Replayed") is None
    assert second.headers["Idempotent-Replayed"] == "true"
    assert notes() == ["note.hello"]


def test_without_a_key_each_request_counts() -> None:
    browser = browser_of(a_user())
    for _ in range(2):
        browser.post("/notes/", {"text": "hello"}, format="json")
    assert notes() == ["note.hello", "note.hello"]


def test_the_key_with_another_body_or_address_is_refused() -> None:
    browser = browser_of(a_user())
    leave(browser, "hello")
    body = {"name": "import", "scopes": ["work"], "expires_at": (clock.now() + timedelta(days=1)).isoformat()}
    elsewhere = browser.post("/api/v1/api-keys/", body, format="json", headers={"Idempotency-Key": "k1"})
    assert error_of(leave(browser, "other")) == (409, "idempotency_key_reused")
    assert error_of(elsewhere) == (409, "idempotency_key_reused")
    assert notes() == ["note.hello"]


def test_keys_of_two_people_have_nothing_to_do_with_each_other() -> None:
    for _ in range(2):
        assert leave(browser_of(a_user()), "hello").headers.get("Idempotent-Replayed") is None
    assert notes() == ["note.hello", "note.hello"]


@pytest.mark.parametrize(
    ("text", "answer"), [("closed", (409, "closed")), ("broken", (500, "internal_error")), ("", (400, "invalid"))]
)
def test_what_was_refused_keeps_no_answer_and_may_be_tried_again(text: str, answer: tuple[int, str]) -> None:
    browser = browser_of(a_user())
    assert error_of(leave(browser, text)) == answer
    assert leave(browser, "hello").status_code == 201
    assert notes() == ["note.hello"]


def test_a_refusal_that_keeps_facts_keeps_them_and_no_answer() -> None:
    browser = browser_of(a_user())
    assert error_of(leave(browser, "late")) == (409, "late_but_kept")
    assert notes() == ["note.late"]
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256, "tab\t"])
def test_a_key_is_visible_ascii(key: str) -> None:
    assert error_of(leave(browser_of(a_user()), "hello", key=key)) == (400, "invalid_idempotency_key")
    assert notes() == []


def test_a_secret_that_is_shown_once_is_not_stored_with_the_answer() -> None:
    browser = browser_of(a_user())
    body = {"name": "import", "scopes": ["work"], "expires_at": (clock.now() + timedelta(days=1)).isoformat()}
    first, second = (
        browser.post("/api/v1/api-keys/", body, format="json", headers={"Idempotency-Key": "k1"}).json() for _ in "ab"
    )
    assert second == {**first, "token": None}
    assert first["token"] not in str(IdempotencyRecord.objects.values())


def test_what_is_kept_of_a_body_tells_nothing_without_the_installations_key(settings: Settings) -> None:
    one, other = a_user(), a_user()
    for user in (one, other):
        leave(browser_of(user), "hello")

    kept = set(IdempotencyRecord.objects.values_list("body_hmac", flat=True))
    hashes = {sha256(text).hexdigest() for text in (b'{"text": "hello"}', b'{"text":"hello"}', b"hello")}
    assert (len(kept), kept & hashes) == (2, set())

    settings.SECRET_KEY = "another"
    assert error_of(leave(browser_of(one), "hello")) == (409, "idempotency_key_reused")


def test_answers_are_forgotten_after_seven_days() -> None:
    browser = browser_of(a_user())
    leave(browser, "hello")
    with clock.ahead_by(timedelta(days=7) - timedelta(minutes=1)):
        assert forget_old_answers() == 0
    with clock.ahead_by(timedelta(days=7, minutes=1)):
        assert forget_old_answers() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_same_request_sixteen_times_at_once_has_one_effect() -> None:  # [B155]
    user = a_user()
    _, token = sign_in(email=user.email, password=PASSWORD)
    for round_ in range(5):
        barrier = Barrier(16)

        def send(_: int, barrier: Barrier = barrier, round_: int = round_) -> tuple[int, str, bool]:
            own = APIClient(headers={"Authorization": f"Bearer {token}"})
            barrier.wait()
            try:
                answer = leave(own, "hello", key=f"round {round_}".replace(" ", "-"))
                return answer.status_code, answer.json()["id"], "Idempotent-Replayed" in answer.headers
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(send, range(16)))
        assert {(status, id_) for status, id_, _ in answers} == {(201, str(AuditEvent.objects.latest("id").pk))}
        assert sorted(replayed for _, _, replayed in answers) == [False] + [True] * 15
    assert notes() == ["note.hello"] * 5
    assert not ApiKey.objects.exists()
