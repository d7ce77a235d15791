"""Every kind of label as a journey meets it: a schema, an item, three workers' answers, and what these must become."""

from typing import Any, Final, NamedTuple

from tests.qualification.kinds import drawn, packed, path, region

Result = list[dict[str, Any]]

TEXT: Final = "👩‍👩‍👧 Ada met Bob in Ulm."
DIALOGUE: Final = [{"author": "A", "text": "Is Ada there?"}, {"author": "B", "text": "👋 Bob is."}]
LABELS: Final = '<Label value="Person"/><Label value="Place"/>'
PICTURE: Final = '<Image name="o" value="$o"/>'
SHOWN_TEXT: Final = '<Text name="o" value="$o"/>'
VIDEO: Final = '<Video name="o" value="$o"/>'
SIZE: Final[dict[str, Any]] = {"original_width": 8, "original_height": 6}
PIXELS: Final = 48


class Case(NamedTuple):
    """A kind: what is shown and asked (no item: a picture), what three workers answer, and what must come out."""

    shown: str
    asked: str
    item: Any
    answers: list[Result]
    merged: Result


def asked_by(tag: str) -> str:
    return f'<{tag} name="c" toName="o">{LABELS}</{tag}>'


def one(kind: str, value: dict[str, Any], label: str = "Person", **more: Any) -> dict[str, Any]:
    """A region that carries its label."""
    return region("c", "o", kind, {**value, kind: [label]}, **more)


def beside(control: str, kind: str, name: str, value: dict[str, Any], **more: Any) -> Result:
    """A shape and its label, in two entries of one id."""
    labelled = region("l", "o", "labels", {"labels": ["Person"]}, id=name)
    return [region(control, "o", kind, value, id=name, **more), labelled]


def single(kind: str, key: str, value: Any, target: str = "o", control: str = "c") -> Result:
    return [region(control, target, kind, {key: value})]


def box(x: float, y: float, label: str = "Person", **more: Any) -> dict[str, Any]:
    return one("rectanglelabels", {"x": x, "y": y, "width": 20, "height": 30, "rotation": 0}, label, **more)


def ends(words: str) -> dict[str, Any]:
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words)}


def span(words: str, label: str = "Person", **more: Any) -> dict[str, Any]:
    return one("labels", ends(words), label, **more)


def met(first: str, second: str) -> dict[str, Any]:
    """That the two regions are connected, from the first to the second."""
    return {"type": "relation", "from_id": first, "to_id": second, "direction": "right", "labels": ["met"]}


def corner(x: float) -> dict[str, Any]:
    return {"points": [[x, 10], [x + 40, 10], [x, 60]], "closed": True}


def square(x: float) -> dict[str, Any]:
    return {"points": [[x, 10], [x, 60], [70, 60], [70, 10]], "closed": True}


def ellipse(x: float) -> dict[str, Any]:
    return {"x": x, "y": 40, "radiusX": 10, "radiusY": 20, "rotation": 0}


def mask(*runs: tuple[int, int]) -> dict[str, Any]:
    return {"format": "rle", "rle": packed(runs, pixels=PIXELS)}


def track(x: float, label: str = "Person") -> dict[str, Any]:
    frames = [{"frame": at, "enabled": True, "x": x + at, "y": 10, "width": 20, "height": 30} for at in (1, 11)]
    return region("c", "o", "videorectangle", {"sequence": frames, "framesCount": 30, "labels": [label]})


def page_span(words: str) -> dict[str, Any]:
    return one("hypertextlabels", {"globalOffsets": ends(words)})


def line(paragraph: int, words: str, **more: Any) -> dict[str, Any]:
    start = DIALOGUE[paragraph]["text"].index(words)
    where = {"start": str(paragraph), "end": str(paragraph), "startOffset": start, "endOffset": start + len(words)}
    return one("paragraphlabels", where, **more)


SHAPES: Final = "".join(
    f'<{tag} name="{tag}" toName="o"/>'
    for tag in ("Rectangle", "Ellipse", "Polygon", "Vector", "Brush", "Bitmask", "MagicWand", "KeyPoint")
)


def shapes(x: float) -> Result:
    """One of each shape that takes its label from beside it."""
    rectangle = {"x": x, "y": 1, "width": 9, "height": 9, "rotation": 0}
    runs = (int(x), int(x) + 8)
    return [
        *beside("Rectangle", "rectangle", "a", rectangle),
        *beside("Ellipse", "ellipse", "b", ellipse(x + 20)),
        *beside("Polygon", "polygon", "c", corner(20)),
        *beside("Vector", "vector", "d", path((x, 20), (x + 30, 60))),
        *beside("Brush", "brush", "e", mask(runs), **SIZE),
        *beside("Bitmask", "bitmask", "f", {"imageDataURL": drawn([runs])}, **SIZE),
        *beside("MagicWand", "magicwand", "g", mask(runs), **SIZE),
        *beside("KeyPoint", "keypoint", "h", {"x": x, "y": 30, "width": 1}),
    ]


