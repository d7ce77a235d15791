"""Reading the rows of an import: what each reader makes of good files and of the bad ones that people send."""

import base64
import io
import json
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest

from marketplace.services.import_cells import flaw_of_external_id
from marketplace.services.import_csv import read_csv
from marketplace.services.import_rows import Gold, Row, RowForm
from marketplace.services.import_streams import Record, RowFault, read_json_array, read_json_lines
from qualification.items import NO_PICTURE, flaw_of_image
from qualification.labels.schema import parse_schema
from tests.kernel.pictures import a_png, chunk

ANIMALS = parse_schema(
    '<View><Header value="$hint"/><Image name="picture" value="$image"/>'
    '<Choices name="animal" toName="picture" choice="single" required="true">'
    '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
)
TOPICS = parse_schema(
    '<View><Text name="words" value="$text"/><Choices name="topic" toName="words" choice="multiple">'
    '<Choice value="war"/><Choice value="peace"/></Choices></View>'
)
SOME_MEDIA = "media:9b2d5e1c-7a40-4f13-8c55-0d1e2f3a4b5c"

MORE = "The image carries {}. Save it without, or upload it as media, where that is left out."

NO_ARRAY = 'The file begins with "{"; a JSON import is an array of tasks: [{…}, {…}].'

Reader = Callable[[BinaryIO], Iterator[Record | RowFault]]


def csv_of_texts(stream: BinaryIO) -> Iterator[Record | RowFault]:
    """Reads a CSV for a schema that shows $text."""
    return read_csv(stream, fields=["text"])


def the_only_fault(reader: Reader, content: bytes) -> tuple[int, str, str]:
    found = list(reader(io.BytesIO(content)))
    faults = [(fault.row, fault.column, fault.message) for fault in found if isinstance(fault, RowFault)]
    assert len(faults) == 1, found
    return faults[0]


def png(width: int, height: int, more: str = "") -> str:
    """A data URL of a PNG of this size, perhaps with one more chunk; its pixels are left out."""
    after = chunk(more.encode(), b"xy") if more else b""
    return f"data:image/png;base64,{base64.b64encode(a_png(width, height, more=after)).decode()}"


def jpeg(width: int, height: int, more: int = 0) -> str:
    """A data URL of a JPEG of this size, perhaps with one more segment; its pixels are left out."""
    application = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\x00" + bytes(9)
    after = bytes((0xFF, more, 0, 6)) + b"more" if more else b""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    scan = b"\xff\xda" + struct.pack(">H", 8) + bytes(6) + b"\x12\xff\x00\xff\xd3\x34"
    image = b"\xff\xd8" + application + frame + scan + after + b"\xff\xd9"
    return f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"


@pytest.mark.parametrize(
    ("reader", "content", "records"),
    [
        (read_json_array, b' [ {"a": 1} ,\n{"b": "\xc3\xa9"}]\n', [Record(1, {"a": 1}), Record(2, {"b": "é"})]),
        (read_json_array, b'\xef\xbb\xbf[{"a": "], ["}]', [Record(1, {"a": "], ["})]),
        (read_json_array, b"[]", []),
        (read_json_lines, b'{"a": 1}\r\n\n{"b": 2}', [Record(1, {"a": 1}), Record(3, {"b": 2})]),
        (read_json_lines, b'\xef\xbb\xbf{"a": 1}\n', [Record(1, {"a": 1})]),
        (
            csv_of_texts,
            b'\xef\xbb\xbfexternal_id,text,priority\r\n7,"a, ""b""\nc",0\nx,=1+1,\n\n\n',
            [
                Record(2, {"item": {"text": 'a, "b"\nc'}, "external_id": "7", "priority": 0}),
                Record(3, {"item": {"text": "=1+1"}, "external_id": "x"}),
            ],
        ),
        (csv_of_texts, b"text\n", []),
    ],
)
def test_a_good_file_gives_its_records(reader: Reader, content: bytes, records: list[Record]) -> None:
    assert list(reader(io.BytesIO(content))) == records


