"""Label schemas: which labeling configs are understood, and what is said about mistaken ones."""

import json

import pytest

from qualification.labels.errors import SchemaError
from qualification.labels.parts import Choice, ChoicesControl, Header, ObjectTag
from qualification.labels.schema import parse_schema

DIGITS = """
<View>
  <Header value="Which digit is this?"/>
  <Image name="picture" value="$image" zoom="true" maxWidth="320px"/>
  <Choices name="digit" toName="picture" choice="single" required="true" requiredMessage="Please choose a digit.">
    <Choice value="0" hotkey="0"/>
    <Choice value="1" hotkey="1"/>
  </Choices>
</View>
"""


def config(*, choices: str = '<Choice value="Yes"/><Choice value="No"/>', inside: str = "", control: str = "") -> str:
    """A small good config, into which one strange thing is put."""
    return (
        '<View><Text name="text" value="$text"/>'
        f'<Choices name="answer" toName="text" {control}>{choices}</Choices>{inside}</View>'
    )


def test_a_schema_has_its_parts_in_the_order_in_which_they_are_shown() -> None:
    assert parse_schema(DIGITS).parts == (
        Header(text="Which digit is this?", field=None, size=4, underline=False),
        ObjectTag(
            kind="Image",
            name="picture",
            field="image",
            display=(("zoom", "true"), ("maxWidth", "320px")),
        ),
        ChoicesControl(
            name="digit",
            to_name="picture",
            choice="single",
            required=True,
            required_message="Please choose a digit.",
            layout="vertical",
            randomize=False,
            choices=(Choice(value="0", hotkey="0"), Choice(value="1", hotkey="1")),
        ),
    )


def test_a_schema_is_plain_json() -> None:
    as_json = json.loads(json.dumps(parse_schema(DIGITS).to_dict()))

    assert as_json == {
        "parts": [
            {"tag": "Header", "text": "Which digit is this?", "field": None, "size": 4, "underline": False},
            {
                "tag": "Image",
                "name": "picture",
                "field": "image",
                "display": {"zoom": "true", "maxWidth": "320px"},
            },
            {
                "tag": "Choices",
                "name": "digit",
                "toName": "picture",
                "choice": "single",
                "required": True,
                "requiredMessage": "Please choose a digit.",
                "layout": "vertical",
                "randomize": False,
                "choices": [
                    {"value": "0", "label": "0", "hotkey": "0", "hint": "", "selected": False},
                    {"value": "1", "label": "1", "hotkey": "1", "hint": "", "selected": False},
                ],
            },
        ],
        "needs": {"image": "Image"},
    }


def test_a_schema_may_ask_several_questions_about_several_objects() -> None:
    schema = parse_schema("""
        <View>
          <Header value="$title" size="2" underline="true"/>
          <View display="inline">
            <Image name="photo" value="$photo"/>
            <Text name="caption" value="$caption" valueType="text" encoding="none"/>
          </View>
          <Choices name="fits" toName="caption" choice="single-radio" showInline="true">
            <Choice value="Yes"/><Choice value="No"/>
          </Choices>
          <Choices name="shows" toName="photo" choice="multiple" layout="select" randomize="true">
            <Choice value="A person" alias="person" hint="Any part of one" selected="true"/>
            <Choice value="An animal" alias="animal" selected="true"/>
          </Choices>
        </View>
    """)

    assert schema.fields_needed == {"title": "Text", "photo": "Image", "caption": "Text"}
    assert [tag.name for tag in schema.objects] == ["photo", "caption"]
    assert [(control.name, control.multiple, control.layout, control.labels) for control in schema.choices] == [
        ("fits", False, "inline", ("Yes", "No")),
        ("shows", True, "select", ("person", "animal")),
    ]
    assert schema.possible_answers == (2 + 1) * 2**2


