"""A person plays the bank on a page of the double's."""

import stripe

from billing.demo.stripe_double import DoubleControl
from tests.billing.stripe_double.world import a_checkout, a_transfer, an_account, funds


def test_a_person_disputes_a_payment_and_decides_it(api: stripe.StripeClient, control: DoubleControl) -> None:
    page, payment = f"{control.base_url}/dashboard", funds(api).id

    assert payment in control.look(page)[1]
    assert control.press(page, dispute=payment) == (303, page)
    (dispute,) = api.v1.disputes.list().data
    assert (dispute.status, "It comes again" in control.look(page)[1]) == ("needs_response", True)
    control.press(page, win=dispute.id)

    assert api.v1.disputes.retrieve(dispute.id).status == "won"
    assert control.totals()["usd"]["available"] == 10_000


def test_a_person_lets_half_of_a_disputed_payment_come_again(api: stripe.StripeClient, control: DoubleControl) -> None:
    page, payment = f"{control.base_url}/dashboard", funds(api).id
    control.press(page, dispute=payment)
    (dispute,) = api.v1.disputes.list().data

    control.press(page, half=dispute.id)

    assert api.v1.disputes.retrieve(dispute.id).status == "lost"
    assert control.totals()["usd"]["available"] == 5_000


def test_a_person_lets_a_bank_debit_bounce_or_the_days_pass(api: stripe.StripeClient, control: DoubleControl) -> None:
    page, sessions = f"{control.base_url}/dashboard", [a_checkout(api) for _ in range(2)]
    for session in sessions:
        control.press(str(session.url), card="pm_usBankAccount_success")
    first = api.v1.checkout.sessions.retrieve(sessions[0].id).payment_intent

    control.press(page, bounce=str(first))
    control.press(page, days="pass")

    assert [api.v1.checkout.sessions.retrieve(session.id).payment_status for session in sessions] == ["unpaid", "paid"]


def test_a_person_takes_a_transfer_back(api: stripe.StripeClient, control: DoubleControl) -> None:
    funds(api)
    transfer = a_transfer(api, an_account(api, control))

    control.press(f"{control.base_url}/dashboard", take_half=transfer.id)
    assert api.v1.transfers.retrieve(transfer.id).amount_reversed == 500
    control.press(f"{control.base_url}/dashboard", take_back=transfer.id)

    assert api.v1.transfers.retrieve(transfer.id).reversed is True
    assert control.press(f"{control.base_url}/dashboard", explode="now")[0] == 404
