"""What the tests of money share: books that must be true after each of them, and a Stripe of our own."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.checks import check_books
from billing.demo.stripe_double import DoubleControl, StripeDouble
from kernel.services import outbox

WEBHOOK_SECRET = "whsec_for_the_tests"


@pytest.fixture
def true_books(db: None) -> Iterator[None]:
    """After the test, every promise of the books must hold."""
    yield
    assert check_books() == []


@pytest.fixture
def stripe(settings: Settings) -> Iterator[DoubleControl]:
    """A Stripe of its own for this test, and the project set to speak to it."""
    with StripeDouble() as double:
        settings.STRIPE_API_KEY = "sk_test_for_the_tests"
        settings.STRIPE_API_BASE = double.base_url
        settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
        yield DoubleControl(double.base_url)


def run_relay() -> None:
    """Deliver what the outbox owes now, and what follows from it."""
    while due := outbox.take_due():
        for message_id, lease in due:
            outbox.deliver(message_id=message_id, lease=lease)