@pytest.mark.parametrize(
    ("control", "answers"),
    [
        ('choice="single" required="true"', 3),
        ('choice="single"', 4),
        ('choice="multiple" required="true"', 7),
        ('choice="multiple"', 8),
    ],
)
def test_leaving_out_an_optional_control_is_one_of_its_possible_answers(control: str, answers: int) -> None:
    choices = '<Choice value="A"/><Choice value="B"/><Choice value="C"/>'

    assert parse_schema(config(choices=choices, control=control)).possible_answers == answers


def test_an_optional_single_choice_may_be_one_flag() -> None:
    assert parse_schema(config(choices='<Choice value="Unreadable"/>')).possible_answers == 2


def test_the_same_text_gives_the_same_schema_without_reading_it_again() -> None:
    assert parse_schema(DIGITS) is parse_schema(DIGITS)


def test_comments_are_dropped_b075() -> None:
    with_comment = config(inside="<!-- <script>alert(1)</script> -->")

    assert parse_schema(with_comment).parts == parse_schema(config()).parts


def test_a_text_area_may_have_shortcuts_which_are_no_labels_of_what_is_written() -> None:
    written = '<Shortcut value="[silence]" alias="quiet" hotkey="ctrl+1" background="#333333"/>'
    [control] = parse_schema(config(inside=f'<TextArea name="w" toName="text">{written}</TextArea>')).others

    assert control.choices == (Choice(value="[silence]", alias="quiet", hotkey="ctrl+1"),)
    assert control.labels == ()


def test_a_dialogue_may_say_by_which_names_the_editor_knows_it() -> None:
    keys = 'nameKey="author" textKey="text" granularity="paragraph"'
    schema = parse_schema(config(inside=f'<Paragraphs name="d" value="$talk" layout="dialogue" {keys}/>'))

    assert dict(schema.objects[1].display) == {
        "layout": "dialogue",
        "nameKey": "author",
        "textKey": "text",
        "granularity": "paragraph",
    }


