"""The audit table's only writer: who did what to which row, and why, in the transaction that did it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, models

from kernel import clock
from kernel.models.audit import AuditEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person (``kind`` "user", with their id), or a named part of the system (``kind`` "system")."""

    kind: str
    id: str

    @classmethod
    def user(cls, user: models.Model) -> "Actor":
        """The signed-in person ``user``."""
        return cls("user", str(user.pk))

    @classmethod
    def system(cls, name: str) -> "Actor":
        """A part of Assay that acts by rule, such as ``review_window`` or ``stripe_webhook``."""
        return cls("system", name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def record(
    *,
    action: str,
    subject: models.Model,
    by: Actor,
    why: str = "",
    from_state: str = "",
    to_state: str = "",
    details: Mapping[str, object] | None = None,
) -> None:
    """Leave an audit event in the caller's transaction.

    ``action`` is ``noun.past_participle``; ``details`` holds plain JSON values and nothing personal.
    """
    assert connection.in_atomic_block, "An audit event belongs to the transaction of what it tells of."
    AuditEvent.objects.create(
        at=clock.now(),
        actor_kind=by.kind,
        actor_id=by.id,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        from_state=str(from_state),
        to_state=str(to_state),
        why=why,
        details=dict(details or {}),
    )
