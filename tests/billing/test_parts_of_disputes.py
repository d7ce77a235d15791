"""Parts of a dispute that a bank gives back: booked as they move, and what moves with parts of payouts."""

import random

import pytest
from django.db import IntegrityError, connection, transaction

from billing.demo.stripe_double import DoubleControl
from billing.models import Dispute, DisputeMovement, Funding, Posting, StripeEvent, StripeMovement
from billing.services.disputes import book_dispute, follow_dispute
from billing.services.missed_events import sweep_missed_events
from billing.services.reconciliation import reconcile
from billing.stripe_records import read_dispute
from kernel.models import OutboxMessage
from tests.billing.builders import Kind, a_job, held, usd
from tests.billing.flows import a_settled_payout, looked_at, money_of, now_of, paid_in, run_relay, take_in
from tests.billing.stripe_double.world import Receiver
from tests.by_hand import by_hand
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]

CLIENT = "client:1"


def disputed(stripe: DoubleControl, funding: Funding, **order: object) -> Dispute:
    opened = stripe.dispute(funding.payment_intent_id, **order)
    follow_dispute(stripe_dispute_id=opened["id"])
    return Dispute.objects.get(stripe_dispute_id=opened["id"])


def followed(dispute: Dispute) -> Dispute:
    follow_dispute(stripe_dispute_id=dispute.stripe_dispute_id)
    after: Dispute = now_of(dispute)
    return after


def money() -> tuple[int, int, int, int]:
    """The client's funds, what is disputed, what the platform bears, and what the client has taken out net."""
    return (
        held(Kind.CLIENT_FUNDS, CLIENT),
        held(Kind.DISPUTED, CLIENT),
        held(Kind.LOSS, "platform"),
        held(Kind.OUTSIDE_WORLD, CLIENT),
    )


def sums_of(dispute: Dispute) -> tuple[str, int, int, int, int]:
    """Its state, taken, of that from funds, returned, of that to funds."""
    return (
        dispute.state,
        dispute.amount_minor,
        dispute.from_funds_minor,
        dispute.returned_minor,
        dispute.returned_to_funds_minor,
    )


def test_a_dispute_that_gives_a_part_back_makes_good_the_platforms_loss_first(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 7_000)
    dispute = disputed(stripe, funding)

    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=4_000)
    dispute = followed(followed(dispute))

    # As if only the 6,000 that did not come again had ever been taken.
    assert (sums_of(dispute), money()) == (("lost", 10_000, 3_000, 4_000, 0), (0, 0, -3_000, -4_000))
    assert dispute.kept == usd(6_000)


def test_once_the_loss_is_made_good_the_rest_is_the_clients(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 7_000)
    dispute = disputed(stripe, funding)

    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=8_000)
    dispute = followed(dispute)

    assert (sums_of(dispute), money()) == (("lost", 10_000, 3_000, 8_000, 1_000), (1_000, 0, 0, -8_000))
    assert OutboxMessage.objects.filter(event="DisputeWon").count() == 1


def test_a_part_may_come_while_nothing_is_decided_and_the_rest_after_it_was_lost(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 7_000)
    dispute = disputed(stripe, funding)
    stripe.give_back(dispute.stripe_dispute_id, amount=500)
    assert sums_of(followed(dispute)) == ("open", 10_000, 3_000, 500, 0)
    assert money() == (0, 9_500, -6_500, -10_000)
    stripe.end_dispute(dispute.stripe_dispute_id, won=False)
    assert (followed(dispute).state, money()) == ("lost", (0, 0, -6_500, -500))

    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=2_500)  # on appeal, and not all of it
    assert (sums_of(followed(dispute)), money()) == (("lost", 10_000, 3_000, 3_000, 0), (0, 0, -4_000, -3_000))

    stripe.end_dispute(dispute.stripe_dispute_id, won=True)
    assert (sums_of(followed(dispute)), money()) == (
        ("won", 10_000, 3_000, 10_000, 3_000),
        (3_000, 0, 0, -10_000),
    )
    kinds = sorted(Posting.objects.filter(subject=dispute.reference).values_list("kind", flat=True))
    assert kinds == ["dispute_lost"] * 2 + ["dispute_opened"] + ["dispute_won"] * 3 + ["reversal"] * 2


