"""What is wrong with a label schema or an annotation, as a sentence that its author can act on."""

from collections.abc import Sequence

SHOWN_CHARACTERS = 60


class SchemaError(ValueError):
    """A labeling config that cannot be used.

    `message` says what is so and what is possible; `line` is where in the config it stands, counted from 1.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message if line is None else f"Line {line}: {message}")
        self.message = message
        self.line = line


class ResultError(ValueError):
    """An annotation that does not fit its label schema; `path` is where in the result, such as `result[0].value`."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(f"{path}: {message}")
        self.message = message
        self.path = path


def quoted(text: str) -> str:
    """Foreign text in quotation marks, fit for an error message."""
    return f'"{spelt(text)}"'


def spelt(text: str) -> str:
    """Foreign text made harmless: short, and with invisible or direction-changing characters spelt as code points."""
    shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in shown)


def listed(words: Sequence[str]) -> str:
    """The words as a list in a sentence, cut when it would be longer than a reader wants."""
    shown = 20
    rest = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + rest
