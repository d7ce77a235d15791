"""Earnings reach their owner once, whatever the network does on the way."""

from datetime import timedelta
from uuid import uuid4

import pytest

from billing.demo.stripe_double import DoubleControl
from billing.models import Payout
from billing.services import escrow
from billing.services.ledger import InsufficientFunds, balance
from billing.services.payout_accounts import PayoutAccountMissing, open_payout_account, refresh_payout_account
from billing.services.payouts import (
    PayoutAccountNotReady,
    PayoutBelowMinimum,
    cancel_payout,
    fail_payout,
    request_payout,
    retry_payout,
    settle_payout,
)
from billing.services.sending import Unexplained
from billing.stripe_gateway import ReversalState, TransferState
from kernel import clock
from kernel.errors import Invalid, NotFound
from kernel.flow import WrongState
from kernel.models import OutboxMessage
from kernel.money import Money
from tests.billing.builders import SOMEBODY, Kind, a_client, a_job, a_ready_account, a_worker, earn, usd
from tests.billing.flows import (
    a_payout,
    money_of,
    now_of,
    onboarded,
    paid_in,
    posts_to,
    run_relay,
    run_relay_for,
    send,
    transferred,
)
from tests.billing.stripe_double.world import client_of, funds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def the_transfer(payout: Payout, **changes: object) -> TransferState:
    said = {
        "transfer_id": "tr_1",
        "amount": payout.amount,
        "account_id": payout.payout_account.stripe_account_id,
        "transfer_group": payout.reference,
    }
    return TransferState(**{**said, **changes})  # type: ignore[arg-type]  # the fields are as typed above


def test_a_payout_sets_earnings_aside_at_once() -> None:
    worker = a_worker(5_000)
    a_ready_account(worker)

    payout = request_payout(owner=worker, amount=usd(3_000), by=SOMEBODY)

    assert (payout.state, money_of(worker)) == ("requested", (2_000, 3_000, 0))


def test_a_payout_of_no_named_amount_is_of_all_there_is() -> None:
    worker = a_worker(5_001)
    a_ready_account(worker)

    assert request_payout(owner=worker, amount=None, by=SOMEBODY).amount == usd(5_001)


def test_more_than_was_earned_is_not_paid_out() -> None:  # [B033]
    worker = a_worker(5_000)
    a_ready_account(worker)

    with pytest.raises(InsufficientFunds, match=r"0\.01 USD are missing"):
        request_payout(owner=worker, amount=usd(5_001), by=SOMEBODY)

    assert (Payout.objects.count(), money_of(worker)) == (0, (5_000, 0, 0))


@pytest.mark.parametrize("asked", [usd(99), usd(0), usd(-500), None])
def test_less_than_the_smallest_payout_is_not_paid_out(asked: object) -> None:
    worker = a_worker(99)
    a_ready_account(worker)

    with pytest.raises(PayoutBelowMinimum, match=r"less than the smallest payout, which is 1\.00 USD"):
        request_payout(owner=worker, amount=asked, by=SOMEBODY)  # type: ignore[arg-type]  # a list of both


def test_without_an_account_there_is_no_payout() -> None:
    with pytest.raises(PayoutAccountMissing):
        request_payout(owner=a_worker(5_000), amount=None, by=SOMEBODY)


def test_an_account_that_is_not_ready_says_what_is_missing() -> None:  # [B033]
    worker = a_worker(5_000)
    account = open_payout_account(owner=worker, email="worker@assay.test", country="US", by=SOMEBODY)
    account.requirements_due = ["external_account", "individual.dob.day"]
    account.save(update_fields=["requirements_due"])

    with pytest.raises(PayoutAccountNotReady) as refusal:
        request_payout(owner=worker, amount=None, by=SOMEBODY)

    assert refusal.value.message == (
        "Your payout account cannot receive money yet. Stripe still wants to know: external_account, "
        "individual.dob.day. Go on with its onboarding."
    )


def test_a_payout_is_sent_and_settled(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)

    run_relay()

    settled = now_of(payout)
    assert (settled.state, settled.attempt, settled.stripe_transfer_id[:3]) == ("settled", 1, "tr_")
    assert money_of(payout.owner) == (0, 0, 5_000)
    assert transferred(stripe) == 5_000


def test_a_payout_is_sent_once_however_often_the_reaction_runs(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)

    for _ in range(3):
        send(payout)

    assert posts_to(stripe, "/v1/transfers") == [f"payout:{payout.pk}:1"]


