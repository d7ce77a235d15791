"""Webhooks are stored first and once; what is booked is what Stripe says when it is asked."""

import json
import random
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import stripe as stripe_python
from pytest_django import Settings

from billing.demo.stripe_double import DoubleControl
from billing.events import StripeEventStored
from billing.models import PayoutAccount, StripeEvent
from billing.services.payout_accounts import onboarding_link, open_payout_account
from billing.services.refunds import request_refund
from billing.services.stragglers import drive_stragglers
from billing.services.stripe_inbox import process_event, process_stored_event, redrive_event, store_event
from billing.stripe_gateway import StripeUnknown
from billing.stripe_webhooks import WebhookRefused
from kernel import clock
from kernel.flow import WrongState
from kernel.models import OutboxMessage
from tests.billing.builders import SOMEBODY, Kind, a_worker, held, usd
from tests.billing.flows import (
    a_payout,
    an_open_page,
    now_of,
    onboarded,
    paid_in,
    run_relay,
    run_relay_for,
    take_in,
    transferred,
)
from tests.billing.stripe_double.world import SECRET, Receiver, a_transfer, client_of
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def signed(
    event_type: str, subject: dict[str, Any], *, secret: str = SECRET, at: int | None = None, **more: Any
) -> dict[str, Any]:
    """A webhook as Stripe would send it."""
    event = {
        "id": f"evt_{event_type}",
        "object": "event",
        "type": event_type,
        "created": 1_750_000_000,
        "livemode": False,
        "data": {"object": subject},
        **more,
    }
    body = json.dumps(event)
    header = stripe_python.WebhookSignature.generate_signature_header(body, secret, at or int(time.time()))
    return {"raw_body": body.encode(), "signature": header}


def an_event(event_type: str, subject: dict[str, Any], **more: Any) -> StripeEvent:
    return store_event(**signed(event_type, subject, **more))


def only(events: list[StripeEvent], event_type: str) -> StripeEvent:
    (event,) = [event for event in events if event.type == event_type]
    return event


def test_an_event_is_stored_before_anything_is_made_of_it(stripe: DoubleControl, webhooks: Receiver) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)

    event = only(take_in(webhooks, 5), "checkout.session.completed")

    assert (event.state, event.object_id) == ("stored", funding.stripe_session_id)
    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("awaiting_payment", 0)


def test_a_paid_checkout_is_credited_when_its_event_is_processed(stripe: DoubleControl, webhooks: Receiver) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)
    events = take_in(webhooks, 5)

    run_relay()

    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("settled", 10_000)
    assert {now_of(event).state for event in events} == {"processed"}


def test_an_event_that_comes_twice_is_stored_and_processed_once(  # [B175]
    stripe: DoubleControl, webhooks: Receiver
) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)

    first, again = take_in(webhooks, 5), take_in(webhooks, 5)
    run_relay()

    assert first == again
    assert StripeEvent.objects.count() == 5
    assert OutboxMessage.objects.filter(event="StripeEventStored").count() == 5
    assert held(Kind.CLIENT_FUNDS, "client:1") == 10_000


def test_an_event_is_believed_only_as_far_as_stripe_confirms_it(stripe: DoubleControl) -> None:  # [B178]
    funding = an_open_page()
    event = an_event(
        "checkout.session.completed",
        {"id": funding.stripe_session_id, "object": "checkout.session", "payment_status": "paid"},
    )

    run_relay()

    assert (now_of(event).state, now_of(funding).state) == ("processed", "awaiting_payment")
    assert held(Kind.CLIENT_FUNDS, "client:1") == 0


