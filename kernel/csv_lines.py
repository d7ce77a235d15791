"""CSV that spreadsheets open as it is meant: a text that looks like a formula stays a text."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from kernel.money import MINOR_UNIT_DIGITS, Money

LOOKS_LIKE_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The lines of a file, in UTF-8, one by one as the rows come."""
    for row in chain([header], rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow([_cell(value) for value in row])
        yield line.getvalue().encode()


def plain_amount(money: Money) -> str:
    """An amount as programs read it: ``1234.50``, ``1235``, ``1.234``; no sign of its currency, no groups."""
    digits = MINOR_UNIT_DIGITS[money.currency]
    sign, whole = "-" if money.minor < 0 else "", abs(money.minor)
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}" if digits else f"{sign}{whole}"


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(LOOKS_LIKE_A_FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()
