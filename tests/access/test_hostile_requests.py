"""Requests that nobody sends by accident, to every operation of the API: each is refused, and never by a 5xx.

Whose request it is was looked up before: somebody whom the operation does not turn away for another reason.
"""

import gzip
import json
from typing import Any, Final

import pytest

from kernel.api.input import LARGEST_BODY_BYTES
from kernel.api.pages import PageQuery
from kernel.api.uploads import UploadView
from tests.access.shared import World, filled, send, undone
from tests.access.test_other_tenants import NOT_SENT, OPERATIONS, named
from tests.access.untouched import contents
from tests.marketplace.api_people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_is_slowed_down")]

Readers = dict[str, Person | None]

BODIES: Final = {name: getattr(view, method).body for name, (method, _, view) in OPERATIONS.items()}
WITH_BODY: Final = [
    name for name, body in BODIES.items() if body is not None and not issubclass(OPERATIONS[name][2], UploadView)
]
READS: Final = [name for name in OPERATIONS if name.startswith("GET ")]
QUESTIONS: Final = {name: getattr(view, method).query for name, (method, _, view) in OPERATIONS.items()}
LISTS: Final = [name for name in READS if issubclass(QUESTIONS[name] or object, PageQuery)]
JSON: Final = "application/json"
LARGEST_REFUSAL: Final = 10_000


def faults_of(name: str, answer: Any, *, statuses: set[int]) -> list[str]:
    """What is wrong with a refusal: another status, no code and sentence, too much said, or the inside shown."""
    text = answer.content.decode()
    wrong = [f"{name}: {answer.status_code}"] if answer.status_code not in statuses else []
    if (answer.status_code >= 400 and len(text) > LARGEST_REFUSAL) or "Traceback" in text or "psycopg" in text:
        wrong.append(f"{name} says too much: {text[:200]}")
    if answer.status_code >= 400 and not {"code", "message"} <= (json.loads(text) if text else {}).keys():
        wrong.append(f"{name} says neither code nor sentence: {text[:200]}")
    return wrong


@pytest.mark.parametrize(
    ("body", "status", "how"),
    [
        pytest.param("[" * 100_000, 400, {}, id="B001-open"),
        pytest.param('{"a":' * 500 + "1" + "}" * 500, 400, {}, id="B001-closed"),
        pytest.param('{"a": "' + "x" * 1024 * 1024 + '"}', 413, {}, id="B002"),
        pytest.param(gzip.compress(b"0" * 10_000_000), 415, {"HTTP_CONTENT_ENCODING": "gzip"}, id="B003"),
        pytest.param('{"a": 1, "a": 100}', 400, {}, id="B005"),
        pytest.param('{"a": NaN}', 400, {}, id="B006-nan"),
        pytest.param('{"a": -Infinity}', 400, {}, id="B006-infinity"),
        pytest.param('{"a": 1e999}', 400, {}, id="B007"),
        pytest.param('{"a": "\\u0000"}', 400, {}, id="B009-value"),
        pytest.param('{"a\\u0000": 1}', 400, {}, id="B009-key"),
        pytest.param('{"a": "\\ud800"}', 400, {}, id="B010"),
        pytest.param("{" + ",".join(f'"k{number}":1' for number in range(100_000)) + "}", 413, {}, id="B011-keys"),
        pytest.param("{" + ",".join(f'"k{number}":1' for number in range(5_000)) + "}", 400, {}, id="B011-names"),
        pytest.param("[]", 400, {}, id="B013-list"),
        pytest.param('"text"', 400, {}, id="B013-text"),
        pytest.param("1", 400, {}, id="B013-number"),
        pytest.param("null", 400, {}, id="B013-null"),
        pytest.param("{}", 415, {"content_type": "text/plain"}, id="B014-plain"),
        pytest.param("<a/>", 415, {"content_type": "text/xml"}, id="B014-xml"),
        pytest.param("a=1", 415, {"content_type": "application/x-www-form-urlencoded"}, id="B014-form"),
        pytest.param("--x--", 415, {"content_type": "multipart/form-data; boundary=x"}, id="B014-parts"),
        pytest.param("{}", 415, {"content_type": f"{JSON}; charset=utf-16"}, id="B014-charset"),
        pytest.param('{"is_staff": true, "balance_minor": 1, "tenant": "x"}', 400, {}, id="B015-B117"),
        pytest.param('{"state": "accepted", "certified": true, "created_at": "2020"}', 400, {}, id="B117-B170"),
    ],
)
def test_no_operation_takes_a_body_that_cannot_be_meant(
    world: World, readers: Readers, body: str | bytes, status: int, how: dict[str, str]
) -> None:
    before, wrong = contents(besides="AuditEvent"), []  # which tells of some of them
    for name in WITH_BODY:
        person = readers[name]
        assert person is not None, f"{name} turns everybody away; add somebody to the world."
        statuses = {status} if BODIES[name]().fields else {400, 413, 415}  # where nothing is read, nothing is parsed
        if status == 413 and getattr(OPERATIONS[name][2], "largest_body_bytes", 0) > LARGEST_BODY_BYTES:
            statuses = {400, 413}
        wrong += faults_of(name, send(person, world, name, body=body, **how), statuses=statuses)
    assert wrong == []
    assert contents(besides="AuditEvent") == before


