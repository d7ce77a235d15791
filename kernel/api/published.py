"""What the published schema says beyond what drf-spectacular finds by itself, so that it promises what is held.

A body takes the fields that are named and no others. A text that people type says in which form it is taken: the
formats ``line`` and ``text`` are those of `kernel.text`, and docs/api.md describes them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension

from kernel import policy
from kernel.api.fields import LineField, SecretField
from kernel.api.serializers import In
from kernel.api.webauthn import BASE64URL, Base64UrlField
from kernel.errors import NotAllowed
from kernel.policy import ANY_KEY, Kind, Rule
from kernel.ways_in import EmailNotConfirmed, FreshFactorRequired, ScopeMissing, SecondFactorRequired


class BodySchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # a registry made of subclasses
    """Tells the schema that unknown fields are refused."""

    target_class = In
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        # A body without fields is left out of the schema altogether, as long as nothing is said of it.
        return {**described, "additionalProperties": False} if described.get("properties") else described


class LineSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # a registry made of subclasses
    """Tells the schema how a text must be written that comes in."""

    target_class = LineField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described: dict[str, Any] = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        if direction == "request":
            shortest = {} if self.target.allow_blank else {"minLength": self.target.min_length or 1}
            described = {**described, **shortest, **self.target.written_as}
        return described


class SecretSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # a registry made of subclasses
    """Tells the schema that no password and no token is empty, and how long a new one is at least."""

    target_class = SecretField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described: dict[str, Any] = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**described, "minLength": self.target.shortest}


class Base64UrlSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # a registry made of subclasses
    """Tells the schema of which letters the parts of a security key's answer are."""

    target_class = Base64UrlField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described: dict[str, Any] = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**described, "minLength": 1, "pattern": f"^{BASE64URL}$"}


def what_is_held(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Tells the schema that a file is required where one is taken, and which ways in each operation asks for."""
    for methods in result["paths"].values():
        for described in methods.values():
            _require_a_file(described)
            if "403" in described["responses"]:
                _tell_of_the_way_in(described)
    return result


def _require_a_file(described: dict[str, Any]) -> None:
    body = described.get("requestBody", {})
    if any(media["schema"].get("format") == "binary" for media in body.get("content", {}).values()):
        body["required"] = True


def _tell_of_the_way_in(described: dict[str, Any]) -> None:
    rules = policy.table().of(described["operationId"])
    described["description"] += "\n\n" + " ".join(_asked_of_the_way_in(rules))
    examples = described["responses"]["403"]["content"]["application/json"]["examples"]
    for refusal in _refused_by_the_way_in(rules):
        value = {"code": refusal.code, "message": refusal.message}
        examples[refusal.code.title().replace("_", "")] = {"value": value, "summary": refusal.code}


def _asked_of_the_way_in(rules: Sequence[Rule]) -> Iterator[str]:
    scopes = [f"`{scope}`" for scope in _scopes_in(rules)]
    if any(rule.scope == ANY_KEY for rule in rules):
        yield "Every API key may do this."
    elif scopes:
        yield f"An API key needs the scope {' or '.join(scopes)}."
    else:
        yield "In person only: no API key is enough."
    if all(rule.fresh for rule in rules):
        yield "Asks for a fresh factor."


def _refused_by_the_way_in(rules: Sequence[Rule]) -> Iterator[NotAllowed]:
    kinds = {policy.table().roles[rule.role].kind for rule in rules}
    if not kinds & {Kind.ANYONE, Kind.NEWCOMER}:
        yield EmailNotConfirmed()
    if Kind.ADMIN in kinds:
        yield SecondFactorRequired()
    if any(rule.fresh for rule in rules):
        yield FreshFactorRequired()
    for scope in _scopes_in(rules)[:1]:
        yield ScopeMissing(scope)


def _scopes_in(rules: Sequence[Rule]) -> list[str]:
    return sorted({rule.scope for rule in rules if rule.scope is not None and rule.scope != ANY_KEY})
