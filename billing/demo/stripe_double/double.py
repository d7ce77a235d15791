"""A stateful stand-in for Stripe on loopback, to be started in a test, or as a process of its own."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from billing.demo.stripe_double.api import Api
from billing.demo.stripe_double.control import Control
from billing.demo.stripe_double.faults import FaultBoard
from billing.demo.stripe_double.server import Server
from billing.demo.stripe_double.store import Store
from billing.demo.stripe_double.webhooks import Endpoint, Sender, is_loopback
from billing.demo.stripe_double.world import World


class StripeDouble:
    """Stripe as far as Assay needs it; ``base_url`` is where it listens once it has started.

    ``port`` 0 takes a free one. Without ``webhook_url`` events are recorded but not sent. With ``state_file`` a double
    that is started again there knows all that it had answered. ``fee_basis_points`` and ``fee_fixed_minor`` are
    kept back from each charge, ``dispute_fee_minor`` for each dispute.
    Raises ValueError for a host or a webhook address that is not loopback.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        webhook_url: str = "",
        webhook_secret: str = "",
        state_file: Path | None = None,
        fee_basis_points: int = 0,
        fee_fixed_minor: int = 0,
        dispute_fee_minor: int = 0,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(f"The Stripe double listens on loopback only, not on {host}.")
        endpoint = Endpoint(webhook_url, webhook_secret) if webhook_url else None
        self._store = Store(state_file)
        world = World(
            self._store,
            fee_basis_points=fee_basis_points,
            fee_fixed_minor=fee_fixed_minor,
            dispute_fee_minor=dispute_fee_minor,
            sends_webhooks=endpoint is not None,
        )
        faults = FaultBoard()
        self._sender = Sender(self._store, endpoint)
        api = Api(world, faults)
        control = Control(world, api, faults, self._sender)
        self._server = Server(host, port, world=world, api=api, control=control, sender=self._sender)
        self.base_url = world.base_url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def start(self) -> Self:
        self._sender.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, break what is open, and close the books."""
        self._server.shutdown()
        self._thread.join()
        self._server.stop()
        self._sender.stop()
        self._store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
