"""`manage.py relay`: wakes up whoever has to deliver outbox messages, and delivers itself when the broker is away."""

import logging
import signal
import time
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from kombu.exceptions import KombuError, OperationalError

from kernel.background import deliver_message, show_worker_life
from kernel.services.health import show_life
from kernel.services.outbox import deliver, take_due

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 10.0
BROKER_PAUSE_SECONDS: Final = 5.0
DATABASE_PAUSE_SECONDS: Final = 1.0


class Relay:
    """Takes due messages and sends their ids to the workers, until it is told to stop."""

    def __init__(self) -> None:
        self._stopping = False
        self._next_heartbeat = 0.0
        self._broker_away_until = 0.0

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
        self._beat()
        due = take_due()
        for message_id, lease in due:
            if not self._publish(message_id, lease):
                deliver(message_id=message_id, lease=lease)
            if self._stopping:
                break  # the leases of the rest run out, and somebody takes them again
        return len(due)

    def _beat(self) -> None:
        if time.monotonic() < self._next_heartbeat:
            return
        self._next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        show_life(part="relay")
        if self._broker_may_answer():
            try:
                show_worker_life.apply_async(expires=HEARTBEAT_SECONDS)
            except (KombuError, OperationalError, OSError) as error:
                self._leave_broker_alone(error)

    def _publish(self, message_id: UUID, lease: UUID) -> bool:
        if not self._broker_may_answer():
            return False
        try:
            deliver_message.delay(str(message_id), str(lease))
        except (KombuError, OperationalError, OSError) as error:
            self._leave_broker_alone(error)
            return False
        return True

    def _broker_may_answer(self) -> bool:
        return time.monotonic() >= self._broker_away_until

    def _leave_broker_alone(self, error: Exception) -> None:
        logger.warning("The broker does not answer (%s); the relay delivers by itself.", error)
        self._broker_away_until = time.monotonic() + BROKER_PAUSE_SECONDS


class Command(BaseCommand):
    help = "Hand on the reactions that announced events owe, until SIGTERM. Several may run at once."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stop())
        logger.info("The relay runs.")
        relay.run()
        logger.info("The relay has stopped.")