@pytest.mark.parametrize("reader", [read_json_array, read_json_lines, csv_of_texts])
def test_a_file_that_is_no_utf_8_text_is_refused(reader: Reader) -> None:
    assert the_only_fault(reader, b"") == (1, "", "The file is empty.")
    in_utf_16 = "text\nhello\n".encode("utf-16")
    assert the_only_fault(reader, in_utf_16) == (1, "", "The file is in UTF-16; save it as UTF-8.")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            b'{"item": {}}',
            (
                1,
                "",
                f"{NO_ARRAY} For one task a line, say that the format is jsonl.",
            ),
        ),
        (b"hello", (1, "", 'The file begins with "h"; a JSON import is an array of tasks: [{…}, {…}].')),
        (b"[{}, 7, {}]", (2, "", 'A task is an object such as {"item": {…}}.')),
        (
            b'[{}, {"a": 1, "a": 2}, {}]',
            (2, "", 'The key "a" is given twice in one object; which of the two is meant?'),
        ),
        (b'[{"a": 1e999}, {}]', (1, "", "The number 1e999 is too large.")),
        (rb'[{"a": "\u0000"}, {}]', (1, "", "A text contains the NUL character, which cannot be kept.")),
        (b'[{}, {"a": ' + b"[" * 40 + b"]" * 40 + b"}, {}]", (2, "", "This is nested more than 32 deep.")),
        (b"[{}, " + b"[" * 100_000, (2, "", "This is nested more than 32 deep.")),
        (b"[{},, {}]", (2, "", "This is not JSON: Expecting value at character 1.")),
        (b"[{},]", (2, "", "This is not JSON: Expecting value at character 1.")),
        (b"[{} {}]", (1, "", 'After task 1 stands "{"; a comma or the closing ] is missing.')),
        (b"[{}, {}", (2, "", "After task 2 stands the end of the file; a comma or the closing ] is missing.")),
        (b"[{}] []", (1, "", 'The array has ended, but "[" follows.')),
        (b'[{"a": 1}, {"b": "\xff"}]', (2, "", "The row is not UTF-8.")),
        (b'[{"a": "' + b"x" * 70_000 + b'"}, {}]', (1, "", "The row is larger than 65,536 bytes.")),
        (b'[{"a": "' + b"x" * 10**7, (1, "", "The row is larger than 65,536 bytes.")),
        (b'[{"a" "' + b"x" * 10**6, (1, "", "This is not JSON: Expecting ':' delimiter at character 6.")),
    ],
)
def test_a_bad_json_array_is_refused_by_its_row(content: bytes, fault: tuple[int, str, str]) -> None:
    assert the_only_fault(read_json_array, content) == fault


def test_an_array_is_read_the_same_in_whatever_pieces_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[dict[str, object]] = [{"a": "é😀" * place, "b": [place, -1.5, None]} for place in range(40)]
    content = json.dumps(rows, ensure_ascii=False).encode()
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("marketplace.services.import_streams.CHUNK_BYTES", size)
        found = list(read_json_array(io.BytesIO(content)))
        assert found == [Record(place, row) for place, row in enumerate(rows, start=1)]


def test_a_bad_line_is_refused_and_the_next_ones_are_read() -> None:
    content = b'{"a": NaN}\n' + b'{"a": "' + b"x" * 200_000 + b'"}\n{\n[]\n{"a": "\xff"}\n{"a": 1}\n'
    assert list(read_json_lines(io.BytesIO(content))) == [
        RowFault(1, "", "NaN is not a number that JSON knows."),
        RowFault(2, "", "The row is larger than 65,536 bytes."),
        RowFault(3, "", "This is not JSON: Expecting property name enclosed in double quotes at character 3."),
        RowFault(4, "", 'A task is an object such as {"item": {…}}.'),
        RowFault(5, "", "This is not UTF-8: byte 8 cannot be read."),
        Record(6, {"a": 1}),
    ]


