"""How Stripe's package reaches Stripe: nowhere but there, and the double only where it is said to be."""

import socket

import pytest
import stripe

from billing.demo.stripe_double import StripeDouble
from billing.stripe_transport import GuardedClient
from kernel.outbound import Internet
from tests.billing.stripe_double.world import API_KEY


def test_the_double_is_reached_where_it_is_said_to_be() -> None:
    with StripeDouble() as double:
        body, status, headers = GuardedClient(double=double.base_url).request(
            "get", f"{double.base_url}/v1/accounts/acct_1", {"Authorization": f"Bearer {API_KEY}"}
        )

    assert (status, headers["content-type"]) == (404, "application/json")
    assert "No such account" in body


def test_nothing_on_this_machine_is_reached_where_no_double_is() -> None:  # [B091]
    with StripeDouble() as double, pytest.raises(stripe.APIConnectionError) as refusal:
        GuardedClient().request("get", f"{double.base_url}/v1/accounts/acct_1", {})

    assert refusal.value.user_message == f"{double.base_url} is not among what is asked from here."


@pytest.mark.parametrize("url", ["https://files.stripe.com/v1/files", "https://example.org/", "http://api.stripe.com/"])
def test_the_package_reaches_stripes_api_and_nothing_else(url: str) -> None:
    for double in ("", "http://127.0.0.1:1"):
        with pytest.raises(stripe.APIConnectionError, match="is not among what is asked from here"):
            GuardedClient(double=double).request("get", url, {})


def test_one_connection_carries_one_call_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    connect = Internet.connect

    def counted(self: Internet, address: str, port: int, *, timeout_seconds: float) -> socket.socket:
        opened.append(address)
        return connect(self, address, port, timeout_seconds=timeout_seconds)

    monkeypatch.setattr(Internet, "connect", counted)
    with StripeDouble() as double:
        client = GuardedClient(double=double.base_url)
        statuses = [client.request("get", f"{double.base_url}/v1/accounts/acct_{n}", {})[1] for n in range(3)]
        client.close()

    assert (statuses, opened) == ([401, 401, 401], ["127.0.0.1"])
