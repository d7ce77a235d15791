"""A client's money counts when Stripe says that it was paid, and then once."""

from datetime import timedelta

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.events import FundingRequested
from billing.models import Funding
from billing.services.funding import (
    AmountOutOfRange,
    book_checkout,
    prepare_checkout,
    request_funding,
    settle_funding,
)
from billing.services.sending import Unexplained
from billing.stripe_gateway import CheckoutState
from kernel import clock
from kernel.errors import Invalid
from kernel.money import Money
from kernel.services.audit import Actor
from tests.billing.builders import SOMEBODY, Kind, a_funding, held, usd
from tests.billing.flows import an_open_page, now_of, paid_in, posts_to, run_relay, run_relay_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def test_a_funding_is_requested_without_waiting_for_stripe() -> None:
    funding = request_funding(
        client_owner="client:1",
        email="client@assay.test",
        amount=usd(10_000),
        success_url="https://assay.test/paid",
        by=Actor.system("test"),
    )

    assert (funding.state, funding.checkout_url, funding.cancel_url) == ("preparing", "", "https://assay.test/paid")
    assert held(Kind.CLIENT_FUNDS, "client:1") == 0


@pytest.mark.parametrize("minor", [99, 100_000_000])
def test_a_payment_is_neither_too_small_nor_too_large(minor: int) -> None:
    with pytest.raises(AmountOutOfRange, match=r"between 1\.00 USD and 999,999\.99 USD"):
        request_funding(
            client_owner="client:1", email="", amount=usd(minor), success_url="https://assay.test", by=SOMEBODY
        )

    assert Funding.objects.count() == 0


def test_a_payment_that_stripe_would_refuse_is_refused_at_once() -> None:
    with pytest.raises(
        Invalid, match=r"^12\.345 KWD cannot be moved: its last digit has to be 0, as in 12\.340 KWD\.$"
    ):
        request_funding(
            client_owner="client:1",
            email="",
            amount=Money(12_345, "KWD"),
            success_url="https://assay.test",
            by=SOMEBODY,
        )

    assert Funding.objects.count() == 0


def test_its_payment_page_is_made_in_the_background(stripe: DoubleControl) -> None:
    funding = an_open_page()

    assert funding.state == "awaiting_payment"
    assert funding.checkout_url.startswith(stripe.base_url)
    assert funding.receipt_email == "", "Stripe has it; we keep it no longer than needed."


def test_what_is_paid_is_credited(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)

    assert (funding.state, funding.payment_intent_id[:3]) == ("settled", "pi_")
    assert held(Kind.CLIENT_FUNDS, "client:1") == 10_000
    assert held(Kind.OUTSIDE_WORLD, "client:1") == -10_000


def test_what_is_paid_is_credited_once_however_often_we_look(stripe: DoubleControl) -> None:  # [B175]
    funding = paid_in(stripe, 10_000)

    settle_funding(funding_id=funding.pk)
    settle_funding(funding_id=funding.pk)

    assert held(Kind.CLIENT_FUNDS, "client:1") == 10_000


def test_a_declined_card_credits_nothing_and_leaves_the_page_open(stripe: DoubleControl) -> None:
    funding = an_open_page()
    stripe.press(funding.checkout_url, card="pm_card_chargeDeclined")

    settle_funding(funding_id=funding.pk)

    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("awaiting_payment", 0)


def test_a_page_that_nobody_paid_on_expires(stripe: DoubleControl) -> None:
    funding = an_open_page()
    stripe.advance(seconds=25 * 3600)

    settle_funding(funding_id=funding.pk)

    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("expired", 0)


def test_another_amount_than_was_asked_for_is_not_booked() -> None:  # [B179]
    funding = a_funding("client:1", 10_000)
    fresh = request_funding(
        client_owner="client:1", email="", amount=usd(500), success_url="https://assay.test", by=SOMEBODY
    )
    Funding.objects.filter(pk=fresh.pk).update(state="awaiting_payment", stripe_session_id="cs_other")

    for minor, currency in ((499, "USD"), (500, "EUR")):
        paid = CheckoutState(
            paid=True, amount_minor=minor, currency=currency, payment_intent_id="pi_other", expired=False
        )
        with pytest.raises(Unexplained, match=f"but {minor} {currency} were paid"):
            book_checkout(funding_id=fresh.pk, checkout=paid)

    assert (now_of(fresh).state, now_of(funding).state) == ("awaiting_payment", "settled")
    assert held(Kind.CLIENT_FUNDS, "client:1") == 10_000


def test_money_for_a_funding_that_is_over_waits_for_a_person(stripe: DoubleControl) -> None:
    funding = an_open_page()
    stripe.advance(seconds=25 * 3600)
    settle_funding(funding_id=funding.pk)
    paid = CheckoutState(paid=True, amount_minor=10_000, currency="USD", payment_intent_id="pi_late", expired=False)

    with pytest.raises(Unexplained, match="is expired, but Stripe says that it was paid"):
        book_checkout(funding_id=funding.pk, checkout=paid)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_before", "html_after", "rate_limited", "conflict"])
def test_without_an_answer_the_same_key_is_used_again(stripe: DoubleControl, kind: str) -> None:
    stripe.fault("POST /v1/checkout/sessions", kind, times=2)

    funding = an_open_page()
    run_relay_for(minutes=30)

    assert now_of(funding).state == "awaiting_payment"
    assert set(posts_to(stripe, "/v1/checkout/sessions")) == {f"funding:{funding.pk}:1"}


@pytest.mark.parametrize("kind", ["server_error_before", "server_error_after"])
def test_after_a_saved_error_the_next_key_is_used(stripe: DoubleControl, kind: str) -> None:
    stripe.fault("POST /v1/checkout/sessions", kind)

    funding = an_open_page()
    run_relay_for(minutes=30)

    assert now_of(funding).state == "awaiting_payment"
    assert posts_to(stripe, "/v1/checkout/sessions") == [f"funding:{funding.pk}:1", f"funding:{funding.pk}:2"]


def test_a_key_that_stripe_may_have_forgotten_is_not_used_again(stripe: DoubleControl) -> None:
    stripe.fault("POST /v1/checkout/sessions", "drop_after")
    funding = an_open_page()

    with clock.ahead_by(timedelta(hours=24)):
        prepare_checkout(FundingRequested(funding_id=str(funding.pk)))

    assert posts_to(stripe, "/v1/checkout/sessions") == [f"funding:{funding.pk}:1", f"funding:{funding.pk}:2"]


def test_a_page_is_made_once_however_often_the_reaction_runs(stripe: DoubleControl) -> None:
    funding = an_open_page()

    prepare_checkout(FundingRequested(funding_id=str(funding.pk)))

    assert posts_to(stripe, "/v1/checkout/sessions") == [f"funding:{funding.pk}:1"]


def test_what_stripe_refuses_fails_with_its_reason(stripe: DoubleControl) -> None:
    funding = request_funding(
        client_owner="client:1", email="", amount=usd(500), success_url="https://assay.test/paid", by=SOMEBODY
    )

    run_relay()

    failed = now_of(funding)
    assert failed.state == "failed"
    assert failed.failure.startswith("You passed an empty string for 'customer_email'")
    assert len(posts_to(stripe, "/v1/checkout/sessions")) == 1