QUESTIONS: Final = """
<Taxonomy name="t" toName="o"><Choice value="Animal"><Choice value="Cat"/><Choice value="Dog"/></Choice></Taxonomy>
<Rating name="r" toName="o"/><Number name="n" toName="o" min="0" max="100"/><DateTime name="d" toName="o" only="date"/>
<Choices name="k" toName="o"><Choice value="x"/><Choice value="y"/></Choices><TextArea name="w" toName="o"/>
"""


def whole(animal: str, stars: int, count: int, *, day: str, choice: str) -> Result:
    """An answer to all questions about a whole object at once."""
    return [
        *single("taxonomy", "taxonomy", [["Animal", animal]], control="t"),
        *single("rating", "rating", stars, control="r"),
        *single("number", "number", count, control="n"),
        *single("datetime", "datetime", day, control="d"),
        *single("choices", "choices", [choice], control="k"),
        *single("textarea", "text", [f"a {animal}"], control="w"),
    ]


def asked_of_a_box(stars: int, choice: str) -> Result:
    """A box, and what is asked of it."""
    return [
        box(10, 10, id="a"),
        {**single("rating", "rating", stars, control="r")[0], "id": "a"},
        {**single("choices", "choices", [choice], control="k")[0], "id": "a"},
    ]


BUCKETS: Final = (("ab", "c"), ("ab", "c"), ("b", "ac"))
MET: Final = [span("Ada", id="a"), span("Bob", id="b"), met("a", "b")]

