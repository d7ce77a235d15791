"""JSON read strictly: what two readers could take differently, or what the database could not keep, is refused."""

import json
import math
from itertools import pairwise
from typing import Final

MAX_DEPTH: Final = 32
LARGEST_INTEGER: Final = 2**63 - 1


class NotStrictJson(ValueError):
    """This is no JSON, or JSON of a kind that is not read here; ``message`` is a sentence for its sender.

    ``end`` is where a refused value ends, so that a reader of many values may go on behind it. It is None when the text
    is no JSON; then ``position`` is where that shows, which is the end of the text when something is missing there.
    """

    def __init__(self, message: str, *, end: int | None = None, position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.end = end
        self.position = position


def loads(text: str | bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """The one JSON value that ``text`` is. Raises NotStrictJson.

    Refused beside what is no JSON: bytes that are not UTF-8, a key given twice in an object, NaN and Infinity, numbers
    too large for a double or for 64 bits, the NUL character, half a surrogate pair, nesting deeper than ``max_depth``.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    value, end = StrictDecoder(max_depth=max_depth).value_at(text, _skip_space(text, 0))
    if _skip_space(text, end) != len(text):
        raise NotStrictJson(f"This is not JSON: more follows after its end at character {end + 1}.")
    return value


class StrictDecoder:
    """Reads one value after another out of a text under the rules of ``loads``. One for each reader: it keeps state."""

    def __init__(self, *, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth = max_depth
        self._flaw = ""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._float,
            parse_int=self._integer,
        )

    def value_at(self, text: str, start: int) -> tuple[object, int]:
        """The value that begins exactly at ``start``, and where it ends. Raises NotStrictJson."""
        self._flaw = ""
        try:
            value, end = self._decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            where = f"{error.msg.removesuffix(' at')} at character {error.pos - start + 1}"
            position = len(text) if error.msg.startswith("Unterminated string") else error.pos
            raise NotStrictJson(f"This is not JSON: {where}.", position=position) from None
        except RecursionError:
            raise NotStrictJson(self._too_deep()) from None
        flaw = self._flaw or self._flaw_inside(value, text, start, end)
        if flaw:
            raise NotStrictJson(flaw, end=end)
        return value, end

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        value = dict(pairs)
        if len(value) < len(pairs):
            keys = sorted(key for key, _ in pairs)
            twice = next(key for key, following in pairwise(keys) if key == following)
            self._flaw = f"The key {json.dumps(twice[:60])} is given twice in one object; which of the two is meant?"
        return value

    def _constant(self, name: str) -> None:
        self._flaw = f"{name} is not a number that JSON knows."

    def _float(self, written: str) -> float:
        number = float(written)
        if math.isinf(number):
            self._flaw = f"The number {written[:20]} is too large."
        return number

    def _integer(self, written: str) -> int:
        number = int(written) if len(written) <= 20 else LARGEST_INTEGER + 1
        if abs(number) > LARGEST_INTEGER:
            self._flaw = f"The number {written[:20]} is too large; whole numbers are kept in 64 bits."
        return number

    def _flaw_inside(self, value: object, text: str, start: int, end: int) -> str:
        # Both faults leave a mark in the text, so that most values are not walked through at all.
        brackets = text.count("[", start, end) + text.count("{", start, end)
        if brackets <= self._max_depth and text.find("\\u", start, end) < 0:
            return ""
        level, depth = [value], 0
        while level:
            depth += any(isinstance(part, (dict, list)) for part in level)
            flaw = next(filter(None, (_flaw_of_text(part) for part in level if isinstance(part, str))), "")
            if flaw or depth > self._max_depth:
                return flaw or self._too_deep()
            level = _inside(level)
        return ""

    def _too_deep(self) -> str:
        return f"This is nested more than {self._max_depth} deep."


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise NotStrictJson(f"This is not UTF-8: byte {error.start + 1} cannot be read.") from None


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\n\r":
        position += 1
    return position


def _inside(level: list[object]) -> list[object]:
    deeper: list[object] = []
    for part in level:
        if isinstance(part, dict):
            deeper.extend(part)
            deeper.extend(part.values())
        elif isinstance(part, list):
            deeper.extend(part)
    return deeper


def _flaw_of_text(text: str) -> str:
    if "\x00" in text:
        return "A text contains the NUL character, which cannot be kept."
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "A text contains half of a surrogate pair, which is no character."
    return ""
