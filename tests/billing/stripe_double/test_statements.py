"""Balances, balance transactions and lists say what has happened."""

import time

import stripe

from billing.demo.stripe_double import DoubleControl, StripeDouble
from tests.billing.stripe_double.world import a_transfer, an_account, available, client_of, funds, refusal_of


def test_balance_transactions_add_up_to_the_balance(api: stripe.StripeClient, control: DoubleControl) -> None:
    intent = funds(api)
    api.v1.refunds.create({"payment_intent": intent.id, "amount": 2_500})
    a_transfer(api, an_account(api, control), amount=3_000)

    entries = api.v1.balance_transactions.list().data

    assert [(entry.type, entry.amount) for entry in entries] == [
        ("transfer", -3_000),
        ("refund", -2_500),
        ("charge", 10_000),
    ]
    assert sum(entry.net for entry in entries) == available(api) == 4_500
    assert [entry.amount for entry in api.v1.balance_transactions.list({"type": "refund"}).data] == [-2_500]


def test_a_double_that_takes_fees_keeps_them_back() -> None:
    with StripeDouble(fee_basis_points=290) as double:
        api = client_of(DoubleControl(double.base_url))
        funds(api, amount=10_050)

        (entry,) = api.v1.balance_transactions.list().data
        assert (entry.amount, entry.fee, entry.net) == (10_050, 291, 9_759)
        assert available(api) == 9_759


def test_lists_come_in_pages_both_ways(api: stripe.StripeClient) -> None:
    intents = [funds(api, amount=100 + number) for number in range(5)]
    events = api.v1.events.list({"type": "payment_intent.succeeded", "limit": 2})
    assert (len(events.data), events.has_more) == (2, True)

    newest_first = [event.data.object["id"] for event in events.auto_paging_iter()]
    assert newest_first == [intent.id for intent in reversed(intents)]

    before = api.v1.events.list({"type": "payment_intent.succeeded", "limit": 1, "ending_before": events.data[1].id})
    assert [event.id for event in before.data] == [events.data[0].id]
    assert before.has_more is False


def test_events_are_filtered_by_type_and_time(api: stripe.StripeClient, control: DoubleControl) -> None:
    funds(api)
    control.advance(seconds=3_600)
    later = int(time.time()) + 1_800
    funds(api)

    succeeded = api.v1.events.list({"types": ["charge.succeeded"], "created": {"gte": later}})
    assert [event.type for event in succeeded.data] == ["charge.succeeded"]
    assert len(api.v1.events.list({"created": {"lt": later}}).data) == 3
    code, param, _ = refusal_of(lambda: api.v1.events.list({"limit": 101}))
    assert (code, param) == ("parameter_invalid_integer", "limit")
