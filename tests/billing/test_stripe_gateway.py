"""The gateway says what Stripe did in plain values, and which of three outcomes it was when it did not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from pytest_django import Settings

from billing import stripe_gateway as gateway
from billing import stripe_transport
from billing.demo.stripe_double import DoubleControl, StripeDouble
from billing.stripe_gateway import (
    AccountState,
    Checkout,
    CheckoutState,
    RefundOutcome,
    RefundState,
    StripeNotSetUp,
    StripeRefused,
    StripeServerError,
    StripeTrouble,
    StripeUnknown,
    TransferState,
)
from kernel.money import Money
from tests.billing.stripe_double.world import API_KEY, client_of

GROUP = "payout:5f0c"


@pytest.fixture
def control(settings: Settings) -> Iterator[DoubleControl]:
    with StripeDouble() as double:
        settings.STRIPE_API_KEY = API_KEY
        settings.STRIPE_API_BASE = double.base_url
        yield DoubleControl(double.base_url)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def a_checkout(*, amount: int = 10_000, key: str = "funding-1") -> Checkout:
    return gateway.create_checkout(
        funding_id="5f0c",
        amount=usd(amount),
        client_email="money@client.test",
        success_url="http://assay.test/paid",
        cancel_url="http://assay.test/left",
        idempotency_key=key,
    )


def a_payment(control: DoubleControl, *, amount: int = 10_000) -> str:
    """The payment intent of a checkout that was paid."""
    checkout = a_checkout(amount=amount)
    control.press(checkout.url)
    return gateway.read_checkout(session_id=checkout.session_id).payment_intent_id or ""


def an_account(control: DoubleControl, *, onboarded: bool = True) -> str:
    account_id = gateway.create_account(
        worker_ref="worker:1", email="worker@x.test", country="US", idempotency_key="account-1"
    )
    if onboarded:
        control.press(a_link(account_id).url)
    return account_id


def a_link(account_id: str) -> gateway.OnboardingLink:
    return gateway.create_onboarding_link(
        account_id=account_id, refresh_url="http://assay.test/again", return_url="http://assay.test/done"
    )


def a_transfer(account_id: str, *, amount: int = 1_000, key: str = "payout-1") -> TransferState:
    return gateway.create_transfer(amount=usd(amount), account_id=account_id, transfer_group=GROUP, idempotency_key=key)


# Money in


def test_a_client_pays_on_a_hosted_page(control: DoubleControl) -> None:
    checkout = a_checkout(amount=12_345)
    assert checkout.payment_intent_id is None
    assert gateway.read_checkout(session_id=checkout.session_id) == CheckoutState(
        paid=False, amount_minor=12_345, currency="USD", payment_intent_id=None, expired=False
    )

    assert control.press(checkout.url) == (303, "http://assay.test/paid")

    paid = gateway.read_checkout(session_id=checkout.session_id)
    assert paid == CheckoutState(
        paid=True, amount_minor=12_345, currency="USD", payment_intent_id=paid.payment_intent_id, expired=False
    )
    assert (paid.payment_intent_id or "").startswith("pi_")


def test_who_has_paid_is_a_customer_at_stripe(control: DoubleControl) -> None:
    checkout = a_checkout()
    assert client_of(control).v1.checkout.sessions.retrieve(checkout.session_id).customer is None

    control.press(checkout.url, card="pm_card_chargeDeclined")
    control.press(checkout.url)

    session = client_of(control).v1.checkout.sessions.retrieve(checkout.session_id)
    assert isinstance(session.customer, str) and isinstance(session.payment_intent, str)
    assert client_of(control).v1.customers.retrieve(session.customer).email == "money@client.test"
    assert client_of(control).v1.payment_intents.retrieve(session.payment_intent).customer == session.customer


def test_a_checkout_ends_after_a_day(control: DoubleControl) -> None:
    checkout = a_checkout()
    control.advance(seconds=24 * 60 * 60)

    state = gateway.read_checkout(session_id=checkout.session_id)

    assert (state.paid, state.expired) == (False, True)


def test_the_same_key_opens_the_same_checkout(control: DoubleControl) -> None:
    assert a_checkout(key="funding-1") == a_checkout(key="funding-1")


# Money back


def test_a_refund_is_sent_read_and_found_again(control: DoubleControl) -> None:
    payment = a_payment(control)

    refund = gateway.create_refund(
        payment_intent_id=payment, amount=usd(4_000), refund_group="refund:1", idempotency_key="refund-1"
    )

    assert refund == RefundState(
        refund_id=refund.refund_id,
        outcome=RefundOutcome.SUCCEEDED,
        amount=usd(4_000),
        payment_intent_id=payment,
        refund_group="refund:1",
        failure_reason="",
    )
    assert gateway.read_refund(refund_id=refund.refund_id) == refund
    assert gateway.find_refunds(payment_intent_id=payment, refund_group="refund:1") == [refund]
    assert gateway.find_refunds(payment_intent_id=payment, refund_group="refund:2") == []


def test_a_refund_that_came_back_says_why(control: DoubleControl) -> None:
    refund = gateway.create_refund(
        payment_intent_id=a_payment(control), amount=usd(4_000), refund_group="refund:1", idempotency_key="refund-1"
    )
    control.fail_refund(refund.refund_id)

    failed = gateway.read_refund(refund_id=refund.refund_id)

    assert (failed.outcome, failed.failure_reason) == (RefundOutcome.FAILED, "lost_or_stolen_card")


# Money out


def test_a_worker_opens_a_payout_account(control: DoubleControl) -> None:
    account_id = an_account(control, onboarded=False)
    before = gateway.read_account(account_id=account_id)
    assert (before.payouts_enabled, before.transfers_active) == (False, False)
    assert before.requirements_due[0] == "external_account"

    link = a_link(account_id)
    assert timedelta(seconds=290) < link.expires_at - datetime.now(UTC) <= timedelta(seconds=300)
    assert control.press(link.url) == (303, "http://assay.test/done")

    opened = gateway.read_account(account_id=account_id)
    assert replace(opened, destination="") == AccountState(
        account_id=account_id, payouts_enabled=True, transfers_active=True, requirements_due=()
    )
    assert (before.destination, len(opened.destination)) == ("", 64)
    control.change_bank(account_id, bank="another")
    assert gateway.read_account(account_id=account_id).destination not in ("", opened.destination)


def test_a_transfer_is_sent_read_and_found_again(control: DoubleControl) -> None:
    account_id = an_account(control)
    a_payment(control)

    transfer = a_transfer(account_id)

    assert transfer == TransferState(
        transfer_id=transfer.transfer_id,
        amount=usd(1_000),
        account_id=account_id,
        transfer_group=GROUP,
    )
    assert gateway.read_transfer(transfer_id=transfer.transfer_id) == transfer
    assert gateway.find_transfers(transfer_group=GROUP) == [transfer]
    assert gateway.find_transfers(transfer_group="payout:other") == []


def test_more_transfers_than_a_page_holds_are_all_found(control: DoubleControl) -> None:
    account_id = an_account(control)
    a_payment(control)
    for number in range(101):
        a_transfer(account_id, amount=number + 1, key=f"payout-{number}")

    found = gateway.find_transfers(transfer_group=GROUP)

    assert [transfer.amount.minor for transfer in found] == list(range(101, 0, -1))


# Outcomes


def refusal_code(call: Callable[[], object]) -> str:
    with pytest.raises(StripeRefused) as caught:
        call()
    return caught.value.code


def test_a_definite_no_is_a_refusal(control: DoubleControl) -> None:
    stranger, account_id = an_account(control, onboarded=False), an_account(control)
    assert stranger == account_id  # the same key; it is opened now

    assert refusal_code(lambda: a_transfer(account_id, key="too-much")) == "balance_insufficient"
    assert refusal_code(lambda: a_transfer("acct_nobody", key="nobody")) == "resource_missing"
    assert refusal_code(lambda: gateway.read_transfer(transfer_id="tr_none")) == "resource_missing"
    assert refusal_code(lambda: a_checkout(amount=49, key="small")) == "amount_too_small"
    control.set_capability(account_id, capability="transfers", status="inactive")
    assert refusal_code(lambda: a_transfer(account_id, key="closed")) == "insufficient_capabilities_for_transfer"


@pytest.mark.parametrize(
    ("fault", "outcome", "code", "transfers"),
    [
        ("drop_before", StripeUnknown, "no_answer", 0),
        ("drop_after", StripeUnknown, "no_answer", 1),
        ("slow_before", StripeUnknown, "no_answer", 0),
        ("slow_after", StripeUnknown, "no_answer", 1),
        ("html_before", StripeUnknown, "no_answer", 0),
        ("html_after", StripeUnknown, "no_answer", 1),
        ("conflict", StripeUnknown, "idempotency_key_in_use", 0),
        ("rate_limited", StripeUnknown, "rate_limit", 0),
        ("server_error_before", StripeServerError, "api_error", 0),
        ("server_error_after", StripeServerError, "api_error", 1),
    ],
)
def test_every_fault_is_one_of_the_outcomes(
    *,
    fault: str,
    outcome: type[StripeTrouble],
    code: str,
    transfers: int,
    control: DoubleControl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stripe_transport, "LIMITS", replace(stripe_transport.LIMITS, read_seconds=0.5))
    account_id = an_account(control)
    a_payment(control)
    control.fault("POST /v1/transfers", fault, seconds=1.0)

    with pytest.raises(StripeTrouble) as caught:
        a_transfer(account_id)

    assert (type(caught.value), caught.value.code) == (outcome, code)
    assert len(gateway.find_transfers(transfer_group=GROUP)) == transfers


@pytest.mark.parametrize(
    "fault", ["drop_before", "drop_after", "html_before", "html_after", "conflict", "rate_limited"]
)
def test_after_an_unknown_outcome_the_same_key_pays_exactly_once(control: DoubleControl, fault: str) -> None:
    account_id = an_account(control)
    a_payment(control)
    control.fault("POST /v1/transfers", fault, times=2)
    for _ in range(2):
        with pytest.raises(StripeUnknown):
            a_transfer(account_id)

    transfer = a_transfer(account_id)

    assert gateway.find_transfers(transfer_group=GROUP) == [transfer]


@pytest.mark.parametrize("fault", ["server_error_before", "server_error_after"])
def test_after_a_server_error_looking_it_up_or_the_next_key_pays_exactly_once(
    control: DoubleControl, fault: str
) -> None:
    account_id = an_account(control)
    a_payment(control)
    control.fault("POST /v1/transfers", fault)
    for _ in range(2):
        with pytest.raises(StripeServerError):
            a_transfer(account_id, key="payout-1")

    found = gateway.find_transfers(transfer_group=GROUP)
    transfer = found[0] if found else a_transfer(account_id, key="payout-1-second")

    assert gateway.find_transfers(transfer_group=GROUP) == [transfer]
    assert control.totals()["usd"]["transferred"] == 1_000


def test_a_key_used_for_something_else_is_used_up(control: DoubleControl) -> None:
    account_id = an_account(control)
    a_payment(control)
    a_transfer(account_id, amount=1_000)

    with pytest.raises(StripeServerError) as caught:
        a_transfer(account_id, amount=999)

    assert caught.value.code == "idempotency_error"


def test_a_wrong_key_of_ours_says_nothing_about_the_payout(settings: Settings, control: DoubleControl) -> None:
    settings.STRIPE_API_KEY = "sk_wrong"

    with pytest.raises(StripeUnknown, match="Invalid API Key"):
        a_transfer("acct_1")


def test_a_stripe_that_is_not_there_is_an_unknown_outcome(settings: Settings) -> None:
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, "http://127.0.0.1:9"

    with pytest.raises(StripeUnknown) as caught:
        gateway.read_account(account_id="acct_1")

    assert caught.value.code == "no_answer"


def test_nothing_is_tried_again_behind_the_callers_back(control: DoubleControl) -> None:
    control.fault("POST /v1/transfers", "server_error_before", times=None)

    with pytest.raises(StripeTrouble):
        a_transfer("acct_1")

    assert [request["path"] for request in control.requests()] == ["/v1/transfers"]


# Guards


@pytest.mark.django_db(transaction=True)
def test_stripe_is_not_called_inside_a_transaction(control: DoubleControl) -> None:
    with pytest.raises(AssertionError, match="Stripe is not called inside a transaction"), transaction.atomic():
        gateway.read_account(account_id="acct_1")

    assert control.requests() == []


@pytest.mark.django_db
def test_the_transaction_that_wraps_a_test_is_not_ours(control: DoubleControl) -> None:
    assert refusal_code(lambda: gateway.read_account(account_id="acct_1")) == "resource_missing"


def test_a_live_key_is_not_shown_to_the_double(settings: Settings, control: DoubleControl) -> None:
    settings.STRIPE_API_KEY = "sk_live_51H"

    with pytest.raises(ImproperlyConfigured) as caught:
        gateway.read_account(account_id="acct_1")

    assert str(caught.value) == "STRIPE_API_BASE is for the double; it is not used with a live STRIPE_API_KEY."


def test_without_a_key_it_is_said_that_there_is_none(settings: Settings, control: DoubleControl) -> None:
    settings.STRIPE_API_KEY = ""

    with pytest.raises(StripeNotSetUp) as refusal:
        gateway.read_account(account_id="acct_1")

    assert (
        refusal.value.message == "No money can move here yet: whoever runs this installation must set STRIPE_API_KEY."
    )
    assert control.requests() == []
