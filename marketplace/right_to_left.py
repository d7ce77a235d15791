"""Text as it looks: scripts from right to left in the order in which they are drawn, Arabic letters joined.

For what draws one character after the other and knows no script. The order is Unicode's (annex 9), the joined forms
are Unicode's own (presentation forms A and B), so no table of letters stands here.
"""

import unicodedata
from functools import cache
from typing import Final

from fpdf.bidi import BidiParagraph

_FORMS: Final = (range(0xFB50, 0xFE00), range(0xFE70, 0xFEFD))
_MIRRORED: Final = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))


def as_drawn(text: str) -> str:
    """``text`` in the order of its glyphs from left to right, each letter in the form that it has there."""
    if not any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text):
        return text
    characters = BidiParagraph(text=_joined(text)).get_reordered_characters()
    return "".join(
        _MIRRORED.get(each.character, each.character) if each.embedding_level % 2 else each.character
        for each in characters
    )


def _joined(text: str) -> str:
    forms = _forms()
    letters = [place for place, letter in enumerate(text) if not unicodedata.combining(letter)]
    drawn = list(text)
    for number, place in enumerate(letters):
        mine = forms.get(text[place], {})
        before = forms.get(text[letters[number - 1]], {}) if number else {}
        after = forms.get(text[letters[number + 1]], {}) if number + 1 < len(letters) else {}
        joins_before = "final" in mine and "initial" in before
        joins_after = "initial" in mine and "final" in after
        form = {(True, True): "medial", (True, False): "final", (False, True): "initial"}.get(
            (joins_before, joins_after), "isolated"
        )
        drawn[place] = mine.get(form, text[place])
    return "".join(drawn)


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Each letter that has forms of its own, with them: isolated, initial, medial, final."""
    found: dict[str, dict[str, str]] = {}
    for code in (code for block in _FORMS for code in block):
        kind, _, letters = unicodedata.decomposition(chr(code)).partition(" ")
        if len(letters) == 4:
            found.setdefault(chr(int(letters, 16)), {}).setdefault(kind.strip("<>"), chr(code))
    return found
