"""What the audit is told of postings: which were made, and a digest of what each of them moved."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from billing.models import Posting
from kernel.rows import Statement
from kernel.services.audit import Actor, telling

LEDGER: Final = Actor.system("ledger")
ACTION: Final = "ledger.posted"


class Moved(NamedTuple):
    """One entry of a posting, with the accounts by what they are and whose."""

    source_kind: str
    source_owner: str
    target_kind: str
    target_owner: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Posted:
    """All that a posting says, as it was made or as it is read again."""

    id: UUID
    key: str
    kind: str
    subject: str
    at: datetime
    reverses_id: UUID | None
    details: Mapping[str, Any]
    entries: Sequence[Moved]

    @property
    def digest(self) -> str:
        """64 hex digits that change with anything it says."""
        said = [
            str(self.id),
            self.key,
            str(self.kind),
            self.subject,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            str(self.reverses_id or ""),
            self.details,
            self.entries,
        ]
        return hashlib.sha256(_PLAIN.encode(said).encode()).hexdigest()


_PLAIN: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def told_of(*, posted: Sequence[Posted]) -> Statement:
    """What leaves one event for all that are ``posted`` by one call, about the first of them; it returns a row."""
    details = {"postings": {str(one.id): one.digest for one in posted}}
    told = telling(action=ACTION, subject=Posting(pk=posted[0].id), by=LEDGER, details=details)
    return Statement(f"{told.sql} RETURNING tx", told.values)
