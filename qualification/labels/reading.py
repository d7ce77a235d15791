"""Turns the tags of a labeling config into the parts of a label schema, each against its allow-list of attributes."""

from collections.abc import Callable, Iterable

from qualification.labels.attributes import Attributes, field_in
from qualification.labels.elements import CHILDREN, CONTROLS, OBJECTS, REFUSED, ControlTag
from qualification.labels.errors import SchemaError, quoted
from qualification.labels.kinds.times import flaw_of_bounds
from qualification.labels.markup import Element
from qualification.labels.parts import (
    Choice,
    ChoicesControl,
    Control,
    Header,
    Layout,
    ObjectKind,
    ObjectTag,
    Part,
    Selection,
)
from qualification.labels.text import fold

Placed = tuple[Part, int]
"""A part and the line on which its tag begins."""

SELECTIONS: tuple[Selection, ...] = ("single", "single-radio", "multiple")
LAYOUTS: tuple[Layout, ...] = ("vertical", "inline", "select")
HEADER_SIZES = ("1", "2", "3", "4", "5", "6")
NOT_KEPT = ("valueType", "encoding")
"""Attributes with one possible value, which need not be kept."""

MOST_STARS = 100

RELATIONS = "relations"
"""The name of a Relations tag that has none, as in Label Studio; its results name no control."""

SUPPORTED_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "View": ("display",),
    "Header": ("value", "size", "underline"),
    **{kind: ("name", "value", *forms) for kind, forms in OBJECTS.items()},
    "Choices": (
        "name",
        "toName",
        "choice",
        "required",
        "requiredMessage",
        "showInline",
        "layout",
        "randomize",
        "perRegion",
    ),
    "Choice": ("value", "alias", "hotkey", "hint", "selected"),
    **{tag: declared.attributes for tag, declared in CONTROLS.items()},
    **{tag: tuple(forms) for tag, forms in CHILDREN.items()},
}


def read_parts(view: Element) -> list[Placed]:
    """The parts inside a View, in the order in which they are shown; nested views only group, so they vanish."""
    _attributes_of(view).one_of("display", ("block", "inline"), default="block")
    placed: list[Placed] = []
    for child in view.children:
        if child.tag == "View":
            placed += read_parts(child)
        elif child.tag in _READERS:
            placed.append((_READERS[child.tag](child), child.line))
        else:
            raise _unsupported(child, parent=view)
    return placed


def _read_header(element: Element) -> Header:
    attributes = _attributes_of(element)
    _check_empty(element)
    field = field_in(attributes.required("value"))
    return Header(
        text="" if field else attributes.note("value"),
        field=attributes.task_field("value") if field else None,
        size=int(attributes.one_of("size", HEADER_SIZES, default="4")),
        underline=attributes.flag("underline"),
    )


def _read_object(element: Element) -> ObjectTag:
    kind: ObjectKind = next(kind for kind in OBJECTS if kind == element.tag)
    attributes = _attributes_of(element)
    for child in element.children:
        if (kind, child.tag) != ("TimeSeries", "Channel"):
            raise _unsupported(child, parent=element)
        _check_empty(child)
        channel = _attributes_of(child)
        channel.required("column")
        for name, form in CHILDREN["Channel"].items():
            form(channel, name)
    shown = ((name, form(attributes, name)) for name, form in OBJECTS[kind].items() if attributes.has(name))
    return ObjectTag(
        kind=kind,
        name=attributes.name("name"),
        field=attributes.task_field("value"),
        display=tuple((name, value) for name, value in shown if name not in NOT_KEPT),
    )


