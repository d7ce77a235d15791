"""Connected accounts are opened by their owners, receive transfers, and are paid out."""

from typing import Any

import pytest
import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import Receiver, a_link, a_transfer, an_account, available, funds, refusal_of


def test_an_account_can_be_paid_once_its_owner_has_opened_it(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    funds(api)
    account = an_account(api, control, onboarded=False)
    assert refusal_of(lambda: a_transfer(api, account))[0] == "insufficient_capabilities_for_transfer"
    link = a_link(api, account)

    assert control.press(link.url, action="leave") == (303, "http://assay.test/done")
    assert api.v1.accounts.retrieve(account).payouts_enabled is False
    assert control.press(link.url, action="complete") == (303, "http://assay.test/done")

    opened = api.v1.accounts.retrieve(account)
    assert (opened.payouts_enabled, opened.details_submitted) == (True, True)
    assert opened.requirements is not None
    assert opened.requirements.currently_due == []
    assert a_transfer(api, account).destination == account
    updated = [event for event in receiver.wait_for(6) if event.type == "account.updated"]
    assert [(event.account, event.data.object["id"]) for event in updated] == [(account, account)]


@pytest.mark.parametrize("stale", ["used", "old"])
def test_a_stale_onboarding_link_sends_for_a_new_one(
    api: stripe.StripeClient, control: DoubleControl, stale: str
) -> None:
    link = a_link(api, an_account(api, control, onboarded=False))
    if stale == "used":
        control.press(link.url)
    else:
        control.advance(seconds=300)

    assert control.press(link.url) == (303, "http://assay.test/again")


def test_a_capability_can_be_taken_away(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)

    control.set_capability(account, capability="transfers", status="inactive")

    assert refusal_of(lambda: a_transfer(api, account))[0] == "insufficient_capabilities_for_transfer"


def test_no_transfer_takes_more_than_is_there(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api, amount=1_000)
    a_transfer(api, account, amount=600)

    assert refusal_of(lambda: a_transfer(api, account, amount=401))[0] == "balance_insufficient"
    a_transfer(api, account, amount=400)
    assert (available(api), available(api, account)) == (0, 1_000)


def test_a_transfer_needs_somebody_to_go_to(api: stripe.StripeClient) -> None:
    assert refusal_of(lambda: a_transfer(api, "acct_nobody")) == (
        "resource_missing",
        "destination",
        "No such destination: 'acct_nobody'",
    )


def test_transfers_are_found_by_their_group(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    ours = a_transfer(api, account, group="payout:1")
    a_transfer(api, account, group="payout:2")

    found = api.v1.transfers.list({"transfer_group": "payout:1"}).data

    assert [transfer.id for transfer in found] == [ours.id]


def test_a_reversal_takes_back_no_more_than_was_sent(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    transfer = a_transfer(api, account)
    api.v1.transfers.reversals.create(transfer.id, {"amount": 400})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed amount"):
        api.v1.transfers.reversals.create(transfer.id, {"amount": 601})
    api.v1.transfers.reversals.create(transfer.id)

    assert api.v1.transfers.retrieve(transfer.id).reversed is True
    assert (available(api), available(api, account)) == (10_000, 0)
    code, _, _ = refusal_of(lambda: api.v1.transfers.reversals.create(transfer.id))
    assert code == "transfer_already_reversed"


def test_a_transfer_shows_its_last_ten_reversals_and_its_list_has_them_all(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    account = an_account(api, control)
    funds(api)
    transfer = a_transfer(api, account)

    made = [control.take_back(transfer.id, amount=minor)["id"] for minor in range(1, 13)]
    seen = api.v1.transfers.retrieve(transfer.id)
    listed = api.v1.transfers.reversals.list(transfer.id, {"limit": 5})

    assert (seen.amount_reversed, seen.reversed, seen.reversals.has_more) == (78, False, True)
    assert [reversal.id for reversal in seen.reversals.data] == made[:1:-1]
    assert [reversal.id for reversal in listed.auto_paging_iter()] == made[::-1]
    with pytest.raises(ValueError, match="922 are left"):
        control.take_back(transfer.id, amount=923)
    assert (available(api), available(api, account)) == (9_078, 922)


def test_a_dispute_gives_back_in_parts_and_a_charge_may_have_several(
    api: stripe.StripeClient, control: DoubleControl
) -> None:
    payment = funds(api).id
    first, second = control.dispute(payment, amount=6_000), control.dispute(payment, amount=3_000)
    with pytest.raises(ValueError, match="1000 are left"):
        control.dispute(payment, amount=1_001)

    control.give_back(first["id"], amount=500)
    control.end_dispute(first["id"], won=False, amount=1_500)
    control.end_dispute(second["id"], won=True)

    parted, whole = (api.v1.disputes.retrieve(dispute["id"]) for dispute in (first, second))
    assert (parted.status, [moved.amount for moved in parted.balance_transactions]) == ("lost", [-6_000, 500, 1_500])
    assert (whole.status, [moved.amount for moved in whole.balance_transactions]) == ("won", [-3_000, 3_000])
    assert control.totals()["usd"] | {"paid_in": 0} == {
        "paid_in": 0,
        "fees": 0,
        "refunded": 0,
        "disputed": 4_000,
        "transferred": 0,
        "at_banks": 0,
        "available": 6_000,
    }


def test_what_has_left_for_the_bank_cannot_be_taken_back(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    transfer = a_transfer(api, account)
    control.settle()

    assert refusal_of(lambda: api.v1.transfers.reversals.create(transfer.id))[0] == "balance_insufficient"


def test_as_days_pass_an_account_is_paid_out(
    api: stripe.StripeClient, control: DoubleControl, receiver: Receiver
) -> None:
    account = an_account(api, control)
    funds(api)
    a_transfer(api, account)

    (payout,) = control.settle()

    of_account: Any = {"stripe_account": account}
    assert api.v1.payouts.retrieve(payout["id"], None, of_account).status == "paid"
    assert available(api, account) == 0
    assert control.totals() == {
        "usd": {
            "paid_in": 10_000,
            "fees": 0,
            "refunded": 0,
            "disputed": 0,
            "transferred": 1_000,
            "at_banks": 1_000,
            "available": 9_000,
        }
    }
    arrived = [event for event in receiver.wait_for(8) if event.type.startswith("payout.")]
    assert sorted((event.type, event.account or "") for event in arrived) == [
        ("payout.created", account),
        ("payout.paid", account),
    ]


def test_a_payout_that_a_bank_returns_is_back_on_the_account(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    a_transfer(api, account)

    (payout,) = control.settle(failure_code="account_closed")

    assert (payout["status"], payout["failure_code"]) == ("failed", "account_closed")
    assert available(api, account) == 1_000
    assert control.totals()["usd"]["at_banks"] == 0


def test_an_account_may_be_paid_out_by_order(api: stripe.StripeClient, control: DoubleControl) -> None:
    account = an_account(api, control)
    funds(api)
    a_transfer(api, account)
    of_account: Any = {"stripe_account": account}

    payout = api.v1.payouts.create({"amount": 700, "currency": "usd"}, of_account)

    assert [entry.id for entry in api.v1.payouts.list({"status": "pending"}, of_account).data] == [payout.id]
    assert available(api, account) == 300
    code, _, _ = refusal_of(lambda: api.v1.payouts.create({"amount": 301, "currency": "usd"}, of_account))
    assert code == "balance_insufficient"
