"""One label schema and many annotations of every kind of label, for tests that hold for all of them."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from qualification.labels.results import Answer, validate_result
from qualification.labels.schema import LabelSchema, parse_schema

Result = list[dict[str, Any]]

LABELS = '<Label value="Cat"/><Label value="Dog"/>'
TEXT = "Ada met Bob 👩‍👩‍👧 in Ulm."
ENTRIES = [{"id": name, "title": name} for name in ("blog", "mdn", "wiki")]
DIALOGUE = [{"author": "A", "text": "Hello there."}, {"author": "B", "text": "General 👋 greeting."}]


@dataclass(frozen=True)
class Sample:
    """A kind: its schema, annotations of it, and an item that they are about."""

    name: str
    schema: LabelSchema
    results: st.SearchStrategy[Result]
    item: dict[str, object]

    @property
    def answers(self) -> st.SearchStrategy[Answer]:
        return self.results.map(lambda result: validate_result(self.schema, result, self.item))


def region(control: str, target: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One region of a result."""
    return {"from_name": control, "to_name": target, "type": kind, "value": value, **more}


def schema_of(shown: str, asked: str) -> LabelSchema:
    return parse_schema(f"<View>{shown}{asked}</View>")


PICTURE = '<Image name="o" value="$o"/>'
LABEL = st.sampled_from(["Cat", "Dog"])
SIDE = st.floats(1, 40).map(lambda side: round(side, 2))
PLACE = st.floats(0, 55).map(lambda place: round(place, 2))


def _marked(
    tag: str, kind: str, shown: str, values: st.SearchStrategy[dict[str, Any]], item: object, **more: Any
) -> Sample:
    schema = schema_of(shown, f'<{tag} name="c" toName="o">{LABELS}</{tag}>')
    one = st.tuples(values, LABEL).map(lambda pair: region("c", "o", kind, {**pair[0], kind: [pair[1]]}, **more))
    regions = st.lists(one, max_size=4, unique_by=lambda found: repr(found["value"]))
    return Sample(tag, schema, regions, {"o": item})


def lent(kind: str, value: dict[str, Any], label: str, region_id: str, **more: Any) -> Result:
    """A shape and its label, each in an entry of its own as the editor writes them."""
    shape = region("c", "o", kind, value, id=region_id, **more)
    return [shape, region("l", "o", "labels", {**value, "labels": [label]}, id=region_id, **more)]


def _lent(tag: str, kind: str, values: st.SearchStrategy[dict[str, Any]], **more: Any) -> Sample:
    schema = schema_of(PICTURE, f'<{tag} name="c" toName="o"/><Labels name="l" toName="o">{LABELS}</Labels>')
    marked = st.lists(st.tuples(values, LABEL), max_size=3, unique_by=lambda pair: repr(pair[0]))
    results = marked.map(
        lambda pairs: [
            entry for n, (value, label) in enumerate(pairs) for entry in lent(kind, value, label, f"i{n}", **more)
        ]
    )
    return Sample(f"{tag} with Labels", schema, results, {"o": "p"})


def _asked(
    name: str, asked: str, kind: str, values: st.SearchStrategy[dict[str, Any]], *, shown: str = "", item: object = TEXT
) -> Sample:
    schema = schema_of(shown or '<Text name="o" value="$o"/>', asked)
    return Sample(name, schema, values.map(lambda value: [region("c", "o", kind, value)]), {"o": item})


def _span(size: int) -> st.SearchStrategy[tuple[int, int]]:
    ends = st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True)
    return ends.map(lambda pair: (min(pair), max(pair)))


BOXES = st.builds(
    lambda x, y, width, height, rotation: {"x": x, "y": y, "width": width, "height": height, "rotation": rotation},
    st.floats(25, 55).map(lambda place: round(place, 2)),
    PLACE,
    SIDE,
    SIDE,
    st.sampled_from([0, 0, 0, 30]),
)
TRIANGLES = st.builds(
    lambda x, y, width, height: {"points": [[x, y], [x + width, y], [x, y + height]], "closed": True},
    PLACE,
    PLACE,
    SIDE,
    SIDE,
)
ELLIPSES = st.builds(
    lambda x, y, across, down: {"x": x, "y": y, "radiusX": across, "radiusY": down, "rotation": 0},
    PLACE,
    PLACE,
    SIDE,
    SIDE,
)


