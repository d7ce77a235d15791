"""Requests that schemathesis makes out of the served schema, sent to the real application about a world of ours."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import schemathesis
from django.db import transaction
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from kernel import clock
from kernel.errors import Invalid
from kernel.text import clean_line
from marketplace.wsgi import application
from tests.access.world import Side
from tests.qualification.builders import ANIMALS, an_answer
from workforce.services.applying import TERMS_VERSION

FUZZED: Final = 8
"""Random requests to each operation, beside all the boundary cases that its schema has."""

SCHEMA: Final = "/api/v1/schema/"


@schemathesis.hook
def before_load_schema(_: object, raw_schema: dict[str, Any]) -> None:
    """Let an answer with a field that its schema does not have count as a fault."""
    for shape in raw_schema["components"]["schemas"].values():
        if "properties" in shape:
            shape.setdefault("additionalProperties", False)


def loaded_schema() -> Any:
    """The schema as the application serves it, and what is made out of it: the same in each run, and kept nowhere."""
    return schemathesis.openapi.from_wsgi(
        SCHEMA,
        application,
        config=SchemathesisConfig.from_dict(
            {
                "seed": 1,
                "generation": {
                    "deterministic": True,
                    "no-shrink": True,
                    "database": "none",
                    "max-examples": FUZZED,
                    "with-security-parameters": False,
                },
            }
        ),
    )


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_file(_: object, value: Any) -> bytes:
    """A body that is a file."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.encode("utf-8", "surrogatepass")


@contextmanager
def undone() -> Iterator[None]:
    """Nothing of what happens inside stays. The application does not see this transaction: it begins its own in it."""
    block: Any = transaction.atomic()
    block._from_testcase = True  # as Django marks the one that it wraps around each test
    with block:
        yield
        transaction.set_rollback(True)


def about(side: Side, email: str) -> dict[str, Any]:
    """Values by the names that bodies and queries give them, where no schema tells which are meant."""
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    return {
        **{name.removesuffix("_id"): str(value) for name, value in side.ids.items()},
        "email": email,
        "label_schema": ANIMALS,
        "xml": ANIMALS,
        "result": an_answer("cat"),
        "terms_version": TERMS_VERSION,
        "country": "GB",
        "languages": ["en", "pt-BR"],
        "birth_date": "1985-12-10",
        "tax_id": "AB 12 34 56 C",
        "expires_at": soon,
        "until": soon,
    }


def make_meaningful(case: Any, *, ids: dict[str, Any], values: dict[str, Any]) -> None:
    """Let a request that is valid by the schema be about what is there. What was made wrong on purpose stays wrong."""
    kinds: dict[ParameterLocation, GenerationMode] = {
        location: component.mode for location, component in case.meta.components.items()
    }

    def is_valid(location: ParameterLocation) -> bool:
        return kinds.get(location, GenerationMode.POSITIVE) == GenerationMode.POSITIVE

    if is_valid(ParameterLocation.PATH):
        case.path_parameters.update({name: str(ids[name]) for name in case.path_parameters if name in ids})
    if is_valid(ParameterLocation.QUERY):
        case.query.pop("cursor", None)
        case.query = filled(case.query, values)
    if is_valid(ParameterLocation.BODY) and isinstance(case.body, dict):
        case.body = filled(case.body, values)


def filled(sent: Any, values: dict[str, Any]) -> Any:
    """What is sent, with the values that only we can know, and with letters for what the rules of texts refuse."""
    if isinstance(sent, dict):
        return {name: value_of(name, inner, values) for name, inner in sent.items()}
    if isinstance(sent, list):
        return [filled(inner, values) for inner in sent]
    return "x" * len(sent) if isinstance(sent, str) and not is_typed(sent) else sent


def value_of(name: str, sent: Any, values: dict[str, Any]) -> Any:
    """What we know under this name, if it is of the same kind as what is sent."""
    known = values.get(name)
    return known if type(known) is type(sent) or name == "result" else filled(sent, values)


def is_typed(text: str) -> bool:
    """Whether a text comes through the rules of `kernel.text` as it is."""
    try:
        return clean_line(text, what="text", longest=100_000) == text
    except Invalid:
        return False
