"""What the published schema says beyond what drf-spectacular finds by itself, so that it promises what is held.

A body takes the fields that are named and no others. A text that people type says in which form it is taken: the
formats ``line`` and ``text`` are those of `kernel.text`, and docs/api.md describes them.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension

from kernel.api.fields import LineField, SecretField
from kernel.api.serializers import In
from kernel.api.webauthn import BASE64URL, Base64UrlField


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


def files_are_required(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Tells the schema that an operation which takes a file does not go without."""
    for methods in result["paths"].values():
        for described in methods.values():
            body = described.get("requestBody", {})
            if any(media["schema"].get("format") == "binary" for media in body.get("content", {}).values()):
                body["required"] = True
    return result
