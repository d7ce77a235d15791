"""A label schema: what a worker sees of a task and what may be answered, from a Label Studio labeling config.

Supported are `Choices` over `Text` or `Image` inside `View`, with `Header` as plain text; docs/labels.md has every
attribute. Tags and attributes stand on an allow-list, so whatever is not understood here is never shown to anybody.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from qualification.labels.errors import SchemaError, listed, quoted, spelt
from qualification.labels.markup import read_markup
from qualification.labels.parts import ChoicesControl, Header, ObjectKind, ObjectTag, Part
from qualification.labels.reading import Placed, read_parts


@dataclass(frozen=True)
class LabelSchema:
    """A checked labeling config; `parts` are in the order in which they are shown, nested views flattened."""

    parts: tuple[Part, ...]

    @cached_property
    def objects(self) -> tuple[ObjectTag, ...]:
        return tuple(part for part in self.parts if isinstance(part, ObjectTag))

    @cached_property
    def controls(self) -> tuple[ChoicesControl, ...]:
        return tuple(part for part in self.parts if isinstance(part, ChoicesControl))

    @cached_property
    def fields_needed(self) -> dict[str, ObjectKind]:
        """The task fields that the schema shows, and as what: `{"image": "Image"}`. A header's field is a Text."""
        return dict(_shown(self.parts))

    @cached_property
    def possible_answers(self) -> int:
        """How many different annotations fit this schema."""
        return math.prod(control.possible_answers for control in self.controls)

    def control(self, name: str) -> ChoicesControl | None:
        """The control of that name, if there is one."""
        return self._control_by_name.get(name)

    def check_fields(self, fields: Iterable[str], *, sealed: Iterable[str] = ()) -> None:
        """Raise SchemaError when the schema shows a field that the tasks lack, or one that workers must not see."""
        present, hidden = set(fields), set(sealed)
        missing = [f"${field}" for field in self.fields_needed if field not in present]
        if missing:
            has = (
                f"They have: {listed([spelt(field) for field in sorted(present)])}."
                if present
                else "They have no fields."
            )
            raise SchemaError(f"The schema shows {listed(missing)}, which the tasks do not have. {has}")
        shown = [f"${field}" for field in self.fields_needed if field in hidden]
        if shown:
            raise SchemaError(f"The schema shows {listed(shown)}, which workers must not see.")

    def to_dict(self) -> dict[str, object]:
        """The schema as JSON values: the parts in order, and the task fields needed."""
        return {"parts": [part.to_dict() for part in self.parts], "needs": dict(self.fields_needed)}

    @cached_property
    def _control_by_name(self) -> dict[str, ChoicesControl]:
        return {control.name: control for control in self.controls}


@lru_cache(maxsize=128)
def parse_schema(xml: str) -> LabelSchema:
    """The label schema that a Label Studio labeling config describes.

    Raises SchemaError, with the line, for anything that is not supported in full. The same text gives the same
    object again without parsing, so it may be called on every submission.
    """
    root = read_markup(xml)
    if root.tag != "View":
        raise SchemaError(f"The outermost tag is {quoted(root.tag)}; it must be View.", line=root.line)
    placed = read_parts(root)
    _check_names(placed)
    _check_targets(placed)
    _check_kinds(placed)
    _check_hotkeys(placed)
    schema = LabelSchema(parts=tuple(part for part, _ in placed))
    if not schema.controls:
        raise SchemaError("The schema asks nothing; it needs at least one Choices tag.")
    return schema


def _shown(parts: Iterable[Part]) -> Iterable[tuple[str, ObjectKind]]:
    for part in parts:
        if isinstance(part, ObjectTag):
            yield part.field, part.kind
        elif isinstance(part, Header) and part.field is not None:
            yield part.field, "Text"


def _check_names(placed: Sequence[Placed]) -> None:
    lines: dict[str, int] = {}
    for part, line in placed:
        if isinstance(part, Header):
            continue
        if part.name in lines:
            message = f"The name {quoted(part.name)} is taken on line {lines[part.name]}; every name is given once."
            raise SchemaError(message, line=line)
        lines[part.name] = line


def _check_targets(placed: Sequence[Placed]) -> None:
    objects = [part.name for part, _ in placed if isinstance(part, ObjectTag)]
    for part, line in placed:
        if isinstance(part, ChoicesControl) and part.to_name not in objects:
            has = f"Objects here: {listed(objects)}." if objects else "There is no Text or Image here."
            message = f"Choices {quoted(part.name)} is about {quoted(part.to_name)}, which is no object. {has}"
            raise SchemaError(message, line=line)


def _check_kinds(placed: Sequence[Placed]) -> None:
    kinds: dict[str, ObjectKind] = {}
    for part, line in placed:
        for field, kind in _shown([part]):
            if kinds.setdefault(field, kind) != kind:
                raise SchemaError(f"The field ${field} is shown as Text and as Image; choose one.", line=line)


def _check_hotkeys(placed: Sequence[Placed]) -> None:
    taken: dict[str, str] = {}
    for part, line in placed:
        for choice in part.choices if isinstance(part, ChoicesControl) else ():
            if choice.hotkey and choice.hotkey in taken:
                both = f"{quoted(taken[choice.hotkey])} and {quoted(choice.value)}"
                raise SchemaError(f"The hotkey {choice.hotkey} is given to both {both}.", line=line)
            taken[choice.hotkey] = choice.value
