"""What of an audit event is sealed: its leaf in the log, as bytes that anybody can make again from what they read.

A leaf is the event as one JSON object in the canonical form of RFC 8785, all values strings: so there is no number that
could be written in two ways. ``details`` stands in it as the text of its JSON, exactly as the database writes it.
"""

import json
from collections.abc import Sequence
from typing import Final

NAMES: Final = (
    "action",
    "actor_id",
    "actor_kind",
    "at",
    "details",
    "from_state",
    "id",
    "subject_id",
    "subject_type",
    "to_state",
    "tx",
    "why",
)
"""Every column of an event, in the order of the canonical form."""

WRITTEN: Final = {
    "at": """to_char({0}.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "details": "{0}.details::text",
    "id": "{0}.id::text",
    "tx": "{0}.tx::text",
}
"""Columns that are not text by themselves, as the database writes them; ``{0}`` is the table's alias."""

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def selected(alias: str) -> str:
    """The columns of an event as a statement selects them for ``leaf_of``."""
    return ", ".join(WRITTEN.get(name, f"{{0}}.{name}").format(alias) for name in NAMES)


def event_of(values: Sequence[str]) -> dict[str, str]:
    """The event by its names, from ``values`` as ``selected`` reads them."""
    return dict(zip(NAMES, values, strict=True))


def leaf_of(values: Sequence[str]) -> bytes:
    """The bytes that are sealed."""
    return _encode(event_of(values)).encode()
