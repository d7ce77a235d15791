"""What the values of an item may be, and how they are shown: text as it is, pictures from the content origin.

Nothing in an item lets the browser of whoever is shown it ask another server.
"""

import re
from collections.abc import Mapping
from itertools import chain
from typing import Final
from uuid import UUID

from kernel.content_addresses import REFERENCE, AddressOf, media_in
from kernel.pictures.inline import flaw_of_data_url, is_data_url
from qualification.labels.kinds.base import FINE_WORD
from qualification.labels.pages import flaw_of_page
from qualification.labels.parts import ObjectKind
from qualification.labels.schema import LabelSchema

IN_EXAM: Final = "e"
"""Shown in the questions of an exam that is under way."""

IN_MISSES: Final = "m"
"""Shown in the misses of an exam that was marked."""

IN_BANK: Final = "b"
"""Shown to those who keep a skill's gold questions."""

NO_PICTURE: Final = (
    "An image is uploaded as media first, and named here as media:<id>; or it stands here itself, as "
    "data:image/png;base64,… or data:image/jpeg;base64,…. Addresses of other servers are not taken: a browser that "
    "fetched from there would tell who works here, and when."
)


def flaw_of_image(value: object) -> str:
    """Why ``value`` cannot be shown as an image, or nothing. Whether there is such a media is not asked here."""
    if not isinstance(value, str):
        return "An image is named here in quotes: media:<id>, or data:image/png;base64,…."
    if is_data_url(value):
        return flaw_of_data_url(value)
    return "" if media_in(value) else NO_PICTURE


STRUCTURED: Final = ("Paragraphs", "TimeSeries", "Table", "List")
"""What is shown of these is an array or an object; in a CSV its JSON text."""

MOST_ENTRIES: Final = 200
MOST_POINTS: Final = 10_000
_RECORDING: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./ -]{0,199}", re.ASCII)


def flaw_of_shown(kind: ObjectKind, value: object) -> str:
    """Why ``value`` cannot be shown as this kind of object, or nothing."""
    if kind == "Image":
        return flaw_of_image(value)
    if kind in STRUCTURED:
        return _flaw_of_structure(kind, value)
    if kind in ("Audio", "Video"):
        is_name = isinstance(value, str) and _RECORDING.fullmatch(value)
        return "" if is_name else "A recording is named here, as calls/2026-05-17.wav; addresses are not taken."
    flaw = _flaw_of_text(value)
    return flaw_of_page(str(value)) if kind == "HyperText" and not flaw else flaw


def _flaw_of_text(value: object) -> str:
    if not isinstance(value, str):
        return "A text is due here, in quotes."
    if not value.strip():
        return "The text is empty; the schema shows it to workers."
    return "The text contains the NUL character, which cannot be kept." if "\x00" in value else ""


def _flaw_of_structure(kind: ObjectKind, value: object) -> str:
    if kind == "Table":
        plain = isinstance(value, dict) and all(isinstance(cell, str | int | float) for cell in value.values())
        return "" if plain and value else "A table is an object of texts and numbers."
    if kind == "TimeSeries":
        columns = value.values() if isinstance(value, dict) else ()
        is_series = columns and all(isinstance(column, list) and len(column) <= MOST_POINTS for column in columns)
        numbers = chain.from_iterable(columns) if is_series else ("",)
        plain = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
        return "" if plain else f"A time series is an object of columns, each of at most {MOST_POINTS:,} numbers."
    if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
        return "An array of objects is due here."
    entries: list[dict[str, object]] = value
    if any(not isinstance(part, str) or "\x00" in part for entry in entries for part in entry.values()):
        return "Each entry is an object of texts."
    if kind == "Paragraphs":
        return "" if all("text" in entry for entry in entries) else "Each paragraph has a text."
    ids = [str(entry.get("id", "")) for entry in entries]
    is_clear = all(FINE_WORD.fullmatch(name) for name in ids) and len(set(ids)) == len(ids) <= MOST_ENTRIES
    return (
        "" if is_clear else f"Each entry of a list, at most {MOST_ENTRIES}, has an id of its own: a short Latin word."
    )


def pictures_of(schema: LabelSchema) -> tuple[str, ...]:
    """The fields of an item that the schema shows as images."""
    return tuple(field for field, kind in schema.fields_needed.items() if kind == "Image")


def media_of(item: Mapping[str, object], pictures: tuple[str, ...]) -> dict[str, UUID]:
    """The media that an item refers to in its ``pictures``, by field."""
    found = {field: media_in(item.get(field)) for field in pictures}
    return {field: media_id for field, media_id in found.items() if media_id is not None}


def with_addresses(
    item: dict[str, object], pictures: tuple[str, ...], address_of: AddressOf | None
) -> dict[str, object]:
    """The item with an address in place of each reference to a media; without ``address_of`` the item as it is."""
    if address_of is None:
        return item
    for field in pictures:
        value = item.get(field)
        if isinstance(value, str) and value.startswith(REFERENCE) and (media_id := media_in(value)):
            item = {**item, field: address_of(media_id)}
    return item