@pytest.mark.parametrize(
    "forged",
    [
        signed("account.updated", {"id": "acct_1", "object": "account"}, secret="whsec_guessed"),
        signed("account.updated", {"id": "acct_1", "object": "account"}, at=int(time.time()) - 301),
        {**signed("account.updated", {"id": "acct_1", "object": "account"}), "raw_body": b"{}"},
        {**signed("account.updated", {"id": "acct_1", "object": "account"}), "signature": ""},
        {**signed("account.updated", {"id": "acct_1", "object": "account"}), "signature": "t=1,v0=abc"},
    ],
    ids=["B173-secret", "B174-old", "B173-body", "B173-empty", "B173-scheme"],
)
@pytest.mark.usefixtures("stripe")
def test_what_stripe_did_not_sign_is_not_stored(forged: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        store_event(**forged)

    assert (StripeEvent.objects.count(), OutboxMessage.objects.count()) == (0, 0)


@pytest.mark.usefixtures("stripe")
def test_nothing_personal_is_kept_of_an_event() -> None:
    event = an_event(
        "checkout.session.completed",
        {
            "id": "cs_1",
            "object": "checkout.session",
            "amount_total": 500,
            "currency": "usd",
            "payment_status": "paid",
            "customer_email": "ada@example.com",
            "customer_details": {"name": "Ada Lovelace", "address": {"city": "London"}},
            "metadata": {"funding": "1"},
        },
    )

    assert event.payload == {
        "created": 1_750_000_000,
        "api_version": None,
        "livemode": False,
        "object": {"object": "checkout.session", "payment_status": "paid", "amount_total": 500, "currency": "usd"},
    }


@pytest.mark.usefixtures("stripe")
def test_events_that_lead_nowhere_are_only_stored() -> None:  # [B177]
    strange = an_event("invoice.finalized", {"id": "in_1", "object": "invoice"})
    not_ours = an_event("checkout.session.completed", {"id": "cs_of_somebody_else", "object": "checkout.session"})
    unknown_account = an_event("account.updated", {"id": "acct_of_somebody_else", "object": "account"})

    run_relay()

    assert [now_of(event).state for event in (strange, not_ours, unknown_account)] == ["processed"] * 3


@pytest.mark.usefixtures("stripe")
def test_an_event_in_a_form_of_later_years_is_a_hint_like_others() -> None:  # [B177]
    funding = an_open_page()
    page = {"id": funding.stripe_session_id, "object": "checkout.session", "payment_status": {"since": "2031"}}
    event = an_event("checkout.session.completed", page, api_version="2031-01-01.future", data_of_2031=[{"a": 1}])

    run_relay()

    assert (now_of(event).state, now_of(funding).state) == ("processed", "awaiting_payment")


@pytest.mark.parametrize(("key", "livemode"), [("sk_live_of_ours", False), ("sk_test_of_ours", True)])
def test_an_event_of_the_other_mode_is_stored_and_not_looked_at(  # [B177]
    stripe: DoubleControl,
    settings: Settings,
    key: str,
    livemode: object,
) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)
    settings.STRIPE_API_KEY = key
    page = {"id": funding.stripe_session_id, "object": "checkout.session"}
    event = an_event("checkout.session.completed", page, livemode=livemode)

    run_relay()

    assert (now_of(event).state, now_of(funding).state) == ("processed", "awaiting_payment")


@pytest.mark.usefixtures("stripe")
def test_an_event_about_what_stripe_does_not_have_waits_for_a_person() -> None:  # [B177]
    event = an_event("transfer.created", {"id": "tr_unknown", "object": "transfer"})

    run_relay()

    parked = now_of(event)
    assert (parked.state, parked.attempts) == ("parked", 1)
    assert parked.last_error == "StripeRefused: No such transfer: 'tr_unknown' (resource_missing)"


def test_a_transfer_that_nobody_asked_for_waits_for_a_person(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    account = onboarded(stripe, a_worker())
    by_hand = a_transfer(client_of(stripe), account.stripe_account_id, amount=1_000, group="by hand")

    event = an_event("transfer.created", {"id": by_hand.id, "object": "transfer"})
    run_relay()

    assert (now_of(event).state, now_of(event).last_error[:12]) == ("parked", "Unexplained:")


def test_a_refund_that_nobody_asked_for_waits_for_a_person(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    by_hand = client_of(stripe).v1.refunds.create({"payment_intent": funding.payment_intent_id, "amount": 100})

    event = an_event("refund.created", {"id": by_hand.id, "object": "refund"})
    run_relay()

    assert now_of(event).state == "parked"
    assert held(Kind.CLIENT_FUNDS, "client:1") == 10_000


def test_an_account_becomes_ready_by_its_event(stripe: DoubleControl, webhooks: Receiver) -> None:
    open_payout_account(owner="payee:1", email="worker@assay.test", country="US", by=SOMEBODY)
    run_relay()
    stripe.press(onboarding_link(owner="payee:1", return_url="https://assay.test/done").url)
    assert PayoutAccount.objects.get().is_ready is False

    take_in(webhooks, 2)
    run_relay()

    account = PayoutAccount.objects.get()
    assert (account.is_ready, account.requirements_due, account.prefill_email) == (True, [], "")


def test_an_account_that_loses_its_capability_is_no_longer_ready(stripe: DoubleControl) -> None:
    account = onboarded(stripe, "payee:1")
    assert account.is_ready is True
    stripe.set_capability(account.stripe_account_id, capability="transfers", status="inactive")

    an_event("capability.updated", {"id": "transfers", "object": "capability"})
    event = an_event("account.updated", {"id": account.stripe_account_id, "object": "account"})
    run_relay()

    assert (now_of(event).state, PayoutAccount.objects.get().is_ready) == ("processed", False)


def test_a_payout_is_settled_by_its_webhook_alone(stripe: DoubleControl, webhooks: Receiver) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "drop_after", times=None)
    run_relay()
    assert now_of(payout).state == "sending"

    stripe.wait_for_webhooks()
    take_in(webhooks, 1)
    run_relay()

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)


