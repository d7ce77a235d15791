"""Requests that no browser and no program of ours would send, to every kind of address: pages, console, webhooks, API.

They go to the application as a web server hands them over, so that nothing on the way makes them better.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from pytest_django import Settings

from marketplace.wsgi import application
from tests.access.untouched import contents
from tests.access.world import a_side
from tests.kernel.people import an_operator, console_of

pytestmark = pytest.mark.django_db

LONGEST_ANSWER: Final = 100_000
TOKEN: Final = "a" * 32
FORM: Final = "application/x-www-form-urlencoded"
PARTS: Final = "multipart/form-data; boundary=x"

PAGES: Final = ["/", "/nothing-here", "/account/sign-in/", "/admin/", "/admin/login/", "/admin/workforce/worker/"]
FOR_PROGRAMS: Final = ["/api/v1/me/", "/api/v1/session/", "/api/v1/jobs/", "/webhooks/stripe/", "/health/live"]

GARBAGE: Final[dict[str, list[str]]] = {
    "CONTENT_LENGTH": ["", "-1", "abc", "1_0", "0x10", " 5", "9" * 30],
    "CONTENT_TYPE": [
        *(f"{kind}; charset={codec}" for kind in (FORM, PARTS, "text/x") for codec in ("utf-16", "hex", "undefined")),
        "application/json; charset=utf-7",
        "multipart/form-data",
        f"{FORM}; x*=nope''%41",
        "\xff\xfe",
    ],
    "HTTP_ACCEPT": ["\xff", "a/b;q=abc", "text/html;q=9," * 500],
    "HTTP_ACCEPT_LANGUAGE": ["x" * 10_000, "de-" + "x-" * 3_000],
    "HTTP_AUTHORIZATION": ["Bearer", "Bearer \x00", "Bearer \xff", "Basic !!!", "x" * 10_000, "Bearer ak_é"],
    "HTTP_CONTENT_ENCODING": ["gzip", "\xff"],
    "HTTP_COOKIE": ["session=\x00", "session=" + "x" * 5_000, "=;=;;;", 'session="\\000"'],
    "HTTP_HOST": ["", "evil.example", "localhost:99999", "[::1", "a b", "\xff", "localhost\x00"],
    "HTTP_IDEMPOTENCY_KEY": ["", "\xff", "x" * 300],
    "HTTP_IF_MODIFIED_SINCE": ["garbage", "Wed, 31 Feb 0000 25:61:61 GMT"],
    "HTTP_IF_NONE_MATCH": ['"x', "\xff"],
    "HTTP_ORIGIN": ["null", "http://[", "\xff"],
    "HTTP_RANGE": ["bytes=9-1", "bytes=" + "1-2," * 1_000, "\xff"],
    "HTTP_REFERER": ["http://[", "javascript:alert(1)", "\xff"],
    "HTTP_STRIPE_SIGNATURE": ["", "t=abc,v1=x", "t=1,v1=\xff", "t=" + "9" * 5_000 + ",v1=a", "t=\xb2,v1=a"],
    "HTTP_X_CSRFTOKEN": ["", "\xff", "x" * 10_000],
    "PATH_INFO": [
        "/\xff",
        "/\x00",
        "//",
        "/admin/kernel/user/\x00/change/",
        "/api/v1/jobs/\xd9\xa3/",
        "/a" * 5_000,
    ],
    "QUERY_STRING": [
        *("%00=%00", "a=%ff", "a=%ed%a0%80", "%", "next=//evil.example", "next=%0d%0aX:y", "next=http://["),
        *("q=%00", "o=99999999999999999999", "p=-1", "p=99999999999999999999", "e=1", "_to_field=password"),
        "is_staff__exact=%00",
        "id__in=x",
        "x" * 100_000,
        "&".join(f"a{number}=1" for number in range(5_000)),
    ],
    "REQUEST_METHOD": ["TRACE", "CONNECT", "PATCH", "QUERY", "", "\xff", "X" * 500],
    "REMOTE_ADDR": ["", "\xff", "unix:"],
}
"""Headers, addresses and methods, each value of which takes the place of a good one."""

BODIES: Final[list[bytes]] = [
    b"\x00",
    b"\xff\xfe",
    b"email=%00&password=%00&csrfmiddlewaretoken=%00",
    b"email=%ed%a0%80&password=%ed%a0%80&action=pause&_selected_action=%00",
    b"a=" + b"x" * 200_000,
    b"&".join(b"a%d=1" % number for number in range(3_000)),
    b"x" * 3_000_000,
    b"[" * 100_000,
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="\x00"\r\n\r\nx\r\n--x--',
    b"--x\r\nContent-Disposition: form-data\r\n\r\n",
    b"--x\r\n" + b"A: b\r\n" * 3_000,
    b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--',
    b"--x\r\nContent-Disposition: form-data; name*=zzz''%FF\r\n\r\nx\r\n--x--",
    b'--x\r\nContent-Type: text/plain; charset=hex\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--x--',
]
"""Bodies of forms, as they arrive broken, endless or in another alphabet."""


@dataclass
class Answers:
    """What was answered: each fault by the request that met it, and which statuses there were."""

    faults: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def take(self, status: int, content_type: str, content: bytes, *, sent: dict[str, Any]) -> None:
        """Look at one answer."""
        self.statuses.add(status)
        path = sent["PATH_INFO"]
        if status >= 500 or b"Traceback" in content or len(content) > LONGEST_ANSWER:
            self.faults.append(f"{status} with {len(content)} bytes: {shown(sent)}")
        elif status >= 400 and path.startswith(("/api/", "/webhooks/")):
            body = json.loads(content) if content_type == "application/json" else {}
            if sent["REQUEST_METHOD"] != "HEAD" and not {"code", "message"} <= body.keys():
                self.faults.append(f"{status} without a code: {shown(sent)}")


def shown(sent: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value)[:60]!r}" for name, value in sent.items() if name.isupper())


@pytest.fixture(autouse=True)
def requests_leave_the_connection(settings: Settings) -> Iterator[None]:
    """No request ends the connection that the test is in, as with Django's own test client; none is one too many."""
    settings.REQUESTS_A_MINUTE = {}
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def browser() -> dict[str, str]:
    """The cookies of an operator's browser, and the token that its forms carry."""
    browser = console_of(an_operator())
    cookies = [f"{name}={morsel.value}" for name, morsel in browser.cookies.items()]
    return {"HTTP_COOKIE": "; ".join([*cookies, f"csrf={TOKEN}"]), "HTTP_X_CSRFTOKEN": TOKEN}


