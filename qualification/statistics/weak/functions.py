"""Labeling functions as data: keyword, pattern, lookup, model score. Each names a class, or says nothing.

A. Ratner, S. H. Bach, H. Ehrenberg, J. Fries, S. Wu, C. Ré, "Snorkel: rapid training data creation with weak
supervision", PVLDB 11 (2017). Functions are data and never code, so that a client may send them. Patterns run on RE2,
whose time grows with the length of the text and never beyond (docs/adr/0034).
"""

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import re2

Item = Mapping[str, object]

MOST_WORDS: Final = 1_000
LONGEST_WORD: Final = 200
MOST_ENTRIES: Final = 10_000
LONGEST_PATTERN: Final = 1_000
LONGEST_TEXT: Final = 100_000
"""Of a text that is looked at; what follows is not."""

MOST_MEMORY_BYTES: Final = 8 * 1024 * 1024
"""Of a compiled pattern, by which RE2 refuses what would grow too large, such as (a{1000}){1000}."""

_EDGE: Final = r"[^\pL\pN_]"


class InvalidFunction(ValueError):
    """What was given is no labeling function; the message says why."""


@dataclass(frozen=True, slots=True)
class LabelingFunction:
    """A rule with a name: for an item it gives the class that it names, or None."""

    name: str
    rule: Callable[[Item], str | None]

    def __call__(self, item: Item) -> str | None:
        """The class that the rule names for ``item``, or None where it says nothing."""
        return self.rule(item)


def read_function(given: Mapping[str, object], *, classes: Sequence[str]) -> LabelingFunction:
    """The function that ``given`` describes, for a job with these ``classes``. Raises InvalidFunction.

    All have a ``name``, a ``kind`` and the ``field`` of the item that they look at. ``keyword``: ``words`` and a
    ``label``. ``pattern``: a regular ``expression`` and a ``label``. ``lookup``: a ``table`` from text to class.
    ``score``: a number ``at_least`` or ``at_most``, and a ``label``.
    """
    kind, name = given.get("kind"), given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidFunction("A labeling function has a name.")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidFunction(f"{name}: a labeling function is of one kind: {', '.join(_KINDS)}.")
    possible, make = _KINDS[kind]
    unknown = sorted(given.keys() - {"name", "kind", "field", *possible})
    if unknown:
        raise InvalidFunction(f"{name}: a {kind} function has no {unknown[0]!r}. It has: field, {', '.join(possible)}.")
    field = given.get("field")
    if not isinstance(field, str) or not field:
        raise InvalidFunction(f"{name}: a labeling function looks at a field of the item.")
    try:
        return LabelingFunction(name, make(given, field, frozenset(classes)))
    except InvalidFunction as error:
        raise InvalidFunction(f"{name}: {error}") from None


def _keyword(given: Mapping[str, object], field: str, classes: frozenset[str]) -> Callable[[Item], str | None]:
    words = given.get("words")
    if not isinstance(words, list) or not 0 < len(words) <= MOST_WORDS:
        raise InvalidFunction(f"words is a list of 1 to {MOST_WORDS:,}.")
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise InvalidFunction("each word is a text with something in it.")
    if any(len(word) > LONGEST_WORD for word in words):
        raise InvalidFunction(f"a word has up to {LONGEST_WORD} characters.")
    either = "|".join(re2.escape(_folded(word.strip())) for word in words)
    found = _compiled(f"(?:^|{_EDGE})(?:{either})(?:$|{_EDGE})")
    label = _label(given, classes)
    return lambda item: label if found(_folded(_text(item, field))) else None


def _pattern(given: Mapping[str, object], field: str, classes: frozenset[str]) -> Callable[[Item], str | None]:
    expression = given.get("expression")
    if not isinstance(expression, str) or not 0 < len(expression) <= LONGEST_PATTERN:
        raise InvalidFunction(f"expression is a text of 1 to {LONGEST_PATTERN:,} characters.")
    found, label = _compiled(expression), _label(given, classes)
    return lambda item: label if found(_text(item, field)) else None


def _lookup(given: Mapping[str, object], field: str, classes: frozenset[str]) -> Callable[[Item], str | None]:
    table = given.get("table")
    if not isinstance(table, dict) or not table:
        raise InvalidFunction("table is an object from text to class.")
    if len(table) > MOST_ENTRIES:
        raise InvalidFunction(f"table has up to {MOST_ENTRIES:,} entries.")
    wrong = sorted(str(label) for label in table.values() if not isinstance(label, str) or label not in classes)
    if wrong:
        raise InvalidFunction(f"{wrong[0]!r} is no class. Classes: {', '.join(sorted(classes))}.")
    classes_by_text = {_folded(str(text).strip()): str(label) for text, label in table.items()}
    return lambda item: classes_by_text.get(_folded(_text(item, field).strip()))


def _score(given: Mapping[str, object], field: str, classes: frozenset[str]) -> Callable[[Item], str | None]:
    if ("at_least" in given) == ("at_most" in given):
        raise InvalidFunction("a score is at_least or at_most a number.")
    bound = _number(given.get("at_least", given.get("at_most")))
    if bound is None:
        raise InvalidFunction("a score is compared with a number.")
    label, sign = _label(given, classes), 1 if "at_least" in given else -1

    def rule(item: Item) -> str | None:
        value = _number(item.get(field))
        return label if value is not None and sign * value >= sign * bound else None

    return rule


_KINDS: Final[dict[str, tuple[tuple[str, ...], Callable[..., Callable[[Item], str | None]]]]] = {
    "keyword": (("words", "label"), _keyword),
    "pattern": (("expression", "label"), _pattern),
    "lookup": (("table",), _lookup),
    "score": (("at_least", "at_most", "label"), _score),
}


def _compiled(expression: str) -> Callable[[str], bool]:
    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = MOST_MEMORY_BYTES, True, False
    try:
        compiled = re2.compile(expression, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidFunction(
            f"the expression is not one of RE2, which knows no look-around and no back-references: {told}."
        ) from error
    return lambda text: compiled.search(text) is not None


def _label(given: Mapping[str, object], classes: frozenset[str]) -> str:
    label = given.get("label")
    if not isinstance(label, str) or label not in classes:
        raise InvalidFunction(f"{label!r} is no class. Classes: {', '.join(sorted(classes))}.")
    return label


def _text(item: Item, field: str) -> str:
    value = item.get(field)
    return _looked_at(value) if isinstance(value, str) else ""


@lru_cache(maxsize=8)
def _looked_at(value: str) -> str:
    """What functions see of a text; kept for a moment, as each of them asks for it."""
    return value[:LONGEST_TEXT].encode(errors="replace").decode()


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]  # a number, as was just seen


@lru_cache(maxsize=8)
def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
