"""Every field of every body and every question of the API, with everything that such a field must refuse."""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any, Final

import pytest
from rest_framework import serializers

from tests.access.bad_values import bad_values, is_refused_by
from tests.access.shared import World, filled, send
from tests.access.test_other_tenants import OPERATIONS
from tests.access.untouched import contents
from tests.marketplace.api_people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_is_slowed_down")]

BODIES: Final = {name: getattr(view, method).body for name, (method, _, view) in OPERATIONS.items()}
QUESTIONS: Final = {name: getattr(view, method).query for name, (method, _, view) in OPERATIONS.items()}

Path = tuple[str | int, ...]
Leaf = tuple[Path, serializers.Field[Any, Any, Any, Any]]


def is_anything(field: object) -> bool:
    """Whether it is what stands in a list or object of which nothing is said."""
    return type(field).__name__ == "_UnvalidatedField"


def leaves(shape: Any, path: Path = ()) -> Iterator[Leaf]:
    """Every field inside a serializer with its way there; of lists their first place."""
    for name, field in shape.fields.items():
        here = (*path, name)
        yield here, field
        inner = getattr(field, "child", field)
        if inner is not field and not is_anything(inner) and not isinstance(inner, serializers.BaseSerializer):
            yield (*here, 0), inner
        if isinstance(inner, serializers.Serializer):
            yield from leaves(inner, here if inner is field else (*here, 0))


def written(path: Path) -> str:
    return ".".join(map(str, path))


def with_value(body: Any, path: Path, value: Any) -> Any:
    """The body with this value there; what leads there is made where it is missing."""
    changed = deepcopy(body)
    place = changed
    for step, following in pairwise(path):
        if isinstance(place, dict):
            place = place.setdefault(step, [{}] if isinstance(following, int) else {})
        else:
            place = place[step] if place else place.append({}) or place[step]
    if isinstance(place, list):
        place[:1] = [value]
    else:
        place[path[-1]] = value
    return changed


def names(faults: list[str], path: Path) -> bool:
    """Whether one of the faults is about this field, or about what holds it or is in it."""
    here = written(path)
    return any(fault == here or fault.startswith(f"{here}.") or here.startswith(f"{fault}.") for fault in faults)


def test_no_field_takes_what_it_must_refuse() -> None:
    # [B009, B010, B011, B013, B019, B021, B022, B023, B026, B027, B034, B035, B037, B038, B039, B041, B042, B165]
    shapes = {shape for shape in [*BODIES.values(), *QUESTIONS.values()] if shape is not None}
    taken, tried = [], 0
    for shape in sorted(shapes, key=lambda shape: str(shape.__qualname__)):
        for path, field in leaves(shape()):
            for case, value in bad_values(field):
                if not is_refused_by(field, value):
                    continue
                tried += 1
                read = shape(data=with_value(dict(shape.EXAMPLE or {}), path, value))
                if read.is_valid() or not names(list(flat(read.errors)), path):
                    taken.append(f"{shape.__name__}.{written(path)} takes {case}: {str(value)[:40]!a}")
    assert taken == []
    assert tried > 3_000


def flat(errors: Any, path: str = "") -> Iterator[str]:
    """Where the faults are, as an answer names them."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from flat(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(errors, list) and errors and isinstance(errors[0], (dict, list)):
        for number, inner in enumerate(errors):
            yield from flat(inner, f"{path}.{number}")
    elif errors:
        yield path


def test_every_operation_names_the_field_and_writes_nothing(  # [B015, B022, B038, B117, B170]
    world: World, readers: dict[str, Person | None]
) -> None:
    wrong, unread = [], []
    before = contents(besides="AuditEvent")  # which tells of fields that nobody sets
    for name, shape in BODIES.items():
        if shape is None or not shape().fields:
            continue
        person = readers[name]
        if person is None:
            unread.append(name)
            continue
        body = filled(dict(shape.EXAMPLE or {}), world.values)
        for number, (path, field) in enumerate(leaves(shape())):
            bad = [value for _, value in bad_values(field) if is_refused_by(field, value) and not unsendable(value)]
            sent = with_value(body, path, bad[number % len(bad)]) if bad else with_value(body, ("state",), "paid")
            answer = send(person, world, name, body=json.dumps(sent))
            faults = [fault.get("field", "") for fault in answer.json().get("errors", [])]
            if answer.status_code != 400 or (bad and not names(faults, path)) or len(answer.content) > 10_000:
                wrong.append(f"{name} {written(path)}: {answer.status_code} {answer.content[:200]!r}")
    assert wrong == []
    assert unread == []
    assert contents(besides="AuditEvent") == before


def unsendable(value: object) -> bool:
    """Whether the parser of bodies refuses it already."""
    return isinstance(value, str) and ("\x00" in value or "\ud800" in value)