def test_no_operation_takes_another_method(world: World) -> None:  # [B017]
    wrong = []
    for name in OPERATIONS:
        statuses = {
            send(world.side.owner, world, name, method=way).status_code for way in ("TRACE", "PROPFIND", "PATCH")
        }
        options = send(world.side.owner, world, name, method="OPTIONS").status_code
        if (statuses, options) != ({405}, 204):
            wrong.append(name)
    assert wrong == []


def test_headers_of_other_protocols_change_no_answer(world: World, readers: Readers) -> None:  # [B017]
    strange = {
        "HTTP_RANGE": "bytes=9-1",
        "HTTP_IF_MATCH": '"garbage',
        "HTTP_IF_NONE_MATCH": "*",
        "HTTP_IF_MODIFIED_SINCE": "Wed, 31 Feb 0000 25:61:61 GMT",
        "HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE",
        "HTTP_ACCEPT": "text/xml;q=oo",
    }
    wrong = []
    for name in READS:
        person = readers[name] or world.side.owner
        plain, odd = send(person, world, name), send(person, world, name, **strange)
        head = send(person, world, name, method="HEAD", **strange)
        if {odd.status_code, head.status_code} != {plain.status_code} or (not head.streaming and head.content):
            wrong.append(f"{name}: {plain.status_code} {odd.status_code} {head.status_code}")
    assert wrong == []


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?user__password__startswith=a", id="B113"),
        pytest.param("?ordering=user__password&fields=*&expand=worker", id="B114-B115"),
        pytest.param("?page=-1&page_size=1000000000&offset=1000000000000000000", id="B018-page"),
        pytest.param("?cursor=x", id="B018-cursor"),
        pytest.param("?limit=-1", id="B018-negative"),
        pytest.param("?limit=1000000000000000000", id="B018-limit"),
        pytest.param("?limit=%D9%A3", id="B023"),
        pytest.param("?cursor=%00&state=%00&job=%00&name=%00", id="B009"),
        pytest.param("?name=%ED%A0%80&cursor=%ED%A0%80", id="B010"),
        pytest.param("?state=a&state=b&job[]=1", id="twice"),
        pytest.param("?" + "&".join(f"a{number}=1" for number in range(2_000)), id="B011"),
        pytest.param("?name=" + "x" * 100_000, id="B042"),
    ],
)
def test_no_operation_takes_a_question_that_it_does_not_know(world: World, readers: Readers, query: str) -> None:
    before, wrong = contents(), []
    for name in READS:
        person = readers[name]
        assert person is not None, f"{name} turns everybody away; add somebody to the world."
        wrong += faults_of(name, send(person, world, name, query=query), statuses={400})
    assert wrong == []
    assert contents() == before


def test_a_cursor_leads_on_in_its_own_list_and_only_unchanged(world: World, readers: Readers) -> None:  # [B018]
    cursors, wrong = {}, []
    for name in LISTS:
        person = readers[name]
        assert person is not None
        cursor = send(person, world, name, query="?limit=1").json()["next_cursor"]
        if cursor is not None:
            cursors[name] = cursor
    assert len(cursors) > 5
    for name, cursor in cursors.items():
        person = readers[name]
        assert person is not None
        foreign = next(other for place, other in cursors.items() if other.partition(":")[0] != cursor.partition(":")[0])
        for changed in (cursor[:-1], cursor + "A", cursor.swapcase(), cursor.partition(":")[0], foreign):
            wrong += faults_of(name, send(person, world, name, query=f"?cursor={changed}"), statuses={400})
        wrong += faults_of(name, send(person, world, name, query=f"?cursor={cursor}"), statuses={200})
    assert wrong == []


LITERAL: Final = "{{7*7}} {0.__class__} %s%s ${x} '; DROP TABLE kernel_user; -- (a+)+$ <b onclick=x>"
"""What a template, a format, a shell, a database, a pattern or a page might take for its own."""


def test_a_text_is_never_more_than_its_characters(  # [B045, B046, B047, B098, B099]
    world: World, readers: Readers
) -> None:
    told, wrong = 0, []
    texts = ("name", "title", "description", "instructions", "note", "reason", "message", "why", "display_name")
    for name in WITH_BODY:
        body = filled(dict(BODIES[name].EXAMPLE or {}), world.values)
        person, given = readers[name], [text for text in texts if isinstance(body.get(text), str)]
        if person is None or not given:
            continue
        with undone():
            answer = send(person, world, name, body=json.dumps({**body, **dict.fromkeys(given, LITERAL)}))
        shown = answer.json() if answer.content else {}
        wrong += faults_of(name, answer, statuses={200, 201, 202, 204, 400, 403, 404, 409})
        kept = [shown[text] for text in given if isinstance(shown, dict) and "DROP TABLE" in str(shown.get(text))]
        wrong += [f"{name} keeps {text}" for text in kept if text != LITERAL]
        told += len(kept)
    assert wrong == []
    assert told >= 5


@pytest.mark.parametrize("asked", ["%", "_", "(a+)+$", "'; --", "\\", "*", "a%20AND%201=1"])
def test_a_search_is_for_the_characters_and_nothing_else(world: World, asked: str) -> None:  # [B045, B047]
    answer = send(world.side.owner, world, "GET clients/", query=f"?name={asked}")
    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_every_operation_but_those_of_signing_in_is_asked(readers: Readers) -> None:
    asked = {name for name, person in readers.items() if person is not None}
    assert {*WITH_BODY, *READS} - asked == set()
    assert set(named(NOT_SENT)) <= set(OPERATIONS)
