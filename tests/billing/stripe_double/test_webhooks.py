"""Webhooks are signed and tried again; on order they are late, double, shuffled or lost."""

import time

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import Receiver, funds, types_of


def test_webhooks_are_tried_again_until_they_are_taken(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    receiver.refusals = 4
    funds(api)

    assert types_of(receiver.wait_for(3)) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    assert len(receiver.refused) == 4
    control.wait_for_webhooks()
    assert [event.pending_webhooks for event in api.v1.events.list().data] == [0, 0, 0]


def test_a_webhook_is_signed_with_the_secret_and_no_other(api: stripe.StripeClient, receiver: Receiver) -> None:
    funds(api)
    receiver.wait_for(3)

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(receiver.taken[0].body, receiver.taken[0].signature, "whsec_another")


def test_duplicated_webhooks_carry_the_same_event(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    control.webhooks(duplicated=1.0)
    funds(api)

    events = receiver.wait_for(6)

    assert len({event.id for event in events}) == 3


def test_lost_webhooks_are_still_in_the_list_of_events(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    control.webhooks(lost=1.0)
    funds(api)
    control.webhooks()
    api.v1.customers.create()

    assert types_of(receiver.wait_for(1)) == ["customer.created"]
    assert len(api.v1.events.list({"delivery_success": False}).data) == 3


def test_delayed_and_shuffled_webhooks_arrive_late_and_out_of_order(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    control.webhooks(delay_seconds=0.2, shuffle_seconds=0.6, seed=3)
    started = time.monotonic()
    customers = [api.v1.customers.create().id for _ in range(8)]

    arrived = [event.data.object["id"] for event in receiver.wait_for(8)]

    assert time.monotonic() - started >= 0.2
    assert sorted(arrived) == sorted(customers)
    assert arrived != customers
