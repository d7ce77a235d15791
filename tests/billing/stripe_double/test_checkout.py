"""A hosted page takes a client's money once, or not at all."""

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import Receiver, a_checkout, available, types_of


def test_a_paid_checkout_is_money_of_the_platform(api: stripe.StripeClient, control: DoubleControl) -> None:
    session = a_checkout(api, amount=12_345, client_reference_id="funding:1")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)

    assert control.press(session.url or "") == (303, f"http://assay.test/paid?session={session.id}")

    paid = api.v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_status, paid.client_reference_id) == ("complete", "paid", "funding:1")
    intent = api.v1.payment_intents.retrieve(str(paid.payment_intent))
    assert (intent.status, intent.amount_received) == ("succeeded", 12_345)
    assert available(api) == 12_345


def test_a_payment_carries_what_the_checkout_gave_it(api: stripe.StripeClient, control: DoubleControl) -> None:
    session = a_checkout(api, payment_intent_data={"metadata": {"funding": "7"}, "transfer_group": "funding:7"})
    control.press(session.url or "")

    intent = api.v1.payment_intents.retrieve(str(api.v1.checkout.sessions.retrieve(session.id).payment_intent))
    assert (intent.metadata["funding"], intent.transfer_group) == ("7", "funding:7")


def test_after_a_declined_card_the_page_takes_another(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    session = a_checkout(api)

    status, page = control.press(session.url or "", card="pm_card_chargeDeclined")
    assert (status, "Your card was declined." in page) == (402, True)
    assert api.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert control.press(session.url or "")[0] == 303

    assert types_of(receiver.wait_for(6)) == [
        "charge.failed",
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]


def test_a_checkout_is_paid_once(api: stripe.StripeClient, control: DoubleControl) -> None:
    session = a_checkout(api)
    control.press(session.url or "")

    status, page = control.press(session.url or "")

    assert (status, "This payment is complete" in page) == (400, True)
    assert available(api) == 10_000


@pytest.mark.parametrize("how", ["by its time", "by the platform"])
def test_an_expired_checkout_takes_no_money(api: stripe.StripeClient, control: DoubleControl, how: str) -> None:
    session = a_checkout(api)
    if how == "by its time":
        control.advance(seconds=24 * 60 * 60)
    else:
        api.v1.checkout.sessions.expire(session.id)

    assert control.press(session.url or "")[0] == 400
    assert api.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert control.totals() == {}
    assert types_of(api.v1.events.list().data) == ["checkout.session.expired"]


def test_the_checkout_page_shows_the_amount_and_no_foreign_markup(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    session = a_checkout(api, amount=1_234_567, customer_email="<b>@x.test")

    _, page = control.look(session.url or "")

    assert "12,345.67 USD" in page
    assert "&lt;b&gt;@x.test" in page
    assert "<b>@x.test" not in page


def test_a_page_that_is_not_there_is_a_404(control: DoubleControl) -> None:
    assert control.press(f"{control.base_url}/checkout/cs_test_nothing")[0] == 404
    assert control.press(f"{control.base_url}/elsewhere")[0] == 404
