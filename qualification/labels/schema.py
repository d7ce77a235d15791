"""A label schema: what a worker sees of a task and what may be answered, from a Label Studio labeling config.

Tags and attributes stand on an allow-list (`qualification.labels.elements`; docs/labels.md has them all), so whatever
is not understood here is never shown to anybody.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final

from qualification.labels.elements import BARE_REGIONS, CONTROLS
from qualification.labels.errors import SchemaError, listed, quoted, spelt
from qualification.labels.markup import read_markup
from qualification.labels.parts import AnyControl, ChoicesControl, Control, Header, ObjectKind, ObjectTag, Part
from qualification.labels.reading import Placed, read_parts

MOST_COUNTED: Final = 10**9
"""Chances are reckoned as floats, which 1,024 choices that may all hold would overflow."""

DRAWN_UPON: Final[Mapping[ObjectKind, str]] = {
    "Image": "label the shapes of a Rectangle, Polygon, Brush or the like about the same Image, and there is none. "
    "Tags such as RectangleLabels have their own.",
    "Video": "label the boxes of a VideoRectangle, and there is none. "
    "Stretches of a video are marked with TimelineLabels.",
}
"""Objects whose Labels lend their labels to shapes, and what is said of Labels without any."""


@dataclass(frozen=True, eq=False)
class LabelSchema:
    """A checked labeling config; `parts` are in the order in which they are shown, nested views flattened.

    Equal to itself alone, as `parse_schema` gives the same one for the same text: so what is learnt of one can be kept.
    """

    parts: tuple[Part, ...]

    @cached_property
    def objects(self) -> tuple[ObjectTag, ...]:
        return tuple(part for part in self.parts if isinstance(part, ObjectTag))

    @cached_property
    def controls(self) -> tuple[AnyControl, ...]:
        """Everything that is asked, in order; also what is asked of each region."""
        return tuple(
            part
            for part in self.parts
            if isinstance(part, ChoicesControl) or (isinstance(part, Control) and not part.is_lender)
        )

    @cached_property
    def choices(self) -> tuple[ChoicesControl, ...]:
        """The choices about a whole object: each has one answer, from a list that is known beforehand."""
        return tuple(part for part in self.parts if isinstance(part, ChoicesControl) and not part.per_region)

    @cached_property
    def others(self) -> tuple[Control, ...]:
        """All other questions about a whole object, and those that ask for regions of one."""
        return tuple(part for part in self.controls if isinstance(part, Control) and not part.per_region)

    @cached_property
    def of_regions(self) -> tuple[AnyControl, ...]:
        """What is asked of each region."""
        return tuple(part for part in self.controls if part.per_region)

    @cached_property
    def lenders(self) -> dict[str, Control]:
        """The Labels that lend their labels to shapes, by name; they have no answers of their own."""
        return {part.name: part for part in self.parts if isinstance(part, Control) and part.is_lender}

    @property
    def asks_only_choices(self) -> bool:
        """Whether every answer is a choice from lists that are known beforehand."""
        return len(self.choices) == len(self.controls)

    @property
    def single_choice(self) -> ChoicesControl | None:
        """The only control, where it asks which one of some choices holds: then an answer is a plain label."""
        only = self.choices[0] if self.choices and len(self.controls) == 1 else None
        return only if only is not None and not only.multiple and not only.per_region else None

    def object_named(self, name: str) -> ObjectTag | None:
        """The object of that name, if there is one."""
        return next((tag for tag in self.objects if tag.name == name), None)

    @cached_property
    def fields_needed(self) -> dict[str, ObjectKind]:
        """The task fields that the schema shows, and as what: `{"image": "Image"}`. A header's field is a Text."""
        return dict(_shown(self.parts))

    @cached_property
    def possible_answers(self) -> int:
        """How many different annotations fit this schema; beyond a billion it makes no difference how many."""
        return min(math.prod(control.possible_answers for control in self.controls), MOST_COUNTED)

    def control(self, name: str) -> AnyControl | None:
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
    def _control_by_name(self) -> dict[str, AnyControl]:
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
    _check_regions(placed)
    schema = LabelSchema(parts=tuple(_with_lent_labels(placed)))
    if not schema.choices and not schema.others:
        raise SchemaError("The schema asks nothing; it needs at least one control such as Choices.")
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
    objects = {part.name: part for part, _ in placed if isinstance(part, ObjectTag)}
    for part, line in placed:
        if isinstance(part, Header | ObjectTag) or part.tag == "Relations":
            continue
        for name in part.to_name.split(","):
            if name not in objects:
                has = f"Objects here: {listed(list(objects))}." if objects else "There is no object here."
                message = f"{part.tag} {quoted(part.name)} is about {quoted(name)}, which is no object. {has}"
                raise SchemaError(message, line=line)
            if isinstance(part, Control) and objects[name].kind not in CONTROLS[part.tag].objects:
                possible = listed(CONTROLS[part.tag].objects)
                message = f"{part.tag} {quoted(part.name)} is about {objects[name].kind} {quoted(name)}."
                raise SchemaError(f"{message} It can be about: {possible}.", line=line)


