"""First steps in the world of the Stripe double, and a receiver of webhooks."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl

SECRET = "whsec_for_the_tests"
API_KEY = "sk_test_for_the_tests"


@dataclass(frozen=True)
class Received:
    """One webhook as it came in."""

    body: bytes
    signature: str


class Receiver:
    """A real endpoint on loopback that keeps what it takes; it answers 500 to the first ``refusals`` webhooks."""

    def __init__(self) -> None:
        self.taken: list[Received] = []
        self.refused: list[Received] = []
        self.refusals = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(Received(body, self.headers["Stripe-Signature"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def take(self, webhook: Received) -> int:
        if self.refusals:
            self.refusals -= 1
            self.refused.append(webhook)
            return 500
        self.taken.append(webhook)
        return 200

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, number: int) -> list[stripe.Event]:
        """The first events, in the order in which they arrived, once there are ``number``; signatures are checked."""
        end = time.monotonic() + 10
        while len(self.taken) < number:
            assert time.monotonic() < end, f"{len(self.taken)} of {number} webhooks arrived."
            time.sleep(0.01)
        return [stripe.Webhook.construct_event(webhook.body, webhook.signature, SECRET) for webhook in self.taken]


def client_of(control: DoubleControl) -> stripe.StripeClient:
    """stripe-python itself, without retries of its own."""
    return stripe.StripeClient(API_KEY, base_addresses={"api": control.base_url}, max_network_retries=0)


def types_of(events: list[stripe.Event]) -> list[str]:
    return sorted(event.type for event in events)


def available(api: stripe.StripeClient, account_id: str = "") -> int:
    balance = api.v1.balance.retrieve(None, {"stripe_account": account_id} if account_id else {})
    return balance.available[0].amount


def refusal_of(call: Callable[[], object]) -> tuple[str | None, str | None, str | None]:
    """Code, parameter and message with which a call is refused."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value.code, caught.value.param, caught.value.user_message


def a_checkout(api: stripe.StripeClient, *, amount: int = 10_000, **more: Any) -> stripe.checkout.Session:
    params: Any = {
        "mode": "payment",
        "success_url": "http://assay.test/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://assay.test/left",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Funds"}},
            }
        ],
    }
    params.update(more)
    return api.v1.checkout.sessions.create(params)


def funds(api: stripe.StripeClient, *, amount: int = 10_000, currency: str = "usd") -> stripe.PaymentIntent:
    """Money on the platform's balance."""
    return api.v1.payment_intents.create(
        {"amount": amount, "currency": currency, "payment_method": "pm_card_visa", "confirm": True}
    )


def an_account(api: stripe.StripeClient, control: DoubleControl, *, onboarded: bool = True) -> str:
    """A connected account, opened by its owner."""
    account = api.v1.accounts.create(
        {"country": "US", "type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    if onboarded:
        control.press(a_link(api, account.id).url)
    return account.id


def a_link(api: stripe.StripeClient, account_id: str) -> stripe.AccountLink:
    return api.v1.account_links.create(
        {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": "http://assay.test/again",
            "return_url": "http://assay.test/done",
        }
    )


def a_transfer(
    api: stripe.StripeClient, account_id: str, *, amount: int = 1_000, key: str = "", group: str = "payout:1"
) -> stripe.Transfer:
    return api.v1.transfers.create(
        {"amount": amount, "currency": "usd", "destination": account_id, "transfer_group": group},
        {"idempotency_key": key} if key else {},
    )
