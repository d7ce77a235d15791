"""The audit table's only writer: who did what to which row, and why, in the transaction that did it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection, models

from kernel import clock
from kernel.rows import Statement, planned_cursor


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
    told = telling(
        action=action, subject=subject, by=by, why=why, from_state=from_state, to_state=to_state, details=details
    )
    with planned_cursor() as cursor:
        cursor.execute(told.sql, told.values)


def telling(
    *,
    action: str,
    subject: models.Model,
    by: Actor,
    why: str = "",
    from_state: str = "",
    to_state: str = "",
    details: Mapping[str, object] | None = None,
) -> Statement:
    """What ``record`` would write, for whoever writes it in one statement with what it tells of (`kernel.rows`)."""
    assert connection.in_atomic_block, "An audit event belongs to the transaction of what it tells of."
    about = (subject._meta.label_lower, str(subject.pk))
    plain = json.dumps(dict(details or {}))
    return Statement(_TELL, [clock.now(), by.kind, by.id, action, *about, str(from_state), str(to_state), why, plain])


_TELL: Final = """
INSERT INTO kernel_auditevent
    (at, actor_kind, actor_id, action, subject_type, subject_id, from_state, to_state, why, details)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
