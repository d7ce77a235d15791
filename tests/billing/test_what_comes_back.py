"""What comes back after it had left, the last hop to a worker's bank, and events that no webhook brought."""

from datetime import timedelta

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.models import BankPayout, Payout, PayoutAccount, StripeEvent
from billing.services.bank_payouts import follow_bank_payout, look_for_shortfalls
from billing.services.missed_events import sweep_missed_events
from billing.services.payout_accounts import open_payout_account, refresh_payout_account
from billing.services.payouts import retry_payout, settle_payout
from billing.services.refunds import request_refund, settle_refund
from billing.stripe_gateway import StripeUnknown, read_refund, read_transfer
from kernel import clock
from kernel.models import AuditEvent, OutboxMessage
from tests.billing.builders import SOMEBODY, Kind, held, usd
from tests.billing.flows import (
    a_settled_payout,
    an_open_page,
    money_of,
    now_of,
    onboarded,
    paid_in,
    run_relay,
    take_in,
    transferred,
)
from tests.billing.stripe_double.world import Receiver
from tests.by_hand import by_hand
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def an_account_that_is_gone() -> PayoutAccount:
    """One that Stripe does not let us look into any more, the first by name; it was short of something."""
    account = open_payout_account(owner="payee:0", email="worker@assay.test", country="US", by=SOMEBODY)
    account.stripe_account_id, account.shortfalls = "acct_0_gone", {"USD": -5}
    with by_hand():
        account.save(update_fields=["stripe_account_id", "shortfalls"])
    return account


def seen_again(payout: Payout) -> Payout:
    """What a webhook about its transfer leads to."""
    return settle_payout(payout_id=payout.pk, transfer=read_transfer(transfer_id=payout.stripe_transfer_id))


