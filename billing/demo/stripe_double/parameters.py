"""Request parameters: decoded from a form and checked against the types that stripe-python itself publishes.

The TypedDicts of ``stripe.params`` are generated from the same specification as the API version which the package
pins, so a parameter that they do not know is one that Stripe would not know either.
"""

import re
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from urllib.parse import parse_qsl

from stripe import RequestOptions

from billing.demo.stripe_double.errors import Json, Refusal

NOT_ON_THE_WIRE = frozenset(RequestOptions.__annotations__)
LARGEST_METADATA = 50
LONGEST_METADATA_KEY = 40
LONGEST_METADATA_VALUE = 500


def decode(form: str) -> Json:
    """``a[b][0]=c`` as nested dicts; a list stays a dict with digits as keys until its type is known."""
    decoded: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        path = re.findall(r"[^\[\]]+", name)
        if not path:
            raise Refusal(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        place = decoded
        for step in path[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise Refusal(f"Invalid parameter: {name}", param=name)
        place[path[-1]] = value
    return decoded


def check(given: Json, shape: type) -> Json:
    """``given`` with numbers, booleans and lists in place of strings, if it fits the TypedDict ``shape``."""
    return _read_object(given, shape, at="")


@cache
def _fields(shape: type) -> dict[str, object]:
    # Two names which stripe-python imports for type checkers only have to be supplied here.
    hints = typing.get_type_hints(shape, localns={"StripeContext": object, "Mapping": Mapping})
    return {name: kind for name, kind in hints.items() if name not in NOT_ON_THE_WIRE}


@cache
def _alternatives(kind: object) -> tuple[object, ...]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(inner for option in typing.get_args(kind) for inner in _alternatives(option))
    return (kind,)


@cache
def _allowed_words(kind: object) -> tuple[object, ...]:
    literals = [option for option in _alternatives(kind) if typing.get_origin(option) is typing.Literal]
    return tuple(word for literal in literals for word in typing.get_args(literal))


def _read_object(given: Json, shape: type, *, at: str) -> Json:
    fields = _fields(shape)
    for name in given:
        if name not in fields:
            path = _path(at, name)
            raise Refusal(f"Received unknown parameter: {path}", code="parameter_unknown", param=path)
    for name in sorted(getattr(shape, "__required_keys__", ())):
        if name in fields and name not in given:
            path = _path(at, name)
            raise Refusal(f"Missing required param: {path}.", code="parameter_missing", param=path)
    return {name: _read(value, fields[name], at=_path(at, name)) for name, value in given.items()}


def _path(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


def _read(value: object, kind: object, *, at: str) -> object:
    return _read_text(value, kind, at=at) if isinstance(value, str) else _read_nested(value, kind, at=at)


def _read_text(value: str, kind: object, *, at: str) -> object:
    words = _allowed_words(kind)
    if value in words:
        return value
    if value == "":
        raise Refusal(
            f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{at}' cannot be unset. You should remove '{at}' from your request or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=at,
        )
    options = _alternatives(kind)
    if int in options and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if bool in options and value in ("true", "false"):
        return value == "true"
    if (float in options or Decimal in options) and re.fullmatch(r"-?\d{1,18}(\.\d{1,12})?", value):
        return Decimal(value)
    # "Literal['a', 'b'] | str" is how stripe-python leaves room for words of later versions; this version's are closed.
    named = [str(word) for word in words if word != ""]
    if named and not {int, bool} & set(options):
        raise Refusal(f"Invalid {at}: must be one of {', '.join(named[:-1])}, or {named[-1]}", param=at)
    if str in options:
        return value
    if int in options:
        raise Refusal(f"Invalid integer: {value}", code="parameter_invalid_integer", param=at)
    wanted = "boolean" if bool in options else "decimal" if {float, Decimal} & set(options) else "object"
    raise Refusal(f"Invalid {wanted}: {value}", param=at)


def _read_nested(value: object, kind: object, *, at: str) -> object:
    assert isinstance(value, dict)
    options = _alternatives(kind)
    if all(name.isdigit() for name in value):
        for option in options:
            if typing.get_origin(option) is list:
                (inner,) = typing.get_args(option)
                return [_read(value[name], inner, at=_path(at, name)) for name in sorted(value, key=int)]
    shapes = [option for option in options if isinstance(option, type) and hasattr(option, "__required_keys__")]
    for number, shape in enumerate(shapes, start=1):
        try:
            return _read_object(value, shape, at=at)
        except Refusal:
            if number == len(shapes):
                raise
    if any(typing.get_origin(option) is dict for option in options):
        return _read_metadata(value, at=at)
    raise Refusal(f"Invalid {at}: an object was given where a single value is wanted.", param=at)


def _read_metadata(value: Json, *, at: str) -> Json:
    if len(value) > LARGEST_METADATA:
        raise Refusal(f"Metadata can hold {LARGEST_METADATA} keys, not {len(value)}.", param=at)
    for name, text in value.items():
        if not isinstance(text, str):
            raise Refusal(f"Invalid metadata: the value of {name} has to be a string.", param=_path(at, name))
        if len(name) > LONGEST_METADATA_KEY or len(text) > LONGEST_METADATA_VALUE:
            raise Refusal(
                f"Metadata keys are at most {LONGEST_METADATA_KEY} characters long, values {LONGEST_METADATA_VALUE}.",
                param=_path(at, name),
            )
    return {name: text for name, text in value.items() if text}
