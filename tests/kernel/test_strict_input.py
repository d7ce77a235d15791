"""What gets in through the API, and what does not. Ids in brackets are those of the catalogue of bad inputs."""

import json
from typing import Any

import pytest
from django.test import Client

from kernel.models import AuditEvent
from tests.kernel.people import a_user, browser_of, error_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.kernel.probe_urls")]

LARGEST = 2**63 - 1


def send(body: bytes | str, content_type: str = "application/json", **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return Client(raise_request_exception=False).post("/echo/", raw, content_type=content_type, headers=headers)


def understood(**fields: Any) -> Any:
    answer = send(json.dumps(fields))
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(**fields: Any) -> list[str]:
    """The names of the fields that were refused."""
    answer = send(json.dumps(fields))
    assert error_of(answer) == (400, "invalid"), answer.content
    return [fault["field"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 100_000, id="B001-open"),
        pytest.param('{"any":' + "[" * 100_000 + "]" * 100_000 + "}", id="B001-closed"),
        pytest.param('{"any":' + "[" * 32 + "]" * 32 + "}", id="B001-one-too-deep"),
        pytest.param('{"any":' + '{"a":' * 500 + "1" + "}" * 501, id="B001-objects"),
        pytest.param('{"number":1,"number":100}', id="B005"),
        pytest.param('{"any":{"a":1,"\\u0061":2}}', id="B005-escaped"),
        pytest.param('{"share":NaN}', id="B006-nan"),
        pytest.param('{"any":[Infinity]}', id="B006-infinity"),
        pytest.param('{"any":-Infinity}', id="B006-minus-infinity"),
        pytest.param('{"share":1e999}', id="B007"),
        pytest.param('{"any":-1e999}', id="B007-negative"),
        pytest.param('{"line":"a\\u0000b"}', id="B009-value"),
        pytest.param('{"any":{"a\\u0000":1}}', id="B009-key"),
        pytest.param(b'{"line":"a\x00b"}', id="B009-raw"),
        pytest.param('{"line":"\\ud800"}', id="B010-value"),
        pytest.param('{"any":{"\\udfff":1}}', id="B010-key"),
        pytest.param('{"line":"\ud800"}', id="B010-raw"),
        pytest.param("[]", id="B013-list"),
        pytest.param('"text"', id="B013-string"),
        pytest.param("1", id="B013-number"),
        pytest.param("null", id="B013-null"),
        pytest.param("{}{}", id="two-values"),
        pytest.param("{'a': 1}", id="other-quotes"),
        pytest.param('{"a": 1,}', id="trailing-comma"),
        pytest.param('\ufeff{"number": 1}', id="byte-order-mark"),
        pytest.param('{"number": 1}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"line": "\xff"}', id="not-utf-8"),
        pytest.param('{"number":' + "9" * 5000 + "}", id="5000-digits"),
        pytest.param('{"any":9223372036854775808}', id="65-bits"),
    ],
)
def test_a_body_that_is_not_strict_json_is_malformed(body: bytes | str) -> None:
    assert error_of(send(body)) == (400, "malformed")


def test_deepest_and_largest_that_still_get_in() -> None:
    assert send('{"any":' + "[" * 31 + "]" * 31 + "}").status_code == 200
    assert understood(number=LARGEST, any=-LARGEST) == {"number": str(LARGEST), "any": str(-LARGEST)}


@pytest.mark.parametrize("more", [0, 1])
def test_a_body_of_one_mebibyte_gets_in_and_one_byte_more_does_not(more: int) -> None:  # [B002]
    frame = '{"any":""}'
    body = frame.replace('""', '"' + "x" * (1024 * 1024 - len(frame) + more) + '"')
    answer = send(body)
    assert answer.status_code == (413 if more else 200)
    if more:
        message = "The body is larger than the 1048576 bytes that are read here."
        assert answer.json() == {"code": "body_too_large", "message": message}


def test_a_million_keys_are_too_large() -> None:  # [B011]
    assert error_of(send("{" + ",".join(f'"k{i}":1' for i in range(1_000_000)) + "}")) == (413, "body_too_large")


