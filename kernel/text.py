"""Checks for text that people type: one normal form, and nothing that hides, deceives or breaks a line of a log.

What passes is kept as it was typed, markup and all; templates escape it, and show names inside ``<bdi>``.
"""

import unicodedata
from typing import Final

from kernel.errors import Invalid

MOST_MARKS_IN_A_ROW: Final = 10
"""Combining marks on one letter; Tibetan stacks eight, and nothing that is read has more."""

MOST_SLACK: Final = 4
"""How many times longer than its normal form a text may be typed; megabytes are refused unread."""

TURNS_DIRECTION: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ENDS_LINE: Final = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")

CARRIES_NOTHING: Final = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
"""Zero-width space, word joiner, byte order mark: they come with pasted text, and are taken out of single lines."""

INVISIBLE_BUT_NEEDED: Final = frozenset(
    "\u00ad\u061c\u200c\u200d\u200e\u200f\u0600\u0601\u0602\u0603\u0604\u0605\u06dd"
)
"""Format characters that spelling needs: soft hyphen, joiners, marks of direction, Arabic number signs."""

LOOKS_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category that print as nothing: Hangul fillers, blank Braille."""


def clean_line(text: str, *, what: str, longest: int, field: str = "") -> str:
    """``text`` as one line of 1 to ``longest`` characters, in NFC, without surrounding space: a name, a title.

    Raises Invalid with a sentence about ``what`` (such as "legal name"), and naming ``field`` when it is given. Refused
    are line ends and other control characters, overrides of direction, hidden characters, text with nothing to see, and
    piles of combining marks.
    """
    without = text.translate(CARRIES_NOTHING) if len(text) <= MOST_SLACK * longest else text
    return _clean(without, what=what, longest=longest, field=field, allowed="")


def clean_text(text: str, *, what: str, longest: int, field: str = "") -> str:
    """Like ``clean_line``, for several lines: every line end becomes ``\\n``, tabs and zero-width spaces stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _clean(lines, what=what, longest=longest, field=field, allowed="\n\t")


def _clean(text: str, *, what: str, longest: int, field: str, allowed: str) -> str:
    fault = _length_fault(text, longest, slack=MOST_SLACK) or _character_fault(text, allowed) or _pile_fault(text)
    if not fault:
        text = unicodedata.normalize("NFC", text).strip()
        fault = _length_fault(text, longest) or _pile_fault(text) or _blank_fault(text)
    if fault:
        message = f"The {what} {fault}"
        raise Invalid(message, [{"field": field, "message": message}] if field else None)
    return text


def _length_fault(text: str, longest: int, slack: int = 1) -> str:
    return "" if len(text) <= longest * slack else f"may have {longest:,} characters; this one has {len(text):,}."


def _character_fault(text: str, allowed: str) -> str:
    for place, character in enumerate(text, start=1):
        if character not in allowed and (fault := _fault_of(character)):
            return f"holds {fault} (U+{ord(character):04X}) at character {place}; leave it out."
    return ""


def _fault_of(character: str) -> str:
    category = unicodedata.category(character)
    if character in ENDS_LINE:
        return "a line end"
    if category == "Cc":
        return "a control character"
    if character in TURNS_DIRECTION:
        return "a character that turns the direction of the text"
    if category == "Cs" or ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF:
        return "something that is no character"
    if category == "Cf" and character not in INVISIBLE_BUT_NEEDED and ord(character) not in CARRIES_NOTHING:
        return "a hidden character"
    return ""


def _pile_fault(text: str) -> str:
    in_a_row = 0
    for character in text:
        in_a_row = in_a_row + 1 if unicodedata.category(character).startswith("M") else 0
        if in_a_row > MOST_MARKS_IN_A_ROW:
            return f"has more than {MOST_MARKS_IN_A_ROW} combining marks on one letter."
    return ""


def _blank_fault(text: str) -> str:
    for character in text:
        if unicodedata.category(character)[0] in "LNPS" and character not in LOOKS_BLANK:
            return ""
    return "is empty: it holds nothing that can be seen."
