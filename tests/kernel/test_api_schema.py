"""The published schema: complete, described, with examples, and true to what views do."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.views import APIView

from kernel.api.views import ApiView

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    generator: Any = SchemaGenerator  # drf-spectacular leaves its methods without types
    with GENERATOR_STATS.silence():
        made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema()["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def views(patterns: list[Any] | None = None) -> Iterator[type[APIView]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            yield pattern.callback.cls


def test_the_generator_has_nothing_to_complain_about() -> None:
    schema()
    assert dict(GENERATOR_STATS._warn_cache) == {}
    assert dict(GENERATOR_STATS._error_cache) == {}


def test_every_operation_says_what_it_is() -> None:
    unsaid = [
        name
        for name, operation in operations()
        if not (operation.get("summary") and len(operation.get("description", "")) > 10 and operation.get("tags"))
    ]
    assert unsaid == []


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert sorted(set(names)) == sorted(names)


def test_every_group_of_operations_is_described() -> None:
    assert [group["name"] for group in schema()["tags"] if "description" not in group] == []


def test_every_body_and_every_answer_in_json_has_an_example() -> None:
    bare = []
    for name, operation in operations():
        for status, answer in operation["responses"].items():
            json = answer.get("content", {}).get("application/json")
            if json is not None and not json.get("examples"):
                bare.append(f"{name} {status}")
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
            if not body.get("examples"):
                bare.append(f"{name} {media_type}")
    assert bare == []


def test_every_operation_that_needs_a_sign_in_documents_who_is_refused() -> None:
    silent = [
        name
        for name, operation in operations()
        if operation.get("security") and not {"401", "403", "429"} <= set(operation["responses"])
    ]
    assert silent == []


def test_every_method_of_every_view_is_a_declared_operation() -> None:
    undeclared = [
        f"{view.__name__}.{method}"
        for view in views()
        for method in METHODS
        if issubclass(view, ApiView) and hasattr(view, method) and not hasattr(getattr(view, method), "query")
    ]
    others = {view.__name__ for view in views() if not issubclass(view, ApiView)}
    assert undeclared == []
    assert others == {"SchemaPage", "DocsPage"}


def test_the_codes_of_the_shell_are_in_the_docs() -> None:
    text = Path(settings.BASE_DIR, "docs", "api.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| \d{3} \| `([a-z_]+)` \|", text, re.MULTILINE))
    assert documented == {
        "body_too_large",
        "email_not_confirmed",
        "fresh_factor_required",
        "internal_error",
        "invalid",
        "invalid_cursor",
        "invalid_idempotency_key",
        "length_required",
        "malformed",
        "method_not_allowed",
        "not_allowed",
        "not_found",
        "not_signed_in",
        "scope_missing",
        "second_factor_needed",
        "second_factor_required",
        "too_many_requests",
        "try_again",
        "unsupported_media_type",
        "wrong_credentials",
    }


def test_an_operation_says_which_ways_in_it_refuses() -> None:
    told = {operation["operationId"]: operation for _, operation in operations()}
    approve = told["approve_an_application"]
    assert approve["description"].endswith("\n\nAn API key needs the scope `admin.write`.")
    refused = approve["responses"]["403"]["content"]["application/json"]["examples"]
    assert [each["value"]["code"] for each in refused.values()] == [
        *("not_allowed", "email_not_confirmed", "second_factor_required", "scope_missing")
    ]
    assert told["create_an_api_key"]["description"].endswith(
        "In person only: no API key is enough. Asks for a fresh factor."
    )


COUNTED = {"FactorOut", "LineOut", "ShareOut"}
"""Rows that are shown to nobody but their owner or the members of their client, by their number in the table."""


def test_ids_are_drawn_and_not_counted() -> None:  # [B109]
    shapes = schema()["components"]["schemas"]
    numbered = {
        name
        for name, shape in shapes.items()
        for field, kind in shape.get("properties", {}).items()
        if field.endswith("id") and kind.get("type") == "integer"
    }
    assert numbered == COUNTED
