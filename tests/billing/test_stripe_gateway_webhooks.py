"""Only what Stripe signed, and lately, is believed."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from pytest_django import Settings

from billing.demo.stripe_double import DoubleControl, StripeDouble
from billing.stripe_webhooks import WebhookRefused, verify_webhook
from tests.billing.stripe_double.world import SECRET, Receiver, client_of, funds


@pytest.fixture(autouse=True)
def the_secret(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = SECRET


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


def signed(event: dict[str, Any], *, secret: str = SECRET, at: int | None = None) -> tuple[bytes, str]:
    body = json.dumps(event)
    return body.encode(), stripe.WebhookSignature.generate_signature_header(body, secret, at)


AN_EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "account.updated",
    "account": "acct_1",
    "created": 1_750_000_000,
    "data": {"object": {"id": "acct_1", "object": "account"}},
}


def test_a_webhook_says_what_happened_to_which_object(receiver: Receiver) -> None:
    with StripeDouble(webhook_url=receiver.url, webhook_secret=SECRET) as double:
        payment = funds(client_of(DoubleControl(double.base_url)))
        receiver.wait_for(3)

    events = [verify_webhook(raw_body=webhook.body, signature=webhook.signature) for webhook in receiver.taken]

    (event,) = [event for event in events if event.type == "payment_intent.succeeded"]
    assert (event.account, event.object_type, event.object_id) == ("", "payment_intent", payment.id)
    assert event.payload["id"] == event.id
    assert abs(event.created - datetime.now(UTC)) < timedelta(seconds=30)


def test_an_event_of_an_account_names_the_account() -> None:
    body, signature = signed(AN_EVENT)

    event = verify_webhook(raw_body=body, signature=signature)

    assert (event.id, event.account, event.object_id) == ("evt_1", "acct_1", "acct_1")
    assert event.created == datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)


def forged() -> tuple[bytes, str]:
    return signed(AN_EVENT, secret="whsec_another")


def stale() -> tuple[bytes, str]:
    return signed(AN_EVENT, at=int(time.time()) - 301)


def from_the_future() -> tuple[bytes, str]:
    return signed(AN_EVENT, at=int(time.time()) + 400)


def in_an_older_scheme() -> tuple[bytes, str]:
    body, signature = signed(AN_EVENT)
    return body, signature.replace("v1=", "v0=")


def changed_on_the_way() -> tuple[bytes, str]:
    body, signature = signed(AN_EVENT)
    return body.replace(b"acct_1", b"acct_2"), signature


def unsigned() -> tuple[bytes, str]:
    return signed(AN_EVENT)[0], ""


def signed_with_nonsense() -> tuple[bytes, str]:
    return signed(AN_EVENT)[0], "t=now,v1=yes"


def not_text() -> tuple[bytes, str]:
    return b"\xff\xfe", signed(AN_EVENT)[1]


NOT_FROM_STRIPE = "This webhook is not from Stripe, or it is too old"


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        pytest.param(forged, NOT_FROM_STRIPE, id="B173-secret"),
        pytest.param(changed_on_the_way, NOT_FROM_STRIPE, id="B173-body"),
        pytest.param(unsigned, NOT_FROM_STRIPE, id="B173-empty"),
        pytest.param(in_an_older_scheme, NOT_FROM_STRIPE, id="B173-scheme"),
        pytest.param(signed_with_nonsense, NOT_FROM_STRIPE, id="B173-nonsense"),
        pytest.param(not_text, NOT_FROM_STRIPE, id="B173-bytes"),
        pytest.param(stale, NOT_FROM_STRIPE, id="B174-old"),
        pytest.param(from_the_future, "This webhook is signed for a time that has not come", id="B174-future"),
    ],
)
def test_what_stripe_did_not_sign_is_not_believed(make: Callable[[], tuple[bytes, str]], refusal: str) -> None:
    body, signature = make()

    with pytest.raises(WebhookRefused, match=refusal):
        verify_webhook(raw_body=body, signature=signature)


@pytest.mark.parametrize("seconds", [-250, 250])
def test_clocks_may_differ_by_a_few_minutes(seconds: int) -> None:  # [B174]
    body, signature = signed(AN_EVENT, at=int(time.time()) + seconds)
    assert verify_webhook(raw_body=body, signature=signature).id == "evt_1"


def test_of_two_signatures_one_may_be_of_a_secret_that_is_gone() -> None:  # [B173]
    body, signature = signed(AN_EVENT)
    when, right = signature.split(",")
    assert verify_webhook(raw_body=body, signature=f"{when},v1={'0' * 64},{right}").id == "evt_1"


def test_each_endpoint_may_have_its_own_secret(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = "whsec_platform, whsec_accounts"

    for secret in ("whsec_platform", "whsec_accounts"):
        body, signature = signed(AN_EVENT, secret=secret)
        assert verify_webhook(raw_body=body, signature=signature).id == "evt_1"


@pytest.mark.parametrize("secret", ["", " , "])
def test_without_a_secret_no_webhook_is_believed(settings: Settings, secret: str) -> None:
    settings.STRIPE_WEBHOOK_SECRET = secret
    body, signature = signed(AN_EVENT, secret="")

    with pytest.raises(WebhookRefused, match="no webhook secret of Stripe's"):
        verify_webhook(raw_body=body, signature=signature)
