"""Webhooks: signed, sent in the background, tried again with back-off until they are taken."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from billing.demo.stripe_double.store import Delivery, Store

THREADS = 4
TIMEOUT_SECONDS = 10.0
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0
MOST_ATTEMPTS = 40


@dataclass(frozen=True)
class Endpoint:
    """Where webhooks go and the secret they are signed with. Loopback only, so that nothing leaves this machine."""

    url: str
    secret: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            raise ValueError(f"The Stripe double sends webhooks to http on loopback only, not to {self.url}.")
        if not self.secret:
            raise ValueError("The Stripe double needs a secret to sign webhooks with.")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def signature(body: bytes, *, secret: str, at: int) -> str:
    """The ``Stripe-Signature`` header for a body."""
    signed = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


class Sender:
    """A few threads that carry the deliveries in the store to the endpoint."""

    def __init__(self, store: Store, endpoint: Endpoint | None) -> None:
        self._store = store
        self.endpoint = endpoint
        self._changed = threading.Condition()
        self._stopping = False
        self._under_way: set[int] = set()
        self.taken = 0
        self._threads = [threading.Thread(target=self._work, name=f"stripe-webhooks-{n}") for n in range(THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """There may be something new to deliver."""
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        while delivery := self._take():
            taken = self._send(delivery)
            with self._store.transaction():
                self._book(delivery, taken=taken)
            with self._changed:
                self._under_way.discard(delivery.id)
                self.taken += taken

    def _take(self) -> Delivery | None:
        """Wait for the next delivery that is due; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                with self._store.transaction():
                    delivery, wait_seconds = self._store.next_delivery(except_ids=self._under_way)
                if delivery is not None and self.endpoint is not None:
                    self._under_way.add(delivery.id)
                    return delivery
                self._changed.wait(wait_seconds if delivery is None else None)
        return None

    def _send(self, delivery: Delivery) -> bool:
        """Whether the endpoint took it: any 2xx, and only that."""
        assert self.endpoint is not None
        target = urlsplit(self.endpoint.url)
        body = json.dumps(delivery.event).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, secret=self.endpoint.secret, at=int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", target.path or "/", body, headers)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _book(self, delivery: Delivery, *, taken: bool) -> None:
        if taken or delivery.attempts + 1 >= MOST_ATTEMPTS:
            self._store.drop_delivery(delivery)
        else:
            wait = min(FIRST_WAIT_SECONDS * 2**delivery.attempts, LONGEST_WAIT_SECONDS)
            self._store.postpone_delivery(delivery, seconds=wait)
        if taken:
            self._store.save({**delivery.event, "pending_webhooks": 0})
