"""Requests that schemathesis makes out of the served schema, sent to the real application about a world of ours."""

import json
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from marketplace.wsgi import application
from tests.access.shared import filled

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
