"""The project's own Stripe: stateful, on loopback, for tests and the demo (docs/adr/0005)."""

from billing.demo.stripe_double.double import StripeDouble
from billing.demo.stripe_double.remote import DoubleControl

__all__ = ["DoubleControl", "StripeDouble"]
