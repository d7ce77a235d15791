"""Annotations in Label Studio's result form, checked against a label schema, and the answer that each stands for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from qualification.labels.errors import ResultError, quoted
from qualification.labels.heads import CHOICES_TYPE, control_of
from qualification.labels.kinds.base import About, Value, kind_word
from qualification.labels.kinds.choices import labels_in
from qualification.labels.parts import AnyControl, ChoicesControl
from qualification.labels.regions import Item, read_regions, write_regions
from qualification.labels.schema import LabelSchema


@dataclass(frozen=True)
class Answer:
    """What was answered, without how it was written down: equal answers are equal and have equal keys.

    `selections` holds a pair (control, labels) for each control that was answered, both sorted by code point. In place
    of labels, controls other than choices have the canonical texts of their units (`qualification.labels.units`).
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


def validate_result(schema: LabelSchema, result: object, item: Item | None = None) -> Answer:
    """The answer that an annotation gives, when it fits the schema.

    `result` is parsed JSON: a list of regions `{"from_name", "to_name", "type", "value"}`, optionally with `id` and
    `origin`; docs/labels.md has the values. With `item`, the fields that the task shows, offsets and ids are checked
    against them. Raises ResultError, with the path, for anything else.
    """
    if not schema.asks_only_choices:
        texts = read_regions(schema, result, item)
        _check_required(schema, texts)
        return Answer.of(texts)
    if not isinstance(result, list):
        raise ResultError(f"an annotation is a list of regions, not {kind_word(result)}.", path="result")
    if len(result) > len(schema.controls):
        message = f"has {len(result)} regions; the schema has {len(schema.controls)} controls, each answered once."
        raise ResultError(message, path="result")
    labels_by_control: dict[str, list[str]] = {}
    for position, region in enumerate(result):
        path = f"result[{position}]"
        control = control_of(schema, region, path)
        if control.name in labels_by_control:
            raise ResultError(f"control {quoted(control.name)} is answered twice.", path=path)
        labels_by_control[control.name] = _labels_of(control, region["value"], f"{path}.value")
    _check_required(schema, labels_by_control)
    return Answer.of(labels_by_control)


def to_result(schema: LabelSchema, answer: Answer) -> list[dict[str, object]]:
    """The answer as Label Studio result JSON, in the order of the schema: the canonical form of an annotation.

    Raises ResultError when the answer does not fit the schema, for example because it was given under another version.
    """
    for name, _ in answer.selections:
        if schema.control(name) is None:
            raise ResultError(f"the schema has no control {quoted(name)}.", path="answer")
    if schema.asks_only_choices:
        result = _chosen_regions(schema, answer)
    else:
        result = write_regions(schema, dict(answer.selections))
    validate_result(schema, result)
    return result


def _chosen_regions(schema: LabelSchema, answer: Answer) -> list[dict[str, object]]:
    return [
        {
            "from_name": control.name,
            "to_name": control.to_name,
            "type": CHOICES_TYPE,
            "value": {"choices": _in_order(control, answer.chosen(control.name))},
        }
        for control in schema.choices
        if answer.chosen(control.name)
    ]


def _in_order(control: ChoicesControl, labels: tuple[str, ...]) -> list[str]:
    chosen = set(labels)
    return [label for label in control.labels if label in chosen] + sorted(chosen - control.known_labels)


def _labels_of(control: AnyControl, given: object, path: str) -> list[str]:
    value = Value(given, path)
    about = About(control)
    found = value.get("choices")
    value.finish()
    return list(labels_in(found, f"{path}.choices", about, value, "choice"))


def _check_required(schema: LabelSchema, labels_by_control: Mapping[str, list[str]]) -> None:
    for control in schema.controls:
        if control.required and not control.per_region and control.name not in labels_by_control:
            raise _left_out(control)
    for lender in schema.lenders.values():
        labelled = [shape.name for shape in schema.others if shape.lender == lender.name]
        if lender.required and not any(name in labels_by_control for name in labelled):
            raise _left_out(lender)


def _left_out(control: AnyControl) -> ResultError:
    hint = f" {control.required_message}" if control.required_message else ""
    return ResultError(f"control {quoted(control.name)} is required and has no answer.{hint}", path="result")
