"""The ledger under many threads at once: exact outcomes, whoever comes first, and no deadlock."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from billing.models import LedgerAccount, Payout, Posting
from billing.services import escrow, ledger, payouts, refunds
from billing.services.escrow import Payment
from billing.services.ledger import AccountKey, CannotBeReversed, Entry, InsufficientFunds, PostingKeyReused
from billing.services.payouts import PayoutBelowMinimum
from tests.billing.builders import SOMEBODY, Kind, a_client, a_job, a_ready_account, a_worker, held, usd
from tests.concurrency.crowd import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.usefixtures("true_books")]


def kinds_of(outcomes: Sequence[object]) -> Counter[type]:
    return Counter(type(outcome) for outcome in outcomes)


def move(key: str, source: AccountKey, target: AccountKey, minor: int) -> Posting:
    return ledger.post(
        key=key, kind=Posting.Kind.ESCROW_HELD, subject="race", entries=[Entry(source, target, usd(minor))]
    )


def test_32_threads_post_one_key_and_it_is_posted_once() -> None:
    client = a_client(1_000)
    hold = partial(escrow.hold, job_owner="job:1", client_owner=client, amount=usd(100), key="hold:1")

    outcomes = at_once([hold] * 32)

    assert set(outcomes) == {Posting.objects.get(key="hold:1")}
    assert (held(Kind.CLIENT_FUNDS, client), held(Kind.JOB_ESCROW, "job:1")) == (900, 100)


def test_32_threads_post_one_key_with_two_meanings_and_one_of_them_stands() -> None:
    client = a_client(1_000)
    holds = [
        partial(escrow.hold, job_owner=f"job:{n % 2}", client_owner=client, amount=usd(100), key="hold:1")
        for n in range(32)
    ]

    outcomes = at_once(holds)

    assert kinds_of(outcomes) == {Posting: 16, PostingKeyReused: 16}
    assert held(Kind.CLIENT_FUNDS, client) == 900


def test_64_holds_of_more_than_there_is_take_all_that_fits() -> None:
    client = a_client(1_000)
    holds = [
        partial(escrow.hold, job_owner=f"job:{n}", client_owner=client, amount=usd(30), key=f"hold:{n}")
        for n in range(64)
    ]

    outcomes = at_once(holds)

    assert kinds_of(outcomes) == {Posting: 33, InsufficientFunds: 31}
    assert held(Kind.CLIENT_FUNDS, client) == 10


@pytest.mark.untrue("money moves along its ways")
def test_64_threads_open_the_same_accounts_and_each_is_opened_once() -> None:
    ends = [AccountKey(kind, f"owner:{n}") for kind in (Kind.LOSS, Kind.PROCESSOR_FEES) for n in range(4)]
    chance = random.Random(7)
    pairs = [chance.sample(ends, 2) for _ in range(64)]

    outcomes = at_once([partial(move, f"move:{n}", one, other, 1) for n, (one, other) in enumerate(pairs)])

    assert kinds_of(outcomes) == {Posting: 64}
    assert LedgerAccount.objects.count() == len({end for pair in pairs for end in pair})


@pytest.mark.untrue("money moves along its ways")
def test_opposite_postings_of_64_threads_do_not_deadlock() -> None:  # [B162]
    client = a_client(64_000)
    jobs = [a_job(client, 10_000) for _ in range(2)]
    there, back = [AccountKey(Kind.JOB_ESCROW, job) for job in jobs]

    def four_times_to_and_fro(n: int) -> list[Posting]:
        ways = [(there, back), (back, there)]
        return [move(f"move:{n}:{i}", *ways[(n + i) % 2], 1) for i in range(4)]

    outcomes = at_once([partial(four_times_to_and_fro, n) for n in range(64)])

    assert kinds_of(outcomes) == {list: 64}
    assert [held(Kind.JOB_ESCROW, job) for job in jobs] == [10_000, 10_000]


def test_payments_of_many_workers_in_opposite_order_do_not_deadlock() -> None:  # [B162]
    client = a_client(100_000)
    jobs, workers = [a_job(client, 10_000) for _ in range(8)], [a_worker() for _ in range(12)]

    def pay_everybody(job: str, order: list[str]) -> list[Posting]:
        return escrow.pay_all(
            payments=[
                Payment(job, worker, usd(10), usd(2), f"pay:{job}:{worker}", f"assignment:{job}:{worker}")
                for worker in order
            ]
        )

    outcomes = at_once([partial(pay_everybody, job, workers[:: (-1) ** n]) for n, job in enumerate(jobs)])

    assert kinds_of(outcomes) == {list: 8}
    assert [held(Kind.WORKER_EARNINGS, worker) for worker in workers] == [80] * 12


def test_32_threads_reverse_a_posting_and_it_is_reversed_once() -> None:
    client = a_client(1_000)
    job = a_job(client, 1_000)

    outcomes = at_once([partial(ledger.reverse, posting_key=f"hold:{job}", key=f"undo:{n}") for n in range(32)])

    assert kinds_of(outcomes) == {Posting: 1, CannotBeReversed: 31}
    assert held(Kind.CLIENT_FUNDS, client) == 1_000


def test_64_withdrawals_of_all_there_is_make_one_payout() -> None:  # [B154]
    worker = a_worker(5_000)
    a_ready_account(worker)
    withdraw = partial(payouts.request_payout, owner=worker, amount=usd(5_000), by=SOMEBODY)

    outcomes = at_once([withdraw] * 64)

    assert kinds_of(outcomes) == {Payout: 1, InsufficientFunds: 63}
    assert (held(Kind.WORKER_EARNINGS, worker), held(Kind.PAYOUTS_IN_FLIGHT, worker)) == (0, 5_000)


def test_64_withdrawals_of_whatever_there_is_make_one_payout() -> None:  # [B154]
    worker = a_worker(5_000)
    a_ready_account(worker)

    outcomes = at_once([partial(payouts.request_payout, owner=worker, amount=None, by=SOMEBODY)] * 64)

    assert kinds_of(outcomes) == {Payout: 1, PayoutBelowMinimum: 63}
    assert held(Kind.PAYOUTS_IN_FLIGHT, worker) == 5_000


def test_64_refunds_of_more_than_there_is_take_all_that_fits() -> None:  # [B155]
    client = a_client(1_000)

    outcomes = at_once([partial(refunds.request_refund, client_owner=client, amount=usd(30), by=SOMEBODY)] * 64)

    assert kinds_of(outcomes) == {list: 33, InsufficientFunds: 31}
    assert (held(Kind.CLIENT_FUNDS, client), held(Kind.REFUNDS_IN_FLIGHT, client)) == (10, 990)


def test_refunds_and_holds_at_once_never_spend_the_same_money() -> None:  # [B155]
    client = a_client(1_000)
    spend: list[Callable[[], object]] = [
        partial(escrow.hold, job_owner=f"job:{n}", client_owner=client, amount=usd(100), key=f"hold:{n}")
        for n in range(32)
    ]
    take_back: list[Callable[[], object]] = [
        partial(refunds.request_refund, client_owner=client, amount=usd(100), by=SOMEBODY)
    ] * 32

    outcomes = at_once([*spend, *take_back])

    kinds = kinds_of(outcomes)
    assert (kinds[Posting] + kinds[list], kinds[InsufficientFunds]) == (10, 54)
    assert held(Kind.CLIENT_FUNDS, client) == 0