def test_several_disputes_of_one_payment_are_booked_each_for_itself(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    first, second = disputed(stripe, funding, amount=4_000), disputed(stripe, funding, amount=5_000)
    asked = disputed(stripe, funding, amount=1_000, inquiry=True)
    assert money() == (1_000, 9_000, 0, -10_000)

    stripe.end_dispute(first.stripe_dispute_id, won=False, amount=1_500)
    stripe.end_dispute(second.stripe_dispute_id, won=True)
    stripe.end_dispute(asked.stripe_dispute_id, won=False)

    assert [followed(each).state for each in (first, second, asked)] == ["lost", "won", "closed"]
    assert money() == (7_500, 0, 0, -7_500)
    again = disputed(stripe, funding, amount=5_000)
    assert (again.state, money()) == ("open", (2_500, 5_000, 0, -7_500))


@pytest.mark.parametrize("seed", range(3))
def test_webhooks_of_a_partly_returned_dispute_in_any_order_book_it_once(
    stripe: DoubleControl, webhooks: Receiver, seed: int
) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 6_000)
    before = len(webhooks.taken)
    opened = stripe.dispute(funding.payment_intent_id)
    stripe.give_back(opened["id"], amount=1_000)
    stripe.end_dispute(opened["id"], won=False, amount=2_000)
    stripe.wait_for_webhooks()
    events = take_in(webhooks, before + 5) * 2
    random.Random(seed).shuffle(events)

    run_relay()

    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert (sums_of(Dispute.objects.get()), money()) == (
        ("lost", 10_000, 4_000, 3_000, 0),
        (0, 0, -3_000, -3_000),
    )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_whatever_was_read_when_a_dispute_is_booked_once_by_many(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    a_job(CLIENT, 6_000)
    opened = stripe.dispute(funding.payment_intent_id)
    reads = [read_dispute(dispute_id=opened["id"])]
    stripe.give_back(opened["id"], amount=1_000)
    reads.append(read_dispute(dispute_id=opened["id"]))
    stripe.end_dispute(opened["id"], won=False, amount=6_000)
    reads.append(read_dispute(dispute_id=opened["id"]))

    outcomes = at_once([lambda seen=seen: book_dispute(funding_id=funding.pk, seen=seen) for seen in reads * 3])  # type: ignore[misc]

    assert {type(outcome) for outcome in outcomes} == {Dispute}
    assert sums_of(Dispute.objects.get()) == ("lost", 10_000, 4_000, 7_000, 1_000)
    assert money() == (1_000, 0, 0, -7_000)
    assert DisputeMovement.objects.count() == 3


def test_parts_that_no_webhook_brought_are_found_by_night(stripe: DoubleControl, webhooks: Receiver) -> None:
    funding, payout = paid_in(stripe, 10_000), a_settled_payout(stripe)
    stripe.webhooks(url=webhooks.url, secret="whsec_for_the_tests", lost=1.0)
    stripe.take_back(payout.stripe_transfer_id, amount=900)
    opened = stripe.dispute(funding.payment_intent_id)
    stripe.end_dispute(opened["id"], won=False, amount=2_500)

    sweep_missed_events()
    run_relay()

    assert money_of(payout.owner) == (900, 0, 4_100)
    assert sums_of(Dispute.objects.get()) == ("lost", 10_000, 10_000, 2_500, 2_500)


def test_each_movement_of_a_part_has_its_own_posting(stripe: DoubleControl) -> None:
    payout, funding = a_settled_payout(stripe), paid_in(stripe, 10_000)
    for minor in (300, 300):
        stripe.take_back(payout.stripe_transfer_id, amount=minor)
    looked_at(payout)
    dispute = disputed(stripe, funding)
    for minor in (1_000, 1_000):
        stripe.give_back(dispute.stripe_dispute_id, amount=minor)
    stripe.end_dispute(dispute.stripe_dispute_id, won=False)
    followed(dispute)

    (standing,) = reconcile()

    assert (standing.unmatched, standing.unread_minor, standing.unbooked_minor) == (0, 0, -5_000)
    rows = StripeMovement.objects.filter(category__in=["transfer_reversal", "dispute", "dispute_reversal"])
    assert sorted(rows.values_list("amount_minor", "posting__kind")) == [
        (-10_000, "dispute_opened"),
        (300, "payout_returned"),
        (300, "payout_returned"),
        (1_000, "dispute_won"),
        (1_000, "dispute_won"),
    ]
    assert rows.values("posting").distinct().count() == 5


def test_a_partly_returned_dispute_never_reaches_a_worker(stripe: DoubleControl) -> None:
    payout, funding = a_settled_payout(stripe), paid_in(stripe, 10_000)
    worker = money_of(payout.owner)
    dispute = disputed(stripe, funding)

    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=1)
    followed(dispute)

    assert money_of(payout.owner) == worker == (0, 0, 5_000)
    owners = Posting.objects.filter(subject=dispute.reference).values_list(
        "entries__source__kind", "entries__target__kind"
    )
    assert {kind for ends in owners for kind in ends} == {"client_funds", "disputed", "outside_world"}


def test_the_database_refuses_parts_that_do_not_sum_up(stripe: DoubleControl) -> None:
    payout, funding = a_settled_payout(stripe), paid_in(stripe, 10_000)
    stripe.take_back(payout.stripe_transfer_id, amount=1_200)
    looked_at(payout)
    dispute = disputed(stripe, funding)
    stripe.end_dispute(dispute.stripe_dispute_id, won=False, amount=4_000)
    followed(dispute)
    unlike = {
        "UPDATE billing_payout SET returned_minor = 1300 WHERE returned_minor = 1200": "sum_of_its_returns",
        "UPDATE billing_payout SET returned_minor = 0 WHERE returned_minor = 1200": "sum_of_its_returns",
        "UPDATE billing_payout SET returned_minor = amount_minor": "payout_returns_what_had_left",
        "UPDATE billing_payout SET state = 'returned'": "payout_returns_what_had_left",
        "UPDATE billing_dispute SET returned_minor = 4001, returned_to_funds_minor = 4001": "sum_of_its_movements",
        "UPDATE billing_dispute SET returned_to_funds_minor = 3999": "dispute_returns_what_was_taken",
        "UPDATE billing_dispute SET from_funds_minor = 9999": "sum_of_its_movements",
        "UPDATE billing_dispute SET returned_to_funds_minor = 4001": "dispute_returns_what_was_taken",
        "UPDATE billing_dispute SET amount_minor = 4000": "dispute_amounts_fit",
        "UPDATE billing_payoutreturn SET amount_minor = 1": "are facts",
        "DELETE FROM billing_disputemovement": "are facts",
    }

    for statement, name in unlike.items():
        assert name in refusal_of(statement), statement


def refusal_of(statement: str) -> str:
    try:
        with transaction.atomic(), by_hand(), connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except IntegrityError as refusal:
        return f"{refusal} {refusal.__cause__.diag.constraint_name}"  # type: ignore[union-attr]  # psycopg's
    return ""
