"""`manage.py relay`: wakes up whoever has to deliver outbox messages, and delivers itself when the broker is away."""

import logging
import signal
import time
from typing import Any, Final

from celery import Task, current_app
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from kombu import Connection
from kombu.exceptions import KombuError, OperationalError

from kernel.background import deliver_message, show_worker_life
from kernel.services.health import show_life
from kernel.services.outbox import deliver, take_due

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 10.0
BROKER_PAUSE_SECONDS: Final = 5.0
DATABASE_PAUSE_SECONDS: Final = 1.0


class Broker:
    """The relay's own connection to the broker: tried once, and then left alone for a while."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._away_until = 0.0

    def send(self, task: Task[Any, Any], *arguments: str, **options: Any) -> bool:
        """Send a message; false when the broker does not answer."""
        if time.monotonic() < self._away_until:
            return False
        try:
            if self._connection is None:
                self._connection = current_app.connection_for_write(transport_options={"max_retries": 0})
            sending: dict[str, Any] = {**options, "connection": self._connection}
            task.apply_async(arguments, **sending)
        except (KombuError, OperationalError, OSError) as error:
            logger.warning("The broker does not answer (%s); the relay delivers by itself.", error)
            self._connection = None
            self._away_until = time.monotonic() + BROKER_PAUSE_SECONDS
            return False
        return True


class Relay:
    """Takes due messages and sends their ids to the workers, until it is told to stop."""

    def __init__(self) -> None:
        self._broker = Broker()
        self._stopping = False
        self._next_heartbeat = 0.0

    def stop(self) -> None:
        """End after what is being done now."""
        self._stopping = True

    def run(self) -> None:
        """Go on until `stop`, through restarts of the broker and of the database."""
        while not self._stopping:
            try:
                found = self.run_once()
            except DatabaseError as error:
                logger.warning("The database does not answer: %s", error)
                connection.close()
                time.sleep(DATABASE_PAUSE_SECONDS)
            else:
                time.sleep(0 if found else POLL_SECONDS)

    def run_once(self) -> int:
        """Hand on the messages that are due now; how many there were."""
        self._show_life()
        due = take_due()
        for message_id, lease in due:
            if not self._broker.send(deliver_message, str(message_id), str(lease)):
                deliver(message_id=message_id, lease=lease)
            if self._stopping:
                break  # the leases of the rest run out, and somebody takes them again
        return len(due)

    def _show_life(self) -> None:
        if time.monotonic() < self._next_heartbeat:
            return
        self._next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        show_life(part="relay")
        self._broker.send(show_worker_life, expires=HEARTBEAT_SECONDS)


class Command(BaseCommand):
    help = "Hand on the reactions that announced events owe, until SIGTERM. Several may run at once."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stop())
        logger.info("The relay runs.")
        relay.run()
        logger.info("The relay has stopped.")