def test_what_stripe_refuses_goes_back_to_earnings(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    account = payout.payout_account.stripe_account_id
    stripe.set_capability(account, capability="transfers", status="inactive")

    run_relay()

    failed = now_of(payout)
    assert (failed.state, money_of(payout.owner)) == ("failed", (5_000, 0, 0))
    assert failed.failure.endswith("(insufficient_capabilities_for_transfer)")
    assert OutboxMessage.objects.filter(event="PayoutFailed", payload__payout_id=str(payout.pk)).exists()


def test_a_payout_waits_for_the_platforms_balance(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay_for(minutes=10)
    assert (now_of(payout).state, money_of(payout.owner)) == ("sending", (0, 5_000, 0))

    paid_in(stripe, 10_000)
    run_relay_for(minutes=60)

    assert (now_of(payout).state, money_of(payout.owner)) == ("settled", (0, 0, 5_000))


def test_after_three_days_without_balance_a_payout_fails(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay()

    with clock.ahead_by(timedelta(days=3, minutes=1)):
        send(payout)

    assert (now_of(payout).state, money_of(payout.owner)) == ("failed", (5_000, 0, 0))


def test_before_it_is_sent_a_payout_can_be_called_off() -> None:
    worker = a_worker(5_000)
    a_ready_account(worker)
    payout = request_payout(owner=worker, amount=None, by=SOMEBODY)

    first = cancel_payout(payout_id=payout.pk, owner=worker, by=SOMEBODY)
    again = cancel_payout(payout_id=payout.pk, owner=worker, by=SOMEBODY)

    assert (first.state, again.state, money_of(worker)) == ("cancelled", "cancelled", (5_000, 0, 0))


def test_a_payout_that_was_called_off_is_not_sent(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    cancel_payout(payout_id=payout.pk, owner=payout.owner, by=SOMEBODY)

    run_relay()

    assert (now_of(payout).state, posts_to(stripe, "/v1/transfers")) == ("cancelled", [])


def test_once_it_is_sent_a_payout_cannot_be_called_off(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay()

    with pytest.raises(WrongState, match=r"is sending and cannot become cancelled. From sending it may become: failed"):
        cancel_payout(payout_id=payout.pk, owner=payout.owner, by=SOMEBODY)


def test_somebody_elses_payout_is_not_there() -> None:
    worker = a_worker(5_000)
    a_ready_account(worker)
    payout = request_payout(owner=worker, amount=None, by=SOMEBODY)

    for payout_id, owner in ((payout.pk, "payee:other"), (uuid4(), worker)):
        with pytest.raises(NotFound):
            cancel_payout(payout_id=payout_id, owner=owner, by=SOMEBODY)


def test_a_failed_payout_is_retried_as_a_new_one(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    account = payout.payout_account.stripe_account_id
    stripe.set_capability(account, capability="transfers", status="inactive")
    run_relay()
    stripe.set_capability(account, capability="transfers", status="active")
    refresh_payout_account(stripe_account_id=account)

    again = retry_payout(payout_id=payout.pk, by=SOMEBODY)
    run_relay()

    assert (now_of(payout).state, now_of(again).state) == ("failed", "settled")
    assert (money_of(payout.owner), transferred(stripe)) == ((0, 0, 5_000), 5_000)


def test_an_open_payout_is_driven_again(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay()
    paid_in(stripe, 10_000)

    assert retry_payout(payout_id=payout.pk, by=SOMEBODY) == payout
    run_relay()

    assert now_of(payout).state == "settled"
    with pytest.raises(WrongState, match="there is nothing left to send"):
        retry_payout(payout_id=payout.pk, by=SOMEBODY)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": usd(4_999)},
        {"account_id": "acct_other"},
        {"transfer_group": "payout:other"},
        {"reversals": (ReversalState("trr_1", 5_001),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_transfer_that_does_not_fit_is_not_booked(stripe: DoubleControl, changes: dict[str, object]) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay()

    with pytest.raises(Unexplained, match="does not fit payout"):
        settle_payout(payout_id=payout.pk, transfer=the_transfer(payout, **changes))

    assert (now_of(payout).state, money_of(payout.owner)) == ("sending", (0, 5_000, 0))


def test_a_transfer_of_a_payout_that_was_never_sent_is_not_booked() -> None:
    worker = a_worker(5_000)
    a_ready_account(worker)
    payout = request_payout(owner=worker, amount=None, by=SOMEBODY)

    with pytest.raises(Unexplained):
        settle_payout(payout_id=payout.pk, transfer=the_transfer(payout))


def test_a_transfer_that_was_taken_back_before_we_heard_of_it_has_left_and_come_back(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    run_relay()

    taken_back = (ReversalState("trr_1", 1_000), ReversalState("trr_2", 4_000))
    settle_payout(payout_id=payout.pk, transfer=the_transfer(payout, reversals=taken_back))

    assert (now_of(payout).state, money_of(payout.owner)) == ("returned", (5_000, 0, 0))


def test_a_transfer_of_a_payout_that_was_given_up_waits_for_a_person(stripe: DoubleControl) -> None:
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "drop_before")
    run_relay()
    fail_payout(payout_id=payout.pk, why="refused")

    with pytest.raises(Unexplained, match="does not fit payout"):
        settle_payout(payout_id=payout.pk, transfer=the_transfer(payout, transfer_id="tr_1"))

    assert money_of(payout.owner) == (5_000, 0, 0)


def test_earnings_that_come_in_meanwhile_stay(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    earn(payout.owner, 700)

    run_relay()

    assert money_of(payout.owner) == (700, 0, 5_000)


def test_dinars_go_out_as_stripe_moves_them_and_what_is_left_over_stays(stripe: DoubleControl) -> None:
    funds(client_of(stripe), amount=50_000, currency="kwd")
    worker = a_worker()
    onboarded(stripe, worker)
    job = a_job(a_client(10_000, currency="KWD"), 5_127, currency="KWD")
    reward, fee = Money(5_127, "KWD"), Money(0, "KWD")
    escrow.pay(job_owner=job, worker_owner=worker, reward=reward, fee=fee, key="pay:1")

    with pytest.raises(Invalid, match=r"^5\.123 KWD cannot be moved: its last digit has to be 0, as in 5\.120 KWD\.$"):
        request_payout(owner=worker, amount=Money(5_123, "KWD"), by=SOMEBODY)
    payout = request_payout(owner=worker, amount=None, currency="KWD", by=SOMEBODY)
    run_relay()

    assert (now_of(payout).state, payout.amount) == ("settled", Money(5_120, "KWD"))
    assert balance(Kind.WORKER_EARNINGS, worker, "KWD") == Money(7, "KWD")