POSSIBLE = "Columns of this job: text, external_id, priority, band, gold_answer, gold_reason."


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\ntext\n", (1, "", "The first row is blank; it names the columns.")),
        (b"text,text\na,b\n", (1, "text", 'The column "text" is given twice.')),
        (b"text,id\na,b\n", (1, "id", f'There is no column "id". {POSSIBLE}')),
        (b"text,worker\na,b\n", (1, "worker", f'There is no column "worker". {POSSIBLE}')),
        (b"text,__class__\na,b\n", (1, "__class__", f'There is no column "__class__". {POSSIBLE}')),
        (b"text,\na,b\n", (1, "", f'There is no column "". {POSSIBLE}')),
        (b"priority\n1\n", (1, "text", f'The column "text" is missing; the schema shows it. {POSSIBLE}')),
        (b",".join([b"x"] * 10_000), (1, "", "The header has 10,000 columns; at most 100 are read.")),
        (b"text,priority\na,1\nb\nc,1\n", (3, "", "The row has 1 cells; the header has 2.")),
        (b"text\na\nb,c\n", (3, "", "The row has 2 cells; the header has 1.")),
        (b"text\na\n\nb\n", (3, "", "The row is blank, and others follow it.")),
        (b'text\na\n"b\nc\n', (3, "", "A quote that is opened in this row is never closed.")),
        (
            b'text\na\n"b\n' + b"c\n" * 10**6,
            (3, "", "The row is larger than 65,536 bytes. Perhaps a quote that is opened in it is never closed."),
        ),
        (
            b"text\n" + b"x" * 10**7,
            (2, "", "The row is larger than 65,536 bytes. Perhaps a quote that is opened in it is never closed."),
        ),
        (
            b'text\na\n"b"c\n',
            (3, "", 'After a closing quote comes a comma or the end of the line; inside quotes, "" means ".'),
        ),
        (b"text\na\nb\x00\n", (3, "", "The row contains the NUL character. Is the file text, in UTF-8?")),
        (b"text\na\n\xe9\n", (3, "", "The row is not UTF-8.")),
        (b"text\rfirst\n", (1, "", "The row contains a bare carriage return; lines end in LF or CRLF.")),
        ("text\nhé\n".encode("utf-16-le"), (1, "", "The row contains the NUL character. Is the file text, in UTF-8?")),
    ],
)
def test_a_bad_csv_is_refused_by_its_row(content: bytes, fault: tuple[int, str, str]) -> None:
    assert the_only_fault(csv_of_texts, content) == fault


def test_a_field_that_is_named_like_a_reserved_column_cannot_come_by_csv() -> None:
    found = list(read_csv(io.BytesIO(b"priority\n1\n"), fields=["priority"]))
    message = "The schema shows $priority, a name that CSV reserves for something else; import JSON instead."
    assert found == [RowFault(1, "priority", message)]


def test_a_row_becomes_a_task_with_the_fields_that_the_schema_shows() -> None:
    form = RowForm(ANIMALS)
    item: dict[str, object] = {"image": SOME_MEDIA, "hint": "{{7*7}} <b>\u202eit</b> %s"}

    assert form.read(Record(4, {"item": item})) == Row(4, "", item, 5, None)
    plain = form.read(Record(5, {"item": item, "external_id": "a-1", "priority": 0}))
    assert plain == Row(5, "a-1", item, 0, None)
    assert isinstance(plain, Row)
    assert list(plain.item) == ["hint", "image"]  # in the schema's order, so that no order tells gold apart
    nulls = {"external_id": None, "priority": None, "gold_answer": None, "gold_reason": None}
    assert form.read(Record(6, {"item": item, **nulls})) == Row(6, "", item, 5, None)


def region(control: str, object_name: str, *labels: str) -> dict[str, object]:
    """One answer in Label Studio's result form."""
    return {"from_name": control, "to_name": object_name, "type": "choices", "value": {"choices": list(labels)}}


