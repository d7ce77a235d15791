"""Rotation: wraps keys anew under the current master key, while others read and write what the keys seal.

Only the wrapping changes; keys and all that they sealed stay as they are. Each batch is one transaction, and which
master key wraps a row stands in the row, so a rotation may stop anywhere, start again, or run twice at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kernel import clock
from kernel.keyring import CannotOpen, UnknownMasterKey, wrap
from kernel.models.keys import SubjectKey
from kernel.services.audit import Actor, record
from kernel.services.subject_keys import keyring, secret_of

AT_ONCE: Final = 200
ROTATION: Final = Actor.system("key_rotation")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction of a rotation did; ``last`` is the last row it looked at, none when there was no row."""

    rewrapped: int
    unopened: tuple[UUID, ...]
    last: UUID | None


def rotate_keys(*, at_once: int = AT_ONCE) -> Iterator[Batch]:
    """Wrap every outdated key under the current master key, by batches. Those that do not open are named and left."""
    unopened: list[UUID] = []
    last: UUID | None = UUID(int=0)
    while last is not None:
        batch = rewrap_batch(after=last, at_most=at_once)
        unopened += batch.unopened
        last = batch.last
        yield batch
    for key_id in list(outdated_keys().exclude(pk__in=unopened).order_by("id").values_list("id", flat=True)):
        yield rewrap_key(key_id=key_id)  # a writer held it before, or it is newer than its batch


def outdated_keys() -> QuerySet[SubjectKey]:
    """Keys wrapped under a master key that is not the current one."""
    return SubjectKey.objects.filter(destroyed_at__isnull=True).exclude(master_key_id=keyring().current.id)


@transaction.atomic
def rewrap_batch(*, after: UUID, at_most: int = AT_ONCE) -> Batch:
    """Rewrap the next outdated keys, by id. Rows that a writer holds are passed over: who holds rows may not wait."""
    following = outdated_keys().filter(pk__gt=after).order_by("id")
    return _rewrap(following.select_for_update(no_key=True, skip_locked=True)[:at_most])


@transaction.atomic
def rewrap_key(*, key_id: UUID) -> Batch:
    """Rewrap one key if it is outdated, waiting for whoever holds it."""
    return _rewrap(outdated_keys().filter(pk=key_id).select_for_update(no_key=True))


def _rewrap(keys: Iterable[SubjectKey]) -> Batch:
    master = keyring().current
    rewrapped: list[SubjectKey] = []
    unopened: list[UUID] = []
    last: UUID | None = None
    for key in keys:
        last = key.pk
        try:
            secret = secret_of(key)
        except (CannotOpen, UnknownMasterKey):
            unopened.append(key.pk)
            continue
        key.wrapped_key = wrap(secret, under=master, context=[key.subject, key.purpose])
        key.master_key_id, key.rewrapped_at = master.id, clock.now()
        rewrapped.append(key)
    for key in rewrapped:
        record(action="subject_key.rewrapped", subject=key, by=ROTATION, details={"master_key": master.id})
    SubjectKey.objects.bulk_update(rewrapped, ["wrapped_key", "master_key_id", "rewrapped_at"])
    return Batch(rewrapped=len(rewrapped), unopened=tuple(unopened), last=last)
