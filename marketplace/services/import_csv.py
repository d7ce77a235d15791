"""Reads the rows of an import out of a CSV file: UTF-8, commas, a header, lines that end in LF or CRLF.

Rows are numbered as a spreadsheet numbers them: the header is row 1, the first task row 2.
"""

import codecs
import csv
from collections.abc import Collection, Iterator
from typing import BinaryIO, Final

from marketplace.services.import_streams import (
    EMPTY,
    LARGEST_ROW_BYTES,
    RESERVED,
    TOO_LARGE,
    UTF_16,
    UTF_16_MARKS,
    Record,
    RowFault,
)
from qualification.labels.errors import listed, quoted

MOST_COLUMNS: Final = 100
DIGITS: Final = frozenset("0123456789")

_MEANING: Final = {
    "unexpected end of data": "A quote that is opened in this row is never closed.",
    "new-line character seen": "The row contains a bare carriage return; lines end in LF or CRLF.",
    "',' expected after '\"'": (
        'After a closing quote comes a comma or the end of the line; inside quotes, "" means ".'
    ),
}
"""What the standard library's complaints, by how they begin, mean to the owner of the file."""


def read_csv(stream: BinaryIO, *, fields: Collection[str]) -> Iterator[Record | RowFault]:
    """The rows of a CSV whose columns are all of ``fields`` and any of the reserved names, in any order.

    An empty cell of a reserved column counts as not given.
    """
    lines = _Lines(stream)
    rows = csv.reader(lines, strict=True)
    try:
        header = next(rows, None)
        faults = _faults_of_header(header, fields)
        yield from faults
        if header is None or faults:
            return
        yield from _records(rows, lines, header)
    except _StopReading as stop:
        yield RowFault(lines.row, "", str(stop))
    except csv.Error as error:
        yield RowFault(lines.row, "", _meaning(str(error)))


def _records(rows: Iterator[list[str]], lines: "_Lines", header: list[str]) -> Iterator[Record | RowFault]:
    blank_row = 0
    lines.next_row()
    for cells in rows:
        if not cells:
            blank_row = blank_row or lines.row
        elif blank_row:
            yield RowFault(blank_row, "", "The row is blank, and others follow it.")
            blank_row = 0
        if cells:
            yield _record(lines.row, header, cells)
        lines.next_row()


def _record(row: int, header: list[str], cells: list[str]) -> Record | RowFault:
    if len(cells) != len(header):
        return RowFault(row, "", f"The row has {len(cells)} cells; the header has {len(header)}.")
    item: dict[str, object] = {}
    values: dict[str, object] = {"item": item}
    for name, cell in zip(header, cells, strict=True):
        if name not in RESERVED:
            item[name] = cell
        elif cell:
            values[name] = int(cell) if name == "priority" and cell in DIGITS else cell
    return Record(row, values)


def _faults_of_header(header: list[str] | None, fields: Collection[str]) -> list[RowFault]:
    if not header:
        return [RowFault(1, "", EMPTY if header is None else "The first row is blank; it names the columns.")]
    if len(header) > MOST_COLUMNS:
        return [RowFault(1, "", f"The header has {len(header):,} columns; at most {MOST_COLUMNS} are read.")]
    return [RowFault(1, name, message) for name, message in _faults_of_columns(header, fields)]


def _faults_of_columns(header: list[str], fields: Collection[str]) -> Iterator[tuple[str, str]]:
    possible = f"Columns of this job: {listed([*fields, *RESERVED])}."
    for place, name in enumerate(header):
        if name in header[:place]:
            yield name, f"The column {quoted(name)} is given twice."
        elif name not in fields and name not in RESERVED:
            yield name, f"There is no column {quoted(name)}. {possible}"
    for name in fields:
        if name in RESERVED:
            yield name, f"The schema shows ${name}, a name that CSV reserves for something else; import JSON instead."
        elif name not in header:
            yield name, f"The column {quoted(name)} is missing; the schema shows it. {possible}"


def _meaning(complaint: str) -> str:
    for beginning, meaning in _MEANING.items():
        if complaint.startswith(beginning):
            return meaning
    return f"The row is not CSV: {complaint}."


class _StopReading(Exception):
    """The file cannot be read on from here; the message says why."""


class _Lines:
    """The lines of the file for the CSV parser, which may join several to a row: it is kept from joining for ever."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._bytes_of_row = 0
        self.row = 1

    def next_row(self) -> None:
        """Whatever is read from now on belongs to the next row."""
        self.row += 1
        self._bytes_of_row = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline(LARGEST_ROW_BYTES + 3)
        if not line:
            raise StopIteration
        is_first = self.row == 1 and self._bytes_of_row == 0
        if is_first and line.startswith(UTF_16_MARKS):
            raise _StopReading(UTF_16)
        line = line.removeprefix(codecs.BOM_UTF8) if is_first else line
        self._bytes_of_row += len(line)
        if self._bytes_of_row > LARGEST_ROW_BYTES + 2:
            raise _StopReading(f"{TOO_LARGE} Perhaps a quote that is opened in it is never closed.")
        if b"\x00" in line:
            raise _StopReading("The row contains the NUL character. Is the file text, in UTF-8?")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise _StopReading("The row is not UTF-8.") from None