def hand_over(answers: Answers, environment: dict[str, str], *, body: bytes = b"{}") -> None:
    """Give the application a request as a web server would, with this in it instead of something good."""
    sent: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.url_scheme": "http",
        **environment,
    }
    begun: list[tuple[int, str]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        begun.append((int(status[:3]), dict(headers).get("Content-Type", "")))

    parts: Any = application(dict(sent), start_response)
    content = b"".join(parts)
    parts.close()
    answers.take(*begun[0], content, sent=sent)


@pytest.mark.slow
def test_garbage_in_any_header_address_or_method_is_refused_and_changes_nothing(  # [B002, B014, B017, B018, B023, B130]
    browser: dict[str, str],
) -> None:
    a_side()
    before, answers = contents(besides="AuditEvent"), Answers()
    for path in [*PAGES, *FOR_PROGRAMS]:
        for name, values in GARBAGE.items():
            for value in values:
                for method in ("GET", "POST"):
                    hand_over(answers, {"REQUEST_METHOD": method, "PATH_INFO": path, **browser, name: value})
    assert answers.faults == []
    assert {200, 302, 400, 401, 403, 404, 405, 415} <= answers.statuses
    assert contents(besides="AuditEvent") == before


def test_no_form_takes_what_no_browser_sends(browser: dict[str, str]) -> None:  # [B001, B009, B010, B011, B014, B041]
    a_side()
    before, answers = contents(besides="AuditEvent"), Answers()
    for path in [*PAGES, *FOR_PROGRAMS]:
        for body in BODIES:
            for content_type in (FORM, PARTS, "application/json", ""):
                hand_over(answers, {"PATH_INFO": path, "CONTENT_TYPE": content_type, **browser}, body=body)
    assert answers.faults == []
    assert contents(besides="AuditEvent") == before
