"""Requests are checked against the parameter types that stripe-python publishes."""

from typing import Any

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import refusal_of


@pytest.mark.parametrize(
    ("path", "given", "code", "param", "message"),
    [
        (
            "transfers",
            {"amont": 1, "currency": "usd", "destination": "acct_1"},
            "parameter_unknown",
            "amont",
            "Received unknown parameter: amont",
        ),
        (
            "transfers",
            {"amount": 1, "currency": "usd"},
            "parameter_missing",
            "destination",
            "Missing required param: destination.",
        ),
        (
            "transfers",
            {"amount": "1.5", "currency": "usd", "destination": "acct_1"},
            "parameter_invalid_integer",
            "amount",
            "Invalid integer: 1.5",
        ),
        (
            "transfers",
            {"amount": 0, "currency": "usd", "destination": "acct_1"},
            "parameter_invalid_integer",
            "amount",
            "This value must be greater than or equal to 1.",
        ),
        (
            "transfers",
            {"amount": 1, "currency": "USD", "destination": "acct_1"},
            None,
            "currency",
            "Invalid currency: USD",
        ),
        (
            "account_links",
            {"account": "acct_1", "type": "onboarding"},
            None,
            "type",
            "Invalid type: must be one of account_onboarding, or account_update",
        ),
        (
            "payment_intents",
            {"amount": 100, "currency": "usd", "confirm": "yes"},
            None,
            "confirm",
            "Invalid boolean: yes",
        ),
        (
            "payment_intents",
            {"amount": 49, "currency": "usd"},
            "amount_too_small",
            "amount",
            "Amount must be at least 50 usd.",
        ),
        (
            "accounts",
            {"capabilities": {"transfers": {"wanted": True}}},
            "parameter_unknown",
            "capabilities[transfers][wanted]",
            "Received unknown parameter: capabilities[transfers][wanted]",
        ),
        (
            "accounts",
            {"controller": {"stripe_dashboard": {"type": "tiny"}}},
            None,
            "controller[stripe_dashboard][type]",
            "Invalid controller[stripe_dashboard][type]: must be one of express, full, or none",
        ),
        (
            "checkout/sessions",
            {"mode": "payment", "success_url": "http://x.test", "line_items": [{"quantity": 1, "prize": "p"}]},
            "parameter_unknown",
            "line_items[0][prize]",
            "Received unknown parameter: line_items[0][prize]",
        ),
        (
            "checkout/sessions",
            {"mode": "subscription", "success_url": "http://x.test"},
            None,
            "mode",
            "This double of Stripe carries checkout sessions of mode payment only.",
        ),
        (
            "refunds",
            {"payment_intent": "pi_1", "metadata": {"a": {"b": "c"}}},
            None,
            "metadata[a]",
            "Invalid metadata: the value of a has to be a string.",
        ),
        (
            "refunds",
            {"payment_intent": "pi_1", "expand": ["charge"]},
            None,
            "expand",
            "Here this double of Stripe expands no property, not charge.",
        ),
    ],
)
def test_parameters_are_checked_as_stripe_checks_them(
    *, api: stripe.StripeClient, path: str, given: dict[str, Any], code: str | None, param: str, message: str
) -> None:
    assert refusal_of(lambda: api.raw_request("post", f"/v1/{path}", **given)) == (code, param, message)


def test_an_empty_value_is_not_an_answer(api: stripe.StripeClient) -> None:
    code, param, _ = refusal_of(lambda: api.v1.payment_intents.create({"amount": 100, "currency": ""}))
    assert (code, param) == ("parameter_invalid_empty", "currency")


def test_an_address_that_stripe_does_not_have_is_refused(api: stripe.StripeClient) -> None:
    assert refusal_of(api.v1.coupons.list) == (None, None, "Unrecognized request URL (GET: /v1/coupons).")


def test_only_test_keys_are_taken(control: DoubleControl) -> None:
    live = stripe.StripeClient("sk_live_51H", base_addresses={"api": control.base_url})
    with pytest.raises(stripe.AuthenticationError):
        live.v1.balance.retrieve()
