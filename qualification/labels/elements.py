"""The tags of a labeling config: which attributes each may have, what its answers are called, what it may be about.

All control and object tags of Label Studio's open editor that its reference describes stand here but those in
`REFUSED`, each with why. Source: the labeling config reference of Label Studio, https://labelstud.io/tags.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from qualification.labels.attributes import Attributes
from qualification.labels.parts import ObjectKind

Form = Callable[[Attributes, str], str]
"""Reads one attribute, and gives it in the form in which it is kept."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{3,8}|[A-Za-z]{3,20}|rgba?\([0-9., ]{5,30}\)", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_.,:;%/ -]{1,64}", re.ASCII)


def flag(attributes: Attributes, name: str) -> str:
    return "true" if attributes.flag(name) else "false"


def note(attributes: Attributes, name: str) -> str:
    return attributes.note(name)


def length(attributes: Attributes, name: str) -> str:
    return attributes.length(name)


def number(attributes: Attributes, name: str) -> str:
    return attributes.matching(name, _NUMBER.fullmatch, "a number such as 3 or 0.5")


def whole(attributes: Attributes, name: str) -> str:
    return attributes.matching(name, _WHOLE.fullmatch, "a whole number such as 5")


def colour(attributes: Attributes, name: str) -> str:
    return attributes.matching(name, _COLOUR.fullmatch, "a colour such as #36B37E or red")


def word(attributes: Attributes, name: str) -> str:
    return attributes.matching(name, _WORD.fullmatch, "a short word of Latin letters and digits")


def key(attributes: Attributes, name: str) -> str:
    return attributes.hotkey(name)


def one_of(*possible: str) -> Form:
    return lambda attributes, name: attributes.one_of(name, possible, default=possible[0])


@dataclass(frozen=True, slots=True)
class ControlTag:
    """A control: the `type` of its results, the objects that it may be about, and its attributes.

    `child` is the tag of what may be chosen, `settings` are the attributes that bound an answer, `display` all others.
    `labels_key` is where a result carries labels, empty where it has none.
    """

    tag: str
    result_type: str
    objects: tuple[ObjectKind, ...]
    child: str = ""
    labels_key: str = ""
    settings: Mapping[str, Form] = field(default_factory=dict)
    display: Mapping[str, Form] = field(default_factory=dict)
    may_be_per_region: bool = False

    @property
    def has_regions(self) -> bool:
        """Whether its answers are regions: as many as there are things to mark."""
        return bool(self.labels_key) or self.tag in BARE_REGIONS

    @property
    def attributes(self) -> tuple[str, ...]:
        """All that the tag may have, in the order in which a refusal lists them."""
        shared = ("name", "toName", "required", "requiredMessage")
        several = ("choice",) if self.labels_key else ()
        region = ("perRegion",) if self.may_be_per_region else ()
        return (*shared, *several, *region, *self.settings, *self.display)


BARE_REGIONS: Final = frozenset(
    {"Rectangle", "Ellipse", "Polygon", "Vector", "Brush", "Bitmask", "MagicWand", "KeyPoint", "VideoRectangle"}
)
"""Controls that mark regions without labels of their own; Labels about the same object lend them theirs."""

EVERYTHING: Final[tuple[ObjectKind, ...]] = (
    "Text",
    "Image",
    "Audio",
    "Video",
    "HyperText",
    "Paragraphs",
    "TimeSeries",
    "Table",
    "List",
)
_OF_REGIONS: Final = {
    "opacity": number,
    "fillColor": colour,
    "strokeColor": colour,
    "strokeWidth": number,
    "showInline": flag,
    "canRotate": flag,
    "snap": one_of("none", "pixel"),
    "smart": flag,
    "smartOnly": flag,
    "strokeStyle": one_of("none", "solid", "dashed", "dotted"),
    "pointSize": one_of("medium", "small", "large"),
    "pointStyle": one_of("circle", "rectangle"),
    "fillOpacity": number,
    "defaultthreshold": whole,
    "blurradius": whole,
    "pointSizeEnabled": whole,
    "pointSizeDisabled": whole,
}


