"""Reads the attributes of one tag against its allow-list; what is not on the list is refused by name."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from qualification.labels.errors import SchemaError, listed, quoted
from qualification.labels.markup import Element
from qualification.labels.text import flaw_of

Word = TypeVar("Word", bound=str)

MAX_LABEL_CHARACTERS = 200
MAX_NOTE_CHARACTERS = 1_000
MAX_NAME_CHARACTERS = 64

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_FIELD = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_HOTKEY = re.compile(r"((ctrl|alt|shift|meta|command)\+){0,3}([a-z0-9]|f[1-9]|f1[0-2]|enter|space)", re.ASCII)
_LENGTH = re.compile(r"[1-9][0-9]{0,3}(px|%)", re.ASCII)

_TAKEN_BY_JAVASCRIPT = frozenset({"constructor", "prototype", "hasOwnProperty", "toString", "valueOf"})


class Attributes:
    """The attributes of one element, each read by the kind of value that it must have."""

    def __init__(self, element: Element, *, supported: Iterable[str]) -> None:
        self._element = element
        names = tuple(supported)
        for name in element.attributes:
            if name not in names:
                raise self.error(f"has the unsupported attribute {quoted(name)}. Supported: {listed(names)}.")

    def error(self, what_is_so: str) -> SchemaError:
        """A SchemaError about this tag, which completes a sentence beginning with the tag."""
        return SchemaError(f"<{self._element.tag}> {what_is_so}", line=self._element.line)

    def has(self, name: str) -> bool:
        return name in self._element.attributes

    def required(self, name: str) -> str:
        value = self._element.attributes.get(name)
        if value is None:
            raise self.error(f"needs the attribute {name}.")
        return value

    def name(self, attribute: str) -> str:
        """A name that other tags and results refer to: safe as a key in any language that reads results."""
        value = self.required(attribute)
        if not _NAME.fullmatch(value) or len(value) > MAX_NAME_CHARACTERS:
            raise self.error(
                f"has {attribute}={quoted(value)}; a name is a Latin letter or _ followed by letters, digits, _ . "
                f"or -, at most {MAX_NAME_CHARACTERS} characters."
            )
        if _is_reserved(value):
            raise self.error(f"has {attribute}={quoted(value)}, which is reserved; choose another name.")
        return value

    def task_field(self, attribute: str) -> str:
        """The task field that `$field` names."""
        value = self.required(attribute)
        field = field_in(value)
        if field is None:
            raise self.error(f"has {attribute}={quoted(value)}; it shows one field of the task, written as $field.")
        if _is_reserved(field) or len(field) > MAX_NAME_CHARACTERS:
            raise self.error(f"shows {quoted(value)}, which cannot be the name of a task field.")
        return field

    def label(self, attribute: str) -> str:
        return self._shown(attribute, max_characters=MAX_LABEL_CHARACTERS)

    def note(self, attribute: str) -> str:
        """A sentence for the worker; empty when the attribute is absent."""
        return self._shown(attribute, max_characters=MAX_NOTE_CHARACTERS) if self.has(attribute) else ""

    def flag(self, attribute: str) -> bool:
        return self.one_of(attribute, ("true", "false"), default="false") == "true"

    def one_of(self, attribute: str, possible: tuple[Word, ...], *, default: Word) -> Word:
        value = self._element.attributes.get(attribute, default)
        for word in possible:
            if word == value:
                return word
        raise self.error(f"has {attribute}={quoted(value)}. Possible: {listed(possible)}.")

    def hotkey(self, attribute: str) -> str:
        return self.matching(attribute, _HOTKEY.fullmatch, "a key such as 1, a, f2 or ctrl+shift+a")

    def length(self, attribute: str) -> str:
        return self.matching(attribute, _LENGTH.fullmatch, "a length such as 750px or 100%")

    def matching(self, attribute: str, matches: Callable[[str], object], meant: str) -> str:
        value = self._element.attributes.get(attribute, "")
        if self.has(attribute) and not matches(value):
            raise self.error(f"has {attribute}={quoted(value)}; meant is {meant}.")
        return value

    def _shown(self, attribute: str, *, max_characters: int) -> str:
        value = self.required(attribute)
        flaw = flaw_of(value, max_characters=max_characters)
        if flaw is not None:
            raise self.error(f"has {attribute}={quoted(value)}, which {flaw}.")
        return value


def field_in(value: str) -> str | None:
    """The task field that the whole of this value names, or None when it is plain text."""
    match = _FIELD.fullmatch(value)
    return match[1] if match else None


def _is_reserved(name: str) -> bool:
    return name.startswith("__") or name in _TAKEN_BY_JAVASCRIPT
