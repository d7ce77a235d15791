"""Reads the rows of an import out of a stream of bytes, a JSON array or JSON Lines; never more than a few are held.

Each reader yields a ``Record`` for a row that it could read and a ``RowFault`` for one that it could not; after a fault
that leaves open where the next row begins, it ends. What a row must hold is not asked here.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from kernel.strict_json import NotStrictJson, StrictDecoder, loads
from qualification.labels.errors import quoted

LARGEST_ROW_BYTES: Final = 64 * 1024
CHUNK_BYTES: Final = 64 * 1024
RESERVED: Final = ("external_id", "priority", "band", "gold_answer", "gold_reason")
"""What a row may say beside the fields of its item."""

TASK_IS: Final = 'A task is an object such as {"item": {…}}.'
TOO_LARGE: Final = f"The row is larger than {LARGEST_ROW_BYTES:,} bytes."
UTF_16: Final = "The file is in UTF-16; save it as UTF-8."
EMPTY: Final = "The file is empty."
UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_NO_SPACE: Final = re.compile(r"[^ \t\n\r]")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong in which row; ``column`` is empty when it is the row as a whole."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it was sent: its ``item``, and what it gives of the reserved names."""

    row: int
    values: dict[str, object]


def read_json_lines(stream: BinaryIO, *, row_is: str = TASK_IS) -> Iterator[Record | RowFault]:
    """One JSON object a line; blank lines are passed over. Rows are numbered by their lines, from 1.

    ``row_is`` tells who sends something else what a row is.
    """
    number = 0
    while line := stream.readline(LARGEST_ROW_BYTES + 2):
        number += 1
        if number == 1 and line.startswith(UTF_16_MARKS):
            yield RowFault(1, "", UTF_16)
            return
        line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if len(line.rstrip(b"\r\n")) > LARGEST_ROW_BYTES:
            yield RowFault(number, "", TOO_LARGE)
            while line and not line.endswith(b"\n"):
                line = stream.readline(CHUNK_BYTES)
        elif line.strip():
            yield _record_of_line(number, line, row_is)
    if number == 0:
        yield RowFault(1, "", EMPTY)


def read_json_array(stream: BinaryIO) -> Iterator[Record | RowFault]:
    """The objects of one JSON array, decoded one by one as it arrives. Rows are numbered by their places, from 1."""
    window, number = _Window(stream), 0
    opening = window.next_character()
    if opening != "[":
        yield RowFault(1, "", window.why_unreadable or _no_array(opening))
        return
    separator = window.step()
    while separator != "]":
        number += 1
        yield window.next_record(number)
        if window.is_lost:
            return
        separator = window.next_character()
        if separator not in {",", "]"}:
            after = quoted(separator) if separator else "the end of the file"
            message = f"After task {number} stands {after}; a comma or the closing ] is missing."
            yield RowFault(number, "", window.why_unreadable or message)
            return
        if separator == ",":
            window.step()
    following = window.step()
    if following or window.why_unreadable:
        yield RowFault(number, "", window.why_unreadable or f"The array has ended, but {quoted(following)} follows.")


def batches_of_json_lines(
    stream: BinaryIO, *, row_is: str, size: int, fault: Callable[[RowFault], None]
) -> Iterator[list[Record]]:
    """The rows of ``read_json_lines``, ``size`` at a time; faults go to ``fault`` as they are found."""
    rows: list[Record] = []
    for found in read_json_lines(stream, row_is=row_is):
        if isinstance(found, RowFault):
            fault(found)
            continue
        rows.append(found)
        if len(rows) >= size:
            yield rows
            rows = []
    yield rows


def _record_of_line(number: int, line: bytes, row_is: str) -> Record | RowFault:
    try:
        return _record(number, loads(line), row_is)
    except NotStrictJson as error:
        return RowFault(number, "", error.message)


def _record(number: int, value: object, row_is: str = TASK_IS) -> Record | RowFault:
    if not isinstance(value, dict):
        return RowFault(number, "", row_is)
    return Record(number, value)


def _no_array(opening: str) -> str:
    if not opening:
        return EMPTY
    hint = " For one task a line, say that the format is jsonl." if opening == "{" else ""
    return f"The file begins with {quoted(opening)}; a JSON import is an array of tasks: [{{…}}, {{…}}].{hint}"


class _Window:
    """The part of a JSON text that is being read: it grows at one end, and what was read is dropped at the other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._utf_8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._decoder = StrictDecoder()
        self._text = ""
        self._at = 0
        self._is_at_start = True
        self.why_unreadable = ""
        """Why the bytes behind the text are no text, if they are none."""
        self.is_lost = False
        """Whether a value could not be read to its end, so that nobody knows where the next begins."""

    def next_character(self) -> str:
        """The next character that is no space, or nothing at the end. The window moves there."""
        while True:
            found = _NO_SPACE.search(self._text, self._at)
            self._at = found.start() if found else len(self._text)
            if found:
                return found[0]
            if not self._grow():
                return ""

    def step(self) -> str:
        """Pass over the character that was found, on to the next one."""
        self._at += 1
        return self.next_character()

    def next_record(self, number: int) -> Record | RowFault:
        """The row that begins here."""
        try:
            return _record(number, self._next_value())
        except NotStrictJson as error:
            self.is_lost = error.end is None
            return RowFault(number, "", error.message)

    def _next_value(self) -> object:
        while True:
            try:
                value, end = self._decoder.value_at(self._text, self._at)
            except NotStrictJson as error:
                if error.end is not None:
                    self._at = error.end
                    raise
                if len(self._text) - self._at <= LARGEST_ROW_BYTES and self._grow():
                    continue
                raise self._unreadable(error) from None
            is_too_large = _is_too_large(self._text, self._at, end)
            self._at = end
            if is_too_large:
                raise NotStrictJson(TOO_LARGE, end=end)
            return value

    def _unreadable(self, error: NotStrictJson) -> NotStrictJson:
        if self.why_unreadable:
            return NotStrictJson(self.why_unreadable)
        is_cut_off = error.position is not None and error.position > len(self._text) - 8
        if is_cut_off and len(self._text) - self._at > LARGEST_ROW_BYTES:
            return NotStrictJson(TOO_LARGE)
        return error

    def _grow(self) -> bool:
        if self.why_unreadable:
            return False
        chunk = self._stream.read(CHUNK_BYTES)
        if self._is_at_start:
            self._is_at_start = False
            if chunk.startswith(UTF_16_MARKS):
                self.why_unreadable = UTF_16
                return False
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
        self._text = self._text[self._at :] + self._decoded(chunk)
        self._at = 0
        return bool(chunk)

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._utf_8.decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            # What stands before the bad byte is still read, so that the fault is found in its own row.
            self.why_unreadable = "The row is not UTF-8."
            return bytes(error.object[: error.start]).decode()


def _is_too_large(text: str, start: int, end: int) -> bool:
    if end - start <= LARGEST_ROW_BYTES // 4:
        return False
    return len(text[start:end].encode(errors="surrogatepass")) > LARGEST_ROW_BYTES
