"""What the tests of money share: books that must be true after each of them, and a Stripe of our own."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.checks import check_books
from billing.demo.stripe_double import DoubleControl, StripeDouble
from tests.billing.stripe_double.world import API_KEY, SECRET, Receiver


@pytest.fixture
def true_books(db: None) -> Iterator[None]:
    """After the test, every promise of the books must hold."""
    yield
    assert check_books() == []


@pytest.fixture
def stripe(settings: Settings) -> Iterator[DoubleControl]:
    """A Stripe of its own for this test, and the project set to speak to it."""
    with StripeDouble() as double:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, double.base_url
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        yield DoubleControl(double.base_url)


@pytest.fixture
def webhooks(stripe: DoubleControl) -> Iterator[Receiver]:
    """A real endpoint that takes that Stripe's webhooks, for the test to hand them on as it likes."""
    receiver = Receiver()
    stripe.webhooks(url=receiver.url, secret=SECRET)
    yield receiver
    receiver.stop()
