"""Whether the worker works: messages of our own that only it receives, and the mark that they leave."""

import socket
import time
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError

from kernel.background import PULSE_MARK, show_pulse
from kernel.embedded.lifecycle import digest_of

EVERY_SECONDS = 15.0
STALE_AFTER_SECONDS = 120.0


class Pulse:
    """A queue for one worker, into which a message is put now and then.

    A worker whose broker died while it was busy may live on and do nothing; only its work tells.
    """

    def __init__(self, *, var: Path, broker_url: str) -> None:
        self.mark = var / PULSE_MARK
        self.queue = f"pulse-{socket.gethostname()}-{digest_of(var)}"
        self._app = Celery("pulse", broker=broker_url, set_as_current=False)
        self._app.conf.update(broker_connection_timeout=2, task_publish_retry=False)
        self._seen = self._marked()
        self._sent_at = float("-inf")
        self._unanswered_since: float | None = None

    def beats(self) -> bool:
        """Whether the worker has answered since this pulse began; it is asked once a second meanwhile."""
        if self._marked() == self._seen:
            self._send(every_seconds=1.0)
            return False
        return True

    def is_fresh(self) -> bool:
        """Whether the worker answers, or has not been silent for long. Each silence is reported once."""
        if self._marked() != self._seen:
            self._seen, self._unanswered_since = self._marked(), None
        self._send(every_seconds=EVERY_SECONDS)
        now = time.monotonic()
        self._unanswered_since = self._unanswered_since or now
        if now - self._unanswered_since < STALE_AFTER_SECONDS:
            return True
        self._unanswered_since = None
        return False

    def _marked(self) -> int:
        try:
            return self.mark.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _send(self, *, every_seconds: float) -> None:
        now = time.monotonic()
        if now - self._sent_at < every_seconds:
            return
        self._sent_at = now
        try:
            self._app.send_task(show_pulse.name, queue=self.queue, expires=every_seconds)
        except (OperationalError, OSError):
            return  # no broker just now; the silence counts all the same
