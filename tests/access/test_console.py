"""The operators' console as a way in: guarded like the API's, and no window into what is kept secret."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from kernel.api import throttles
from kernel.models import User
from tests.kernel.people import an_operator, console_of
from tests.qualification.builders import a_user
from tests.workforce.people import a_worker

pytestmark = pytest.mark.django_db

IN_MEMORY = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "console"}}
PASSWORD = "long enough, surely"
TEN_A_MINUTE = {"sign_in_address": 1000, "sign_in_account": 10}


@pytest.fixture
def counting_afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing counted yet; the minute does not end during a test."""
    monkeypatch.setattr(throttles, "_counts", throttles._Counts())
    monkeypatch.setattr(throttles, "_shared", throttles._SharedCounts())
    monkeypatch.setattr(throttles, "WINDOW_SECONDS", 10**9)
    with override_settings(CACHES=IN_MEMORY, REQUESTS_A_MINUTE=TEN_A_MINUTE):
        yield
        cache.clear()


@pytest.fixture
def operator() -> Client:
    """The console of an operator who may do everything."""
    return console_of(an_operator())


def lets_in(admin: User, password: str = PASSWORD) -> bool:
    """Whether the console's own form lets the admin in."""
    answer = Client().post("/admin/login/", {"email": admin.email, "password": password})
    return answer.status_code == 302


@pytest.mark.usefixtures("counting_afresh")
def test_guessing_an_admins_password_is_stopped_at_the_console_too() -> None:  # [B139]
    admin = a_user(is_staff=True)
    assert lets_in(admin)
    assert [lets_in(admin, "a guess") for _ in range(9)] == [False] * 9

    answer = Client().post("/admin/login/", {"email": admin.email.upper(), "password": PASSWORD})

    assert (answer.status_code, settings.SESSION_COOKIE_NAME in answer.cookies) == (403, False)
    assert "Too many requests. Try again in" in answer.content.decode()


@pytest.mark.usefixtures("counting_afresh")
def test_guesses_at_the_console_and_at_the_api_are_counted_together() -> None:  # [B139]
    admin = a_user(is_staff=True)
    assert [lets_in(admin, "a guess") for _ in range(10)] == [False] * 10

    body = {"email": admin.email, "password": PASSWORD}
    assert Client().post("/api/v1/session/", body, content_type="application/json").status_code == 429


@pytest.mark.usefixtures("counting_afresh")
@pytest.mark.parametrize("hidden", ["\u200b", "\u2060", "\ufeff", " ", "\u3000"])
def test_an_account_is_counted_however_its_address_is_padded(hidden: str) -> None:  # [B039, B145]
    email, answers = a_user().email, []
    for number in range(11):
        body = {"email": hidden * number + email, "password": "a guess"}
        answers.append(Client().post("/api/v1/session/", body, content_type="application/json").status_code)
    assert answers == [401] * 10 + [429]


@pytest.mark.parametrize("lookup", ["password", "password__startswith", "password__gte"])
def test_a_list_of_people_does_not_answer_questions_about_their_passwords(  # [B113, B115]
    operator: Client, lookup: str
) -> None:
    assert operator.get(reverse("admin:kernel_user_changelist"), {lookup: "md5"}).status_code == 400


def test_hours_are_taken_as_the_form_understands_them(operator: Client) -> None:  # [B023]
    worker = a_worker()
    asked = {"action": "pause", "_selected_action": str(worker.pk), "reason": "Too fast.", "hours": "12.0"}

    answer = operator.post(reverse("admin:workforce_worker_changelist"), asked)

    worker.refresh_from_db()
    assert (answer.status_code, worker.state) == (302, "paused")


@pytest.mark.parametrize(
    ("given", "chosen"),
    [({"state__exact": "\x00"}, {}), ({}, {"_selected_action": "no id"}), ({}, {"_selected_action": "\x00"})],
)
def test_a_list_refuses_what_cannot_be_asked_for(  # [B009, B018]
    operator: Client, given: dict[str, str], chosen: dict[str, str]
) -> None:
    address = reverse("admin:workforce_application_changelist")
    asked = {"action": "approve", "reason": "Fine.", **chosen}
    answer = operator.post(address, asked) if chosen else operator.get(address, given)
    assert answer.status_code == 400
