"""Personal data: sealed, opened, compared and given pseudonyms, each under a key of its own.

Master keys wrap one random key per subject and purpose (kernel/services/subject_keys.py); from that comes a key per
column, which seals with AES-256-GCM. Region, column and subject are bound in, so that a sealed value opens in its own
place only. See docs/adr/0003-keys-for-personal-data.md.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final
from uuid import UUID

from kernel.keyring import derive, open_bytes, seal_bytes
from kernel.models.keys import SubjectKey
from kernel.services.subject_keys import lasting_key, secret_of

INSTALLATION: Final = "installation"
"""The subject of the keys that belong to nobody in particular."""

PSEUDONYM_CHARACTERS: Final = 10  # 50 bits: among 100,000 workers of one client, two alike once in 200,000 clients


def seal(text: str, *, key: SubjectKey, subject: str, column: str, region: str) -> bytes:
    """``text`` for ``column`` (``table.column``) of ``subject``'s row, in ``region``, under that subject's ``key``."""
    assert key.subject == subject, "Personal data is sealed under its own subject's key."
    secret = derive(secret_of(key), "column", column)
    return seal_bytes(text.encode(), secret=secret, context=[region, column, subject, key.purpose])


def unseal(sealed: bytes, *, key: SubjectKey, subject: str, column: str, region: str) -> str:
    """What ``seal`` sealed for the same place. ``subject`` is whose row it stands in, not what the key says of itself.

    Raises KeyDestroyed after an erasure, UnknownMasterKey when the key's master key is not set, and CannotOpen when the
    value was altered or moved here from another row, column, subject or region.
    """
    secret = derive(secret_of(key), "column", column)
    return open_bytes(bytes(sealed), secret=secret, context=[region, column, subject, key.purpose]).decode()


def blind_index(value: str, *, column: str) -> str:
    """64 hex digits by which equal values of ``column`` find each other, and which tell nothing without the key."""
    key = lasting_key(subject=INSTALLATION, purpose=SubjectKey.Purpose.BLIND_INDEX)
    return hmac.new(derive(secret_of(key), "blind index", column), value.encode(), hashlib.sha256).hexdigest()


def pseudonym(*, worker_id: UUID, scope: str) -> str:
    """What ``scope`` (a client's id) calls this worker: always the same there, and nothing like it elsewhere."""
    return pseudonyms(scope=scope)(worker_id)


def pseudonyms(*, scope: str) -> Callable[[UUID], str]:
    """``pseudonym`` for many workers of one scope, at the price of one query."""
    key = lasting_key(subject=INSTALLATION, purpose=SubjectKey.Purpose.PSEUDONYM)
    secret = derive(secret_of(key), "pseudonym", scope)

    def of(worker_id: UUID) -> str:
        digest = hmac.new(secret, worker_id.bytes, hashlib.sha256).digest()
        return f"w-{base64.b32encode(digest).decode().lower()[:PSEUDONYM_CHARACTERS]}"

    return of