CASES: Final = {
    "boxes": Case(
        PICTURE,
        asked_by("RectangleLabels"),
        None,
        [[box(10, 10), box(60, 50, "Place")], [box(11, 10), box(60, 52, "Place")], [box(12, 11), box(60, 51, "Place")]],
        [box(11, 10), box(60, 51, "Place")],
    ),
    "ellipses": Case(
        PICTURE,
        asked_by("EllipseLabels"),
        None,
        [[one("ellipselabels", ellipse(x))] for x in (40, 42, 41)],
        [one("ellipselabels", ellipse(41))],
    ),
    "outlines": Case(
        PICTURE,
        asked_by("PolygonLabels"),
        None,
        [[one("polygonlabels", square(x))] for x in (20, 20, 22)],
        [one("polygonlabels", square(20))],
    ),
    "masks": Case(
        PICTURE,
        asked_by("BrushLabels"),
        None,
        [[one("brushlabels", mask(run), **SIZE)] for run in ((8, 20), (8, 21), (9, 21))],
        [one("brushlabels", mask((8, 21)), **SIZE)],
    ),
    "bitmasks": Case(
        PICTURE,
        asked_by("BitmaskLabels"),
        None,
        [[one("bitmasklabels", {"imageDataURL": drawn([run])}, **SIZE)] for run in ((8, 20), (8, 21), (9, 21))],
        [one("bitmasklabels", {"imageDataURL": drawn([(8, 21)])}, **SIZE)],
    ),
    "paths": Case(
        PICTURE,
        asked_by("VectorLabels"),
        None,
        [[one("vectorlabels", path((10, 10), (50, y)))] for y in (50, 51, 52)],
        [one("vectorlabels", path((10, 10), (50, 51)))],
    ),
    "key points": Case(
        PICTURE,
        asked_by("KeyPointLabels"),
        None,
        [[one("keypointlabels", {"x": x, "y": 30, "width": 1})] for x in (40, 41, 43)],
        [one("keypointlabels", {"x": 41, "y": 30, "width": 1})],
    ),
    "shapes with labels beside them": Case(
        PICTURE,
        f'<Labels name="l" toName="o">{LABELS}</Labels>{SHAPES}',
        None,
        [shapes(10), shapes(11), shapes(10)],
        shapes(10),
    ),
    "questions about each box": Case(
        PICTURE,
        asked_by("RectangleLabels") + '<Rating name="r" toName="o" perRegion="true"/>'
        '<Choices name="k" toName="o" perRegion="true"><Choice value="x"/><Choice value="y"/></Choices>',
        None,
        [asked_of_a_box(2, "x"), asked_of_a_box(3, "y"), asked_of_a_box(3, "y")],
        asked_of_a_box(3, "y"),
    ),
    "spans": Case(
        SHOWN_TEXT,
        asked_by("Labels"),
        TEXT,
        [
            [span("Ada"), span("Ulm", "Place")],
            [span("Ada"), span("Bob"), span("Ulm", "Place")],
            [span("Ada"), span("Bob"), span("Ulm", "Place")],
        ],
        [span("Ada"), span("Bob"), span("Ulm", "Place")],
    ),
    "relations": Case(
        SHOWN_TEXT,
        asked_by("Labels") + '<Relations><Relation value="met"/></Relations>',
        TEXT,
        [MET, MET[:2], MET],
        MET,
    ),
    "spans of a page": Case(
        '<HyperText name="o" value="$o"/>',
        asked_by("HyperTextLabels"),
        f"<p>{TEXT}</p>",
        [[page_span(words)] for words in ("Ada", "Ada met", "Ada")],
        [page_span("Ada")],
    ),
    "spans of a dialogue": Case(
        '<Paragraphs name="o" value="$o"/>',
        asked_by("ParagraphLabels"),
        DIALOGUE,
        [[line(0, "Ada"), line(1, "Bob")], [line(1, "Bob")], [line(0, "Ada"), line(1, "Bob")]],
        [line(0, "Ada"), line(1, "Bob")],
    ),
    "stretches of a sound": Case(
        '<Audio name="o" value="$o"/>',
        asked_by("Labels"),
        "calls/1.wav",
        [[one("labels", {"start": start, "end": 9, "channel": 0}, original_length=60)] for start in (1, 2, 3)],
        [one("labels", {"start": 2, "end": 9, "channel": 0}, original_length=60)],
    ),
    "stretches of a time series": Case(
        '<TimeSeries name="o" value="$o"><Channel column="v"/></TimeSeries>',
        asked_by("TimeSeriesLabels"),
        {"time": [1, 2], "v": [3, 4]},
        [[one("timeserieslabels", {"start": start, "end": 40, "instant": False})] for start in (10, 11, 12)],
        [one("timeserieslabels", {"start": 11, "end": 40, "instant": False})],
    ),
    "frames of a video": Case(
        VIDEO,
        asked_by("TimelineLabels"),
        "v.mp4",
        [[one("timelinelabels", {"ranges": [{"start": start, "end": 40}]})] for start in (10, 11, 12)],
        [one("timelinelabels", {"ranges": [{"start": 11, "end": 40}]})],
    ),
    "tracks": Case(
        VIDEO,
        f'<VideoRectangle name="c" toName="o"/><Labels name="l" toName="o">{LABELS}</Labels>',
        "v.mp4",
        [[track(10)], [track(11)], [track(12)]],
        [track(11)],
    ),
    "transcript": Case(
        '<Audio name="o" value="$o"/>',
        '<TextArea name="c" toName="o" required="true"/>',
        "calls/1.wav",
        [
            single("textarea", "text", ["the quick brown fox jumps over a dog"]),
            single("textarea", "text", ["the quick brown box jumps over the dog"]),
            single("textarea", "text", ["the quick crown fox jumps over the dog"]),
        ],
        single("textarea", "text", ["the quick brown fox jumps over the dog"]),
    ),
    "questions about the whole": Case(
        SHOWN_TEXT,
        QUESTIONS,
        TEXT,
        [
            whole("Cat", 4, 10, day="2026-05-17", choice="x"),
            whole("Cat", 5, 12, day="2026-05-17", choice="x"),
            whole("Dog", 4, 11, day="2026-05-18", choice="y"),
        ],
        whole("Cat", 4, 11, day="2026-05-17", choice="x"),
    ),
    "ranking": Case(
        '<List name="o" value="$o"/>',
        '<Ranker name="c" toName="o"/>',
        [{"id": name, "body": name} for name in "abcd"],
        [single("ranker", "ranker", {"c": list(order)}) for order in ("abcd", "abdc", "bacd")],
        single("ranker", "ranker", {"c": list("abcd")}),
    ),
    "buckets": Case(
        '<List name="o" value="$o"/>',
        '<Ranker name="c" toName="o"><Bucket name="good"/><Bucket name="bad"/></Ranker>',
        [{"id": name, "body": name} for name in "abc"],
        [single("ranker", "ranker", {"good": list(good), "bad": list(bad)}) for good, bad in BUCKETS],
        single("ranker", "ranker", {"good": ["a", "b"], "bad": ["c"]}),
    ),
    "pair": Case(
        '<Text name="o" value="$o"/><Text name="p" value="$o"/>',
        '<Pairwise name="c" toName="o,p"/>',
        "One of two",
        [single("pairwise", "selected", side, "o,p") for side in ("left", "right", "right")],
        single("pairwise", "selected", "right", "o,p"),
    ),
    "several choices": Case(
        SHOWN_TEXT,
        '<Choices name="c" toName="o" choice="multiple"><Choice value="x"/><Choice value="y"/></Choices>',
        "A text",
        [single("choices", "choices", found) for found in (["x", "y"], ["x"], ["x", "y"])],
        single("choices", "choices", ["x", "y"]),
    ),
}