@pytest.mark.parametrize(
    ("answer", "labels"),
    [("cat", ["cat"]), ([region("animal", "picture", "dog")], ["dog"]), ('["]', None)],
)
def test_where_one_choice_is_asked_a_gold_answer_may_be_a_plain_label(answer: object, labels: list[str] | None) -> None:
    values = {"item": {"image": SOME_MEDIA, "hint": "?"}, "gold_answer": answer, "gold_reason": "It shows."}
    found = RowForm(ANIMALS).read(Record(1, values))

    if labels is None:
        message = "This is not JSON: Unterminated string starting at character 2."
        assert found == [RowFault(1, "gold_answer", message)]
    else:
        assert isinstance(found, Row)
        assert found.gold == Gold([region("animal", "picture", *labels)], "It shows.")


@pytest.mark.parametrize("written", [list, json.dumps])
def test_any_other_gold_answer_is_a_result(written: Callable[[object], object]) -> None:
    answer = written([region("topic", "words", "peace", "war")])
    values: dict[str, object] = {"item": {"text": "once"}, "gold_answer": answer, "gold_reason": "so"}
    found = RowForm(TOPICS).read(Record(1, values))

    assert isinstance(found, Row)
    assert found.gold == Gold([region("topic", "words", "war", "peace")], "so")


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({}, [("item", 'A task has an item with the fields that the schema shows: "item": {…}.')]),
        ({"item": []}, [("item", 'A task has an item with the fields that the schema shows: "item": {…}.')]),
        ({"item": {"text": "a"}, "worker": ""},
         [("worker",
           ('There is no "worker" in a task. It has: item, external_id, priority, band, gold_answer, gold_reason, '
            "predictions."))]),
        ({"item": {}}, [("text", 'The field "text" is missing.')]),
        ({"item": {"text": "a", "ssn": "1"}},
         [("ssn", 'The schema does not show "ssn", so it is not taken. It shows: text.')]),
        ({"item": {"text": 7}}, [("text", "A text is due here, in quotes.")]),
        ({"item": {"text": " \n"}}, [("text", "The text is empty; the schema shows it to workers.")]),
        ({"item": {"text": "a"}, "external_id": 7}, [("external_id", "An external_id is a text, in quotes.")]),
        ({"item": {"text": "a"}, "external_id": ""}, [("external_id", "The external_id is empty.")]),
        ({"item": {"text": "a"}, "priority": True},
         [("priority", "A priority is a whole number from 0 (first) to 9 (last).")]),
        ({"item": {"text": "a"}, "priority": "²"},
         [("priority", "A priority is a whole number from 0 (first) to 9 (last).")]),
        ({"item": {"text": "a"}, "gold_reason": "so"}, [("gold_answer", "There is a gold_reason but no gold_answer.")]),
        ({"item": {"text": "a"}, "gold_answer": []},
         [("gold_reason", "A gold answer needs its reason in gold_reason: why it is right, in words.")]),
        ({"item": {"text": "a"}, "gold_answer": "war", "gold_reason": "so"},
         [("gold_answer",
           ("gold_answer: must be Label Studio's result JSON, a list; plain labels are for one single choice."))]),
        ({"item": {"text": " "}, "priority": 10},
         [("text", "The text is empty; the schema shows it to workers."),
          ("priority", "A priority is a whole number from 0 (first) to 9 (last).")]),
    ],
)  # fmt: skip
def test_everything_that_is_wrong_with_a_row_is_said(values: dict[str, object], faults: list[tuple[str, str]]) -> None:
    expected = [RowFault(9, column, message) for column, message in faults]
    assert RowForm(TOPICS).read(Record(9, values)) == expected


def test_a_label_that_is_not_in_the_schema_is_no_gold_answer() -> None:
    item: dict[str, object] = {"image": SOME_MEDIA, "hint": "?"}
    found = RowForm(ANIMALS).read(Record(3, {"item": item, "gold_answer": "Cat", "gold_reason": "so"}))
    message = 'gold_answer: "Cat" is no choice of "animal". Choices: cat, dog.'
    assert found == [RowFault(3, "gold_answer", message)]


