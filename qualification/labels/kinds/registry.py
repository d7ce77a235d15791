"""Which plug-in answers for which control. Each is loaded when it is first asked for.

They compute with NumPy, SciPy, shapely and rapidfuzz, which a process that only ever meets choices never loads.
"""

from functools import cache
from importlib import import_module
from typing import Any, Final

from qualification.labels.kinds.base import Kind
from qualification.labels.parts import AnyControl, ChoicesControl, ObjectKind

OF_TAG: Final = {
    "RectangleLabels": "boxes",
    "Rectangle": "boxes",
    "EllipseLabels": "ellipses",
    "Ellipse": "ellipses",
    "PolygonLabels": "polygons",
    "Polygon": "polygons",
    "BrushLabels": "masks",
    "Brush": "masks",
    "MagicWand": "masks",
    "BitmaskLabels": "bitmasks",
    "Bitmask": "bitmasks",
    "VectorLabels": "paths",
    "Vector": "paths",
    "KeyPointLabels": "keypoints",
    "KeyPoint": "keypoints",
    "Labels": "spans",
    "HyperTextLabels": "hypertexts",
    "ParagraphLabels": "paragraphs",
    "TimeSeriesLabels": "stretches",
    "TimelineLabels": "timelines",
    "VideoRectangle": "tracks",
    "Taxonomy": "taxonomies",
    "Rating": "stars",
    "Number": "numbers",
    "DateTime": "times",
    "TextArea": "texts",
    "Pairwise": "pairs",
    "Ranker": "rankings",
}
"""The module of each control's plug-in. Choices have theirs too; Relations connect regions and have none."""

AUDIO: Final = "sounds"
"""Labels about Audio are stretches of time, about Text they are spans."""


def kind_of(control: AnyControl, about: ObjectKind | None = None) -> Kind[Any]:
    """The plug-in for a control; Labels ask what they are about."""
    if isinstance(control, ChoicesControl):
        return _loaded("choices")
    return _loaded(AUDIO if control.tag == "Labels" and about == "Audio" else OF_TAG[control.tag])


@cache
def _loaded(name: str) -> Kind[Any]:
    kind: Kind[Any] = import_module(f"qualification.labels.kinds.{name}").KIND
    return kind
