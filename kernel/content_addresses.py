"""Addresses on the content origin: short-lived, signed, and each made for one person to see one file for one purpose.

An address is good for nothing by itself: the content server asks at each request whether what it was made for still
holds (`marketplace.content`). All have the same length, whatever they lead to, and the signature has a salt of its own.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from kernel import clock
from kernel.principal import Principal

AddressOf = Callable[[UUID], str]
"""Where a media can be had now, by whoever is shown it."""

LASTS: Final = timedelta(minutes=10)
REFERENCE: Final = "media:"
"""How a value of an item refers to a file: this, and the id of the media."""

_REFERENCE: Final = re.compile(r"media:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
_FORM: Final = struct.Struct(">c16s16s16s16sI")  # 69 bytes: base64 of it needs no padding
_SALT: Final = "assay.content"
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Purpose:
    """For what somebody sees files: ``kind`` is one letter that the content server knows, ``subject_id`` what of it.

    It counts for one person (``user_id``) and for the session or API key through which they asked (``way_in_id``).
    """

    kind: str
    subject_id: UUID
    user_id: UUID
    way_in_id: UUID


@dataclass(frozen=True, slots=True)
class Address:
    """Which file, for what, until when."""

    media_id: UUID
    purpose: Purpose
    expires_at: datetime


def media_in(value: object) -> UUID | None:
    """The media that a value of an item refers to, written ``media:<id>`` in lower case; None for any other value."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return UUID(found[1]) if found else None


def reference_to(media_id: UUID) -> str:
    """How a value of an item refers to this media."""
    return f"{REFERENCE}{media_id}"


def addresses(kind: str, subject_id: UUID, *, principal: Principal) -> AddressOf:
    """Addresses for whoever asks, for a purpose of this kind."""
    user, way_in = principal.user, principal.way_in
    assert user is not None and way_in is not None, "Only who is signed in is shown media."
    purpose = Purpose(kind, subject_id, user.pk, way_in.pk)
    return lambda media_id: address_for(media_id, purpose)


def address_for(media_id: UUID, purpose: Purpose) -> str:
    """Where this file can be had now, for this purpose and for a few minutes."""
    ends = int((clock.now() + LASTS).timestamp())
    ids = (media_id.bytes, purpose.subject_id.bytes, purpose.user_id.bytes, purpose.way_in_id.bytes)
    packed = _FORM.pack(purpose.kind.encode("ascii"), *ids, ends)
    written = base64.urlsafe_b64encode(packed).decode("ascii")
    return f"{settings.CONTENT_ORIGIN}/{_signer().sign(written)}"


def read_address(path: str) -> Address | None:
    """What the path of an address on the content origin says; None when we did not write it, or it has run out."""
    written = path.removeprefix("/")
    if len(written) > _LONGEST or not written.isascii():
        return None
    try:
        packed = base64.urlsafe_b64decode(_signer().unsign(written))
        kind, media, subject, user, way_in, ends = _FORM.unpack(packed)
    except (BadSignature, binascii.Error, struct.error):
        return None
    if ends <= clock.now().timestamp():
        return None
    purpose = Purpose(kind.decode("ascii"), UUID(bytes=subject), UUID(bytes=user), UUID(bytes=way_in))
    return Address(UUID(bytes=media), purpose, datetime.fromtimestamp(ends, clock.now().tzinfo))


def _signer() -> Signer:
    return Signer(salt=_SALT, sep=".", algorithm="sha256")