def test_a_body_without_its_length_is_refused() -> None:  # [B002]
    answer = Client().generic("POST", "/echo/", b"", headers={"Transfer-Encoding": "chunked"})
    assert error_of(answer) == (411, "length_required")


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        pytest.param("application/json", {"Content-Encoding": "gzip"}, id="B003"),
        pytest.param("text/xml", {}, id="B014-xml"),
        pytest.param("text/plain", {}, id="B014-plain"),
        pytest.param("application/x-www-form-urlencoded", {}, id="B014-form"),
        pytest.param("multipart/form-data; boundary=x", {}, id="B014-multipart"),
        pytest.param("", {}, id="B014-none"),
        pytest.param("application/jsonp", {}, id="B014-nearly"),
        pytest.param("application/json; charset=utf-16", {}, id="charset"),
    ],
)
def test_a_body_that_is_sent_as_something_else_is_not_read(content_type: str, headers: dict[str, str]) -> None:
    assert error_of(send('{"number": 1}', content_type, **headers)) == (415, "unsupported_media_type")


def test_the_accept_header_changes_nothing() -> None:
    assert send('{"number": 1}', Accept="text/xml").json() == {"number": "1"}


def test_unknown_fields_are_loud_at_every_level() -> None:  # [B015, B117]
    assert refused(number=1, is_staff=True, balance_minor=5) == ["is_staff", "balance_minor"]
    assert refused(parts=[{"size": 1}, {"size": 1, "state": "paid"}]) == ["parts.1.state"]
    assert refused(parts={"size": 1}) == ["parts"]


@pytest.mark.parametrize("value", ["7", "1_000", "٧", "７", " 7 ", "1e2", 1.0, 1.5, True, None, "", [], {}, [7]])
def test_a_whole_number_is_a_json_number(value: object) -> None:  # [B021, B022, B023]
    assert refused(number=value) == ["number"]
    assert refused(amount_minor=value) == ["amount_minor"]


@pytest.mark.parametrize("amount_minor", [-1, 10**15 + 1, LARGEST])
def test_money_is_neither_negative_nor_beyond_all_amounts(amount_minor: int) -> None:  # [B019]
    assert refused(amount_minor=amount_minor) == ["amount_minor"]


@pytest.mark.parametrize("share", [1.0000001, -0.1, "high", "0.5", True, None, [], 10**18])
def test_a_share_is_a_number_between_nothing_and_all(share: object) -> None:  # [B034]
    assert refused(share=share) == ["share"]


@pytest.mark.parametrize("sure", ["true", "yes", 1, 0, 1.0, "", None, []])
def test_true_is_true_and_nothing_else(sure: object) -> None:
    assert refused(sure=sure) == ["sure"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("abc\u202edcba", id="B037-override"),
        pytest.param("\u2066abc\u2069", id="B037-isolate"),
        pytest.param("\u200b", id="B038-zero-width"),
        pytest.param("a" + "\u0301" * 30, id="B038-marks"),
        pytest.param("a\r\nBcc: b", id="B041"),
        pytest.param("a\x1b[31m", id="escape"),
        pytest.param("   ", id="blank"),
        pytest.param("x" * 41, id="B042-long"),
        pytest.param("x" * 500_000, id="B042-huge"),
        pytest.param(5, id="number"),
        pytest.param(True, id="truth"),
        pytest.param(None, id="null"),
        pytest.param(["a"], id="list"),
    ],
)
def test_a_line_that_hides_or_breaks_something_is_refused(line: object) -> None:
    assert refused(line=line) == ["line"]


@pytest.mark.parametrize(
    "line", ["X", "Null", "O'Brien", "N/A", "אבג", "👩‍🚀", "{{7*7}}", "%s%s", "{0.__class__}", "'; DROP TABLE x; --"]
)
def test_a_line_is_taken_as_it_is(line: str) -> None:  # [B042, B046, B047]
    assert understood(line=line) == {"line": repr(line)}


def test_text_is_taken_in_its_normal_form() -> None:  # [B039]
    assert understood(line=" Zoe\u0301 ", text="a\r\nb\tc\rd") == {"line": "'Zoé'", "text": r"'a\nb\tc\nd'"}


@pytest.mark.parametrize(
    "id_", [5, True, "urn:uuid:0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11", "0b9d4c8e6a344f0e9c551d6b9f6d2a11"]
)
def test_an_id_has_one_form(id_: object) -> None:
    assert refused(id=id_) == ["id"]