def _check_regions(placed: Sequence[Placed]) -> None:
    with_regions = {part.to_name for part, _ in placed if isinstance(part, Control) and CONTROLS[part.tag].has_regions}
    relations = 0
    for part, line in placed:
        if isinstance(part, ChoicesControl | Control) and part.per_region and part.to_name not in with_regions:
            message = f"{part.tag} {quoted(part.name)} is asked of each region, but {quoted(part.to_name)} has none."
            raise SchemaError(message, line=line)
        if isinstance(part, Control) and part.tag == "Relations":
            relations += 1
            if relations > 1 or not with_regions:
                why = "is given twice" if relations > 1 else "connects regions, and there are none"
                raise SchemaError(f"Relations {why}.", line=line)


def _with_lent_labels(placed: Sequence[Placed]) -> list[Part]:
    """The parts, where each shape without labels of its own has those of the Labels about its picture or video."""
    drawn = {part.name: part.kind for part, _ in placed if isinstance(part, ObjectTag) and part.kind in DRAWN_UPON}
    shapes = {part.to_name for part, _ in placed if isinstance(part, Control) and part.tag in BARE_REGIONS}
    lenders: dict[str, Control] = {}
    for part, line in placed:
        if not isinstance(part, Control) or part.tag != "Labels" or part.to_name not in drawn:
            continue
        if part.to_name not in shapes:
            raise SchemaError(f"Labels {quoted(part.name)} {DRAWN_UPON[drawn[part.to_name]]}", line=line)
        if part.to_name in lenders:
            both = f"{quoted(lenders[part.to_name].name)} and {quoted(part.name)}"
            raise SchemaError(f"Labels {both} label the same shapes, which take labels from one.", line=line)
        lenders[part.to_name] = part
    lent: list[Part] = []
    for part, _ in placed:
        if isinstance(part, Control) and part.tag in BARE_REGIONS and part.to_name in lenders:
            lender = lenders[part.to_name]
            lent.append(replace(part, choices=lender.choices, multiple=lender.multiple, lender=lender.name))
        elif isinstance(part, Control) and part in lenders.values():
            lent.append(replace(part, is_lender=True))
        else:
            lent.append(part)
    return lent


def _check_kinds(placed: Sequence[Placed]) -> None:
    kinds: dict[str, ObjectKind] = {}
    for part, line in placed:
        for field, kind in _shown([part]):
            if kinds.setdefault(field, kind) != kind:
                message = f"The field ${field} is shown as {kinds[field]} and as {kind}; choose one."
                raise SchemaError(message, line=line)


def _check_hotkeys(placed: Sequence[Placed]) -> None:
    taken: dict[str, str] = {}
    for part, line in placed:
        for choice in part.choices if isinstance(part, ChoicesControl | Control) else ():
            if choice.hotkey and choice.hotkey in taken:
                both = f"{quoted(taken[choice.hotkey])} and {quoted(choice.value)}"
                raise SchemaError(f"The hotkey {choice.hotkey} is given to both {both}.", line=line)
            taken[choice.hotkey] = choice.value