@pytest.mark.parametrize("value", [SOME_MEDIA, png(28, 28), jpeg(64, 48), png(28, 28, "tRNS"), jpeg(64, 48, 0xEE)])
def test_an_image_is_media_or_a_small_picture_of_its_own(value: str) -> None:
    assert flaw_of_image(value) == ""


@pytest.mark.parametrize(
    "value",
    [
        "", "javascript:alert(1)", "http://example.com/a.png", "https://example.com/pixel.gif", "file:///etc/passwd",
        "//example.com/a.png", "http://127.0.0.1:8001/x", "data:image/svg+xml;base64,PHN2Zy8+", "data:text/html,<b>",
        SOME_MEDIA.upper(), SOME_MEDIA + "/..", SOME_MEDIA + "\n", " " + SOME_MEDIA, "media:1", "media:",
    ],
)  # fmt: skip
def test_anything_else_is_no_image(value: str) -> None:  # [B083, B089, B090]
    assert flaw_of_image(value) == NO_PICTURE


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        (None, "An image is named here in quotes: media:<id>, or data:image/png;base64,…."),
        ("data:image/png;base64,%%%", "The data URL is not base64."),
        ("data:image/png;base64,é", "The data URL is not base64."),
        ("data:image/png;base64,R0lGODlh", "The data URL says png, but its bytes are no whole PNG image."),
        (png(28, 28)[:-8], "The data URL says png, but its bytes are no whole PNG image."),
        (png(0, 28), "The data URL says png, but its bytes are no whole PNG image."),
        (png(28, 28).replace("png", "jpeg"), "The data URL says jpeg, but its bytes are no whole JPEG image."),
        (jpeg(64, 48)[:-8], "The data URL says jpeg, but its bytes are no whole JPEG image."),
        (png(50_000, 50_000), "The image is 50,000 × 50,000 pixels; at most 25,000,000 in all are possible."),
        (jpeg(50_000, 50_000), "The image is 50,000 × 50,000 pixels; at most 25,000,000 in all are possible."),
        (png(28, 28, "eXIf"), MORE.format("more than its pixels (eXIf)")),
        (png(28, 28, "iCCP"), MORE.format("more than its pixels (iCCP)")),
        (png(28, 28, "tEXt"), MORE.format("more than its pixels (tEXt)")),
        (png(28, 28, "acTL"), MORE.format("more than its pixels (acTL)")),
        (jpeg(64, 48, 0xE1), MORE.format("more than its pixels (APP1)")),
        (jpeg(64, 48, 0xFE), MORE.format("a comment")),
    ],
)
def test_a_picture_that_is_none_or_would_burst_or_tells_more_is_refused(value: object, flaw: str) -> None:  # [B057]
    assert flaw_of_image(value) == flaw


@pytest.mark.parametrize(
    ("external_id", "flaw"),
    [
        ("row 7/é", ""),
        ("=1+1", ""),
        ("x" * 201, "The external_id is 201 characters long; at most 200 are possible."),
        (" 7", "The external_id begins or ends with a space."),
        ("a\u200bb", "The external_id contains U+200B, an invisible, control or direction-changing character."),
        ("a\tb", "The external_id contains U+0009, an invisible, control or direction-changing character."),
    ],
)
def test_an_external_id_is_one_line_that_can_be_seen(external_id: str, flaw: str) -> None:
    assert flaw_of_external_id(external_id) == flaw


@pytest.mark.parametrize("entries", [["a"], [{"text": "no id"}], "[1", {"id": "a"}])
def test_predictions_of_an_item_that_cannot_be_shown_are_not_held_against_it(entries: object) -> None:
    schema = parse_schema('<View><List name="list" value="$list"/><Ranker name="order" toName="list"/></View>')
    ranked = {"from_name": "order", "to_name": "list", "type": "ranker", "value": {"ranker": {"order": ["a"]}}}
    prediction = {"model_version": "v1", "score": 0.5, "result": [ranked]}

    found = RowForm(schema).read(Record(1, {"item": {"list": entries}, "predictions": [prediction]}))

    assert isinstance(found, list)
    assert [fault.column for fault in found] == ["list"]
