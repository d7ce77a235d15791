"""The policy's fields held against those of answers and bodies: none that no row names, and none named that is not."""

from collections.abc import Iterable, Iterator
from typing import Any

from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer
from rest_framework import serializers

from kernel.api.served import Served
from kernel.api.uploads import UploadView
from kernel.policy import Rule, Table
from kernel.shown_fields import Tree, paths_of

OPAQUE = "file"
"""What rows read of an answer that is no JSON."""


def field_holes(table: Table, offered: Iterable[Served]) -> Iterator[str]:
    """What is wrong between the table's fields and those of the operations, in sentences."""
    for each in offered:
        handler: Any = each.handler
        rows = table.of(each.action)
        if handler is None or not rows:
            continue
        answers = list(_answers_of(handler.answer))
        yield from _differences(rows, "reads", merged(map(fields_of, answers)), each.action)
        if len(answers) == 1:
            yield from _promised(rows, answers[0], each.action)
        if not (each.view and issubclass(each.view, UploadView)):  # what a file holds, its reader says
            yield from _differences(rows, "writes", fields_of(handler.body()) if handler.body else {}, each.action)


def fields_of(shape: serializers.Serializer[Any]) -> Tree:
    """The fields of a serializer with those of its parts; of an opaque answer, that it is one."""
    return {name: _parts_of(field) for name, field in shape.fields.items()}


def merged(trees: Iterable[Tree]) -> Tree:
    """All fields of several trees."""
    whole: Tree = {}
    for tree in trees:
        for name, parts in tree.items():
            known = whole.get(name)
            whole[name] = merged([known, parts]) if known is not None and parts is not None else parts or known
    return whole


def _answers_of(answer: Any) -> Iterator[serializers.Serializer[Any]]:
    """Every shape that an answer may have. A page has the shape of its rows."""
    answer = answer.response if isinstance(answer, OpenApiResponse) else answer
    answer = answer.child if isinstance(answer, serializers.ListSerializer) else answer
    if isinstance(answer, PolymorphicProxySerializer):
        for each in answer.serializers:
            yield from _answers_of(each)
    elif answer is not None:
        opaque = type("FileOut", (serializers.Serializer,), {OPAQUE: serializers.CharField()})
        shape = answer() if isinstance(answer, type) and issubclass(answer, serializers.Serializer) else opaque()
        rows: Any = shape.fields.get("results") if "next_cursor" in shape.fields else None
        if rows is None:
            yield shape
        elif told := getattr(rows, "_spectacular_annotation", None):  # rows of several shapes
            yield from _answers_of(told["field"])
        else:
            yield rows.child


def _parts_of(field: Any) -> Tree | None:
    if isinstance(field, serializers.SerializerMethodField):
        told = getattr(getattr(field.parent, str(field.method_name)), "_spectacular_annotation", {})
        return _parts_of(told.get("field"))
    if isinstance(field, (serializers.ListSerializer, serializers.ListField)):
        return _parts_of(field.child)
    return fields_of(field) if isinstance(field, serializers.Serializer) else None


def _differences(rows: Iterable[Rule], part: str, there: Tree, action: str) -> Iterator[str]:
    named = {path for rule in rows for path in getattr(rule, part)}
    known = set(paths_of(there))
    verb = part.removesuffix("s")
    for path in sorted(known - named):
        yield f"No row lets anybody {verb} {path} of {action}."
    for path in sorted(named - known):
        yield f"A row lets somebody {verb} {path} of {action}, which has no such field."


def _promised(rows: Iterable[Rule], answer: serializers.Serializer[Any], action: str) -> Iterator[str]:
    """Fields that the published schema promises to everybody, and a row withholds."""
    for name, field in answer.fields.items():
        if field.required and len({name in rule.reads for rule in rows if rule.reads}) > 1:
            yield f"The schema promises {name} of {action} to everybody, but not every row reads it: required=False."
