"""What the values of an item may be, and how they are shown: text as it is, pictures from the content origin.

Nothing in an item lets the browser of whoever is shown it ask another server.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from kernel.content_addresses import REFERENCE, AddressOf, media_in
from kernel.pictures.inline import flaw_of_data_url, is_data_url
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
