"""Labeling configs that attack or deceive: refused with a reason, at once."""

import contextlib

import pytest

from qualification.labels.errors import SchemaError
from qualification.labels.schema import parse_schema


def config(*, choices: str = '<Choice value="Yes"/><Choice value="No"/>', inside: str = "", control: str = "") -> str:
    """A small good config, into which one strange thing is put."""
    return (
        '<View><Text name="text" value="$text"/>'
        f'<Choices name="answer" toName="text" {control}>{choices}</Choices>{inside}</View>'
    )


def refusal_of(xml: str) -> str:
    with pytest.raises(SchemaError) as refusal:
        parse_schema(xml)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("xml", "refusal"),
    [
        pytest.param(
            '<!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><View>&b;</View>',
            "Line 1: A labeling config has no <!DOCTYPE …> and declares no entities; remove it.",
            id="B067-billion-laughs",
        ),
        pytest.param(
            f'<!DOCTYPE v [<!ENTITY a "{"a" * 30_000}">]><View>{"&a;" * 9_000}</View>',
            "Line 1: A labeling config has no <!DOCTYPE …> and declares no entities; remove it.",
            id="B067-quadratic-blow-up",
        ),
        pytest.param(
            '<?xml version="1.0"?>\n<!DOCTYPE v SYSTEM "file:///etc/passwd"><View/>',
            "Line 2: A labeling config has no <!DOCTYPE …> and declares no entities; remove it.",
            id="B067-external-entity",
        ),
        pytest.param(
            "<View>&secret;</View>",
            "Line 1: The labeling config is not well-formed XML: undefined entity.",
            id="B067-undeclared-entity",
        ),
        pytest.param(
            "<View>" * 5_000 + "</View>" * 5_000,
            "Line 1: The tags are nested more than 32 deep.",
            id="B069-5000-deep",
        ),
        pytest.param(
            "<View>" * 33 + "</View>" * 33,
            "Line 1: The tags are nested more than 32 deep.",
            id="B069-one-too-deep",
        ),
        pytest.param(
            "<View>" * 20_000 + "</View>" * 20_000,
            "The labeling config is 260,000 bytes; at most 65,536 are possible.",
            id="B069-20000-deep",
        ),
        pytest.param(
            config(inside='<Chat name="c" value="$talk"/>'),
            'Line 1: The tag "Chat" is not supported: a conversation that is written while it is labelled is another '
            "for each worker, so there is nothing to merge; show a finished one as Paragraphs.",
            id="B070-chat",
        ),
        pytest.param(
            config(inside='<ReactCode name="r" src="//evil.example/x.js"/>'),
            'Line 1: The tag "ReactCode" is not supported: code of clients is not run before workers.',
            id="B070-custom-code",
        ),
        pytest.param(
            config(inside="<script>alert(1)</script>"),
            'Line 1: Text between tags, "alert(1)", is not shown; put it into <Header value="…"/>.',
            id="B070-script",
        ),
        pytest.param(
            config(inside='<script src="//evil.example/x.js"/>'),
            'Line 1: The tag "script" is not supported: code of clients is not run before workers.',
            id="B070-script-address",
        ),
        pytest.param(
            config(inside='<HyperText name="h" value="&lt;b&gt;bold&lt;/b&gt;"/>'),
            'Line 1: <HyperText> has value="<b>bold</b>"; it shows one field of the task, written as $field.',
            id="B070-hypertext",
        ),
        pytest.param(
            config(inside='<Canvas name="c" value="$c"/>'),
            'Line 1: The tag "Canvas" is not supported. Controls: Choices, Labels, HyperTextLabels, ParagraphLabels, '
            "TimeSeriesLabels, TimelineLabels, RectangleLabels, EllipseLabels, PolygonLabels, BrushLabels, "
            "BitmaskLabels, VectorLabels, KeyPointLabels, Rectangle, Ellipse, Polygon, Brush, Bitmask, MagicWand, "
            "Vector, KeyPoint, VideoRectangle, Taxonomy, Rating, Number, DateTime, TextArea, Pairwise, Ranker, "
            "Relations. "
            "Objects: Text, Image, Audio, Video, HyperText, Paragraphs, TimeSeries, Table, List. "
            "Around them: View and Header.",
            id="B070-unknown-control",
        ),
        pytest.param(
            config(inside="<Style>.a{}</Style>"),
            'Line 1: Text between tags, ".a{}", is not shown; put it into <Header value="…"/>.',
            id="B070-style-tag",
        ),
        pytest.param(
            config(control='onclick="alert(1)"'),
            'Line 1: <Choices> has the unsupported attribute "onclick". Supported: name, toName, choice, required, '
            "requiredMessage, showInline, layout, randomize, perRegion.",
            id="B070-on-attribute",
        ),
        pytest.param(
            '<View style="position:fixed"/>',
            'Line 1: <View> has the unsupported attribute "style". Supported: display.',
            id="B070-style-attribute",
        ),
        pytest.param(
            config(inside='<Header value="JavaScript : alert(1)"/>'),
            'Line 1: <Header> has value="JavaScript : alert(1)", which reads like a script address; use plain words.',
            id="B070-javascript-address",
        ),
        pytest.param(
            config(choices='<Choice value="Yes" html="&lt;b&gt;Yes&lt;/b&gt;"/>'),
            'Line 1: <Choice> has the unsupported attribute "html". Supported: value, alias, hotkey, hint, selected.',
            id="B070-html-attribute",
        ),
        pytest.param(
            config(inside='<Image name="text" value="$image"/>'),
            'Line 1: The name "text" is taken on line 1; every name is given once.',
            id="B071-duplicate-name",
        ),
        pytest.param(
            '<View><Text name="" value="$text"/></View>',
            'Line 1: <Text> has name=""; a name is a Latin letter or _ followed by letters, digits, _ . or -, '
            "at most 64 characters.",
            id="B071-empty-name",
        ),
        pytest.param(
            '<View><Text value="$text"/></View>',
            "Line 1: <Text> needs the attribute name.",
            id="B071-no-name",
        ),
        pytest.param(
            '<View><Text name="__proto__" value="$text"/></View>',
            'Line 1: <Text> has name="__proto__", which is reserved; choose another name.',
            id="B071-proto",
        ),
        pytest.param(
            '<View><Text name="constructor" value="$text"/></View>',
            'Line 1: <Text> has name="constructor", which is reserved; choose another name.',
            id="B071-constructor",
        ),
        pytest.param(
            config().replace('toName="text"', 'toName="image"'),
            'Line 1: Choices "answer" is about "image", which is no object. Objects here: text.',
            id="B071-missing-object",
        ),
        pytest.param(
            config().replace('toName="text"', 'toName="answer"'),
            'Line 1: Choices "answer" is about "answer", which is no object. Objects here: text.',
            id="B071-about-itself",
        ),
        pytest.param(
            config(control='visibleWhen="choice-selected" whenTagName="answer"'),
            'Line 1: <Choices> has the unsupported attribute "visibleWhen". Supported: name, toName, choice, required, '
            "requiredMessage, showInline, layout, randomize, perRegion.",
            id="B071-cyclic-visibleWhen",
        ),
        pytest.param(
            '<View><Text name="text" value="$__class__"/></View>',
            'Line 1: <Text> shows "$__class__", which cannot be the name of a task field.',
            id="B073-reserved-field",
        ),
        pytest.param(
            config(inside='<?xml-stylesheet href="x.xsl"?>'),
            'Line 1: The processing instruction "xml-stylesheet" is not possible here.',
            id="B075-processing-instruction",
        ),
        pytest.param(
            config(inside="<![CDATA[<script>]]>"),
            "Line 1: CDATA sections have no meaning in a labeling config.",
            id="B075-cdata",
        ),
        pytest.param(
            '<View xmlns="http://www.w3.org/1999/xhtml"/>',
            'Line 1: <View> has the unsupported attribute "xmlns". Supported: display.',
            id="B075-namespace",
        ),
        pytest.param(
            '<x:View xmlns:x="urn:x"/>',
            'Line 1: The outermost tag is "x:View"; it must be View.',
            id="B075-prefix",
        ),
    ],
)
def test_a_hostile_config_is_refused_with_a_reason(xml: str, refusal: str) -> None:
    assert refusal_of(xml) == refusal


