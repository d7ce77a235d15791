"""Annotations in Label Studio's result form, checked against a label schema, and the answer that each stands for."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from qualification.labels.errors import ResultError, listed, quoted
from qualification.labels.parts import ChoicesControl
from qualification.labels.schema import LabelSchema

REGION_TYPE = "choices"
REQUIRED_KEYS = ("from_name", "to_name", "type", "value")
OPTIONAL_KEYS = ("id", "origin")
ORIGINS = ("manual", "prediction", "prediction-changed")

_REGION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Answer:
    """What was answered, without how it was written down: equal answers are equal and have equal keys.

    `selections` holds a pair (control, labels) for each control that was answered, both sorted by code point.
    """

    selections: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, labels_by_control: Mapping[str, Iterable[str]]) -> "Answer":
        """The answer that gives these labels to these controls; a control without labels counts as left out."""
        chosen = ((control, tuple(sorted(set(labels)))) for control, labels in labels_by_control.items())
        return cls(selections=tuple(sorted((control, labels) for control, labels in chosen if labels)))

    @classmethod
    def from_key(cls, key: str) -> "Answer":
        """The answer with this key. Raises ValueError for a string that is not the key of an answer."""
        try:
            answer = cls.of(json.loads(key))
            genuine = answer.key == key and all(isinstance(label, str) for _, ls in answer.selections for label in ls)
        except (ValueError, TypeError, AttributeError, RecursionError):
            genuine = False
        if not genuine:
            raise ValueError(f"{quoted(key)} is not the key of an answer.")
        return answer

    @cached_property
    def key(self) -> str:
        """A stable text for storing and grouping: compact JSON such as `{"animal":["cat"]}`."""
        return json.dumps(dict(self.selections), ensure_ascii=False, separators=(",", ":"))

    def chosen(self, control: str) -> tuple[str, ...]:
        """The labels given to a control, sorted; empty when it was left out."""
        return self._labels_by_control.get(control, ())

    @cached_property
    def _labels_by_control(self) -> dict[str, tuple[str, ...]]:
        return dict(self.selections)


def validate_result(schema: LabelSchema, result: object) -> Answer:
    """The answer that an annotation gives, when it fits the schema.

    `result` is parsed JSON: a list of regions `{"from_name", "to_name", "type": "choices", "value": {"choices": […]}}`,
    optionally with `id` and `origin`. Raises ResultError, with the path, for anything else.
    """
    if not isinstance(result, list):
        raise ResultError(f"an annotation is a list of regions, not {_kind(result)}.", path="result")
    if len(result) > len(schema.controls):
        message = f"has {len(result)} regions; the schema has {len(schema.controls)} controls, each answered once."
        raise ResultError(message, path="result")
    labels_by_control: dict[str, list[str]] = {}
    for position, region in enumerate(result):
        path = f"result[{position}]"
        control = _control_of(schema, region, path)
        if control.name in labels_by_control:
            raise ResultError(f"control {quoted(control.name)} is answered twice.", path=path)
        labels_by_control[control.name] = _labels_of(control, region["value"], f"{path}.value")
    _check_required(schema, labels_by_control)
    return Answer.of(labels_by_control)


def to_result(schema: LabelSchema, answer: Answer) -> list[dict[str, object]]:
    """The answer as Label Studio result JSON, in the order of the schema: the canonical form of an annotation.

    Raises ResultError when the answer does not fit the schema, for example because it was given under another version.
    """
    result: list[dict[str, object]] = [
        {
            "from_name": control.name,
            "to_name": control.to_name,
            "type": REGION_TYPE,
            "value": {"choices": _in_order(control, answer.chosen(control.name))},
        }
        for control in schema.controls
        if answer.chosen(control.name)
    ]
    for name, _ in answer.selections:
        if schema.control(name) is None:
            raise ResultError(f"the schema has no control {quoted(name)}.", path="answer")
    validate_result(schema, result)
    return result


def _in_order(control: ChoicesControl, labels: tuple[str, ...]) -> list[str]:
    chosen = set(labels)
    return [label for label in control.labels if label in chosen] + sorted(chosen - control.known_labels)


def _control_of(schema: LabelSchema, region: object, path: str) -> ChoicesControl:
    if not isinstance(region, dict):
        raise ResultError(f"a region is an object, not {_kind(region)}.", path=path)
    _check_keys(region, path, required=REQUIRED_KEYS, optional=OPTIONAL_KEYS)
    for key in ("from_name", "to_name", "type", *OPTIONAL_KEYS):
        if key in region and not isinstance(region[key], str):
            raise ResultError(f"is a text, not {_kind(region[key])}.", path=f"{path}.{key}")
    if "id" in region and not _REGION_ID.fullmatch(region["id"]):
        raise ResultError("is 1 to 64 Latin letters, digits, _ or -.", path=f"{path}.id")
    if region.get("origin", ORIGINS[0]) not in ORIGINS:
        raise ResultError(f"is {quoted(region['origin'])}. Possible: {listed(ORIGINS)}.", path=f"{path}.origin")
    if region["type"] != REGION_TYPE:
        raise ResultError(f"is {quoted(region['type'])}; supported is {REGION_TYPE}.", path=f"{path}.type")
    control = schema.control(region["from_name"])
    if control is None:
        names = listed([control.name for control in schema.controls])
        message = f"there is no control {quoted(region['from_name'])} in the schema. Controls: {names}."
        raise ResultError(message, path=f"{path}.from_name")
    if region["to_name"] != control.to_name:
        message = f"control {quoted(control.name)} is about {quoted(control.to_name)}, not {quoted(region['to_name'])}."
        raise ResultError(message, path=f"{path}.to_name")
    return control


def _labels_of(control: ChoicesControl, value: object, path: str) -> list[str]:
    if not isinstance(value, dict):
        raise ResultError(f"the value is an object, not {_kind(value)}.", path=path)
    _check_keys(value, path, required=("choices",), optional=())
    labels, path = value["choices"], f"{path}.choices"
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ResultError("the choices are a list of texts.", path=path)
    if not labels:
        raise ResultError("there are no choices; leave the region out when nothing was chosen.", path=path)
    if len(labels) > 1 and not control.multiple:
        raise ResultError(f"control {quoted(control.name)} takes one choice, not {len(labels)}.", path=path)
    if len(set(labels)) < len(labels):
        raise ResultError("a choice is given twice.", path=path)
    for label in labels:
        if label not in control.known_labels:
            message = f"{quoted(label)} is no choice of {quoted(control.name)}. Choices: {listed(control.labels)}."
            raise ResultError(message, path=path)
    return labels


def _check_required(schema: LabelSchema, labels_by_control: Mapping[str, list[str]]) -> None:
    for control in schema.controls:
        if control.required and control.name not in labels_by_control:
            hint = f" {control.required_message}" if control.required_message else ""
            raise ResultError(f"control {quoted(control.name)} is required and has no answer.{hint}", path="result")


def _check_keys(
    given: dict[object, object], path: str, *, required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    for key in given:
        if key not in required and key not in optional:
            possible = listed(required + optional)
            raise ResultError(f"the key {quoted(str(key))} is not known here. Known: {possible}.", path=path)
    for key in required:
        if key not in given:
            raise ResultError(f"the key {quoted(key)} is missing.", path=path)


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
