"""Units: one thing that was answered (a box with its label, a number, a ranking), and the text that stands for it.

The text is canonical: equal units have equal texts. Answers are made of them, so that they can be kept, compared and
counted without knowing of which kind they are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from qualification.labels.elements import CONTROLS
from qualification.labels.kinds.base import About, Kind, ShownOtherwise, Value
from qualification.labels.kinds.choices import labels_in
from qualification.labels.kinds.registry import kind_of
from qualification.labels.parts import AnyControl, ChoicesControl, Control
from qualification.labels.schema import LabelSchema

MOST_ANSWERS_KEPT: Final = 32
ATTRIBUTES: Final = "attributes"
HEARD: Final = ("Audio", "Video")
LENT_LABELS_KEY: Final = "labels"
"""Where a shape carries the labels that the Labels of its picture or video lend it."""

Attributes = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Unit:
    """A shape, the labels it carries, and what was said about it: the texts of each control that asks of regions."""

    shape: Any
    labels: tuple[str, ...] = ()
    attributes: Attributes = ()


@dataclass(frozen=True)
class Question:
    """A control, its plug-in, and what it is about: all that is needed to read, compare and merge its answers."""

    schema: LabelSchema
    control: AnyControl
    kind: Kind[Any]
    about: About

    @property
    def labels_key(self) -> str:
        """Where a value carries labels; empty where it has none."""
        if isinstance(self.control, ChoicesControl):
            return ""
        if self.control.lender:
            return LENT_LABELS_KEY
        return CONTROLS[self.control.tag].labels_key

    @property
    def lender(self) -> Control | None:
        """The Labels that say in entries of their own, by the id of a region, what it is; a track says so itself."""
        if isinstance(self.control, ChoicesControl) or self.control.tag == "VideoRectangle":
            return None
        return self.schema.lenders.get(self.control.lender)

    def read(self, given: object, path: str, *, beside: Mapping[str, object] | None = None) -> Unit:
        """The unit that a value of a result stands for; `beside` is what the region says next to its value."""
        value = Value(given, path)
        if beside:
            value = Value({**given, **beside} if isinstance(given, dict) else given, path)
            value.ignore(*beside)
        labels: tuple[str, ...] = ()
        if self.labels_key:
            labels = labels_in(value.get(self.labels_key), f"{path}.{self.labels_key}", self.about, value, "label")
        unit = Unit(self.kind.read(value, self.about), labels)
        value.finish()
        return unit

    def write(self, unit: Unit) -> dict[str, object]:
        """The value of a result that stands for a unit, without what was said about it."""
        return {**self.kind.write(unit.shape), **self._labels_of(unit)}

    def shown(self, unit: Unit) -> dict[str, object]:
        """The same as whoever gets results reads it; some kinds keep their answers in another form."""
        shape = self.kind.shown(unit.shape) if isinstance(self.kind, ShownOtherwise) else self.kind.write(unit.shape)
        return {**shape, **self._labels_of(unit)}

    def text_of(self, unit: Unit) -> str:
        """The canonical text of a unit; of choices about a whole object there is one for each label."""
        attributes = {ATTRIBUTES: {name: list(texts) for name, texts in unit.attributes}} if unit.attributes else {}
        return compact({**self.write(unit), **attributes})

    def unit_of(self, text: str) -> Unit:
        """The unit with this text."""
        value = json.loads(text)
        said = value.pop(ATTRIBUTES, {})
        unit = self.read(value, "answer")
        attributes = tuple((name, tuple(texts)) for name, texts in sorted(said.items()))
        return Unit(unit.shape, unit.labels, attributes)

    def units_of(self, texts: tuple[str, ...]) -> list[Unit]:
        """The units of all texts of this control in an answer, in order."""
        if isinstance(self.control, ChoicesControl):
            chosen = set(texts)
            return [Unit(tuple(label for label in self.control.labels if label in chosen))] if texts else []
        return list(_units_read(self.schema, self.control.name, texts))

    def texts_of(self, units: list[Unit]) -> list[str]:
        """The texts that an answer holds for these units."""
        if isinstance(self.control, ChoicesControl):
            return [label for unit in units for label in unit.shape]
        return [self.text_of(unit) for unit in units]

    def _labels_of(self, unit: Unit) -> dict[str, object]:
        return {self.labels_key: list(unit.labels)} if self.labels_key else {}


@lru_cache(maxsize=MOST_ANSWERS_KEPT)
def _units_read(schema: LabelSchema, name: str, texts: tuple[str, ...]) -> tuple[Unit, ...]:
    """What these texts stand for. Kept for a while: belief in a task reads each of its answers six times."""
    control = schema.control(name)
    assert control is not None
    question = question_of(schema, control)
    return tuple(question.unit_of(text) for text in texts)


def question_of(schema: LabelSchema, control: AnyControl, item: Mapping[str, object] | None = None) -> Question:
    """A control of a schema as a question; with `item`, about what that task shows."""
    shown = schema.object_named(control.to_name)
    content = item.get(shown.field) if item is not None and shown is not None else None
    about = About(control, content, is_heard=shown is not None and shown.kind in HEARD)
    return Question(schema, control, kind_of(control, shown.kind if shown else None), about)


def asks_for_regions(control: AnyControl) -> bool:
    """Whether a control is answered by regions, as many as there are, rather than by one value."""
    return isinstance(control, Control) and CONTROLS[control.tag].has_regions


def compact(value: object) -> str:
    """A JSON value as a canonical text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
