"""What happened, told once and never changed; and the log in which it is sealed (docs/audit.md, ADR 0012)."""

from typing import Final
from uuid import UUID

from django.db import models
from django.db.models.functions import Cast

TRANSACTION: Final = Cast(
    Cast(models.Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField()
)
"""The number of the transaction that is under way."""


class AuditEvent(models.Model):
    """One thing that somebody did. Triggers refuse UPDATE, DELETE and TRUNCATE.

    ``id`` is made by the database: it begins with a sequence, so it orders events, and the rest of it is random. ``tx``
    is the transaction that left the event; events that share it happened together. A trigger sets it.
    """

    id = models.UUIDField(primary_key=True, db_default=models.Func(function="next_audit_event_id"), editable=False)
    tx = models.BigIntegerField(db_default=TRANSACTION, editable=False)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=100)
    action = models.CharField(max_length=100)
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=100)
    from_state = models.CharField(max_length=30, blank=True, default="")
    to_state = models.CharField(max_length=30, blank=True, default="")
    why = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id", "id"], name="audit_by_subject"),
            models.Index(fields=["tx", "id"], name="audit_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_kind}:{self.actor_id} {self.action} {self.subject_id}"


class AuditSeal(models.Model):
    """The place of one event in the log, for ever: a leaf of its Merkle tree. Rows are facts."""

    position = models.BigIntegerField(primary_key=True)
    # Not a constraint of the database: checking it would lock, and so write, each event once more.
    event = models.OneToOneField(AuditEvent, on_delete=models.DO_NOTHING, db_constraint=False, related_name="seal")
    leaf_hash = models.BinaryField()

    event_id: UUID

    def __str__(self) -> str:
        return f"position {self.position}"


class AuditSubtree(models.Model):
    """The hash over 256 seals in a row (tier 1), or over 256 such hashes (tier 2 and on). Rows are facts.

    With these a proof reads a few hundred hashes however long the log is.
    """

    id = models.BigAutoField(primary_key=True)
    tier = models.PositiveSmallIntegerField()
    place = models.BigIntegerField(help_text="Which of its tier, from 0.")
    hash = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tier", "place"], name="one_subtree_per_place")]

    def __str__(self) -> str:
        return f"subtree {self.place} of tier {self.tier}"


class AuditCheckpoint(models.Model):
    """What the log was when it had ``size`` events: its root, the time, and a signature over both. Rows are facts."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField(help_text="The checkpoint as it is signed and given away.")
    signed_at = models.DateTimeField()
    # Where the sealer goes on: everything up to here, in the order of transaction and id, has its seal.
    last_tx = models.BigIntegerField()
    last_event_id = models.UUIDField()

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"
