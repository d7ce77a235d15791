"""What an idempotency key holds, and for how long: for ever, whatever the answer was."""

import threading
import time

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import a_transfer, an_account, available, funds, refusal_of, types_of


def test_the_same_key_is_the_same_transfer(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)

    first = a_transfer(api, account, key="payout-7")
    again = a_transfer(api, account, key="payout-7")

    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert available(api) == 9_000


def test_a_key_belongs_to_the_parameters_it_was_first_used_with(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    account = an_account(api, control)
    funds(api)
    a_transfer(api, account, key="payout-7")

    with pytest.raises(stripe.IdempotencyError) as caught:
        a_transfer(api, account, key="payout-7", amount=999)

    assert caught.value.http_status == 400
    assert caught.value.error is not None
    assert caught.value.error.type == "idempotency_error"


def test_a_refusal_is_repeated_under_its_key_even_when_its_cause_is_gone(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    account = an_account(api, control)
    assert refusal_of(lambda: a_transfer(api, account, key="payout-7"))[0] == "balance_insufficient"
    funds(api)

    assert refusal_of(lambda: a_transfer(api, account, key="payout-7"))[0] == "balance_insufficient"
    assert a_transfer(api, account, key="payout-7-second").amount == 1_000


def test_a_key_is_forgotten_after_a_day(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    first = a_transfer(api, account, key="payout-7")
    control.advance(seconds=24 * 60 * 60 - 60)
    assert a_transfer(api, account, key="payout-7").id == first.id

    control.advance(seconds=120)

    assert a_transfer(api, account, key="payout-7").id != first.id


def test_parameters_that_fail_their_check_leave_the_key_free(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    with pytest.raises(stripe.InvalidRequestError):
        api.raw_request("post", "/v1/transfers", amont=1, idempotency_key="payout-7")

    assert a_transfer(api, account, key="payout-7").amount == 1_000


def test_a_key_still_in_use_is_a_conflict(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    control.fault("POST /v1/transfers", "slow_before", seconds=2)
    first: list[stripe.Transfer] = []
    slow = threading.Thread(target=lambda: first.append(a_transfer(api, account, key="payout-7")))
    slow.start()
    while control.standing_faults():
        time.sleep(0.01)

    with pytest.raises(stripe.APIError) as caught:
        a_transfer(api, account, key="payout-7")
    slow.join()

    assert caught.value.http_status == 409
    assert caught.value.error is not None
    assert caught.value.error.code == "idempotency_key_in_use"
    assert a_transfer(api, account, key="payout-7").id == first[0].id


def test_a_declined_card_stays_declined_under_its_key(api: stripe.StripeClient) -> None:
    def pay() -> None:
        api.v1.payment_intents.create(
            {"amount": 500, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True},
            {"idempotency_key": "funding-1"},
        )

    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            pay()
        assert (caught.value.code, caught.value.http_status) == ("card_declined", 402)
    assert types_of(api.v1.events.list().data) == [
        "charge.failed",
        "payment_intent.created",
        "payment_intent.payment_failed",
    ]
