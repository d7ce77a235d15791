"""The sealed audit log as it is read: its tree, its checkpoints, and the proofs that come from them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from kernel.audit_content import event_of, selected
from kernel.checkpoints import PublicKey, SigningKey, new_signing_key, signing_key_of
from kernel.environment import kept_secret
from kernel.errors import Invalid, NotFound, Refused
from kernel.merkle import Node, consistency_path, inclusion_path, node_hash
from kernel.models import AuditCheckpoint, AuditSeal, AuditSubtree

TIER_LEVELS: Final = 8
TIER_WIDTH: Final = 1 << TIER_LEVELS


class NotSealed(Refused):
    """The event is not in the log yet: the sealer takes it within seconds of its commit."""

    code: ClassVar[str] = "not_sealed"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an event stands in the log of ``checkpoint``; it holds without us, by RFC 6962 and the public key."""

    event: dict[str, str]
    position: int
    path: list[str]
    checkpoint: str

    def written(self) -> dict[str, Any]:
        """As JSON that the stand-alone verifier reads."""
        return {
            "kind": "inclusion",
            "event": self.event,
            "position": self.position,
            "path": self.path,
            "checkpoint": self.checkpoint,
        }


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the log of the ``old`` checkpoint is how the log of the ``new`` one begins."""

    old: str
    new: str
    path: list[str]

    def written(self) -> dict[str, Any]:
        """As JSON that the stand-alone verifier reads."""
        return {"kind": "consistency", "old": self.old, "new": self.new, "path": self.path}


def signing_key() -> SigningKey:
    """The key that signs checkpoints: as set, or the one that was made and is kept outside production."""
    if settings.AUDIT_KEY:
        return _signing_key_of(settings.AUDIT_KEY)
    return _kept_signing_key(settings.AUDIT_KEY_FILE)


def trusted_keys() -> list[PublicKey]:
    """The keys whose checkpoints count: the public half of the signing key, and those of before."""
    return [signing_key().public, *_public_keys_of(tuple(settings.AUDIT_TRUSTED_KEYS))]


def latest_checkpoint() -> AuditCheckpoint | None:
    """The newest checkpoint; None before anything was sealed."""
    return AuditCheckpoint.objects.order_by("-size").first()


def stored_tree() -> Node:
    """The full subtrees of the log, by what is stored of it; each call reads at most 256 hashes, and only once."""

    @cache
    def tile(tier: int, number: int) -> list[bytes]:
        start, end = number * TIER_WIDTH, (number + 1) * TIER_WIDTH
        if tier == 0:
            seals = AuditSeal.objects.filter(position__gte=start, position__lt=end).order_by("position")
            return [bytes(hash_) for hash_ in seals.values_list("leaf_hash", flat=True)]
        subtrees = AuditSubtree.objects.filter(tier=tier, place__gte=start, place__lt=end).order_by("place")
        return [bytes(hash_) for hash_ in subtrees.values_list("hash", flat=True)]

    def node(level: int, place: int) -> bytes:
        tier, above = divmod(level, TIER_LEVELS)
        first = place << above
        number, within = divmod(first, TIER_WIDTH)
        hashes = tile(tier, number)[within : within + (1 << above)]
        if len(hashes) != 1 << above:
            raise BrokenLog(f"The log has not all it once had: hashes of tier {tier} from {first} on are missing.")
        while len(hashes) > 1:
            hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    return node


class BrokenLog(Exception):
    """What is stored of the log does not hold together; `manage.py audit verify` says where."""


def prove_inclusion(*, event_id: UUID) -> InclusionProof:
    """That this event is in the log of the newest checkpoint. Raises NotFound, or NotSealed."""
    seal = AuditSeal.objects.filter(event_id=event_id).first()
    values = _read_event(event_id)
    if values is None:
        raise NotFound("audit event")
    checkpoint = latest_checkpoint()
    if seal is None or checkpoint is None:
        raise NotSealed("This event is not sealed yet. It will be a few seconds after its commit; ask again then.")
    path = inclusion_path(seal.position, checkpoint.size, stored_tree())
    return InclusionProof(event_of(values), seal.position, encoded(path), checkpoint.note)


def prove_consistency(*, old_size: int) -> ConsistencyProof:
    """That nothing changed before ``old_size`` since the checkpoint of that size. Raises Invalid."""
    old, new = AuditCheckpoint.objects.filter(size=old_size).first(), latest_checkpoint()
    if old is None or new is None:
        raise Invalid(f"There is no checkpoint of {old_size} events. Give the size that stands in one of ours.")
    path = consistency_path(old.size, new.size, stored_tree()) if old.size else []
    return ConsistencyProof(old.note, new.note, encoded(path))


def encoded(hashes: Sequence[bytes]) -> list[str]:
    """Hashes as proofs carry them."""
    return [base64.b64encode(hash_).decode() for hash_ in hashes]


def _read_event(event_id: UUID) -> Sequence[str] | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {selected('event')} FROM kernel_auditevent event WHERE event.id = %s", [event_id])  # noqa: S608  (all of it ours)
        found: tuple[str, ...] | None = cursor.fetchone()
    return found


@lru_cache(maxsize=8)
def _signing_key_of(entry: str) -> SigningKey:
    return signing_key_of(entry)


@lru_cache(maxsize=8)
def _kept_signing_key(file: Path) -> SigningKey:
    return signing_key_of(kept_secret(file, make=lambda: new_signing_key("local")).strip())


@lru_cache(maxsize=8)
def _public_keys_of(entries: tuple[str, ...]) -> list[PublicKey]:
    try:
        return [PublicKey.read(entry) for entry in entries]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"ASSAY_AUDIT_TRUSTED_KEYS holds what is no public key of a log ({error}). Write them as "
            "`manage.py audit key` prints them."
        ) from error
