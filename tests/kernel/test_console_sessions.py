"""Pages and console stand on the API's sessions: one table, one decision, and keys that nobody brought along."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import login
from django.test import Client, RequestFactory

from kernel import clock
from kernel.console.session_store import SessionStore
from kernel.models import AuditEvent, Session
from kernel.services.access import authenticate_token, create_api_key, end_sessions, sign_in
from kernel.services.audit import Actor
from tests.kernel.people import PASSWORD, a_user, an_operator, browser_of, console_of

pytestmark = pytest.mark.django_db

COOKIE = settings.SESSION_COOKIE_NAME


def with_key(key: str) -> Client:
    browser = Client()
    browser.cookies[COOKIE] = key
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def is_signed_in(browser: Client) -> bool:
    return browser.get("/account/second-factors/").status_code == 200


def key_of(browser: Client) -> str:
    return browser.cookies[COOKIE].value


def test_the_console_is_entered_by_a_session_of_which_only_the_hash_is_kept() -> None:
    console = console_of(an_operator())
    found = authenticate_token(key_of(console))
    assert found is not None
    assert found[1] == Session.objects.get()
    assert key_of(console) not in str(Session.objects.values())
    assert is_in(console)


def test_a_sign_in_at_the_console_leaves_its_event() -> None:
    console = Client()
    assert console.post("/account/sign-in/", {"email": an_operator().email, "password": PASSWORD}).status_code == 302
    opened = AuditEvent.objects.get(action="session.opened")
    assert (opened.subject_id, opened.details) == (str(Session.objects.get().pk), {"through": "console"})
    assert console.post("/account/sign-out/").status_code == 302
    assert AuditEvent.objects.filter(action="session.closed").count() == 1


def test_a_key_that_a_browser_brings_along_is_never_taken_over() -> None:  # [B134]
    planted = "as_" + "x" * 43
    browser = with_key(planted)
    operator = an_operator()
    browser.post("/account/sign-in/", {"email": operator.email, "password": PASSWORD})
    assert key_of(browser) != planted
    assert [is_signed_in(browser), is_signed_in(with_key(planted))] == [True, False]


def test_each_sign_in_has_a_key_of_its_own_and_ends_the_one_before() -> None:  # [B134, B138]
    operator = an_operator()
    first = console_of(operator)
    second = console_of(operator)
    assert [is_in(first), is_in(second)] == [False, True]
    _, token = sign_in(email=operator.email, password=PASSWORD)
    assert [is_in(second), authenticate_token(token) is not None] == [False, True]
    ended = AuditEvent.objects.filter(action="session.ended")
    assert list(ended.values_list("why", flat=True)) == ["signed in again"] * 2


def test_what_ends_a_session_ends_it_at_the_console_too() -> None:  # [B134]
    operator = an_operator()
    console = console_of(operator)
    end_sessions(user_id=operator.pk, why="tried", by=Actor.system("test"))
    answer = console.get("/admin/")
    assert (answer.status_code, answer.cookies[COOKIE].value) == (302, "")


def test_signing_out_at_the_console_ends_the_key_everywhere() -> None:
    console = console_of(an_operator())
    key = key_of(console)
    console.post("/admin/logout/")
    assert [is_in(with_key(key)), authenticate_token(key)] == [False, None]


@pytest.mark.parametrize(
    ("ahead", "alive"), [(timedelta(minutes=14), True), (timedelta(minutes=15), False), (timedelta(hours=8), False)]
)
def test_the_consoles_sessions_end_when_the_apis_do(ahead: timedelta, alive: bool) -> None:  # noqa: FBT001  (B135)
    console = console_of(an_operator())
    with clock.ahead_by(ahead):
        assert is_in(console) is alive


def test_an_api_key_is_no_key_of_the_console() -> None:  # [B139]
    operator = an_operator()
    ends = clock.now() + timedelta(days=1)
    _, token = create_api_key(user=operator, name="bot", scopes=["work"], expires_at=ends, by=Actor.user(operator))
    assert not is_in(with_key(token))


def test_a_cookie_opens_no_operation_of_the_api() -> None:  # [B126]
    assert console_of(an_operator()).get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize(
    "key", ["", "x", "as_", "sessionid", "a" * 5000, "as_\u00fc", "eyJhbGciOiJub25lIn0.e30.", "gAN9cQAu:1x:sig"]
)
def test_a_forged_key_is_a_strangers(key: str) -> None:  # [B142, B146]
    assert with_key(key).get("/admin/").status_code == 302


def test_django_itself_can_begin_no_session() -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    with pytest.raises(TypeError, match=r"begun by kernel\.services\.access only"):
        login(request, a_user(), backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session["who"] = "me"
    with pytest.raises(TypeError, match=r"begun by kernel\.services\.access only"):
        request.session.save()
    assert not Session.objects.exists()


@pytest.mark.parametrize("path", ["/account/sign-in/", "/account/sign-out/", "/admin/login/", "/admin/logout/"])
def test_signing_in_and_out_needs_a_form_of_ours(path: str) -> None:  # [B126]
    browser = Client(enforce_csrf_checks=True)
    operator = an_operator()
    answer = browser.post(path, {"email": operator.email, "password": PASSWORD})
    assert (answer.status_code, Session.objects.exists()) == (403, False)


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/admin/kernel/user/", "/admin/kernel/user/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_after_signing_in_one_stays_here(asked: str, led_to: str) -> None:
    answer = Client().post("/account/sign-in/", {"email": a_user().email, "password": PASSWORD, "next": asked})
    assert answer.headers["Location"] == led_to


def test_a_refused_sign_in_reads_the_same_for_everybody() -> None:  # [B131]
    for email in (an_operator().email, "nobody@example.org", "no address", "\x00"):
        answer = Client().post("/account/sign-in/", {"email": email, "password": "wrong horse"})
        assert answer.status_code == 403
        assert "This e-mail address and this password do not belong together." in answer.content.decode()


def test_a_password_of_a_million_characters_is_not_even_hashed() -> None:  # [B133]
    operator = an_operator()
    answer = Client().post("/account/sign-in/", {"email": operator.email, "password": PASSWORD + "x" * 1_000_000})
    assert answer.status_code == 403


def test_the_consoles_own_password_form_is_gone() -> None:  # [B139]
    assert console_of(an_operator()).get("/admin/password_change/").status_code == 404


def test_a_person_signed_in_at_the_api_is_told_who_they_are_on_the_page() -> None:
    user = a_user()
    browser_of(user)
    console = console_of(user)
    assert user.email in console.get("/account/sign-in/").content.decode()