def test_a_transfer_that_is_taken_back_after_the_end_is_earnings_again(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.take_back(payout.stripe_transfer_id)

    seen_again(payout)
    seen_again(payout)

    assert (now_of(payout).state, money_of(payout.owner)) == ("returned", (5_000, 0, 0))
    assert OutboxMessage.objects.filter(event="PayoutFailed").count() == 1


def test_what_came_back_can_be_paid_out_anew(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.take_back(payout.stripe_transfer_id)
    seen_again(payout)

    again = retry_payout(payout_id=payout.pk, by=SOMEBODY)
    run_relay()

    assert (now_of(again).state, now_of(payout).state) == ("settled", "returned")
    assert (money_of(payout.owner), transferred(stripe)) == ((0, 0, 5_000), 5_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_it_comes_back_once_however_many_say_so_at_once(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.take_back(payout.stripe_transfer_id)
    seen = read_transfer(transfer_id=payout.stripe_transfer_id)

    outcomes = at_once([lambda: settle_payout(payout_id=payout.pk, transfer=seen)] * 8)

    assert {type(outcome) for outcome in outcomes} == {Payout}
    assert money_of(payout.owner) == (5_000, 0, 0)


def test_a_refund_that_comes_back_after_the_end_is_the_clients_again(stripe: DoubleControl) -> None:
    funding = paid_in(stripe, 10_000)
    (refund,) = request_refund(client_owner="client:1", amount=usd(4_000), by=SOMEBODY)
    run_relay()
    settled = now_of(refund)
    assert (settled.state, held(Kind.CLIENT_FUNDS, "client:1")) == ("settled", 6_000)

    stripe.fail_refund(settled.stripe_refund_id)
    for _ in range(2):
        settle_refund(refund_id=refund.pk, seen=read_refund(refund_id=settled.stripe_refund_id))

    returned = now_of(refund)
    assert (returned.state, returned.failure) == ("returned", "lost_or_stolen_card")
    assert (held(Kind.CLIENT_FUNDS, "client:1"), now_of(funding).refunded_minor) == (10_000, 0)
    (again,) = request_refund(client_owner="client:1", amount=usd(10_000), by=SOMEBODY)
    run_relay()
    assert now_of(again).state == "settled"


def test_webhooks_bring_the_last_hop_to_the_bank_and_its_failure_after_it_had_arrived(
    stripe: DoubleControl, webhooks: Receiver
) -> None:
    payout = a_settled_payout(stripe)
    (at_stripe,) = stripe.settle()
    stripe.wait_for_webhooks()
    take_in(webhooks, 1)
    run_relay()
    row = BankPayout.objects.get()
    assert (row.state, row.amount, row.payout_account_id) == ("arrived", usd(5_000), payout.payout_account_id)

    stripe.send_back(at_stripe["id"])
    stripe.wait_for_webhooks()
    take_in(webhooks, 1)
    run_relay()

    assert (now_of(row).state, now_of(row).failure) == ("failed", "account_closed")
    assert (now_of(payout).state, money_of(payout.owner)) == ("settled", (0, 0, 5_000))
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


def test_what_has_come_back_from_a_bank_stays_so(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    (at_stripe,) = stripe.settle(failure_code="account_closed")
    account_id = payout.payout_account.stripe_account_id

    for _ in range(2):
        follow_bank_payout(stripe_payout_id=at_stripe["id"], stripe_account_id=account_id)

    assert BankPayout.objects.get().state == "failed"
    follow_bank_payout(stripe_payout_id=at_stripe["id"], stripe_account_id="acct_of_somebody_else")
    assert BankPayout.objects.count() == 1


def test_an_account_below_zero_is_shown_until_it_no_longer_is(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.settle()  # what was sent has gone on to the bank
    stripe.take_back(payout.stripe_transfer_id)
    account = payout.payout_account

    assert look_for_shortfalls() == 1
    assert now_of(account).shortfalls == {"USD": -5_000}

    seen_again(payout)
    retry_payout(payout_id=payout.pk, by=SOMEBODY)
    run_relay()
    with clock.ahead_by(timedelta(days=100)):
        assert look_for_shortfalls() == 1
        assert look_for_shortfalls() == 0
    assert now_of(account).shortfalls == {}
    actions = AuditEvent.objects.filter(subject_id=str(account.pk), action__contains="below_zero")
    assert sorted(actions.values_list("action", flat=True)) == [
        "payoutaccount.below_zero",
        "payoutaccount.no_longer_below_zero",
    ]


def test_an_account_that_is_gone_at_stripe_is_passed_by_and_while_stripe_is_away_all_are(stripe: DoubleControl) -> None:
    for _ in range(2):
        a_settled_payout(stripe)
    an_account_that_is_gone()
    assert look_for_shortfalls() == 2

    asked = len(stripe.requests())
    stripe.fault("GET /v1/balance", "drop_before", times=None)
    with pytest.raises(StripeUnknown):
        look_for_shortfalls()
    assert [r["status"] for r in stripe.requests()[asked:] if r["status"] != 403] == [None]


def test_a_capability_that_is_taken_away_says_why(stripe: DoubleControl) -> None:
    account = onboarded(stripe, "payee:1")
    assert account.is_ready

    stripe.set_capability(account.stripe_account_id, capability="transfers", status="inactive")
    refresh_payout_account(stripe_account_id=account.stripe_account_id)

    account = PayoutAccount.objects.get(pk=account.pk)
    assert (account.is_ready, account.transfers_active, account.payouts_enabled) == (False, False, True)
    assert AuditEvent.objects.filter(action="payoutaccount.no_longer_ready").count() == 1


def test_events_that_no_webhook_brought_are_found_by_night(stripe: DoubleControl, webhooks: Receiver) -> None:
    stripe.webhooks(url=webhooks.url, secret="whsec_for_the_tests", lost=1.0)
    pages = [an_open_page(1_000) for _ in range(60)]
    for funding in pages:
        stripe.press(funding.checkout_url)
    assert webhooks.taken == []

    kept = sweep_missed_events()
    again = sweep_missed_events()
    run_relay()

    assert (kept, again) == (300, 0)  # five events a payment, on three pages
    assert {now_of(funding).state for funding in pages} == {"settled"}
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


def test_a_missed_event_of_a_workers_account_is_found_too(stripe: DoubleControl) -> None:
    payout = a_settled_payout(stripe)
    stripe.settle()

    sweep_missed_events()
    run_relay()

    assert BankPayout.objects.get().state == "arrived"
    of_account = StripeEvent.objects.exclude(account="").values_list("account", flat=True)
    assert set(of_account) == {payout.payout_account.stripe_account_id}


def test_an_account_that_is_gone_at_stripe_keeps_nobody_elses_events_away(
    stripe: DoubleControl, caplog: pytest.LogCaptureFixture
) -> None:
    an_account_that_is_gone()
    payout = a_settled_payout(stripe)
    stripe.settle()

    sweep_missed_events()
    run_relay()

    assert BankPayout.objects.get().payout_account_id == payout.payout_account_id
    assert [message.partition(":")[0] for message in caplog.messages if "acct_0_gone" in message] == [
        "What happened to account acct_0_gone at Stripe cannot be read"
    ]


def test_what_is_older_than_three_days_is_not_looked_for(stripe: DoubleControl) -> None:
    an_open_page()
    stripe.press(an_open_page().checkout_url)
    with clock.ahead_by(timedelta(days=3, minutes=1)):
        assert sweep_missed_events() == 0