@pytest.mark.parametrize("currency", ["usd", "XXX", "BTC", "", 5, None, ["USD"]])
def test_a_currency_is_one_that_is_kept(currency: object) -> None:  # [B027]
    assert refused(currency=currency) == ["currency"]


@pytest.mark.parametrize(
    "at",
    [
        "2026-05-17T12:00:00",
        "2026-05-17",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "2026-02-30T00:00:00Z",
        "2026-05-17T24:61:00Z",
        "2026-05-17T12:00:60Z",
        "２026-05-17T12:00:00Z",
        "2026-05-17T12:00:00+99:99",
        "now",
        1779019200,
        True,
        "",
        None,
    ],
)
def test_an_instant_has_an_offset_and_a_sane_year(at: object) -> None:  # [B165]
    assert refused(at=at) == ["at"]


def test_an_instant_is_kept_in_utc() -> None:
    assert understood(at="2026-05-17T12:00:00+02:00") == {
        "at": "datetime.datetime(2026, 5, 17, 10, 0, tzinfo=datetime.timezone.utc)"
    }


@pytest.mark.parametrize(
    "day", ["20260517", "2026-W20-7", "2026-13-01", "２026-05-17", 20260517, None, "2026-05-17T00:00:00Z"]
)
def test_a_day_has_one_form(day: object) -> None:
    assert refused(day=day) == ["day"]


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@example.org\nBcc: x", 5])
def test_an_email_address_is_one(email: object) -> None:
    assert refused(email=email) == ["email"]


@pytest.mark.parametrize("color", ["green", "RED", "", 1, True, ["red"], {"red": 1}, None])
def test_a_choice_is_one_of_the_words(color: object) -> None:
    assert refused(color=color) == ["color"]


def test_who_chooses_none_of_the_words_reads_which_there_are() -> None:
    (fault,) = send(json.dumps({"color": "green"})).json()["errors"]
    assert fault["message"] == '"green" is none of: red, blue.'


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("owner__password__startswith=a", "owner__password__startswith"),  # [B113]
        ("ordering=user__password", "ordering"),  # [B114]
        ("fields=*,password", "fields"),
        ("format=xml", "format"),
        ("page=-1", "page"),  # [B018]
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1000000000000000000000", "limit"),
        ("limit=٧", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("action=a%00b", "action"),
        ("newest=1", "newest"),
        ("most=-1", "most"),
    ],
)
def test_a_query_that_is_not_declared_or_not_meant_is_refused(query: str, field: str) -> None:
    answer = browser_of(a_user(admin=True)).get(f"/events/?{query}")
    assert error_of(answer) == (400, "invalid")
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_an_address_without_parameters_takes_none() -> None:
    answer = browser_of(a_user()).get("/api/v1/me/?debug=1")
    assert error_of(answer) == (400, "invalid")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_405_for_everybody(method: str) -> None:  # [B017]
    assert error_of(getattr(Client(), method)("/echo/")) == (405, "method_not_allowed")


def test_options_tells_the_methods_and_head_is_a_get_without_a_body() -> None:  # [B017]
    options = Client().options("/api/v1/me/", headers={"Range": "bytes=9-1", "If-Match": "garbage"})
    assert (options.status_code, options.content, options.headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")
    head = browser_of(a_user()).head("/api/v1/me/")
    assert (head.status_code, head.content) == (200, b"")


def test_a_million_characters_of_password_are_refused_fast() -> None:  # [B133]
    body = {"email": "ada@example.org", "password": "x" * 1_000_000}
    answer = Client().post("/api/v1/session/", body, content_type="application/json")
    assert error_of(answer) == (400, "invalid")
    assert [fault["field"] for fault in answer.json()["errors"]] == ["password"]


def test_nothing_was_written_by_what_was_refused() -> None:
    browser = browser_of(a_user())
    events = AuditEvent.objects.count()
    for body in ({"text": "a", "shade": "pale"}, {"text": 5}, {}, {"text": "\x00"}):
        assert browser.post("/notes/", body, format="json").status_code == 400
    assert AuditEvent.objects.count() == events
