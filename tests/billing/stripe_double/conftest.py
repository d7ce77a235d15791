"""A double of its own for each test, stripe-python speaking to it, and an endpoint for its webhooks."""

from collections.abc import Iterator

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl, StripeDouble
from tests.billing.stripe_double.world import SECRET, Receiver, client_of


@pytest.fixture
def control() -> Iterator[DoubleControl]:
    with StripeDouble() as double:
        yield DoubleControl(double.base_url)


@pytest.fixture
def api(control: DoubleControl) -> stripe.StripeClient:
    return client_of(control)


@pytest.fixture
def receiver(control: DoubleControl) -> Iterator[Receiver]:
    receiver = Receiver()
    control.webhooks(url=receiver.url, secret=SECRET)
    yield receiver
    receiver.stop()
