"""What a single value of an import may be: text to show, a client's own id, a place in the queue, a reason."""

from typing import Final

from marketplace.models import Band
from qualification.labels.text import flaw_of

LONGEST_EXTERNAL_ID: Final = 200
LONGEST_REASON: Final = 2_000
LONGEST_MODEL: Final = 100


def flaw_of_external_id(value: object) -> str:
    """Why ``value`` cannot be a client's own id of a task, or nothing."""
    if not isinstance(value, str):
        return "An external_id is a text, in quotes."
    if 0 < len(value) <= LONGEST_EXTERNAL_ID and value.isascii() and value.isprintable() and value == value.strip():
        return ""
    flaw = flaw_of(value, max_characters=LONGEST_EXTERNAL_ID)
    return f"The external_id {flaw}." if flaw else ""


def flaw_of_priority(value: object) -> str:
    """Why ``value`` cannot be a task's place in the queue, or nothing."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return "" if is_whole and value in range(10) else "A priority is a whole number from 0 (first) to 9 (last)."


def flaw_of_band(value: object) -> str:
    """Why ``value`` is no difficulty band of a task, or nothing."""
    return "" if value in Band.values else f"A band is one of: {', '.join(Band.values)}."


def flaw_of_reason(value: object) -> str:
    """Why ``value`` cannot be the reason of a gold answer, or nothing."""
    if not isinstance(value, str) or not value.strip():
        return "A gold answer needs its reason in gold_reason: why it is right, in words."
    if len(value) > LONGEST_REASON:
        return f"The reason has {len(value):,} characters; at most {LONGEST_REASON:,} are possible."
    return "The reason contains the NUL character, which cannot be kept." if "\x00" in value else ""


def flaw_of_model(value: object) -> str:
    """Why ``value`` cannot be the name or the version of a model, or nothing."""
    if not isinstance(value, str):
        return f"A model and its version are texts of 1 to {LONGEST_MODEL} characters."
    flaw = flaw_of(value, max_characters=LONGEST_MODEL)
    return f"It {flaw}." if flaw else ""


def flaw_of_score(value: object) -> str:
    """Why ``value`` cannot be how sure a model is, or nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return ""
    return "A score is a number from 0 to 1."
