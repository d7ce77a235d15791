"""For each kind of field what it must refuse, under the ids of the catalogue of bad inputs."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from rest_framework import serializers

from billing.api.addresses import AddressField
from kernel.api import fields
from kernel.api.webauthn import Base64UrlField
from qualification.api.own_fields import MarkupField, SlugField

Bad = tuple[str, Any]


def each(case: str, values: Iterable[Any]) -> list[Bad]:
    """All of these values under one id."""
    return [(case, value) for value in values]


ENDLESS: Final = "x" * 500_000

NO_TEXT: Final = each("type", [5, True, ["a"], {"a": "a"}])
HIDING: Final = [
    *each("B009", ["a\x00b"]),
    *each("B010", ["a\ud800"]),
    *each("B037", ["abc\u202edcba", "\u2066abc\u2069"]),
    *each("B038", ["\u200b", "\u3164", "a" + "\u0301" * 10_000]),
    *each("B041", ["a\x1b[31m", "a\u2028b"]),
    *each("hidden", ["a\U000e0041", "a\uffff"]),
]
MORE_LINES: Final = each("B041", ["a\r\nBcc: b@example.org", "a\tb"])
NO_WHOLE_NUMBER: Final = [
    *each("B021-B022-B026", [1.0, 1.1, 0.001, 0.1 + 0.2, 1e2, True, False, None, "", [], {}, [7]]),
    *each("B021-B023", ["7", "1e2", "1_000", "٧", "７", " 7 ", "0x10", "-0", "1.10", "²"]),
]
NO_NUMBER: Final = each("B034", ["0.5", "high", True, None, "", [], {}])
NO_TRUTH: Final = each("type", ["true", "yes", 1, 0, 1.0, "", None, [], {}])
NO_WORD: Final = each("word", ["no such word", ENDLESS, 5, True, None, "", ["a"], {"a": 1}, "a\x00", "'; --"])
NO_CURRENCY: Final = each("B027", ["usd", "XXX", "BTC", " USD", "USD ", "ＵＳＤ", "", 840, None])
NO_ID: Final = [
    *each("type", [5, True, None, "", [], {}]),
    *each("B047", ["me", "' OR 1=1 --", "urn:uuid:0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11", ENDLESS]),
    *each("form", ["0b9d4c8e6a344f0e9c551d6b9f6d2a11", "{0b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11}"]),
    *each("B023", ["０b9d4c8e-6a34-4f0e-9c55-1d6b9f6d2a11"]),
]
NO_INSTANT: Final = [
    *each("B165", ["2026-05-17T12:00:00", "2026-05-17", "now", "", 1779019200, True, None, [], {}]),
    *each("B165", ["２026-05-17T12:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"]),
    *each("B165", ["2026-02-30T00:00:00Z", "2026-05-17T12:00:60Z", "2026-05-17T24:61:00Z"]),
    *each("B165", ["2026-05-17T12:00:00+99:99", "2026-05-17T12:00:00Z" + " " * 500]),
]
NO_DAY: Final = each("B165", ["20260517", "2026-W20-7", "2026-13-01", "２026-05-17", "", 20260517, None, [], {}])
NO_ADDRESS: Final = [
    *each("B039", ["ıda@example.org", "аda@example.org", "a@b@example.org", "ada@[127.0.0.1]", "ada@localhost"]),
    *each("B041", ["ada@example.org\r\nBcc: b@example.org", '"a b"@example.org', "ada\x00@example.org"]),
    *each("form", ["ada", "ada@", "@example.org", ENDLESS, "", None, 5, []]),
]
NO_URL: Final = [
    *each(
        "B083", ["javascript:alert(1)", "data:text/html,x", "//example.org", "http:example.org", "file:///etc/passwd"]
    ),
    *each("url", ["https://a@example.org", "https://exa mple.org", "https://example.org\\@evil.example"]),
    *each("url", ["https://example.org:99999", "https://[::1", "https://exämple.org"]),
]
NO_SLUG: Final = each("slug", ["A", "a b", "a--b", "-a", "a-", "é", "__class__", "../a"])


def bad_values(field: serializers.Field[Any, Any, Any, Any]) -> Iterator[Bad]:
    """What ``field`` must refuse. Raises LookupError for a kind of field that is not known here."""
    for kind, bad in _BY_KIND:
        if isinstance(field, kind):
            yield from bad
            break
    else:
        raise LookupError(f"What must {type(field).__name__} refuse? Say so here.")
    yield from _beyond_its_bounds(field)


def is_refused_by(field: serializers.Field[Any, Any, Any, Any], value: object) -> bool:
    """Whether the value is bad for this field: one that may be null or blank takes that."""
    if value is None:
        return not field.allow_null
    return value != "" or not getattr(field, "allow_blank", False)


def _beyond_its_bounds(field: serializers.Field[Any, Any, Any, Any]) -> Iterator[Bad]:
    longest = getattr(field, "max_length", None)
    if isinstance(field, serializers.CharField) and longest is not None:
        yield from each("B011-B042", ["x" * (longest + 1), ENDLESS])
    if isinstance(field, serializers.ListField) and longest is not None:
        yield "many", [None] * (longest + 1)
    if isinstance(field, (serializers.IntegerField, serializers.FloatField)):
        if field.min_value is not None:
            yield from each("B019-B034-B035", [field.min_value - 1, field.min_value - 10**9])
        if field.max_value is not None:
            yield from each("B034-B035", [field.max_value + 1, field.max_value + 10**9 * 86_400])


_BY_KIND: Final[list[tuple[type[Any], list[Bad]]]] = [
    (AddressField, [*NO_TEXT, *HIDING, *MORE_LINES, *NO_URL]),
    (SlugField, [*NO_TEXT, *HIDING, *MORE_LINES, *NO_SLUG]),
    (fields.EmailField, NO_ADDRESS),
    (fields.TextField, [*NO_TEXT, *HIDING]),
    (fields.LineField, [*NO_TEXT, *HIDING, *MORE_LINES]),
    (fields.SecretField, [*NO_TEXT, *each("B009", ["a\x00b"])]),
    (MarkupField, NO_TEXT),
    (Base64UrlField, [*NO_TEXT, *each("base64", ["a\x00b", "a\ud800", "é!", "a="])]),
    (fields.QueryIntegerField, each("B018-B023", ["٧", "1e2", "1.0", " 1", "", "9" * 30, "-"])),
    (fields.IntegerField, NO_WHOLE_NUMBER),
    (fields.FloatField, NO_NUMBER),
    (fields.QueryBooleanField, each("type", ["1", "True", "yes", ""])),
    (fields.BooleanField, NO_TRUTH),
    (fields.CurrencyField, NO_CURRENCY),
    (fields.ChoiceField, NO_WORD),
    (fields.UUIDField, NO_ID),
    (fields.DateTimeField, NO_INSTANT),
    (fields.DateField, NO_DAY),
    (serializers.ListField, each("type", ["a", 5, True, None, {"a": 1}])),
    (serializers.ListSerializer, each("type", ["a", 5, True, None, {"a": 1}, [5], [None], [[]]])),
    (serializers.Serializer, each("B013", ["a", 5, True, None, [], [[]]])),
    (serializers.DictField, each("type", ["a", 5, True, None, []])),
    (fields.JSONField, []),
]
