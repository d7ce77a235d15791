"""Turns the tags of a labeling config into the parts of a label schema, each against its allow-list of attributes."""

from collections.abc import Callable

from qualification.labels.attributes import Attributes, field_in
from qualification.labels.errors import SchemaError, quoted
from qualification.labels.markup import Element
from qualification.labels.parts import Choice, ChoicesControl, Header, Layout, ObjectTag, Part, Selection
from qualification.labels.text import fold

Placed = tuple[Part, int]
"""A part and the line on which its tag begins."""

SELECTIONS: tuple[Selection, ...] = ("single", "single-radio", "multiple")
LAYOUTS: tuple[Layout, ...] = ("vertical", "inline", "select")
HEADER_SIZES = ("1", "2", "3", "4", "5", "6")
IMAGE_FLAGS = (
    "zoom",
    "negativeZoom",
    "zoomControl",
    "rotateControl",
    "brightnessControl",
    "contrastControl",
    "smoothing",
)
IMAGE_LENGTHS = ("width", "maxWidth")

SUPPORTED_ATTRIBUTES = {
    "View": ("display",),
    "Header": ("value", "size", "underline"),
    "Text": ("name", "value", "valueType", "encoding"),
    "Image": ("name", "value", *IMAGE_FLAGS, *IMAGE_LENGTHS),
    "Choices": ("name", "toName", "choice", "required", "requiredMessage", "showInline", "layout", "randomize"),
    "Choice": ("value", "alias", "hotkey", "hint", "selected"),
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


def _read_text(element: Element) -> ObjectTag:
    attributes = _attributes_of(element)
    _check_empty(element)
    attributes.one_of("valueType", ("text",), default="text")
    attributes.one_of("encoding", ("none",), default="none")
    return ObjectTag(kind="Text", name=attributes.name("name"), field=attributes.task_field("value"))


def _read_image(element: Element) -> ObjectTag:
    attributes = _attributes_of(element)
    _check_empty(element)
    flags = [(name, "true" if attributes.flag(name) else "false") for name in IMAGE_FLAGS if attributes.has(name)]
    lengths = [(name, attributes.length(name)) for name in IMAGE_LENGTHS if attributes.has(name)]
    return ObjectTag(
        kind="Image",
        name=attributes.name("name"),
        field=attributes.task_field("value"),
        display=tuple(flags + lengths),
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
    )
    _check_choices(element, control)
    return control


def _read_choice(element: Element) -> Choice:
    attributes = _attributes_of(element)
    if element.children:
        raise attributes.error("contains other tags; nested choices are not supported, use one Choices per level.")
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


def _check_choices(element: Element, control: ChoicesControl) -> None:
    if control.possible_answers < 2:
        count = len(control.choices)
        counted = "1 choice" if count == 1 else f"{count} choices"
        raise SchemaError(f"Choices {quoted(control.name)} has {counted}: nothing to choose.", line=element.line)
    if not control.multiple and sum(choice.selected for choice in control.choices) > 1:
        raise SchemaError(
            f"Choices {quoted(control.name)} takes one answer, but several are selected beforehand.", line=element.line
        )
    taken: dict[str, str] = {}
    for choice, child in zip(control.choices, element.children, strict=True):
        # A set, because value and alias of one choice may well be the same.
        for word in sorted({fold(choice.value), fold(choice.alias)} - {""}):
            if word in taken:
                raise SchemaError(
                    f"{quoted(choice.value)} and {quoted(taken[word])} look the same to a reader "
                    f"(as value or alias in Choices {quoted(control.name)}); make them differ.",
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
    return SchemaError(
        f"The tag {tag} is not supported. Supported: the control Choices with its Choice tags, the objects Text and "
        "Image, and View and Header around them.",
        line=element.line,
    )


def _attributes_of(element: Element) -> Attributes:
    return Attributes(element, supported=SUPPORTED_ATTRIBUTES[element.tag])


_READERS: dict[str, Callable[[Element], Part]] = {
    "Header": _read_header,
    "Text": _read_text,
    "Image": _read_image,
    "Choices": _read_choices,
}
