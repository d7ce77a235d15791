"""The parts of a label schema: headers, the objects that are shown, and the questions asked about them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

ObjectKind = Literal["Text", "Image", "Audio", "Video", "HyperText", "Paragraphs", "TimeSeries", "Table", "List"]

Selection = Literal["single", "single-radio", "multiple"]

Layout = Literal["vertical", "inline", "select"]


@dataclass(frozen=True, slots=True)
class Header:
    """A line of plain text above what follows it; with `field`, the text of that field of the task instead."""

    text: str
    field: str | None
    size: int
    underline: bool

    def to_dict(self) -> dict[str, object]:
        return {
            "tag": "Header",
            "text": self.text,
            "field": self.field,
            "size": self.size,
            "underline": self.underline,
        }


@dataclass(frozen=True, slots=True)
class ObjectTag:
    """One field of the task as it is shown to the worker.

    `display` holds the viewing attributes of the tag as they were written (zoom, maxWidth, …); they never change what
    an answer means.
    """

    kind: ObjectKind
    name: str
    field: str
    display: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {"tag": self.kind, "name": self.name, "field": self.field, "display": dict(self.display)}


@dataclass(frozen=True, slots=True)
class Choice:
    """One option. `label` is what an annotation carries: the alias when there is one, else the value shown."""

    value: str
    alias: str = ""
    hotkey: str = ""
    hint: str = ""
    selected: bool = False

    @property
    def label(self) -> str:
        return self.alias or self.value

    def to_dict(self) -> dict[str, object]:
        return {
            "value": self.value,
            "label": self.label,
            "hotkey": self.hotkey,
            "hint": self.hint,
            "selected": self.selected,
        }


@dataclass(frozen=True)
class ChoicesControl:
    """One question: which of these choices hold for the object named `to_name`."""

    name: str
    to_name: str
    choice: Selection
    required: bool
    required_message: str
    layout: Layout
    randomize: bool
    choices: tuple[Choice, ...]
    per_region: bool = False

    @property
    def tag(self) -> str:
        return "Choices"

    @property
    def multiple(self) -> bool:
        return self.choice == "multiple"

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What an annotation may carry for this control, in the order of the schema."""
        return tuple(choice.label for choice in self.choices)

    @cached_property
    def known_labels(self) -> frozenset[str]:
        """The labels again, for asking whether one of them is known."""
        return frozenset(self.labels)

    @cached_property
    def possible_answers(self) -> int:
        """How many different answers this control can get; leaving out an optional one is an answer too."""
        answers = 2 ** len(self.choices) if self.multiple else len(self.choices) + 1
        return answers - 1 if self.required else answers

    def to_dict(self) -> dict[str, object]:
        return {
            "tag": "Choices",
            "name": self.name,
            "toName": self.to_name,
            "choice": self.choice,
            "required": self.required,
            "requiredMessage": self.required_message,
            "layout": self.layout,
            "randomize": self.randomize,
            "choices": [choice.to_dict() for choice in self.choices],
            **({"perRegion": True} if self.per_region else {}),
        }


@dataclass(frozen=True)
class Control:
    """Any other question: `tag` says of which kind, `qualification.labels.elements` what it may be about.

    `choices` are the labels that a region may carry (or the buckets of a Ranker, or what the shortcuts of a TextArea
    write), and `multiple` whether it may carry several. `paths` are the places in a Taxonomy, each from its root.
    `settings` are the attributes that bound an answer, as they were written (`min`, `maxRating`, …), and `display`
    those that do not matter to it. `is_lender` marks the Labels of a picture or video: they have no answers of their
    own but lend their labels to its shapes, of which `lender` names them.
    """

    tag: str
    name: str
    to_name: str
    required: bool = False
    required_message: str = ""
    choices: tuple[Choice, ...] = ()
    multiple: bool = False
    per_region: bool = False
    paths: tuple[tuple[str, ...], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    display: tuple[tuple[str, str], ...] = ()
    is_lender: bool = False
    lender: str = ""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What a region may be labelled with, in the order of the schema; empty where it carries no label."""
        return () if self.tag == "TextArea" else tuple(choice.label for choice in self.choices)

    @cached_property
    def known_labels(self) -> frozenset[str]:
        """The labels again, for asking whether one of them is known."""
        return frozenset(self.labels)

    @cached_property
    def known_paths(self) -> frozenset[tuple[str, ...]]:
        """The places of a Taxonomy, for asking whether one of them is known."""
        return frozenset(self.paths)

    @property
    def possible_answers(self) -> int:
        """As many as to expect that two who guess do not say the same; there is no end of boxes."""
        return MANY_ANSWERS

    def setting(self, name: str, default: str = "") -> str:
        """An attribute that bounds an answer, as it was written."""
        return self._settings.get(name, default)

    @cached_property
    def _settings(self) -> dict[str, str]:
        return dict(self.settings)

    def to_dict(self) -> dict[str, object]:
        return {
            "tag": self.tag,
            "name": self.name,
            "toName": self.to_name,
            "required": self.required,
            "requiredMessage": self.required_message,
            "multiple": self.multiple,
            "perRegion": self.per_region,
            "labels": [choice.to_dict() for choice in self.choices],
            "paths": [list(path) for path in self.paths],
            "settings": dict(self.settings),
            "display": dict(self.display),
        }


MANY_ANSWERS = 100

AnyControl = ChoicesControl | Control

Part = Header | ObjectTag | AnyControl
