"""A payout is made once, whatever the network, the relay and other senders do at the same time."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from billing import stripe_transport
from billing.demo.stripe_double import DoubleControl
from billing.models import Payout
from billing.services.payouts import cancel_payout, request_payout, settle_payout
from billing.services.stragglers import drive_stragglers
from billing.stripe_gateway import find_transfers, read_transfer
from kernel import clock
from kernel.flow import WrongState
from kernel.models import OutboxMessage
from tests.billing.builders import SOMEBODY, a_worker
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
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_before", "html_after", "rate_limited", "conflict"])
def test_without_an_answer_the_same_key_is_used_again(stripe: DoubleControl, kind: str) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", kind, times=3)

    run_relay_for(minutes=60)

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert posts_to(stripe, "/v1/transfers") == [f"payout:{payout.pk}:1"] * 4


@pytest.mark.parametrize("kind", ["slow_before", "slow_after"])
def test_when_we_stop_waiting_the_same_key_is_used_again(
    stripe: DoubleControl, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    monkeypatch.setattr(stripe_transport, "LIMITS", replace(stripe_transport.LIMITS, read_seconds=0.4))
    stripe.fault("POST /v1/transfers", kind, seconds=1.2)

    run_relay()
    time.sleep(1.2)  # meanwhile it would say that the first request is still under way
    run_relay_for(minutes=60)

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert set(posts_to(stripe, "/v1/transfers")) == {f"payout:{payout.pk}:1"}


def test_an_hour_without_any_answer_costs_an_hour_and_no_cent(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("*", "down", seconds=3_600)

    run_relay_for(minutes=60)
    assert (now_of(payout).state, transferred(stripe)) == ("requested", 0)
    stripe.advance(seconds=3_600)
    with clock.ahead_by(timedelta(hours=1, minutes=1)):
        drive_stragglers()

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert stripe.standing_faults() == []


def test_after_a_saved_error_with_effect_what_came_about_is_adopted(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "server_error_after")

    run_relay()

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert posts_to(stripe, "/v1/transfers") == [f"payout:{payout.pk}:1"]


def test_after_a_saved_error_without_effect_the_next_key_is_used(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "server_error_before")

    run_relay_for(minutes=10)

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert posts_to(stripe, "/v1/transfers") == [f"payout:{payout.pk}:1", f"payout:{payout.pk}:2"]


def test_when_even_looking_fails_nothing_is_sent_anew(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "server_error_after")
    stripe.fault("GET /v1/transfers*", "drop_before", times=2)

    run_relay_for(minutes=30)

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert set(posts_to(stripe, "/v1/transfers")) == {f"payout:{payout.pk}:1"}


@pytest.mark.parametrize(
    ("kind", "keys"), [("drop_after", ["1"]), ("drop_before", ["1", "2"])], ids=["it was made", "it was not made"]
)
def test_a_key_that_stripe_may_have_forgotten_is_used_again_only_after_looking(
    stripe: DoubleControl, kind: str, keys: list[str]
) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", kind)
    run_relay()

    with clock.ahead_by(timedelta(hours=24)):
        send(payout)

    assert (now_of(payout).state, transferred(stripe)) == ("settled", 5_000)
    assert posts_to(stripe, "/v1/transfers") == [f"payout:{payout.pk}:{key}" for key in keys]


def test_the_webhook_may_be_quicker_than_the_answer(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "drop_after")
    run_relay()
    (made,) = find_transfers(transfer_group=payout.reference)

    settle_payout(payout_id=payout.pk, transfer=read_transfer(transfer_id=made.transfer_id))
    run_relay_for(minutes=30)

    assert (now_of(payout).state, money_of(payout.owner)) == ("settled", (0, 0, 5_000))
    assert posts_to(stripe, "/v1/transfers") == [f"payout:{payout.pk}:1"]


def test_a_payout_whose_reaction_was_lost_is_driven_on_by_the_sweep(stripe: DoubleControl) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    OutboxMessage.objects.all().delete()
    run_relay()
    drive_stragglers()
    assert now_of(payout).state == "requested"

    with clock.ahead_by(timedelta(hours=1, minutes=1)):
        drive_stragglers()

    assert now_of(payout).state == "settled"


@pytest.mark.parametrize(
    "jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=30)], ids=lambda jump: f"B166-{jump}"
)
def test_a_clock_that_jumps_between_request_and_sending_pays_once(stripe: DoubleControl, jump: timedelta) -> None:
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)

    with clock.ahead_by(jump):
        run_relay()
        drive_stragglers()
    run_relay_for(minutes=20)
    drive_stragglers()

    assert (now_of(payout).state, money_of(payout.owner), transferred(stripe)) == ("settled", (0, 0, 5_000), 5_000)


@pytest.mark.slow
def test_a_storm_of_faults_pays_each_payout_once(stripe: DoubleControl) -> None:
    paid_in(stripe, 100_000)
    workers = [a_worker(n) for n in range(1_000, 1_024)]
    for worker in workers:
        onboarded(stripe, worker)
    kinds = ("drop_before", "drop_after", "server_error_before", "server_error_after", "html_after", "rate_limited")
    for seed, kind in enumerate(kinds):
        stripe.fault("*transfers*", kind, times=None, share=0.12, seed=seed)

    wanted = [request_payout(owner=worker, amount=None, by=SOMEBODY) for worker in workers]
    run_relay_for(minutes=90)

    assert [now_of(payout).state for payout in wanted] == ["settled"] * 24
    assert transferred(stripe) == sum(range(1_000, 1_024))
    assert [money_of(worker) for worker in workers] == [(0, 0, minor) for minor in range(1_000, 1_024)]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_payout_is_sent_or_called_off_but_not_both(stripe: DoubleControl) -> None:  # [B154]
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    cancel = partial(cancel_payout, payout_id=payout.pk, owner=payout.owner, by=SOMEBODY)
    calls: list[Callable[[], object]] = [*[partial(send, payout)] * 8, *[cancel] * 8]

    cancellations: set[type] = {type(outcome) for outcome in at_once(calls)[8:]}
    run_relay_for(minutes=20)

    if now_of(payout).state == "cancelled":
        assert cancellations == {Payout}
        assert (money_of(payout.owner), transferred(stripe)) == ((5_000, 0, 0), 0)
    else:
        assert cancellations == {WrongState}
        assert (now_of(payout).state, money_of(payout.owner), transferred(stripe)) == ("settled", (0, 0, 5_000), 5_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_16_senders_at_once_send_once(stripe: DoubleControl) -> None:  # [B154]
    paid_in(stripe, 10_000)
    payout = a_payout(stripe, 5_000)
    stripe.fault("POST /v1/transfers", "server_error_after", times=1)
    stripe.fault("POST /v1/transfers", "drop_after", times=2)

    at_once([partial(send, payout)] * 16)
    run_relay_for(minutes=20)

    assert (now_of(payout).state, money_of(payout.owner), transferred(stripe)) == ("settled", (0, 0, 5_000), 5_000)
