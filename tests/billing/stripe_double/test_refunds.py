"""Refunds give back what was paid, never more."""

import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import Receiver, a_transfer, an_account, available, funds, refusal_of, types_of


def test_refunds_give_back_no_more_than_was_paid(api: stripe.StripeClient, control: DoubleControl) -> None:
    intent = funds(api)
    funds(api)
    api.v1.refunds.create({"payment_intent": intent.id, "amount": 4_000, "metadata": {"refund_group": "r1"}})

    code, param, _ = refusal_of(lambda: api.v1.refunds.create({"payment_intent": intent.id, "amount": 6_001}))
    assert (code, param) == (None, "amount")
    rest = api.v1.refunds.create({"payment_intent": intent.id})
    assert (rest.amount, rest.status) == (6_000, "succeeded")
    code, _, _ = refusal_of(lambda: api.v1.refunds.create({"payment_intent": intent.id}))
    assert code == "charge_already_refunded"

    assert [refund.amount for refund in api.v1.refunds.list({"payment_intent": intent.id}).data] == [6_000, 4_000]
    assert api.v1.charges.retrieve(str(intent.latest_charge)).refunded is True
    assert control.totals()["usd"]["refunded"] == 10_000


def test_money_that_has_gone_on_cannot_be_refunded(api: stripe.StripeClient, control: DoubleControl) -> None:
    intent = funds(api)
    a_transfer(api, an_account(api, control), amount=1)

    assert refusal_of(lambda: api.v1.refunds.create({"payment_intent": intent.id}))[0] == "balance_insufficient"


def test_what_a_lost_dispute_left_of_a_payment_takes_refunds_only_where_it_says_so(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    kept, free = funds(api), funds(api)
    for intent in (kept, free):
        dispute = control.dispute(intent.id, amount=6_000)
        control.end_dispute(dispute["id"], won=False, refundable=intent is free)

    for intent, refundable in ((kept, False), (free, True)):
        (lost,) = api.v1.disputes.list({"payment_intent": intent.id}).data
        assert (lost.status, lost.is_charge_refundable) == ("lost", refundable)
    refused = refusal_of(lambda: api.v1.refunds.create({"payment_intent": kept.id, "amount": 4_000}))
    assert refused[0] == "charge_disputed"
    assert api.v1.refunds.create({"payment_intent": free.id, "amount": 4_000}).status == "succeeded"


def test_a_refund_tells_of_itself(api: stripe.StripeClient, receiver: Receiver) -> None:
    intent = funds(api)
    api.v1.refunds.create({"payment_intent": intent.id})

    assert types_of(receiver.wait_for(6))[:1] == ["charge.refunded"]
    assert types_of(api.v1.events.list({"type": "refund.*"}).data) == ["refund.created", "refund.updated"]


def test_a_refund_that_the_bank_returns_is_back_on_the_balance(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    intent = funds(api)
    refund = api.v1.refunds.create({"payment_intent": intent.id})

    control.fail_refund(refund.id)

    failed = api.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert available(api) == 10_000
    assert api.v1.refunds.create({"payment_intent": intent.id}).amount == 10_000