@pytest.mark.parametrize(
    ("xml", "refusal"),
    [
        ("", "The labeling config is empty; it needs a <View> with an object and a control."),
        ("no xml", "Line 1: The labeling config is not well-formed XML: syntax error."),
        ("<View>\n<Text>\n</View>", "Line 3: The labeling config is not well-formed XML: mismatched tag."),
        ("<View>\ud800</View>", "The labeling config contains half of a character pair, which is no text."),
        ("<View>\x00</View>", "Line 1: The labeling config is not well-formed XML: not well-formed (invalid token)."),
        ('<Choices name="a" toName="b"/>', 'Line 1: The outermost tag is "Choices"; it must be View.'),
        ("<View/>", "The schema asks nothing; it needs at least one control such as Choices."),
        (
            '<View><Text name="t" value="$t"/></View>',
            "The schema asks nothing; it needs at least one control such as Choices.",
        ),
        (
            '<View><Choices name="a" toName="b"><Choice value="1"/></Choices></View>',
            'Line 1: Choices "a" is about "b", which is no object. There is no object here.',
        ),
        (
            '<View><Text name="t" value="Hello"/></View>',
            'Line 1: <Text> has value="Hello"; it shows one field of the task, written as $field.',
        ),
        (
            '<View><Text name="t" value="$t" valueType="url"/></View>',
            'Line 1: <Text> has valueType="url". Possible: text.',
        ),
        (
            '<View><Image name="i" value="$i" maxWidth="calc(1px)"/></View>',
            'Line 1: <Image> has maxWidth="calc(1px)"; meant is a length such as 750px or 100%.',
        ),
        (
            config(inside='<Image name="i" value="$text"/>'),
            "Line 1: The field $text is shown as Text and as Image; choose one.",
        ),
        (
            config(control='choice="many"'),
            'Line 1: <Choices> has choice="many". Possible: single, single-radio, multiple.',
        ),
        (config(control='required="yes"'), 'Line 1: <Choices> has required="yes". Possible: true, false.'),
        (config(choices=""), 'Line 1: Choices "answer" has 0 choices: nothing to choose.'),
        (
            config(choices='<Choice value="Yes"/>', control='required="true"'),
            'Line 1: Choices "answer" has 1 choice: nothing to choose.',
        ),
        (
            config(choices='<Choice value="Pet"><Choice value="Cat"/></Choice>'),
            "Line 1: <Choice> contains other tags; nested choices are not supported, use one Choices per level.",
        ),
        (
            config(choices='<Choice value="$option"/>'),
            'Line 1: <Choice> has value="$option"; choices are fixed and cannot be loaded from the task.',
        ),
        (
            config(choices='<Choice value="A" selected="true"/><Choice value="B" selected="true"/>'),
            'Line 1: Choices "answer" takes one answer, but several are selected beforehand.',
        ),
        (
            config(choices='<Choice value="A" hotkey="1"/><Choice value="B" hotkey="1"/>'),
            'Line 1: The hotkey 1 is given to both "A" and "B".',
        ),
        (
            config(choices='<Choice value="A" hotkey="&lt;b&gt;"/>'),
            'Line 1: <Choice> has hotkey="<b>"; meant is a key such as 1, a, f2 or ctrl+shift+a.',
        ),
        (config(inside='<Choice value="A"/>'), 'Line 1: The tag "Choice" cannot stand inside View.'),
        (
            config(inside='<VideoVector name="v" toName="text"/>'),
            'Line 1: The tag "VideoVector" is not supported: mark what moves with VideoRectangle.',
        ),
        (
            config(inside='<TextArea name="w" toName="text"><Shortcut value="a" hotkey="?"/></TextArea>'),
            'Line 1: <Shortcut> has hotkey="?"; meant is a key such as 1, a, f2 or ctrl+shift+a.',
        ),
        (
            config(inside='<Paragraphs name="d" value="$talk" textKey="words"/>'),
            'Line 1: <Paragraphs> has textKey="words". Possible: text.',
        ),
        (config(choices='<Header value="A"/>'), 'Line 1: The tag "Header" cannot stand inside Choices.'),
        ('<View><Header value="A"><View/></Header></View>', 'Line 1: The tag "View" cannot stand inside Header.'),
        (
            f"<View>{'<Header/>' * 8_000}</View>",
            "The labeling config is 72,013 bytes; at most 65,536 are possible.",
        ),
    ],
)
def test_a_mistaken_config_is_refused_with_a_reason(xml: str, refusal: str) -> None:
    with pytest.raises(SchemaError) as refused:
        parse_schema(xml)

    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    "text",
    ["{0.__class__}", "{{7*7}}", "%s%s", "${x}", "$5 a piece", "<b>bold</b>", "' OR 1=1 --", "{% include 'x' %}"],
)
def test_templates_are_plain_text_b046(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    schema = parse_schema(
        config(choices=f'<Choice value="{escaped}"/><Choice value="Other"/>', inside=f'<Header value="{escaped}"/>')
    )

    assert schema.controls[0].labels == (text, "Other")
    assert schema.parts[-1] == Header(text=text, field=None, size=4, underline=False)
    assert schema.fields_needed == {"text": "Text"}


@pytest.mark.parametrize("text", ["می‌خواهم", "👩‍👩‍👧", "שָׁלוֹם", "Größe", "日本語", "❤️", "Null", "O'Brien"])
def test_real_writing_is_accepted(text: str) -> None:
    schema = parse_schema(config(choices=f'<Choice value="{text}"/><Choice value="Other"/>'))

    assert schema.controls[0].labels == (text, "Other")


def test_the_fields_of_the_tasks_must_hold_what_the_schema_shows_b073() -> None:
    schema = parse_schema(DIGITS)
    schema.check_fields(["image", "source"])

    with pytest.raises(SchemaError) as unknown:
        schema.check_fields(["picture", "so\u202eurce"])
    with pytest.raises(SchemaError) as none:
        schema.check_fields([])
    with pytest.raises(SchemaError) as personal:
        schema.check_fields(["image", "email"], sealed=["email", "image"])

    assert (
        str(unknown.value) == "The schema shows $image, which the tasks do not have. They have: picture, so\\u202eurce."
    )
    assert str(none.value) == "The schema shows $image, which the tasks do not have. They have no fields."
    assert str(personal.value) == "The schema shows $image, which workers must not see."
