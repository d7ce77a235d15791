"""What money tests of the marketplace stand on: a Stripe of their own, and books that are true afterwards."""

from tests.billing.conftest import stripe, true_books

__all__ = ["stripe", "true_books"]
