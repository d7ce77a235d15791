"""What the tests of money share: books that must be true after each of them, and a Stripe of our own."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.checks import check_books
from billing.demo.stripe_double import DoubleControl, StripeDouble
from tests.billing.stripe_double.world import API_KEY, SECRET, Receiver


@pytest.fixture(autouse=True)
def true_books(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test that has a database, every promise of the books must hold, those aside that it says it breaks."""
    if request.node.get_closest_marker("django_db") is None:
        yield
        return
    request.getfixturevalue("transactional_db" if _commits(request) else "db")
    yield
    untrue = {promise for marker in request.node.iter_markers("untrue") for promise in marker.args}
    assert [fault for fault in check_books() if fault.check not in untrue] == []


def _commits(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


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