def path(*places: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A path from place to place, as the editor writes it."""
    vertices = [
        {"id": f"v{n}", "x": x, "y": y, "prevPointId": f"v{n - 1}" if n else None, "isBezier": False}
        for n, (x, y) in enumerate(places)
    ]
    return {"vertices": vertices, "closed": False, **more}


def packed(runs: Sequence[tuple[int, int]], *, pixels: int) -> list[int]:
    """A mask in Label Studio's form, written bit by bit: no runs, one block that lists every byte."""
    opaque = {place for start, end in runs for place in range(start, end)}
    bits = f"{4 * pixels:032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "0" + "11" + f"{4 * pixels - 1:016b}"
    bits += "".join(f"{255 if place in opaque else 0:08b}" * 4 for place in range(pixels))
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


def drawn(
    runs: Sequence[tuple[int, int]], *, width: int = 8, height: int = 6, mode: str = "RGBA", kind: str = "PNG"
) -> str:
    """A mask as a browser writes a canvas: black where it belongs, transparent elsewhere."""
    picture = Image.new("RGBA", (width, height))
    for start, end in runs:
        for place in range(start, end):
            picture.putpixel((place % width, place // width), (0, 0, 0, 255))
    written = io.BytesIO()
    picture.convert(mode).save(written, format=kind)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


MASKS = _span(48).map(lambda span: {"format": "rle", "rle": packed([span], pixels=48)})
SPANS = _span(len(TEXT)).map(lambda span: {"start": span[0], "end": span[1], "text": TEXT[span[0] : span[1]]})
KEYFRAMES = st.dictionaries(st.integers(1, 30), BOXES, min_size=1, max_size=3).map(
    lambda frames: {"sequence": [{"frame": at, "enabled": True, **box} for at, box in frames.items()]}
)
WORDS = st.lists(st.sampled_from(["Hello,", "hello", "small", "world", "word"]), min_size=1, max_size=6).map(" ".join)

SAMPLES = [
    _marked("RectangleLabels", "rectanglelabels", PICTURE, BOXES, "p"),
    _marked("EllipseLabels", "ellipselabels", PICTURE, ELLIPSES, "p"),
    _marked("PolygonLabels", "polygonlabels", PICTURE, TRIANGLES, "p"),
    _marked(
        "KeyPointLabels",
        "keypointlabels",
        PICTURE,
        st.builds(lambda x, y: {"x": x, "y": y, "width": 0.5}, PLACE, PLACE),
        "p",
    ),
    _marked("BrushLabels", "brushlabels", PICTURE, MASKS, "p", original_width=8, original_height=6),
    _marked(
        "BitmaskLabels",
        "bitmasklabels",
        PICTURE,
        _span(48).map(lambda span: {"imageDataURL": drawn([span])}),
        "p",
        original_width=8,
        original_height=6,
    ),
    _marked(
        "VectorLabels",
        "vectorlabels",
        PICTURE,
        st.lists(st.tuples(PLACE, PLACE), min_size=2, max_size=5, unique=True).map(lambda places: path(*places)),
        "p",
    ),
    _lent("Rectangle", "rectangle", BOXES),
    _lent("Polygon", "polygon", TRIANGLES),
    _lent("MagicWand", "magicwand", MASKS, original_width=8, original_height=6),
    _marked("Labels", "labels", '<Text name="o" value="$o"/>', SPANS, TEXT),
    _marked(
        "HyperTextLabels",
        "hypertextlabels",
        '<HyperText name="o" value="$o"/>',
        SPANS.map(lambda v: {"globalOffsets": {"start": v["start"], "end": v["end"]}, "text": v["text"]}),
        f"<p>{TEXT}</p>",
    ),
    _marked(
        "ParagraphLabels",
        "paragraphlabels",
        '<Paragraphs name="o" value="$o"/>',
        st.tuples(st.sampled_from([0, 1]), _span(12)).map(
            lambda p: {"start": str(p[0]), "end": str(p[0]), "startOffset": p[1][0], "endOffset": p[1][1]}
        ),
        DIALOGUE,
    ),
    _marked(
        "TimeSeriesLabels",
        "timeserieslabels",
        '<TimeSeries name="o" value="$o"><Channel column="v"/></TimeSeries>',
        _span(50).map(lambda span: {"start": span[0], "end": span[1], "instant": False}),
        {"time": [1, 2], "v": [3, 4]},
    ),
    _marked(
        "TimelineLabels",
        "timelinelabels",
        '<Video name="o" value="$o"/>',
        _span(50).map(lambda span: {"ranges": [{"start": span[0], "end": span[1]}]}),
        "v.mp4",
    ),
    Sample(
        "Labels of Audio",
        schema_of('<Audio name="o" value="$o"/>', f'<Labels name="c" toName="o">{LABELS}</Labels>'),
        st.lists(
            st.tuples(_span(50), LABEL).map(
                lambda p: region(
                    "c",
                    "o",
                    "labels",
                    {"start": p[0][0], "end": p[0][1], "channel": 0, "labels": [p[1]]},
                    original_length=60,
                )
            ),
            max_size=3,
            unique_by=lambda found: repr(found["value"]),
        ),
        {"o": "a.wav"},
    ),
    Sample(
        "VideoRectangle",
        schema_of(
            '<Video name="o" value="$o"/>',
            f'<VideoRectangle name="c" toName="o"/><Labels name="l" toName="o">{LABELS}</Labels>',
        ),
        st.lists(
            st.tuples(KEYFRAMES, LABEL).map(
                lambda p: region("c", "o", "videorectangle", {**p[0], "framesCount": 30, "labels": [p[1]]})
            ),
            max_size=2,
            unique_by=lambda found: repr(found["value"]),
        ),
        {"o": "v.mp4"},
    ),
    _asked(
        "Taxonomy",
        '<Taxonomy name="c" toName="o"><Choice value="Animal"><Choice value="Cat"/><Choice value="Dog"/></Choice>'
        '<Choice value="Plant"><Choice value="Oak"/></Choice></Taxonomy>',
        "taxonomy",
        st.lists(
            st.sampled_from([("Animal",), ("Animal", "Cat"), ("Animal", "Dog"), ("Plant", "Oak")]),
            min_size=1,
            max_size=3,
            unique=True,
        ).map(lambda paths: {"taxonomy": [list(path) for path in paths]}),
    ),
    _asked("Rating", '<Rating name="c" toName="o"/>', "rating", st.integers(1, 5).map(lambda stars: {"rating": stars})),
    _asked(
        "Number",
        '<Number name="c" toName="o" min="-5" max="5" step="0.5"/>',
        "number",
        st.integers(-10, 10).map(lambda halves: {"number": halves / 2}),
    ),
    _asked(
        "DateTime",
        '<DateTime name="c" toName="o" only="date"/>',
        "datetime",
        st.dates().map(lambda day: {"datetime": day.isoformat()}),
    ),
    _asked(
        "TextArea",
        '<TextArea name="c" toName="o"/>',
        "textarea",
        st.lists(WORDS, min_size=1, max_size=2).map(lambda texts: {"text": texts}),
    ),
    _asked(
        "TextArea of Audio",
        '<TextArea name="c" toName="o"/>',
        "textarea",
        WORDS.map(lambda text: {"text": [text]}),
        shown='<Audio name="o" value="$o"/>',
        item="a.wav",
    ),
    Sample(
        "Pairwise",
        parse_schema(
            '<View><Text name="a" value="$a"/><Text name="b" value="$b"/><Pairwise name="c" toName="a,b"/></View>'
        ),
        st.sampled_from(["left", "right"]).map(lambda side: [region("c", "a,b", "pairwise", {"selected": side})]),
        {"a": "One", "b": "Two"},
    ),
    _asked(
        "Ranker",
        '<Ranker name="c" toName="o"/>',
        "ranker",
        st.permutations(["blog", "mdn", "wiki"]).map(lambda order: {"ranker": {"c": list(order)}}),
        shown='<List name="o" value="$o"/>',
        item=ENTRIES,
    ),
    _asked(
        "Ranker with buckets",
        '<Ranker name="c" toName="o"><Bucket name="good"/><Bucket name="bad"/></Ranker>',
        "ranker",
        st.tuples(st.permutations(["blog", "mdn", "wiki"]), st.integers(0, 3)).map(
            lambda p: {"ranker": {"good": list(p[0][: p[1]]), "bad": list(p[0][p[1] :])}}
        ),
        shown='<List name="o" value="$o"/>',
        item=ENTRIES,
    ),
    _asked(
        "Choices",
        '<Choices name="c" toName="o" choice="multiple"><Choice value="x"/><Choice value="y"/><Choice value="z"/>'
        "</Choices>",
        "choices",
        st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, unique=True).map(lambda found: {"choices": found}),
    ),
]
