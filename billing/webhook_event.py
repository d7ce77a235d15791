"""What the body of a webhook says, once Stripe's signature under it is known to be right."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kernel import strict_json

LONGEST_NAME: Final = 100
"""Of ids and types; those of Stripe's have at most about 60 characters."""


@dataclass(frozen=True)
class WebhookEvent:
    """An event that Stripe signed. ``account`` is "" for the platform's own; ``payload`` is the whole event."""

    id: str
    type: str
    account: str
    object_id: str
    object_type: str
    created: datetime
    payload: dict[str, Any]


def event_in(raw_body: bytes) -> WebhookEvent:
    """The event that the body holds. Raises ValueError when it holds none, or one that could not be kept."""
    payload: Any = strict_json.loads(raw_body)
    try:
        subject = payload["data"]["object"]
        return WebhookEvent(
            id=_name(payload["id"]),
            type=_name(payload["type"]),
            account=_name(payload.get("account") or ""),
            object_id=_name(subject.get("id") or ""),
            object_type=_name(subject["object"]),
            created=datetime.fromtimestamp(payload["created"], UTC),
            payload=payload,
        )
    except (LookupError, TypeError, AttributeError, OverflowError) as problem:
        raise ValueError("It has not the shape of an event.") from problem


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise TypeError("Ids and types are short texts.")
    return value
