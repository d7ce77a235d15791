"""The double misbehaves on order, and exactly as ordered."""

import threading
import time
from contextlib import suppress

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl, StripeDouble
from tests.billing.stripe_double.world import SECRET, a_transfer, an_account, available, client_of, funds


@pytest.mark.parametrize(
    ("kind", "error", "status", "transfers"),
    [
        ("drop_before", stripe.APIConnectionError, None, 0),
        ("drop_after", stripe.APIConnectionError, None, 1),
        ("html_before", stripe.APIError, 502, 0),
        ("html_after", stripe.APIError, 502, 1),
        ("server_error_before", stripe.APIError, 500, 0),
        ("server_error_after", stripe.APIError, 500, 1),
        ("conflict", stripe.APIError, 409, 0),
        ("rate_limited", stripe.RateLimitError, 429, 0),
    ],
)
def test_a_fault_strikes_once_and_does_what_it_says(
    *,
    kind: str,
    error: type[stripe.StripeError],
    status: int | None,
    transfers: int,
    api: stripe.StripeClient,
    control: DoubleControl,
) -> None:
    account = an_account(api, control)
    funds(api)
    control.fault("POST /v1/transfers", kind)

    with pytest.raises(error) as caught:
        a_transfer(api, account, key="first")

    assert caught.value.http_status == status
    assert len(api.v1.transfers.list().data) == transfers
    assert a_transfer(api, account, key="second").amount == 1_000


@pytest.mark.parametrize("kind", ["server_error_before", "server_error_after"])
def test_a_server_error_is_repeated_for_ever_under_its_key(
    api: stripe.StripeClient, control: DoubleControl, kind: str
) -> None:
    account = an_account(api, control)
    funds(api)
    control.fault("POST /v1/transfers", kind)

    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            a_transfer(api, account, key="payout-7")
        assert caught.value.http_status == 500

    assert [request["replayed"] for request in control.requests()][-3:] == [False, True, True]


def test_after_a_lost_answer_the_same_key_finds_the_transfer(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    control.fault("POST /v1/transfers", "drop_after", times=3)
    for _ in range(3):
        with pytest.raises(stripe.APIConnectionError):
            a_transfer(api, account, key="payout-7")

    transfer = a_transfer(api, account, key="payout-7")

    assert [entry.id for entry in api.v1.transfers.list().data] == [transfer.id]


def test_a_slow_answer_comes_in_the_end_and_a_stopped_double_does_not_wait_for_it() -> None:
    with StripeDouble() as double:
        control = DoubleControl(double.base_url)
        api = client_of(control)

        def wait_in_vain() -> None:
            with suppress(stripe.APIConnectionError):  # it is answered when it comes while the double is being stopped
                available(api)

        control.fault("GET /v1/balance", "slow_before", seconds=0.3)
        started = time.monotonic()
        assert available(api) == 0
        assert time.monotonic() - started >= 0.3

        control.fault("GET /v1/balance", "slow_after", seconds=60)
        waiting = threading.Thread(target=wait_in_vain)
        waiting.start()
        time.sleep(0.2)
    waiting.join()
    assert time.monotonic() - started < 20


def test_faults_can_wait_be_drawn_by_lot_and_be_cleared(api: stripe.StripeClient, control: DoubleControl) -> None:
    def outcomes() -> str:
        letters = ""
        for _ in range(12):
            try:
                api.v1.balance.retrieve()
                letters += "."
            except stripe.RateLimitError:
                letters += "x"
        return letters

    control.fault("GET /v1/balance", "rate_limited", skip=2, times=3)
    assert outcomes() == "..xxx......."
    control.fault("GET /v1/*", "rate_limited", share=0.5, times=None, seed=7)
    first = outcomes()
    control.clear_faults()
    assert outcomes() == "............"
    control.fault("GET /v1/*", "rate_limited", share=0.5, times=None, seed=7)
    assert outcomes() == first
    assert 0 < first.count("x") < 12


def test_an_order_that_makes_no_sense_is_refused_with_a_sentence(control: DoubleControl) -> None:
    with pytest.raises(ValueError, match="'explode' is not a valid FaultKind"):
        control.fault("POST /v1/transfers", "explode")
    with pytest.raises(ValueError, match="http on loopback only"):
        control.webhooks(url="http://example.com/hook", secret=SECRET)


def test_a_form_from_a_web_page_is_not_an_order(control: DoubleControl) -> None:
    status, answer = control.press(f"{control.base_url}/_control/reset")
    assert (status, "A control takes application/json." in answer) == (415, True)
