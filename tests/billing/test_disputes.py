"""A payer's bank takes a payment back: the client's funds and the platform bear it, and nobody's pay."""

import random
import re
from dataclasses import replace

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.models import Dispute, Funding, Posting, StripeEvent
from billing.services import escrow
from billing.services.disputes import book_dispute, follow_dispute
from billing.services.ledger import InsufficientFunds
from billing.services.payouts import request_payout
from billing.services.reconciliation import reconcile
from billing.services.refunds import FundingDisputed, request_refund
from billing.services.sending import Unexplained
from billing.stripe_records import MovedByDispute, read_dispute
from kernel.models import OutboxMessage
from tests.billing.builders import SOMEBODY, Kind, a_job, held, usd
from tests.billing.flows import an_open_page, money_of, now_of, onboarded, paid_in, run_relay, take_in, transferred
from tests.billing.stripe_double.world import Receiver, client_of, funds
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

CLIENT = "client:1"


def disputed(stripe: DoubleControl, funding: Funding, **order: object) -> Dispute:
    """A dispute of a funding, and that we have heard of it."""
    opened = stripe.dispute(funding.payment_intent_id, **order)
    follow_dispute(stripe_dispute_id=opened["id"])
    return Dispute.objects.get(stripe_dispute_id=opened["id"])


def ended(stripe: DoubleControl, dispute: Dispute, *, won: bool) -> Dispute:
    stripe.end_dispute(dispute.stripe_dispute_id, won=won)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    after: Dispute = now_of(dispute)
    return after


def money() -> tuple[int, int, int]:
    """The client's funds, what is disputed, and what the platform bears."""
    return held(Kind.CLIENT_FUNDS, CLIENT), held(Kind.DISPUTED, CLIENT), held(Kind.LOSS, "platform")


def test_what_the_funds_still_have_is_taken_first_and_the_platform_bears_the_rest(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 7_000)

    dispute = disputed(stripe, funding)

    assert (dispute.state, dispute.amount, dispute.from_funds_minor) == ("open", usd(10_000), 3_000)
    assert money() == (0, 10_000, -7_000)
    assert Posting.objects.filter(kind="dispute_opened").count() == 1


def test_a_dispute_that_is_won_goes_the_exact_way_back(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 7_000)

    dispute = ended(stripe, disputed(stripe, funding), won=True)

    assert (dispute.state, money()) == ("won", (3_000, 0, 0))


def test_a_dispute_that_is_lost_is_money_gone_from_the_books(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 7_000)

    dispute = ended(stripe, disputed(stripe, funding), won=False)

    assert (dispute.state, money()) == ("lost", (0, 0, -7_000))
    assert held(Kind.OUTSIDE_WORLD, CLIENT) == 0


