"""Checkpoints: what a log was at some size, signed, as text that anybody can keep and check.

The text is a C2SP tlog-checkpoint with one extension line, the time; the signature is that of a C2SP signed note with
Ed25519. Keys are written as such notes have them: ``name+8 hex digits+base64`` for the public one.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured

ED25519: Final = b"\x01"
KEY_BYTES: Final = 32
FEWEST_DIFFERENT_BYTES: Final = 12
NAME: Final = re.compile(r"[A-Za-z0-9._/-]{1,100}")
TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
SIGNATURE: Final = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")


class WrongNote(Exception):
    """A text that no key of ours has signed; the message says what is wrong with it."""


class WrongCheckpoint(WrongNote):
    """A text that is no checkpoint of ours."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom a checkpoint can be checked against. ``name`` is the log's: it stays when the key is changed."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The 4 bytes by which a signature says which key it is of."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def read(cls, written: str) -> "PublicKey":
        """The key that ``str`` writes. Raises ValueError."""
        name, digits, encoded = written.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        key = cls(name, raw[1:])
        if raw[:1] != ED25519 or len(raw) != 1 + KEY_BYTES or key.id.hex() != digits:
            raise ValueError("a part of it was changed or left out")
        return key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs checkpoints and other notes. Its secret never leaves this module, nor shows in a repr."""

    name: str
    secret: bytes = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """The half that everybody may know."""
        private = Ed25519PrivateKey.from_private_bytes(self.secret)
        return PublicKey(self.name, private.public_key().public_bytes_raw())

    def signed(self, text: str) -> str:
        """The note: the text, whose last line is ended and none of whose lines is empty, and the signature."""
        if not text.endswith("\n") or "\n\n" in text:
            raise ValueError("What is signed are lines, each of them ended and none of them empty.")
        signature = Ed25519PrivateKey.from_private_bytes(self.secret).sign(text.encode())
        signed = base64.b64encode(self.public.id + signature).decode()
        return f"{text}\n— {self.name} {signed}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """That the log called ``origin`` had ``size`` events under ``root`` at some time."""

    origin: str
    size: int
    root: bytes
    at: datetime

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\n{self.at.astimezone(UTC):{TIME}}\n"

    def signed(self, key: SigningKey) -> str:
        """The note: the text, an empty line, and the signature."""
        return key.signed(self.text)


def read_checkpoint(note: str, *, trusted: Sequence[PublicKey]) -> Checkpoint:
    """What ``note`` says, once one of the ``trusted`` keys is known to have signed it. Raises WrongCheckpoint."""
    checkpoint = _parsed(note.partition("\n\n")[0] + "\n")
    try:
        read_note(note, trusted=[key for key in trusted if key.name == checkpoint.origin])
    except WrongNote as fault:
        raise WrongCheckpoint(str(fault)) from fault
    return checkpoint


def read_note(note: str, *, trusted: Sequence[PublicKey]) -> str:
    """The text of ``note``, once one of the ``trusted`` keys is known to have signed it. Raises WrongNote."""
    text, gap, signatures = note.partition("\n\n")
    found = [SIGNATURE.fullmatch(line) for line in signatures.splitlines()]
    if not gap or not found or not all(found):
        raise WrongNote("it is not signed in a form that can be read.")
    for match in found:
        assert match
        signed = _decoded(match[2])
        for key in trusted:
            if (key.name, key.id) == (match[1], signed[:4]):
                _check(key, signed[4:], text + "\n")
                return text + "\n"
    raise WrongNote(
        "it is signed with a key that is not trusted here. If the key was changed, put its old public key "
        "into ASSAY_AUDIT_TRUSTED_KEYS."
    )


def signing_key_of(entry: str) -> SigningKey:
    """The key written as ``name:base64`` of 32 bytes. Raises ImproperlyConfigured; no message repeats the secret."""
    name, colon, encoded = entry.partition(":")
    if not colon or not NAME.fullmatch(name):
        raise ImproperlyConfigured(
            "ASSAY_AUDIT_KEY is written name:base64, the name in letters, digits and . _ / -; make it anew."
        )
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ImproperlyConfigured(f"The key of ASSAY_AUDIT_KEY ({name}) is not base64.") from error
    if len(secret) != KEY_BYTES or len(set(secret)) < FEWEST_DIFFERENT_BYTES:
        raise ImproperlyConfigured(f"The key of ASSAY_AUDIT_KEY ({name}) must be {KEY_BYTES} random bytes.")
    return SigningKey(name, secret)


def new_signing_key(name: str) -> str:
    """A fresh ``name:base64`` entry for ASSAY_AUDIT_KEY."""
    return f"{name}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _parsed(text: str) -> Checkpoint:
    try:
        origin, size, root, at = text.removesuffix("\n").split("\n")
        parsed = Checkpoint(
            origin, int(size), base64.b64decode(root, validate=True), datetime.strptime(at, TIME).replace(tzinfo=UTC)
        )
    except ValueError as error:
        raise WrongCheckpoint("it is no checkpoint of an audit log of Assay.") from error
    if parsed.text != text:
        raise WrongCheckpoint("it is not written as checkpoints are.")
    return parsed


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except binascii.Error as error:
        raise WrongNote("its signature was cut or changed.") from error


def _check(key: PublicKey, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature as error:
        raise WrongNote(f"its signature is not that of the key {key.name} ({key.id.hex()}).") from error