def _labels(
    tag: str,
    result_type: str,
    *objects: ObjectKind,
    settings: Mapping[str, Form] | None = None,
) -> ControlTag:
    display = {name: form for name, form in _OF_REGIONS.items() if name in _DISPLAY_OF.get(tag, _PLAIN)}
    return ControlTag(
        tag, result_type, objects, child="Label", labels_key=result_type, settings=settings or {}, display=display
    )


def _bare(tag: str, result_type: str, *objects: ObjectKind, settings: Mapping[str, Form] | None = None) -> ControlTag:
    shown = _DISPLAY_OF.get(tag, _DISPLAY_OF.get(f"{tag}Labels", _PLAIN))
    display = {name: form for name, form in _OF_REGIONS.items() if name in shown}
    display.pop("showInline", None)
    return ControlTag(tag, result_type, objects, settings=settings or {}, display=display)


_PLAIN: Final = ("opacity", "fillColor", "strokeColor", "strokeWidth", "showInline")
_SHAPE: Final = (*_PLAIN, "canRotate", "snap", "smart", "smartOnly")
_DISPLAY_OF: Final = {
    "RectangleLabels": _SHAPE,
    "EllipseLabels": _SHAPE,
    "PolygonLabels": (*_PLAIN, "snap", "pointSize", "pointStyle"),
    "BrushLabels": _PLAIN,
    "MagicWand": ("opacity", "defaultthreshold", "blurradius"),
    "KeyPointLabels": (*_PLAIN, "snap", "smart", "smartOnly"),
    "VectorLabels": (*_PLAIN, "snap", "pointSize", "pointStyle", "pointSizeEnabled", "pointSizeDisabled"),
}
_OF_PATHS: Final[Mapping[str, Form]] = {
    "closable": flag,
    "skeleton": flag,
    "curves": one_of("false"),
    "minPoints": whole,
    "maxPoints": whole,
}

CONTROLS: Final = {
    declared.tag: declared
    for declared in (
        _labels("Labels", "labels", "Text", "Image", "Audio", "Video"),
        _labels("HyperTextLabels", "hypertextlabels", "HyperText"),
        _labels("ParagraphLabels", "paragraphlabels", "Paragraphs"),
        _labels("TimeSeriesLabels", "timeserieslabels", "TimeSeries"),
        _labels("TimelineLabels", "timelinelabels", "Video"),
        _labels("RectangleLabels", "rectanglelabels", "Image"),
        _labels("EllipseLabels", "ellipselabels", "Image"),
        _labels("PolygonLabels", "polygonlabels", "Image"),
        _labels("BrushLabels", "brushlabels", "Image"),
        _labels("BitmaskLabels", "bitmasklabels", "Image"),
        _labels("VectorLabels", "vectorlabels", "Image", settings=_OF_PATHS),
        _labels("KeyPointLabels", "keypointlabels", "Image"),
        _bare("Rectangle", "rectangle", "Image"),
        _bare("Ellipse", "ellipse", "Image"),
        _bare("Polygon", "polygon", "Image"),
        _bare("Brush", "brush", "Image"),
        _bare("Bitmask", "bitmask", "Image"),
        _bare("MagicWand", "magicwand", "Image"),
        _bare("Vector", "vector", "Image", settings=_OF_PATHS),
        _bare("KeyPoint", "keypoint", "Image"),
        _bare("VideoRectangle", "videorectangle", "Video"),
        ControlTag(
            "Taxonomy",
            "taxonomy",
            EVERYTHING,
            child="Choice",
            settings={"leafsOnly": flag, "maxUsages": whole},
            display={
                "showFullPath": flag,
                "pathSeparator": note,
                "maxWidth": length,
                "minWidth": length,
                "placeholder": note,
            },
            may_be_per_region=True,
        ),
        ControlTag(
            "Rating",
            "rating",
            EVERYTHING,
            settings={"maxRating": whole},
            display={
                "defaultValue": whole,
                "size": one_of("medium", "small", "large", "x-large"),
                "icon": one_of("star", "heart", "fire", "smile"),
                "hotkey": key,
            },
            may_be_per_region=True,
        ),
        ControlTag(
            "Number",
            "number",
            EVERYTHING,
            settings={"min": number, "max": number, "step": number},
            display={"defaultValue": number, "slider": flag},
            may_be_per_region=True,
        ),
        ControlTag(
            "DateTime",
            "datetime",
            EVERYTHING,
            settings={"only": one_of("date", "time", "month", "year"), "min": word, "max": word},
            display={"format": word},
            may_be_per_region=True,
        ),
        ControlTag(
            "TextArea",
            "textarea",
            EVERYTHING,
            child="Shortcut",
            settings={"maxSubmissions": whole, "transcription": flag},
            display={
                "placeholder": note,
                "rows": whole,
                "editable": flag,
                "showSubmitButton": flag,
                "skipDuplicates": flag,
                "displayMode": one_of("tag", "region-list"),
                "label": note,
            },
            may_be_per_region=True,
        ),
        ControlTag("Pairwise", "pairwise", EVERYTHING, display={"selectionStyle": word}),
        ControlTag("Ranker", "ranker", ("List",), child="Bucket"),
        ControlTag("Relations", "relation", EVERYTHING, child="Relation"),
    )
}