@pytest.mark.parametrize(
    ("choices", "refusal"),
    [
        pytest.param(
            '<Choice value="Cat"/><Choice value="cat"/>',
            'Line 1: "cat" and "Cat" look the same to a reader (as value or alias in Choices "answer"); '
            "make them differ.",
            id="B043-case",
        ),
        pytest.param(
            '<Choice value="ﬁt"/><Choice value="fit"/>',
            'Line 1: "fit" and "ﬁt" look the same to a reader (as value or alias in Choices "answer"); '
            "make them differ.",
            id="B043-compatibility-form",
        ),
        pytest.param(
            '<Choice value="Cat"/><Choice value="Cat "/>',
            'Line 1: <Choice> has value="Cat ", which begins or ends with a space.',
            id="B043-trailing-space",
        ),
        pytest.param(
            '<Choice value="a b"/><Choice value="a  b"/>',
            'Line 1: "a  b" and "a b" look the same to a reader (as value or alias in Choices "answer"); '
            "make them differ.",
            id="B043-inner-space",
        ),
        pytest.param(
            '<Choice value="Cat" alias="1"/><Choice value="Dog" alias="1"/>',
            'Line 1: "Dog" and "Cat" look the same to a reader (as value or alias in Choices "answer"); '
            "make them differ.",
            id="B043-alias",
        ),
        pytest.param(
            '<Choice value="Cat" alias="Dog"/><Choice value="Dog"/>',
            'Line 1: "Dog" and "Cat" look the same to a reader (as value or alias in Choices "answer"); '
            "make them differ.",
            id="B043-alias-of-another",
        ),
        pytest.param(
            '<Choice value="a&#x202E;b"/>',
            'Line 1: <Choice> has value="a\\u202eb", which contains U+202E, '
            "an invisible, control or direction-changing character.",
            id="B037-override",
        ),
        pytest.param(
            '<Choice value="&#x2067;a"/>',
            'Line 1: <Choice> has value="\\u2067a", which contains U+2067, '
            "an invisible, control or direction-changing character.",
            id="B037-isolate",
        ),
        pytest.param(
            '<Choice value="&#x200B;"/>',
            'Line 1: <Choice> has value="\\u200b", which contains U+200B, '
            "an invisible, control or direction-changing character.",
            id="B038-zero-width",
        ),
        pytest.param(
            '<Choice value="a&#x3164;"/>',
            'Line 1: <Choice> has value="aㅤ", which contains U+3164, '
            "an invisible, control or direction-changing character.",
            id="B038-filler",
        ),
        pytest.param(
            f'<Choice value="e{"&#x301;" * 20}"/>',
            f'Line 1: <Choice> has value="e{chr(0x301) * 20}", which piles more than 8 accents on one letter.',
            id="B038-combining-marks",
        ),
        pytest.param(
            f'<Choice value="{"a" * 201}"/>',
            f'Line 1: <Choice> has value="{"a" * 60}…", which is 201 characters long; at most 200 are possible.',
            id="B042-long",
        ),
        pytest.param('<Choice value=" "/>', 'Line 1: <Choice> has value=" ", which is empty.', id="B078-blank-label"),
        pytest.param(
            '<Choice value="a&#10;b"/>',
            'Line 1: <Choice> has value="a\\u000ab", which contains U+000A, '
            "an invisible, control or direction-changing character.",
            id="B041-line-feed",
        ),
    ],
)
def test_a_label_that_could_deceive_is_refused(choices: str, refusal: str) -> None:
    assert refusal_of(config(choices=choices)) == refusal


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("<a " + " ".join(f'b{i}=""' for i in range(7_000)) + "/>", id="many-attributes"),
        pytest.param("<View>" + "<View/>" * 9_000 + "</View>", id="many-tags"),
        pytest.param(
            config(choices="".join(f'<Choice value="c{i}"/>' for i in range(2_500)), control='choice="multiple"'),
            id="many-choices",
        ),
        pytest.param(f'<View><Header value="{"e&#x301;" * 7_000}"/></View>', id="many-accents"),
    ],
)
def test_a_config_of_the_full_size_is_read_or_refused(xml: str) -> None:
    assert len(xml) <= 65_536
    with contextlib.suppress(SchemaError):
        assert parse_schema(xml).controls
