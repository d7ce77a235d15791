"""Every movement at Stripe has the one posting that says why; what has none waits for a person."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from billing.demo.stripe_double import DoubleControl, StripeDouble
from billing.models import Posting, StripeMovement
from billing.queries import books
from billing.services.disputes import follow_dispute
from billing.services.payouts import settle_payout
from billing.services.reconciliation import Reconciled, explain_movement, reconcile
from billing.services.refunds import request_refund, settle_refund
from billing.stripe_gateway import StripeUnknown, read_refund, read_transfer
from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from tests.billing.builders import SOMEBODY, Kind, held, usd
from tests.billing.flows import a_payout, now_of, paid_in, run_relay
from tests.billing.stripe_double.world import API_KEY, client_of, funds
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


@pytest.fixture
def dear_stripe(settings: Settings) -> Iterator[DoubleControl]:
    """A Stripe that keeps 2.9% + 0.30 of each payment, and 15.00 of each dispute."""
    with StripeDouble(fee_basis_points=290, fee_fixed_minor=30, dispute_fee_minor=1_500) as double:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, double.base_url
        yield DoubleControl(double.base_url)


def usd_now() -> Reconciled:
    (standing,) = reconcile()
    return standing


def test_a_payment_is_matched_and_its_fee_posted_once(dear_stripe: DoubleControl) -> None:
    funding = paid_in(dear_stripe, 10_000)

    standing = usd_now()
    assert usd_now() == standing

    row = StripeMovement.objects.get()
    assert (row.state, row.posting, row.amount_minor, row.fee_minor) == (
        "matched",
        Posting.objects.get(key=funding.reference),
        10_000,
        320,
    )
    assert (held(Kind.PROCESSOR_FEES, "platform"), books("USD").processing_minor) == (-320, 320)
    assert standing == Reconciled(
        currency="USD",
        matched=1,
        explained=0,
        unmatched=0,
        fees_minor=320,
        moved_minor=9_680,
        at_stripe_minor=9_680,
        booked_minor=9_680,
    )


def test_all_that_money_can_do_is_matched_to_the_cent(dear_stripe: DoubleControl) -> None:
    stripe = dear_stripe
    for _ in range(3):
        paid_in(stripe, 20_000)
    lost, won = (paid_in(stripe, 5_000) for _ in range(2))
    for funding in (lost, won):
        opened = stripe.dispute(funding.payment_intent_id)
        follow_dispute(stripe_dispute_id=opened["id"])
        stripe.end_dispute(opened["id"], won=funding is won)
        follow_dispute(stripe_dispute_id=opened["id"])
    kept, returned = (request_refund(client_owner="client:1", amount=usd(1_000), by=SOMEBODY)[0] for _ in range(2))
    payout, taken_back = a_payout(stripe, 4_000), a_payout(stripe, 3_000)
    run_relay()
    stripe.fail_refund(now_of(returned).stripe_refund_id)
    settle_refund(refund_id=returned.pk, seen=read_refund(refund_id=now_of(returned).stripe_refund_id))
    stripe.take_back(now_of(taken_back).stripe_transfer_id)
    transfer = read_transfer(transfer_id=now_of(taken_back).stripe_transfer_id)
    settle_payout(payout_id=taken_back.pk, transfer=transfer)

    standing = usd_now()

    assert (standing.unmatched, standing.unread_minor) == (0, 0)
    assert standing.unbooked_minor == -7_000  # what the workers had earned was not paid in at this Stripe
    assert standing.fees_minor == 3 * 610 + 2 * 175 + 2 * 1_500
    matched = dict(StripeMovement.objects.values_list("source_id", "posting__kind"))
    assert matched[now_of(payout).stripe_transfer_id] == "payout_settled"
    assert matched[now_of(kept).stripe_refund_id] == "refund_settled"
    kinds = StripeMovement.objects.order_by("posting__kind").values_list("posting__kind", flat=True)
    assert sorted(kinds) == [
        *["dispute_opened"] * 2,
        "dispute_won",
        *["funding_settled"] * 5,
        "payout_returned",
        *["payout_settled"] * 2,
        "refund_returned",
        *["refund_settled"] * 2,
    ]


def test_what_stripe_converts_is_matched_with_nothing_and_alarmed_at_once(
    dear_stripe: DoubleControl, caplog: pytest.LogCaptureFixture
) -> None:
    dear_stripe.convert("usd", into="eur", rate="0.9")
    funding = paid_in(dear_stripe, 10_000)
    request_refund(client_owner="client:1", amount=usd(1_000), by=SOMEBODY)
    with caplog.at_level(logging.ERROR):
        (standing,) = reconcile()

    assert (now_of(funding).state, held(Kind.CLIENT_FUNDS, "client:1")) == ("settled", 9_000)
    row = StripeMovement.objects.get(kind="charge")
    assert (row.state, row.converted_from, row.amount_minor, row.fee_minor, row.currency) == (
        "unmatched",
        "USD",
        9_000,
        288,
        "EUR",
    )
    assert not Posting.objects.filter(kind="processing_charged").exists()
    assert (standing.currency, standing.matched, standing.booked_minor) == ("EUR", 0, 0)
    assert caplog.messages == [f"{row.conversion} ({row.stripe_id})"]

    explain_movement(movement_id=row.pk, note="Before there was a balance in USD.", by=SOMEBODY)
    with caplog.at_level(logging.ERROR):
        reconcile()
    assert len(caplog.messages) == 1


def test_what_moved_in_a_currency_that_is_not_kept_waits_for_a_person_and_holds_up_nothing(
    stripe: DoubleControl,
) -> None:
    StripeMovement.objects.create(
        stripe_id="txn_sek",
        kind="adjustment",
        category="other_adjustment",
        amount_minor=500,
        fee_minor=5,
        currency="SEK",
        moved_at=clock.now() - timedelta(days=3),
    )
    paid_in(stripe, 10_000)

    standing = {each.currency: (each.matched, each.unmatched) for each in reconcile()}

    assert standing == {"SEK": (0, 1), "USD": (1, 0)}


def test_a_list_of_several_pages_is_read_to_its_end_and_then_from_where_it_ended(stripe: DoubleControl) -> None:
    api = client_of(stripe)
    for _ in range(230):
        funds(api, amount=100)
    assert usd_now().unmatched == 230
    pages = [r for r in stripe.requests() if r["path"] == "/v1/balance_transactions"]
    assert len(pages) == 7  # three to the end and the empty one after them, then two back and the empty one before

    stripe.advance(seconds=2 * 86_400)
    funds(api, amount=100)
    usd_now()
    usd_now()

    assert StripeMovement.objects.count() == 231
    later = [r for r in stripe.requests() if r["path"] == "/v1/balance_transactions"][len(pages) :]
    assert len(later) == 7 + 3  # once all from a day before the last, then only what is new


def test_a_reading_that_breaks_off_leaves_no_gap_behind_what_it_kept(stripe: DoubleControl) -> None:
    api = client_of(stripe)
    funds(api, amount=100)
    stripe.advance(seconds=3 * 86_400)
    for _ in range(100):
        funds(api, amount=100)
    stripe.fault("GET /v1/balance_transactions", "drop_before", skip=1)  # the page with the oldest is not had

    with pytest.raises(StripeUnknown):
        reconcile()
    standing = usd_now()

    assert (StripeMovement.objects.count(), standing.unread_minor) == (101, 0)


def test_each_page_is_kept_before_the_next_is_read_and_a_reading_that_breaks_off_goes_on_from_there(
    stripe: DoubleControl,
) -> None:
    api = client_of(stripe)
    for minor in range(100, 330):
        funds(api, amount=minor)
    stripe.fault("GET /v1/balance_transactions", "drop_before", skip=5)  # of the way back, the page of the newest

    with pytest.raises(StripeUnknown):
        reconcile()
    kept = StripeMovement.objects.order_by("amount_minor").values_list("amount_minor", flat=True)

    assert list(kept) == list(range(100, 230))
    standing = usd_now()
    assert (standing.unmatched, standing.unread_minor) == (230, 0)


def test_what_no_posting_explains_is_alarmed_until_a_person_does(
    stripe: DoubleControl, caplog: pytest.LogCaptureFixture
) -> None:
    funds(client_of(stripe), amount=777)
    with caplog.at_level(logging.ERROR):
        usd_now()
        assert caplog.messages == []
        with clock.ahead_by(timedelta(days=2, minutes=1)):
            reconcile()
    assert caplog.messages == [f"Stripe moved 777 USD (charge, {now().stripe_id}) and no posting says why."]
    out = StringIO()
    with pytest.raises(CommandError, match="1 movements at Stripe have no posting"):
        call_command("reconcile", stdout=out)
    assert "unmatched: charge" in out.getvalue()

    row = now()
    with pytest.raises(Invalid):
        explain_movement(movement_id=row.pk, note=" ", by=SOMEBODY)
    explain_movement(movement_id=row.pk, note="The platform's own top-up.", by=SOMEBODY)

    assert (now().state, now().note, usd_now().unbooked_minor) == ("explained", "The platform's own top-up.", 777)
    call_command("reconcile", stdout=StringIO())
    paid_in(stripe, 500)
    reconcile()
    matched = StripeMovement.objects.get(state="matched")
    with pytest.raises(WrongState):
        explain_movement(movement_id=matched.pk, note="It is.", by=SOMEBODY)
    with pytest.raises(NotFound):
        explain_movement(movement_id=uuid4(), note="None such.", by=SOMEBODY)


def now() -> StripeMovement:
    return StripeMovement.objects.get(posting=None)


def test_a_payout_that_was_taken_back_before_we_heard_of_it_is_matched_both_ways(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 4_000)
    stripe.fault("POST /v1/transfers", "drop_after")
    run_relay()
    (transfer,) = client_of(stripe).v1.transfers.list().data
    stripe.take_back(transfer.id)
    settle_payout(payout_id=payout.pk, transfer=read_transfer(transfer_id=transfer.id))

    standing = usd_now()

    assert (now_of(payout).state, standing.unmatched, standing.unbooked_minor) == ("returned", 0, -4_000)
    assert dict(StripeMovement.objects.values_list("amount_minor", "posting__kind")) == {
        10_000: "funding_settled",
        -4_000: "payout_settled",
        4_000: "payout_returned",
    }


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_that_reconcile_at_once_post_each_fee_once(dear_stripe: DoubleControl) -> None:
    for _ in range(3):
        paid_in(dear_stripe, 10_000)

    outcomes = at_once([reconcile] * 6)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert Posting.objects.filter(kind="processing_charged").count() == 3
    assert StripeMovement.objects.filter(state="matched").count() == 3
