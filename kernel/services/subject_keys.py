"""Keys per subject: made, opened, destroyed."""

from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final

from django.conf import settings
from django.db import connection, transaction

from kernel import clock
from kernel.environment import kept_secret
from kernel.errors import Refused
from kernel.keyring import Keyring, keyring_of, new_key, new_master_key, unwrap, wrap
from kernel.models.keys import SubjectKey
from kernel.services.audit import Actor, record

KEYRING: Final = Actor.system("keyring")


class KeyDestroyed(Refused):
    """The key was destroyed to erase what it sealed; nobody can open that any more."""

    code: ClassVar[str] = "erased"


def keyring() -> Keyring:
    """The master keys of this installation: as set, or the one it made and keeps for itself outside production."""
    if settings.MASTER_KEYS:
        return _keyring_of(tuple(settings.MASTER_KEYS))
    return _kept_keyring(settings.MASTER_KEYS_FILE)


def key_for_sealing(*, subject: str, purpose: SubjectKey.Purpose) -> SubjectKey:
    """The subject's key for ``purpose``, made when there is none, and locked until the caller's transaction ends.

    The lock lets what is sealed now not cross a destruction or another writer of the same subject. Raises KeyDestroyed.
    """
    assert connection.in_atomic_block, "A key is locked for the transaction that writes what it seals."
    mine = SubjectKey.objects.filter(subject=subject, purpose=purpose).select_for_update(no_key=True)
    key = mine.first()
    if key is None:
        make_key(subject=subject, purpose=purpose)
        key = mine.get()
    _refuse_destroyed(key)
    return key


def lasting_key(*, subject: str, purpose: SubjectKey.Purpose) -> SubjectKey:
    """The subject's key for ``purpose``, made when there is none; not locked."""
    mine = SubjectKey.objects.filter(subject=subject, purpose=purpose)
    key = mine.first()
    if key is None:
        make_key(subject=subject, purpose=purpose)
        key = mine.get()
    return key


@transaction.atomic
def make_key(*, subject: str, purpose: SubjectKey.Purpose) -> None:
    """Make the subject's key for ``purpose`` unless somebody just did."""
    master = keyring().current
    wrapped = wrap(new_key(), under=master, context=[subject, purpose])
    key = SubjectKey(subject=subject, purpose=purpose, wrapped_key=wrapped, master_key_id=master.id)
    SubjectKey.objects.bulk_create([key], ignore_conflicts=True)  # of two makers at once, the first one's key stays
    if SubjectKey.objects.filter(pk=key.pk).exists():
        record(action="subject_key.made", subject=key, by=KEYRING, details={"purpose": purpose.value})


def secret_of(key: SubjectKey) -> bytes:
    """The key itself. Raises KeyDestroyed, UnknownMasterKey, or CannotOpen when the row was tampered with."""
    _refuse_destroyed(key)
    master = keyring().find(key.master_key_id)
    return unwrap(bytes(key.wrapped_key), under=master, context=[key.subject, key.purpose])


@transaction.atomic
def destroy_key(*, subject: str, purpose: SubjectKey.Purpose, by: Actor, why: str) -> None:
    """Make everything under the subject's key for ``purpose`` unreadable for ever. A second time changes nothing."""
    key = SubjectKey.objects.filter(subject=subject, purpose=purpose).select_for_update(no_key=True).first()
    if key is None or key.destroyed_at:
        return
    key.wrapped_key, key.destroyed_at = b"", clock.now()
    key.save(update_fields=["wrapped_key", "destroyed_at"])
    record(action="subject_key.destroyed", subject=key, by=by, why=why, details={"purpose": purpose.value})


def _refuse_destroyed(key: SubjectKey) -> None:
    if key.destroyed_at:
        raise KeyDestroyed("What was asked for has been erased; nobody can read it any more.")


@lru_cache(maxsize=8)
def _keyring_of(entries: tuple[str, ...]) -> Keyring:
    return keyring_of(entries)


@lru_cache(maxsize=8)
def _kept_keyring(file: Path) -> Keyring:
    kept = kept_secret(file, make=lambda: new_master_key("local"))
    return keyring_of([entry.strip() for entry in kept.split(",") if entry.strip()])
