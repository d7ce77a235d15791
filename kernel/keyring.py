"""Master keys, and sealing under keys derived from them: bytes in, bytes out, no database.

See docs/adr/0003-keys-for-personal-data.md.
"""

import base64
import binascii
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FORMAT: Final = b"\x01"
FEWEST_DIFFERENT_BYTES: Final = 12  # 32 random bytes have fewer about once in 10^17 keys; a typed placeholder has
MASTER_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class CannotOpen(Exception):
    """A sealed value is not what was sealed for this place: it was altered, or moved from elsewhere."""


class UnknownMasterKey(Exception):
    """Something is wrapped under a master key that this installation was not given."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One of the installation's own keys. Its secret never leaves this module, nor shows in a repr."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The master keys, the current one first; the others only open what they wrapped before."""

    keys: tuple[MasterKey, ...]

    @property
    def current(self) -> MasterKey:
        """The key that new subject keys are wrapped under."""
        return self.keys[0]

    def find(self, master_key_id: str) -> MasterKey:
        """The key of this id. Raises UnknownMasterKey with what to do."""
        for key in self.keys:
            if key.id == master_key_id:
                return key
        raise UnknownMasterKey(
            f"This needs master key {master_key_id!r}, and ASSAY_MASTER_KEYS holds only: "
            f"{', '.join(key.id for key in self.keys)}. Put it back, behind the current one, and run rotate_keys."
        )


def keyring_of(entries: Sequence[str]) -> Keyring:
    """The keyring written as ``id:base64`` entries. Raises ImproperlyConfigured; no message repeats a secret."""
    if not entries:
        raise ImproperlyConfigured("ASSAY_MASTER_KEYS is not set; without it personal data cannot be sealed or opened.")
    keys = tuple(_master_key(entry, place=place) for place, entry in enumerate(entries, start=1))
    if len({key.id for key in keys}) < len(keys) or len({key.secret for key in keys}) < len(keys):
        raise ImproperlyConfigured("ASSAY_MASTER_KEYS names the same key twice; every id and every key stands once.")
    return Keyring(keys)


def new_master_key(master_key_id: str) -> str:
    """A fresh ``id:base64`` entry for ASSAY_MASTER_KEYS."""
    return f"{master_key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def new_key() -> bytes:
    """A fresh random key."""
    return os.urandom(KEY_BYTES)


def wrap(key: bytes, *, under: MasterKey, context: Sequence[str]) -> bytes:
    """``key`` sealed under a master key; it opens only with the same ``context``."""
    return seal_bytes(key, secret=derive(under.secret, "wrap"), context=[under.id, *context])


def unwrap(wrapped: bytes, *, under: MasterKey, context: Sequence[str]) -> bytes:
    """The key that ``wrap`` sealed. Raises CannotOpen."""
    return open_bytes(wrapped, secret=derive(under.secret, "wrap"), context=[under.id, *context])


def derive(secret: bytes, *purpose: str) -> bytes:
    """A key of its own for ``purpose``, from ``secret`` (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_unambiguous(["assay", *purpose])).derive(secret)


def seal_bytes(plain: bytes, *, secret: bytes, context: Sequence[str]) -> bytes:
    """``plain`` under AES-256-GCM, bound to ``context`` as associated data: format, nonce, ciphertext with tag."""
    nonce = os.urandom(NONCE_BYTES)
    return FORMAT + nonce + AESGCM(secret).encrypt(nonce, plain, _unambiguous(context))


def open_bytes(sealed: bytes, *, secret: bytes, context: Sequence[str]) -> bytes:
    """What ``seal_bytes`` sealed. Raises CannotOpen."""
    if sealed[:1] != FORMAT:
        raise CannotOpen("A sealed value is in no format that this version of Assay knows.")
    nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCM(secret).decrypt(nonce, body, _unambiguous(context))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen(
            f"A sealed value does not open as {' / '.join(context)}: it was altered, or belongs elsewhere."
        ) from error


def _master_key(entry: str, *, place: int) -> MasterKey:
    master_key_id, colon, encoded = entry.partition(":")
    which = f"Key {place} of ASSAY_MASTER_KEYS"
    if not colon or not MASTER_KEY_ID.fullmatch(master_key_id):
        raise ImproperlyConfigured(
            f"{which} must be written id:base64, the id in letters, digits, _ and - (at most 32)."
        )
    try:
        secret = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error as error:
        raise ImproperlyConfigured(f"{which} ({master_key_id}) is not base64.") from error
    if len(secret) != KEY_BYTES:
        raise ImproperlyConfigured(f"{which} ({master_key_id}) has {len(secret)} bytes; it must have {KEY_BYTES}.")
    if len(set(secret)) < FEWEST_DIFFERENT_BYTES:
        raise ImproperlyConfigured(f"{which} ({master_key_id}) is a placeholder; a key is {KEY_BYTES} random bytes.")
    return MasterKey(master_key_id, secret)


def _unambiguous(parts: Sequence[str]) -> bytes:
    """The parts as bytes that no other parts give: each behind its length."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
