"""Parts of a payout that Stripe takes back: each is its worker's again, once."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from billing.demo.stripe_double import DoubleControl
from billing.models import Payout, PayoutReturn, StripeEvent
from billing.services.payouts import request_payout, retry_payout, settle_payout
from billing.services.sending import Unexplained
from billing.stripe_gateway import ReversalState, read_transfer
from kernel.flow import WrongState
from kernel.models import AuditEvent, OutboxMessage
from tests.billing.builders import SOMEBODY, usd
from tests.billing.flows import (
    a_payout,
    a_settled_payout,
    looked_at,
    money_of,
    now_of,
    paid_in,
    run_relay,
    take_in,
    transferred,
)
from tests.billing.stripe_double.world import Receiver, client_of
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def parts_of(payout: Payout) -> list[tuple[int, str]]:
    """What came back of a payout, and what the posting behind each says."""
    rows = PayoutReturn.objects.filter(payout=payout).select_related("posting").order_by("posting__entries")
    return [(row.amount_minor, row.posting.key.rpartition(":")[2]) for row in rows]


def test_a_part_of_a_payout_that_is_taken_back_is_earnings_again_once(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    reversal = stripe.take_back(payout.stripe_transfer_id, amount=1_200)

    for _ in range(2):
        payout = looked_at(payout)

    assert (payout.state, payout.returned_minor, money_of(payout.owner)) == ("settled", 1_200, (1_200, 0, 3_800))
    assert parts_of(payout) == [(1_200, reversal["id"])]
    assert payout.failure == "12.00 USD of it was taken back after it had left"
    (told,) = OutboxMessage.objects.filter(event="PayoutFailed")
    assert told.payload["amount_minor"] == 1_200
    assert AuditEvent.objects.filter(action="payout.returned_in_part").count() == 1


def test_several_parts_come_back_over_time_until_all_has(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    names = []
    for minor, state in ((1_200, "settled"), (1, "settled"), (3_799, "returned")):
        names.append(stripe.take_back(payout.stripe_transfer_id, amount=minor)["id"])
        payout = looked_at(payout)
        assert payout.state == state

    assert (payout.returned_minor, money_of(payout.owner), transferred(stripe)) == (5_000, (5_000, 0, 0), 0)
    assert parts_of(payout) == list(zip((1_200, 1, 3_799), names, strict=True))


def test_more_parts_than_a_transfer_shows_by_itself_are_read_from_their_list(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    for _ in range(13):
        stripe.take_back(payout.stripe_transfer_id, amount=100)

    payout = looked_at(payout)

    assert (payout.returned_minor, PayoutReturn.objects.count()) == (1_300, 13)
    assert money_of(payout.owner) == (1_300, 0, 3_700)


def test_what_was_read_before_a_part_came_back_changes_nothing(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    reads = [read_transfer(transfer_id=payout.stripe_transfer_id)]
    for _ in range(3):
        stripe.take_back(payout.stripe_transfer_id, amount=500)
        reads.append(read_transfer(transfer_id=payout.stripe_transfer_id))

    for seen in (reads[2], reads[0], reads[3], reads[1], reads[3]):
        settle_payout(payout_id=payout.pk, transfer=seen)

    assert (now_of(payout).returned_minor, money_of(payout.owner)) == (1_500, (1_500, 0, 3_500))


def test_only_what_came_back_is_paid_out_anew(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    with pytest.raises(WrongState):
        retry_payout(payout_id=payout.pk, by=SOMEBODY)
    stripe.take_back(payout.stripe_transfer_id, amount=1_200)
    looked_at(payout)

    again = retry_payout(payout_id=payout.pk, by=SOMEBODY)
    run_relay()

    assert (again.amount, now_of(again).state, now_of(payout).state) == (usd(1_200), "settled", "settled")
    assert (money_of(payout.owner), transferred(stripe)) == ((0, 0, 5_000), 5_000)


def test_parts_that_were_taken_back_before_we_heard_of_the_transfer_are_booked_with_it(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "drop_after")
    run_relay()
    (made,) = client_of(stripe).v1.transfers.list().data
    stripe.take_back(made.id, amount=700)

    settle_payout(payout_id=payout.pk, transfer=read_transfer(transfer_id=made.id))

    assert (now_of(payout).state, money_of(payout.owner)) == ("settled", (700, 0, 4_300))


def test_what_cannot_be_of_this_payout_is_booked_by_nobody(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.take_back(payout.stripe_transfer_id, amount=100)
    looked_at(payout)
    seen = read_transfer(transfer_id=payout.stripe_transfer_id)

    for wrong in (
        replace(seen, reversals=(*seen.reversals, ReversalState("trr_more", 4_901))),
        replace(seen, reversals=(ReversalState("trr_other", 100),)),
    ):
        with pytest.raises(Unexplained):
            settle_payout(payout_id=payout.pk, transfer=wrong)
    assert (now_of(payout).returned_minor, money_of(payout.owner)) == (100, (100, 0, 4_900))


@pytest.mark.parametrize("seed", range(3))
def test_webhooks_of_parts_in_any_order_and_number_book_each_once(
    stripe: DoubleControl, webhooks: Receiver, seed: int
) -> None:
    payout = a_settled_payout(stripe)
    before = len(webhooks.taken)
    for minor in (300, 200, 100):
        stripe.take_back(payout.stripe_transfer_id, amount=minor)
    stripe.wait_for_webhooks()
    events = take_in(webhooks, before + 3) * 2
    random.Random(seed).shuffle(events)

    run_relay()

    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert (now_of(payout).returned_minor, money_of(payout.owner)) == (600, (600, 0, 4_400))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_each_part_comes_back_once_however_many_say_so_at_once(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    calls: list[Callable[[], object]] = []
    for _ in range(3):
        stripe.take_back(payout.stripe_transfer_id, amount=400)
        seen = read_transfer(transfer_id=payout.stripe_transfer_id)
        calls += [lambda seen=seen: settle_payout(payout_id=payout.pk, transfer=seen)] * 3  # type: ignore[misc]

    outcomes = at_once(calls)

    assert {type(outcome) for outcome in outcomes} == {Payout}
    assert (now_of(payout).returned_minor, money_of(payout.owner)) == (1_200, (1_200, 0, 3_800))


def test_a_part_belongs_to_one_payout_and_one_posting(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    first, second = a_settled_payout(stripe), a_settled_payout(stripe)
    stripe.take_back(first.stripe_transfer_id, amount=100)
    looked_at(first)
    part = PayoutReturn.objects.get()

    with pytest.raises(IntegrityError, match="stripe_reversal_id"), transaction.atomic():
        PayoutReturn.objects.create(
            payout=second, stripe_reversal_id=part.stripe_reversal_id, amount_minor=100, posting=part.posting
        )
    with pytest.raises(IntegrityError, match="posting_id"), transaction.atomic():
        PayoutReturn.objects.create(
            payout=second, stripe_reversal_id="trr_other", amount_minor=100, posting=part.posting
        )


def test_a_worker_whose_payout_came_back_in_part_is_paid_in_the_end(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.take_back(payout.stripe_transfer_id, amount=4_999)
    looked_at(payout)

    rest = request_payout(owner=payout.owner, amount=None, by=SOMEBODY)
    run_relay()

    assert (rest.amount, money_of(payout.owner), transferred(stripe)) == (usd(4_999), (0, 0, 5_000), 5_000)
