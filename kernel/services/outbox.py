"""Events go up through the outbox: written with what they tell of, delivered at least once, parked when they fail on.

An event is a frozen dataclass of plain JSON values (ids as strings). A reaction is a function of one event; no order
among reactions is promised. It runs in a transaction of its own together with the mark that it is done, so its effect
happens exactly once. A reaction that speaks to the network is subscribed with ``in_transaction=False``: it keeps its
own transactions short and must be safe to run again, even beside itself when it outlives its lease.

A lease is good for one run. Whoever delivers trades it for a new one first, in a commit of its own that also counts the
attempt: so a wake-up that comes twice finds nothing to do, and a reaction that kills its process is parked in the end.
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
from django.db.models import F

from kernel import clock
from kernel.models import OutboxMessage
from kernel.rows import insert
from kernel.services.audit import Actor, record

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
PARKED_AFTER_ATTEMPTS: Final = 12
LONGEST_PAUSE: Final = timedelta(minutes=10)
MOST_ON_THE_WAY: Final = 200
"""Leases that may be out at once: were there more than the workers get through in a ``LEASE``, all would come too late.
"""
DONE_KEPT_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Subscription:
    """That ``reaction`` follows ``event``."""

    event: type
    reaction: Callable[[Any], None]
    in_transaction: bool

    @property
    def name(self) -> str:
        """What the reaction is called in the outbox: rows outlive code that moves, so it is not named by its module."""
        return self.reaction.__name__


_subscriptions: dict[str, list[Subscription]] = {}


Event = TypeVar("Event")


def subscribe(event: type[Event], reaction: Callable[[Event], None], *, in_transaction: bool = True) -> None:
    """Let ``reaction`` follow each ``event``. Called while the apps load, from the one page of wiring."""
    subscription = Subscription(event, reaction, in_transaction)
    following = _subscriptions.setdefault(event.__name__, [])
    assert all(s.event is event for s in following), f"There are two events called {event.__name__}."
    assert all(s.name != subscription.name for s in following), f"{subscription.name} follows {event.__name__} twice."
    following.append(subscription)


def subscriptions() -> list[Subscription]:
    """Every subscription, by event and then in the order they were made."""
    return [s for name in sorted(_subscriptions) for s in _subscriptions[name]]


def announce(event: object) -> None:
    """Owe each subscriber of ``event`` its reaction, in the caller's transaction."""
    assert connection.in_atomic_block, "An event is announced in the transaction that made it true."
    name = type(event).__name__
    payload = dataclasses.asdict(event)  # type: ignore[call-overload]  # every event is a dataclass
    for subscription in _subscriptions.get(name, []):
        insert(OutboxMessage(event=name, reaction=subscription.name, payload=payload))


@transaction.atomic
def take_due(*, limit: int = 100) -> list[tuple[UUID, UUID]]:
    """Lease up to ``limit`` due messages, oldest first: (message id, lease) pairs. Leases that run out are given again.

    Gives fewer while ``MOST_ON_THE_WAY`` leases are out.
    """
    now = clock.now()
    waiting = OutboxMessage.objects.filter(state=OutboxMessage.State.WAITING)
    on_the_way = waiting.filter(due_at__gt=now, lease__isnull=False).count()
    room = min(limit, MOST_ON_THE_WAY - on_the_way)
    if room <= 0:
        return []
    due = waiting.filter(due_at__lte=now).order_by("due_at", "id")
    messages = list(due.select_for_update(skip_locked=True, no_key=True)[:room])
    for message in messages:
        message.lease, message.due_at = uuid.uuid4(), now + LEASE
    OutboxMessage.objects.bulk_update(messages, ["lease", "due_at"])
    return [(message.pk, message.lease) for message in messages if message.lease]


def deliver(*, message_id: UUID, lease: UUID) -> bool:
    """Run the reaction that this message owes; false when the lease is not good any more.

    What a reaction raises is kept with the message, which is then tried again later, or parked; it is not raised.
    """
    message = _trade_lease(message_id=message_id, lease=lease)
    if message is None:
        return False
    try:
        if message.attempts > PARKED_AFTER_ATTEMPTS:
            raise RuntimeError("The process that ran this reaction died, or its lease ran out, each time.")
        return _run(message)
    except Exception as error:
        logger.exception("Reaction %s to %s failed.", message.reaction, message.event)
        _put_off(message=message, error=error)
        return True


@transaction.atomic
def redrive(*, by: Actor, message_ids: list[UUID] | None = None) -> int:
    """Let parked messages (all, or the named ones) try again now; how many there were."""
    parked = OutboxMessage.objects.select_for_update(no_key=True).filter(state=OutboxMessage.State.PARKED)
    if message_ids is not None:
        parked = parked.filter(pk__in=message_ids)
    messages = list(parked.order_by("id"))
    for message in messages:
        message.state, message.attempts, message.due_at = OutboxMessage.State.WAITING, 0, clock.now()
        message.save(update_fields=["state", "attempts", "due_at"])
        record(action="outbox_message.redriven", subject=message, by=by, why=message.last_error[:500])
    return len(messages)


def forget_done(*, limit: int = 10_000) -> int:
    """Delete up to ``limit`` messages that were done longer ago than ``DONE_KEPT_FOR``; how many there were."""
    old = OutboxMessage.objects.filter(state=OutboxMessage.State.DONE, done_at__lt=clock.now() - DONE_KEPT_FOR)
    deleted, _ = OutboxMessage.objects.filter(pk__in=old.order_by("done_at", "id").values("pk")[:limit]).delete()
    return deleted


def _trade_lease(*, message_id: UUID, lease: UUID) -> OutboxMessage | None:
    new_lease = uuid.uuid4()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")  # a lost trade costs a second try, nothing more
        traded = OutboxMessage.objects.filter(pk=message_id, lease=lease, state=OutboxMessage.State.WAITING).update(
            lease=new_lease, attempts=F("attempts") + 1, due_at=clock.now() + LEASE
        )
    return OutboxMessage.objects.filter(pk=message_id, lease=new_lease).first() if traded else None


def _run(message: OutboxMessage) -> bool:
    subscription = _subscription_of(message)
    event = subscription.event(**message.payload)
    if not subscription.in_transaction:
        subscription.reaction(event)
        return _mark_done(message)
    with transaction.atomic():
        # First the mark, which holds the row: whoever takes the message after the lease has run out waits or skips it.
        if not _mark_done(message):
            return False
        subscription.reaction(event)
    return True


def _subscription_of(message: OutboxMessage) -> Subscription:
    for subscription in _subscriptions.get(message.event, []):
        if subscription.name == message.reaction:
            return subscription
    raise LookupError(f"Nothing called {message.reaction} follows {message.event} any more.")


def _mark_done(message: OutboxMessage) -> bool:
    mine = OutboxMessage.objects.filter(pk=message.pk, lease=message.lease, state=OutboxMessage.State.WAITING)
    return mine.update(state=OutboxMessage.State.DONE, done_at=clock.now(), lease=None, last_error="") == 1


def _put_off(*, message: OutboxMessage, error: Exception) -> None:
    parked = message.attempts >= PARKED_AFTER_ATTEMPTS
    pause = min(timedelta(seconds=2**message.attempts), LONGEST_PAUSE)
    OutboxMessage.objects.filter(pk=message.pk, lease=message.lease, state=OutboxMessage.State.WAITING).update(
        state=OutboxMessage.State.PARKED if parked else OutboxMessage.State.WAITING,
        last_error=f"{type(error).__name__}: {error}"[:2000].replace("\x00", "�"),
        lease=None,
        due_at=clock.now() + pause,
    )