def _read_choices(element: Element) -> ChoicesControl:
    attributes = _attributes_of(element)
    for child in element.children:
        if child.tag != "Choice":
            raise _unsupported(child, parent=element)
    choices = tuple(_read_choice(child) for child in element.children)
    control = ChoicesControl(
        name=attributes.name("name"),
        to_name=attributes.name("toName"),
        choice=attributes.one_of("choice", SELECTIONS, default="single"),
        required=attributes.flag("required"),
        required_message=attributes.note("requiredMessage"),
        layout=_layout_of(attributes),
        randomize=attributes.flag("randomize"),
        choices=choices,
        per_region=attributes.flag("perRegion"),
    )
    if control.possible_answers < 2:
        count = len(control.choices)
        counted = "1 choice" if count == 1 else f"{count} choices"
        raise SchemaError(f"Choices {quoted(control.name)} has {counted}: nothing to choose.", line=element.line)
    if not control.multiple and sum(choice.selected for choice in control.choices) > 1:
        raise SchemaError(
            f"Choices {quoted(control.name)} takes one answer, but several are selected beforehand.", line=element.line
        )
    _check_differ(f"Choices {quoted(control.name)}", choices, element.children)
    return control


def _read_choice(element: Element) -> Choice:
    attributes = _attributes_of(element)
    if element.children:
        raise attributes.error("contains other tags; nested choices are not supported, use one Choices per level.")
    return _choice(attributes)


def _choice(attributes: Attributes) -> Choice:
    value = attributes.label("value")
    if field_in(value) is not None:
        raise attributes.error(f"has value={quoted(value)}; choices are fixed and cannot be loaded from the task.")
    return Choice(
        value=value,
        alias=attributes.label("alias") if attributes.has("alias") else "",
        hotkey=attributes.hotkey("hotkey"),
        hint=attributes.note("hint"),
        selected=attributes.flag("selected"),
    )


def _layout_of(attributes: Attributes) -> Layout:
    # Label Studio lets showInline, the older attribute, win where both are given.
    if attributes.has("showInline"):
        return "inline" if attributes.flag("showInline") else "vertical"
    return attributes.one_of("layout", LAYOUTS, default="vertical")


def _read_control(element: Element) -> Control:
    declared = CONTROLS[element.tag]
    attributes = _attributes_of(element)
    for child in element.children:
        if child.tag != declared.child:
            raise _unsupported(child, parent=element)
    paths = _paths_of(element, ()) if element.tag == "Taxonomy" else ()
    choices = () if paths else tuple(_read_child(child, declared.child) for child in element.children)
    is_named = element.tag != "Relations" or attributes.has("name")
    control = Control(
        tag=element.tag,
        name=attributes.name("name") if is_named else RELATIONS,
        to_name=_target_of(attributes, element.tag),
        required=attributes.flag("required"),
        required_message=attributes.note("requiredMessage"),
        choices=choices,
        multiple=attributes.one_of("choice", ("single", "multiple"), default="single") == "multiple",
        per_region=declared.may_be_per_region and attributes.flag("perRegion"),
        paths=tuple(paths),
        settings=_kept(attributes, declared, "settings"),
        display=_kept(attributes, declared, "display"),
    )
    _check_children(element, declared, control)
    _check_bounds(attributes, control)
    return control


def _target_of(attributes: Attributes, tag: str) -> str:
    if tag == "Relations":
        return ""
    if tag != "Pairwise":
        return attributes.name("toName")
    both = attributes.required("toName").split(",")
    if len(both) != 2 or both[0].strip() == both[1].strip():
        raise attributes.error(f"has toName={quoted(','.join(both))}; it compares two objects, written as left,right.")
    return ",".join(name.strip() for name in both)


def _kept(attributes: Attributes, declared: ControlTag, which: str) -> tuple[tuple[str, str], ...]:
    forms = declared.settings if which == "settings" else declared.display
    return tuple((name, form(attributes, name)) for name, form in forms.items() if attributes.has(name))


def _read_child(element: Element, tag: str) -> Choice:
    attributes = _attributes_of(element)
    _check_empty(element)
    if tag == "Bucket":
        return Choice(value=attributes.name("name"), hint=attributes.note("title"))
    for name, form in CHILDREN[tag].items():
        form(attributes, name)
    if tag == "Relation":
        return Choice(value=attributes.label("value"))
    return _choice(attributes)