OBJECTS: Final[Mapping[ObjectKind, Mapping[str, Form]]] = {
    "Text": {
        "valueType": one_of("text"),
        "encoding": one_of("none"),
        "granularity": one_of("symbol", "word"),
        "highlightColor": colour,
        "showLabels": flag,
    },
    "Image": {
        **dict.fromkeys(
            (
                "zoom",
                "negativeZoom",
                "zoomControl",
                "rotateControl",
                "brightnessControl",
                "contrastControl",
                "smoothing",
                "grid",
                "crosshair",
            ),
            flag,
        ),
        "width": length,
        "maxWidth": length,
    },
    "Audio": {
        "hotkey": key,
        "height": whole,
        "waveHeight": whole,
        "volume": flag,
        "speed": flag,
        "zoom": flag,
        "defaultspeed": number,
        "defaultvolume": number,
        "splitchannels": flag,
    },
    "Video": {"framerate": number, "height": whole, "timelineHeight": whole, "muted": flag},
    "HyperText": {
        "valueType": one_of("text"),
        "encoding": one_of("none"),
        "granularity": one_of("symbol", "word"),
        "showLabels": flag,
    },
    "Paragraphs": {
        "valueType": one_of("json"),
        "layout": one_of("none", "dialogue"),
        "showPlayer": flag,
        "nameKey": word,
        "textKey": one_of("text"),
        "granularity": one_of("symbol", "word", "sentence", "paragraph"),
    },
    "TimeSeries": {"valueType": one_of("json"), "timeColumn": word, "overviewChannels": word},
    "Table": {},
    "List": {"title": note},
}

CHILDREN: Final[Mapping[str, Mapping[str, Form]]] = {
    "Label": {
        "value": note,
        "alias": note,
        "hotkey": key,
        "hint": note,
        "selected": flag,
        "background": colour,
        "selectedColor": colour,
        "showAlias": flag,
        "granularity": one_of("symbol", "word"),
        "category": whole,
    },
    "Relation": {"value": note, "background": colour},
    "Bucket": {"name": word, "title": note},
    "Shortcut": {"value": note, "alias": note, "hotkey": key, "background": colour},
    "Channel": {
        "column": word,
        "displayName": note,
        "legend": note,
        "units": note,
        "strokeColor": colour,
        "height": whole,
        "interpolation": word,
        "strokeWidth": number,
        "showAxis": flag,
        "fixedScale": flag,
    },
}

REFUSED: Final = {
    "Chat": "a conversation that is written while it is labelled is another for each worker, so there is nothing "
    "to merge; show a finished one as Paragraphs",
    "ReactCode": "code of clients is not run before workers",
    "Custom": "code of clients is not run before workers",
    "CustomInterface": "code of clients is not run before workers",
    "Script": "code of clients is not run before workers",
    "script": "code of clients is not run before workers",
    "Style": "what workers see has one look; rules of style are not taken",
    "Pdf": "upload its pages as pictures",
    "AudioPlus": "its name is Audio now",
    "VideoVector": "mark what moves with VideoRectangle",
    "VideoVectorLabels": "mark what moves with VideoRectangle",
    "Repeater": "write out what is repeated",
}
"""Tags that people know from Label Studio and look for here in vain, each with why."""
