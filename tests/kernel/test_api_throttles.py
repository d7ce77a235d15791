"""How often: one limit for each sender, shared by all processes as long as the cache answers."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from kernel.api import throttles
from tests.kernel.people import a_user, browser_of, error_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kernel.probe_urls")]

IN_MEMORY = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttles"}}


@pytest.fixture(autouse=True)
def counting_afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing counted yet, and a cache that answers; the minute does not end during a test."""
    monkeypatch.setattr(throttles, "_counts", throttles._Counts())
    monkeypatch.setattr(throttles, "_shared", throttles._SharedCounts())
    monkeypatch.setattr(throttles, "WINDOW_SECONDS", 10**9)
    with override_settings(CACHES=IN_MEMORY):
        yield
        cache.clear()


def rates(**numbers: int) -> Any:
    return override_settings(
        REQUESTS_A_MINUTE={"read": 1000, "write": 1000, "stranger": 1000, "sign_in_address": 1000, **numbers}
    )


def test_beyond_the_limit_one_is_told_to_wait() -> None:
    browser = browser_of(a_user())
    with rates(read=3):
        answers = [browser.get("/api/v1/me/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    seconds = answers[3].json()["details"]["wait_seconds"]
    assert answers[3].headers["Retry-After"] == str(seconds)
    assert answers[3].json() == {
        "code": "too_many_requests",
        "message": f"Too many requests. Try again in {seconds} s.",
        "details": {"wait_seconds": seconds},
    }


def test_people_do_not_use_up_each_others_requests_and_reads_not_those_of_writes() -> None:
    one, other = browser_of(a_user()), browser_of(a_user())
    with rates(read=1):
        assert one.get("/api/v1/me/").status_code == 200
        assert one.get("/api/v1/me/").status_code == 429
        assert one.post("/notes/", {"text": "a"}, format="json").status_code == 201
        assert other.get("/api/v1/me/").status_code == 200


def test_guessing_one_password_is_stopped_however_the_address_is_written() -> None:
    user = a_user()
    with rates(sign_in_account=3):
        answers = [
            browser_of().post("/api/v1/session/", {"email": email, "password": "wrong horse"}, format="json")
            for email in (user.email, user.email.upper(), f" {user.email}", user.email)
        ]
    assert [error_of(answer)[0] for answer in answers] == [401, 401, 401, 429]


def test_forwarded_addresses_are_not_believed_without_a_proxy() -> None:
    with rates(sign_in_address=2):
        answers = [
            browser_of().post(
                "/api/v1/session/",
                {"email": f"nobody{number}@example.org", "password": "x"},
                format="json",
                headers={"X-Forwarded-For": f"10.0.0.{number}"},
            )
            for number in range(3)
        ]
    assert [error_of(answer)[0] for answer in answers] == [401, 401, 429]


def test_tokens_that_nobody_has_are_tried_as_often_as_strangers_ask_and_those_of_people_still_work() -> None:
    browser = browser_of(a_user())
    with rates(stranger=2):
        wrong = [browser_of() for _ in range(3)]
        for number, each in enumerate(wrong):
            each.credentials(HTTP_AUTHORIZATION=f"Bearer as_{number}")
        assert [each.get("/api/v1/me/").status_code for each in wrong] == [401, 401, 429]
        assert browser.get("/api/v1/me/").status_code == 200


def test_what_another_process_counted_counts_here() -> None:
    elsewhere, here = throttles._Counts(), throttles._Counts()
    for _ in range(100):
        elsewhere.count("read:ada", limit=4000)
    told = [here.count("read:ada", limit=4000) for _ in range(throttles.TOLD_EVERY)]
    assert told == [*range(1, throttles.TOLD_EVERY), 100 + throttles.TOLD_EVERY]


def test_threads_of_one_process_lose_no_count() -> None:
    counts = throttles._Counts()
    threads = [Thread(target=lambda: [counts.count("read:ada", limit=10**6) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.count("read:ada", limit=10**6) == 8 * 500 + 1


def test_a_cache_that_is_away_stops_nobody_and_the_limit_still_holds() -> None:
    away = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/broker.sock",
            "OPTIONS": {"socket_connect_timeout": 0.2},
        }
    }
    browser = browser_of(a_user())
    with rates(read=3), override_settings(CACHES=away):
        assert [browser.get("/api/v1/me/").status_code for _ in range(4)] == [200, 200, 200, 429]