def test_a_refund_is_settled_by_its_webhook_alone(stripe: DoubleControl, webhooks: Receiver) -> None:
    paid_in(stripe, 10_000)
    (refund,) = request_refund(client_owner="client:1", amount=usd(4_000), by=SOMEBODY)
    stripe.fault("POST /v1/refunds", "drop_after", times=None)
    run_relay()

    stripe.wait_for_webhooks()
    take_in(webhooks, 1)
    run_relay()

    assert now_of(refund).state == "settled"


def test_while_stripe_is_down_an_event_waits_and_is_not_parked(stripe: DoubleControl) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)
    event = an_event("checkout.session.completed", {"id": funding.stripe_session_id, "object": "checkout.session"})
    stripe.fault("*", "drop_before", times=None)

    run_relay_for(minutes=60)
    with pytest.raises(StripeUnknown):
        process_event(stripe_event_id=event.pk)
    waiting = now_of(event)
    assert (waiting.state, waiting.attempts > 10) == ("stored", True)

    stripe.clear_faults()
    with clock.ahead_by(timedelta(hours=2)):
        drive_stragglers()
    assert (now_of(event).state, now_of(funding).state) == ("processed", "settled")


def test_a_lost_webhook_is_made_up_for_by_the_sweep(stripe: DoubleControl) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)

    drive_stragglers()
    assert now_of(funding).state == "awaiting_payment"
    with clock.ahead_by(timedelta(minutes=11)):
        drive_stragglers()

    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("settled", 10_000)


def test_a_parked_event_is_driven_again_by_a_person(stripe: DoubleControl) -> None:
    event = an_event("transfer.created", {"id": "tr_unknown", "object": "transfer"})
    run_relay()

    redrive_event(stripe_event_id=event.pk, by=SOMEBODY)
    assert now_of(event).state == "stored"
    run_relay()

    assert now_of(event).state == "parked"
    with pytest.raises(WrongState):
        redrive_event(stripe_event_id=an_event("x", {"object": "x"}).pk, by=SOMEBODY)


def test_processing_an_event_again_changes_nothing(stripe: DoubleControl) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url)
    event = an_event("checkout.session.completed", {"id": funding.stripe_session_id, "object": "checkout.session"})
    run_relay()
    processed_at = now_of(event).processed_at

    process_stored_event(StripeEventStored(stripe_event_id=str(event.pk)))

    assert (now_of(event).processed_at, held(Kind.CLIENT_FUNDS, "client:1")) == (processed_at, 10_000)


def test_events_in_any_order_and_number_lead_to_the_same_books(  # [B175]
    stripe: DoubleControl, webhooks: Receiver
) -> None:
    chance = random.Random(11)
    fundings = [an_open_page(minor, client_owner=f"client:{minor}") for minor in (1_000, 2_000, 3_000)]
    for funding in fundings:
        stripe.press(funding.checkout_url)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "drop_after", times=None)
    run_relay()
    stripe.wait_for_webhooks()

    hooks = list(webhooks.taken) * 3
    chance.shuffle(hooks)
    for hook in hooks:
        store_event(raw_body=hook.body, signature=hook.signature)
        if chance.random() < 0.3:
            run_relay()
    run_relay()

    assert [now_of(funding).state for funding in fundings] == ["settled"] * 3
    assert [held(Kind.CLIENT_FUNDS, f"client:{minor}") for minor in (1_000, 2_000, 3_000)] == [1_000, 2_000, 3_000]
    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_event_64_times_at_once_is_one_event(stripe: DoubleControl) -> None:  # [B175]
    funding = an_open_page()
    stripe.press(funding.checkout_url)
    hook = signed("checkout.session.completed", {"id": funding.stripe_session_id, "object": "checkout.session"})

    stored = at_once([partial(store_event, **hook)] * 64)
    at_once([partial(process_event, stripe_event_id=StripeEvent.objects.get().pk)] * 16)

    assert set(stored) == {StripeEvent.objects.get()}
    assert OutboxMessage.objects.filter(event="StripeEventStored").count() == 1
    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("settled", 10_000)