def test_what_was_lost_can_be_won_on_appeal(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    lost = ended(stripe, disputed(stripe, funding), won=False)

    won = ended(stripe, lost, won=True)

    assert (won.state, money()) == ("won", (10_000, 0, 0))
    kinds = Posting.objects.filter(subject=won.reference).order_by("at", "id").values_list("kind", flat=True)
    assert sorted(kinds) == ["dispute_lost", "dispute_opened", "dispute_won", "reversal"]


def test_a_question_of_the_bank_moves_nothing_until_it_becomes_a_dispute(stripe: DoubleControl) -> None:
    asked, closed = paid_in(stripe, 10_000), paid_in(stripe, 500)
    inquiry, other = disputed(stripe, asked, inquiry=True), disputed(stripe, closed, inquiry=True)
    assert (inquiry.state, other.state, money()) == ("inquiry", "inquiry", (10_500, 0, 0))

    stripe.escalate_dispute(inquiry.stripe_dispute_id)
    follow_dispute(stripe_dispute_id=inquiry.stripe_dispute_id)

    assert (now_of(inquiry).state, ended(stripe, other, won=True).state) == ("open", "closed")
    assert money() == (500, 10_000, 0)


def test_a_part_of_a_payment_can_be_disputed(stripe: DoubleControl) -> None:
    dispute = disputed(stripe, paid_in(stripe, 10_000), amount=2_500)

    assert (dispute.amount, money()) == (usd(2_500), (7_500, 2_500, 0))


def test_a_dispute_never_reaches_a_worker_neither_before_nor_after_a_payout(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    job = a_job(CLIENT, 9_000)
    paid, waiting = "payee:paid", "payee:waiting"
    onboarded(stripe, paid)
    for number, worker in enumerate((paid, waiting)):
        escrow.pay(job_owner=job, worker_owner=worker, reward=usd(4_000), fee=usd(0), key=f"pay:{number}")
    request_payout(owner=paid, amount=None, by=SOMEBODY)
    run_relay()

    ended(stripe, disputed(stripe, funding), won=False)

    assert (money_of(paid), money_of(waiting)) == ((0, 0, 4_000), (4_000, 0, 0))
    assert (transferred(stripe), held(Kind.JOB_ESCROW, job)) == (4_000, 1_000)
    paid_in(stripe, 10_000)  # the platform's own balance at Stripe is below zero until more comes in
    onboarded(stripe, waiting)
    request_payout(owner=waiting, amount=None, by=SOMEBODY)
    run_relay()
    assert money_of(waiting) == (0, 0, 4_000)


def test_a_disputed_payment_is_not_refunded_and_others_are(stripe: DoubleControl) -> None:
    free, taken = paid_in(stripe, 4_000), paid_in(stripe, 1_000)
    disputed(stripe, taken)

    with pytest.raises(FundingDisputed):
        request_refund(client_owner=CLIENT, amount=usd(4_500), by=SOMEBODY)
    (refund,) = request_refund(client_owner=CLIENT, amount=usd(1_500), by=SOMEBODY)

    assert refund.funding_id == free.pk


def test_a_refund_that_meets_a_dispute_at_stripe_comes_back_to_the_funds(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 4_000)
    (refund,) = request_refund(client_owner=CLIENT, amount=usd(1_500), by=SOMEBODY)

    dispute = disputed(stripe, funding)
    run_relay()

    assert (now_of(refund).state, dispute.from_funds_minor) == ("failed", 2_500)
    assert money() == (1_500, 4_000, -1_500)


def test_the_rest_of_a_payment_that_was_partly_lost_goes_back_where_stripe_lets_it(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    dispute = disputed(stripe, funding, amount=6_000)
    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=1_000, refundable=True)
    with pytest.raises(FundingDisputed):
        request_refund(client_owner=CLIENT, amount=usd(1), by=SOMEBODY)  # we have not heard of the end yet
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    assert (now_of(dispute).state, money()) == ("lost", (5_000, 0, 0))

    with pytest.raises(FundingDisputed, match=re.escape("50.00 USD can go back now")):
        request_refund(client_owner=CLIENT, amount=usd(5_001), by=SOMEBODY)
    (refund,) = request_refund(client_owner=CLIENT, amount=usd(5_000), by=SOMEBODY)
    run_relay()

    assert (now_of(refund).state, money(), held(Kind.OUTSIDE_WORLD, CLIENT)) == ("settled", (0, 0, 0), 0)
    (standing,) = reconcile()
    assert (standing.unmatched, standing.unbooked_minor, standing.at_stripe_minor) == (0, 0, 0)

    stripe.end_dispute(dispute.stripe_dispute_id, won=True)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    assert money() == (5_000, 0, 0)
    with pytest.raises(InsufficientFunds):
        request_refund(client_owner=CLIENT, amount=usd(5_001), by=SOMEBODY)
    (appealed,) = request_refund(client_owner=CLIENT, amount=usd(5_000), by=SOMEBODY)
    run_relay()
    assert (now_of(appealed).state, now_of(funding).refunded_minor) == ("settled", 10_000)


def test_where_stripe_takes_no_refund_of_the_rest_it_stays_to_be_spent(stripe: DoubleControl) -> None:
    funding, other = paid_in(stripe, 10_000), paid_in(stripe, 500)
    ended(stripe, disputed(stripe, funding, amount=6_000), won=False)

    with pytest.raises(FundingDisputed) as refused:
        request_refund(client_owner=CLIENT, amount=usd(501), by=SOMEBODY)

    assert refused.value.details == {"asked_minor": 501, "free_minor": 500, "currency": "USD"}
    (refund,) = request_refund(client_owner=CLIENT, amount=usd(500), by=SOMEBODY)
    assert refund.funding_id == other.pk
    a_job(CLIENT, 4_000)
    assert money() == (0, 0, 0)


def test_no_more_is_said_to_be_free_to_go_back_than_the_funds_have(stripe: DoubleControl) -> None:
    taken, _ = paid_in(stripe, 10_000), paid_in(stripe, 500)
    ended(stripe, disputed(stripe, taken, amount=6_000), won=False)
    a_job(CLIENT, 4_200)

    with pytest.raises(FundingDisputed, match=re.escape("3.00 USD can go back now")) as refused:
        request_refund(client_owner=CLIENT, amount=usd(501), by=SOMEBODY)

    assert refused.value.details["free_minor"] == money()[0] == 300


def test_of_several_disputes_of_a_payment_each_has_to_leave_the_rest(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    first, second = disputed(stripe, funding, amount=2_000), disputed(stripe, funding, amount=3_000)
    stripe.end_dispute(first.stripe_dispute_id, won=False, refundable=True)
    follow_dispute(stripe_dispute_id=first.stripe_dispute_id)
    with pytest.raises(FundingDisputed):
        request_refund(client_owner=CLIENT, amount=usd(1), by=SOMEBODY)  # the second is not decided

    stripe.end_dispute(second.stripe_dispute_id, won=False, refundable=True)
    follow_dispute(stripe_dispute_id=second.stripe_dispute_id)
    (refund,) = request_refund(client_owner=CLIENT, amount=usd(5_000), by=SOMEBODY)
    run_relay()

    assert (now_of(refund).state, money(), held(Kind.OUTSIDE_WORLD, CLIENT)) == ("settled", (0, 0, 0), 0)


def test_what_was_read_before_the_end_of_a_dispute_says_nothing_of_the_rest_any_more(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    dispute = disputed(stripe, funding, amount=6_000)
    before = read_dispute(dispute_id=dispute.stripe_dispute_id)
    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=1_000, refundable=True)
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)

    book_dispute(funding_id=funding.pk, seen=before)

    assert now_of(dispute).takes_refunds is True


def test_a_dispute_that_stripe_converts_is_booked_by_nobody_and_parked_for_a_person(
    stripe: DoubleControl, webhooks: Receiver
) -> None:
    funding = paid_in(stripe, 10_000)
    stripe.convert("usd", into="eur", rate="0.9")
    before = len(webhooks.taken)
    stripe.dispute(funding.payment_intent_id)
    stripe.wait_for_webhooks()
    take_in(webhooks, before + 2)

    run_relay()

    parked = StripeEvent.objects.filter(state="parked")
    assert {event.type for event in parked} == {"charge.dispute.created", "charge.dispute.funds_withdrawn"}
    assert all("Stripe converted what it moved into EUR" in event.last_error for event in parked)
    assert (Dispute.objects.count(), money()) == (0, (10_000, 0, 0))


def test_a_payment_that_we_have_not_heard_of_is_looked_at_before_its_dispute(stripe: DoubleControl) -> None:
    funding = an_open_page(10_000)
    stripe.press(funding.checkout_url)

    follow_dispute(stripe_dispute_id=stripe.dispute(payment_of(stripe, funding))["id"])

    assert (now_of(funding).state, money()) == ("settled", (0, 10_000, 0))


def payment_of(stripe: DoubleControl, funding: Funding) -> str:
    """What Stripe calls the payment of a funding, before we know."""
    intent = client_of(stripe).v1.checkout.sessions.retrieve(funding.stripe_session_id).payment_intent
    assert isinstance(intent, str)
    return intent


def test_somebody_elses_payment_is_left_alone(stripe: DoubleControl) -> None:
    theirs = stripe.dispute(funds(client_of(stripe)).id)

    follow_dispute(stripe_dispute_id=theirs["id"])

    assert not Dispute.objects.exists()


def test_what_does_not_fit_is_booked_by_nobody(stripe: DoubleControl) -> None:
    funding, other = paid_in(stripe, 10_000), paid_in(stripe, 10_000)
    dispute = disputed(stripe, funding)
    seen = read_dispute(dispute_id=dispute.stripe_dispute_id)

    for wrong in (
        replace(seen, amount=usd(10_001)),
        replace(seen, movements=(*seen.movements, MovedByDispute("txn_more", -1))),
        replace(seen, movements=(*seen.movements, MovedByDispute("txn_back", 10_001))),
        replace(seen, movements=(MovedByDispute("txn_other", -10_000),)),
    ):
        with pytest.raises(Unexplained):
            book_dispute(funding_id=funding.pk, seen=wrong)
    with pytest.raises(Unexplained):
        book_dispute(funding_id=other.pk, seen=seen)
    assert money() == (10_000, 10_000, 0)


@pytest.mark.parametrize("seed", range(3))
def test_webhooks_in_any_order_and_number_book_it_once(stripe: DoubleControl, webhooks: Receiver, seed: int) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 6_000)
    opened = stripe.dispute(funding.payment_intent_id)
    stripe.end_dispute(opened["id"], won=False)
    stripe.wait_for_webhooks()
    events = take_in(webhooks, 8) * 2
    random.Random(seed).shuffle(events)

    run_relay()

    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert (Dispute.objects.get().state, money()) == ("lost", (0, 0, -6_000))
    assert OutboxMessage.objects.filter(event="DisputeOpened").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_dispute_and_refunds_at_once_take_the_money_once(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    opened = stripe.dispute(funding.payment_intent_id)

    def follow() -> int:
        follow_dispute(stripe_dispute_id=opened["id"])
        return 0

    def ask() -> int:
        return len(request_refund(client_owner=CLIENT, amount=usd(2_000), by=SOMEBODY))

    outcomes = at_once([follow, ask, follow, ask, follow, ask, follow, ask])

    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)} <= {FundingDisputed}
    made = sum(outcome for outcome in outcomes if isinstance(outcome, int))
    funds, in_dispute, loss = money()
    assert (funds, in_dispute, loss) == (0, 10_000, -2_000 * made)
    assert held(Kind.REFUNDS_IN_FLIGHT, CLIENT) == 2_000 * made
