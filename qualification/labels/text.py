"""Which words a label, a header or a hint may be made of, and when two of them look the same."""

import re
import unicodedata

JOINERS = frozenset("\u200c\u200d")
"""Zero-width (non-)joiner: Persian and Indic spelling and emoji families need them, between two visible characters."""

BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters that Unicode calls letters, marks or symbols but that nobody can see."""

MARKS_ON_ONE_LETTER = 8
"""Real writing (Hebrew with cantillation, Vietnamese, Tibetan) stays below; piles of accents go over their line."""

_SCRIPT_SCHEME = re.compile(r"\s*(javascript|vbscript)\s*:", re.IGNORECASE)


def flaw_of(text: str, *, max_characters: int) -> str | None:
    """Why this text may not be shown to a person as one line of plain text, or None.

    The reason completes a sentence that begins with the text: "is empty", "begins or ends with a space".
    """
    if not text.strip():
        return "is empty"
    if len(text) > max_characters:
        return f"is {len(text)} characters long; at most {max_characters} are possible"
    if text != text.strip():
        return "begins or ends with a space"
    if _SCRIPT_SCHEME.match(text):
        return "reads like a script address; use plain words"
    return _hidden_character(text) or _pile_of_marks(text)


def fold(text: str) -> str:
    """The form in which two texts that a reader would take for the same are equal.

    Compatibility forms, case, runs of spaces, joiners and variation selectors make no difference.
    """
    compatible = unicodedata.normalize("NFKC", text)
    seen = "".join(c for c in compatible if c not in JOINERS and not _selects_variant(c))
    return " ".join(unicodedata.normalize("NFKC", seen.casefold()).split())


def _hidden_character(text: str) -> str | None:
    for position, character in enumerate(text):
        if character in JOINERS:
            if _joins(text, position):
                continue
        elif character not in BLANKS and unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}:
            continue
        return f"contains U+{ord(character):04X}, an invisible, control or direction-changing character"
    return None


def _joins(text: str, position: int) -> bool:
    before, after = text[position - 1 : position], text[position + 1 : position + 2]
    return all(side and not side.isspace() and side not in JOINERS for side in (before, after))


def _pile_of_marks(text: str) -> str | None:
    run = 0
    for character in unicodedata.normalize("NFC", text):
        run = run + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if run > MARKS_ON_ONE_LETTER:
            return f"piles more than {MARKS_ON_ONE_LETTER} accents on one letter"
    return None


def _selects_variant(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
