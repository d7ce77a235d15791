"""Events go up through the outbox: written with what they tell of, delivered at least once, parked when they keep failing.

An event is a frozen dataclass of plain JSON values (ids as strings). A reaction is a function of one event. It runs in a
transaction of its own together with the mark that it is done, so its effect happens exactly once; a reaction that speaks to
the network is subscribed with ``in_transaction=False``, keeps its own transactions short, and must be safe to run again.
"""

import dataclasses
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import connection, transaction

from kernel import clock
from kernel.models.outbox import OutboxMessage

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
PARKED_AFTER_ATTEMPTS: Final = 12
LONGEST_PAUSE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Subscription:
    """That ``reaction`` follows ``event``."""

    event: type
    reaction: Callable[[Any], None]
    in_transaction: bool

    @property
    def name(self) -> str:
        """What the reaction is called in the outbox: it outlives the process, so it names the function, not its place."""
        return self.reaction.__name__


_subscriptions: dict[str, list[Subscription]] = {}


Event = TypeVar("Event")


def subscribe(event: type[Event], reaction: Callable[[Event], None], *, in_transaction: bool = True) -> None:
    """Let ``reaction`` follow each ``event``. Called while the apps load, from the one page of wiring."""
    subscription = Subscription(event, reaction, in_transaction)
    following = _subscriptions.setdefault(event.__name__, [])
    assert subscription.name not in {s.name for s in following}, f"{subscription.name} follows {event.__name__} already."
    following.append(subscription)


def subscriptions() -> list[Subscription]:
    """Every subscription, by event and then in the order they were made."""
    return [s for name in sorted(_subscriptions) for s in _subscriptions[name]]


def announce(event: object) -> None:
    """Owe each subscriber of ``event`` its reaction, in the caller's transaction."""
    assert connection.in_atomic_block, "An event is announced in the transaction that made it true."
    name, payload = type(event).__name__, dataclasses.asdict(event)  # type: ignore[call-overload]  # events are dataclasses
    OutboxMessage.objects.bulk_create(
        OutboxMessage(event=name, reaction=s.name, payload=payload) for s in _subscriptions.get(name, [])
    )


@transaction.atomic
def take_due(*, limit: int = 100) -> list[tuple[UUID, UUID]]:
    """Lease up to ``limit`` due messages: (message id, lease) pairs, oldest first. A lease that runs out is given again."""
    now = clock.now()
    due = OutboxMessage.objects.filter(state=OutboxMessage.State.WAITING, due_at__lte=now)
    messages = list(due.order_by("due_at", "id").select_for_update(skip_locked=True, no_key=True)[:limit])
    for message in messages:
        message.lease, message.due_at = uuid.uuid4(), now + LEASE
    OutboxMessage.objects.bulk_update(messages, ["lease", "due_at"])
    return [(message.pk, message.lease) for message in messages if message.lease]


def deliver(*, message_id: UUID, lease: UUID) -> bool:
    """Run the reaction that this message owes; false when the lease is no longer ours. Failures are kept, not raised."""
    message = OutboxMessage.objects.filter(pk=message_id, lease=lease, state=OutboxMessage.State.WAITING).first()
    if message is None:
        return False
    try:
        subscription = _subscription_of(message)
        event = subscription.event(**message.payload)
        if subscription.in_transaction:
            with transaction.atomic():
                if not _mark_done(message_id, lease):
                    return False
                subscription.reaction(event)
            return True
        subscription.reaction(event)
        return _mark_done(message_id, lease)
    except Exception as error:
        logger.exception("Reaction %s to %s failed.", message.reaction, message.event)
        _put_off(message_id=message_id, lease=lease, error=error)
        return True


@transaction.atomic
def redrive(*, message_ids: list[UUID] | None = None) -> int:
    """Let parked messages (all, or the named ones) try again now; how many there were."""
    parked = OutboxMessage.objects.filter(state=OutboxMessage.State.PARKED)
    if message_ids is not None:
        parked = parked.filter(pk__in=message_ids)
    return parked.update(state=OutboxMessage.State.WAITING, attempts=0, due_at=clock.now(), lease=None)


def _subscription_of(message: OutboxMessage) -> Subscription:
    for subscription in _subscriptions.get(message.event, []):
        if subscription.name == message.reaction:
            return subscription
    raise LookupError(f"Nothing called {message.reaction} follows {message.event} any more.")


def _mark_done(message_id: UUID, lease: UUID) -> bool:
    mine = OutboxMessage.objects.filter(pk=message_id, lease=lease, state=OutboxMessage.State.WAITING)
    return mine.update(state=OutboxMessage.State.DONE, done_at=clock.now(), lease=None, last_error="") == 1


@transaction.atomic
def _put_off(*, message_id: UUID, lease: UUID, error: Exception) -> None:
    message = OutboxMessage.objects.select_for_update(no_key=True).filter(pk=message_id, lease=lease).first()
    if message is None:
        return
    message.attempts += 1
    message.last_error = f"{type(error).__name__}: {error}"[:2000]
    message.lease = None
    message.due_at = clock.now() + min(timedelta(seconds=2**message.attempts), LONGEST_PAUSE)
    if message.attempts >= PARKED_AFTER_ATTEMPTS:
        message.state = OutboxMessage.State.PARKED
    message.save(update_fields=["attempts", "last_error", "lease", "due_at", "state"])
