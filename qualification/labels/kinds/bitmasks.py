"""Masks that come and go as pictures; they are kept, compared and merged as other masks are."""

from typing import Final

from qualification.labels.kinds.base import About, Value
from qualification.labels.kinds.mask_pictures import NotAMask, picture_of, runs_in
from qualification.labels.kinds.masks import MOST_BYTES, SIDES, Mask, MaskKind, sides_in
from qualification.labels.kinds.packed_runs import pack

ADDRESS: Final = "imageDataURL"
MOST_CHARACTERS: Final = 140_000
"""Of a data address: as many bytes as other masks may have."""


class BitmaskKind(MaskKind):
    """As `MaskKind`, which also reads back what is kept: packed runs, the same whoever compresses pictures."""

    def read(self, value: Value, about: About) -> Mask:
        if not value.has(ADDRESS):
            return super().read(value, about)
        width, height = sides_in(value)
        address = value.text(ADDRESS)
        if len(address) > MOST_CHARACTERS:
            message = f"has {len(address):,} characters; at most {MOST_CHARACTERS:,} are possible."
            raise value.error(message, ADDRESS)
        try:
            runs = runs_in(address, width=width, height=height, most_runs=MOST_BYTES)
        except NotAMask as error:
            raise value.error(f"cannot be read: {error}", ADDRESS) from None
        if not runs:
            raise value.error("the mask is empty; leave the region out.", ADDRESS)
        mask = Mask(width, height, runs)
        is_kept = len(pack(runs, pixels=width * height)) <= MOST_BYTES
        if not is_kept or len(picture_of(runs, width=width, height=height)) > MOST_CHARACTERS:
            raise value.error("the mask is too ragged to be kept.", ADDRESS)
        return mask

    def shown(self, shape: Mask) -> dict[str, object]:
        """The value as the editor reads it."""
        address = picture_of(shape.runs, width=shape.width, height=shape.height)
        return {SIDES[0]: shape.width, SIDES[1]: shape.height, ADDRESS: address}


KIND = BitmaskKind()