def _paths_of(element: Element, above: tuple[str, ...]) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    choices = []
    for child in element.children:
        if child.tag != "Choice":
            raise _unsupported(child, parent=element)
        choices.append(_choice(_attributes_of(child)))
        path = (*above, choices[-1].label)
        paths += [path, *_paths_of(child, path)]
    _check_differ("one level of the Taxonomy", choices, element.children)
    return paths


def _check_children(element: Element, declared: ControlTag, control: Control) -> None:
    may_have_none = declared.child in ("", "Bucket", "Relation", "Shortcut")
    if not may_have_none and not (control.choices or control.paths):
        raise SchemaError(
            f"{element.tag} {quoted(control.name)} has no {declared.child} tags: nothing to label with.",
            line=element.line,
        )
    _check_differ(f"{element.tag} {quoted(control.name)}", control.choices, element.children)


def _check_bounds(attributes: Attributes, control: Control) -> None:
    low, high, step = (control.setting(name) for name in ("min", "max", "step"))
    if control.tag == "Number" and ((low and high and float(low) >= float(high)) or (step and float(step) <= 0)):
        raise attributes.error("has no number between its bounds; min is below max, and a step above 0.")
    if control.tag == "DateTime" and (flaw := flaw_of_bounds(low, high, only=control.setting("only"))):
        raise attributes.error(flaw)
    for name in ("maxUsages", "maxSubmissions"):
        if control.setting(name) and int(control.setting(name)) < 1:
            raise attributes.error(f"has {name}={quoted(control.setting(name))}, so nothing can be answered.")
    least, most = (int(control.setting(name) or 2) for name in ("minPoints", "maxPoints"))
    if control.setting("maxPoints") and most < max(2, least):
        raise attributes.error("has no number of points between its bounds; a path has at least 2.")
    if control.tag == "Rating" and not 2 <= int(control.setting("maxRating", "5")) <= MOST_STARS:
        raise attributes.error(f"has a maxRating that is not from 2 to {MOST_STARS}.")


def _check_differ(where: str, choices: Iterable[Choice], elements: Iterable[Element]) -> None:
    taken: dict[str, str] = {}
    for choice, child in zip(choices, elements, strict=False):
        # A set, because value and alias of one choice may well be the same.
        for word in sorted({fold(choice.value), fold(choice.alias)} - {""}):
            if word in taken:
                raise SchemaError(
                    f"{quoted(choice.value)} and {quoted(taken[word])} look the same to a reader "
                    f"(as value or alias in {where}); make them differ.",
                    line=child.line,
                )
            taken[word] = choice.value


def _check_empty(element: Element) -> None:
    for child in element.children:
        raise _unsupported(child, parent=element)


def _unsupported(element: Element, *, parent: Element) -> SchemaError:
    tag = quoted(element.tag)
    if element.tag in SUPPORTED_ATTRIBUTES:
        return SchemaError(f"The tag {tag} cannot stand inside {parent.tag}.", line=element.line)
    if element.tag in REFUSED:
        return SchemaError(f"The tag {tag} is not supported: {REFUSED[element.tag]}.", line=element.line)
    controls, objects = ", ".join(["Choices", *CONTROLS]), ", ".join(OBJECTS)
    return SchemaError(
        f"The tag {tag} is not supported. Controls: {controls}. Objects: {objects}. Around them: View and Header.",
        line=element.line,
    )


def _attributes_of(element: Element) -> Attributes:
    return Attributes(element, supported=SUPPORTED_ATTRIBUTES[element.tag])


_READERS: dict[str, Callable[[Element], Part]] = {
    "Header": _read_header,
    "Choices": _read_choices,
    **dict.fromkeys(OBJECTS, _read_object),
    **dict.fromkeys(CONTROLS, _read_control),
}
