"""A job's budget: held whole, paid out once for each piece of work, and the rest given back."""

import pytest

from billing.models import Posting
from billing.services import escrow
from billing.services.escrow import PLATFORM, Payment
from billing.services.ledger import InsufficientFunds, PostingKeyReused
from tests.billing.builders import Kind, a_client, a_job, a_worker, held, usd

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("true_books")]


def pay(job: str, worker: str, reward: int, fee: int, *, key: str = "pay:1") -> Posting:
    return escrow.pay(job_owner=job, worker_owner=worker, reward=usd(reward), fee=usd(fee), key=key)


def test_a_budget_is_held_whole_or_not_at_all() -> None:
    client = a_client(1_000)

    with pytest.raises(InsufficientFunds, match=r"2\.00 USD are missing"):
        escrow.hold(job_owner="job:1", client_owner=client, amount=usd(1_200), key="hold:1")

    assert (held(Kind.CLIENT_FUNDS, client), held(Kind.JOB_ESCROW, "job:1")) == (1_000, 0)


def test_accepted_work_is_paid_to_the_worker_and_its_fee_to_the_platform() -> None:
    job, worker = a_job(a_client(1_000), 1_000), a_worker()

    posting = pay(job, worker, 300, 60)

    assert held(Kind.WORKER_EARNINGS, worker) == 300
    assert held(Kind.PLATFORM_FEES, job) == 60
    assert held(Kind.JOB_ESCROW, job) == 640
    assert (posting.kind, posting.subject) == ("work_paid", "assignment:1")


def test_work_is_paid_once_however_often_it_is_accepted() -> None:
    job, worker = a_job(a_client(1_000), 1_000), a_worker()
    first = pay(job, worker, 300, 60)

    assert pay(job, worker, 300, 60) == first
    assert held(Kind.WORKER_EARNINGS, worker) == 300


def test_work_paid_at_one_price_is_not_paid_again_at_another() -> None:
    job, worker = a_job(a_client(1_000), 1_000), a_worker()
    pay(job, worker, 300, 60)

    with pytest.raises(PostingKeyReused):
        pay(job, worker, 301, 60)


def test_work_without_a_fee_leaves_none() -> None:
    job, worker = a_job(a_client(1_000), 1_000), a_worker()

    assert pay(job, worker, 300, 0).entry_count == 1
    assert held(Kind.PLATFORM_FEES, job) == 0


def test_a_job_does_not_pay_from_another_jobs_budget() -> None:
    client = a_client(1_000)
    poor, _rich = a_job(client, 100), a_job(client, 900)

    with pytest.raises(InsufficientFunds):
        pay(poor, a_worker(), 90, 11)


def test_much_work_is_paid_all_or_none() -> None:
    job, workers = a_job(a_client(1_000), 1_000), [a_worker(), a_worker()]
    payments = [
        Payment(job, worker, usd(400), usd(40), f"pay:{worker}", f"assignment:{worker}")
        for worker in [*workers, workers[0]]
    ]

    assert len(escrow.pay_all(payments=payments)) == 3
    assert [held(Kind.WORKER_EARNINGS, worker) for worker in workers] == [400, 400]
    assert held(Kind.JOB_ESCROW, job) == 120

    with pytest.raises(InsufficientFunds):
        escrow.pay_all(payments=[Payment(job, workers[0], usd(60), usd(10), f"pay:{n}", "assignment:x") for n in "ab"])
    assert held(Kind.JOB_ESCROW, job) == 120


def test_all_but_what_is_still_owed_goes_back() -> None:
    client = a_client(1_000)
    job = a_job(client, 800)

    first = escrow.release_all_but(job_owner=job, client_owner=client, keep=usd(300))
    again = escrow.release_all_but(job_owner=job, client_owner=client, keep=usd(300))
    last = escrow.release_all_but(job_owner=job, client_owner=client, keep=usd(0))

    assert (first is not None, again, last is not None) == (True, None, True)
    assert (held(Kind.CLIENT_FUNDS, client), held(Kind.JOB_ESCROW, job)) == (1_000, 0)


def test_a_jobs_fees_are_swept_to_the_platform_as_often_as_there_are_some() -> None:
    job, worker = a_job(a_client(1_000), 1_000), a_worker()
    pay(job, worker, 100, 20, key="pay:1")
    assert escrow.sweep_fees(job_owner=job, currency="USD") is not None
    assert escrow.sweep_fees(job_owner=job, currency="USD") is None

    pay(job, worker, 100, 20, key="pay:2")
    assert escrow.sweep_fees(job_owner=job, currency="USD") is not None

    assert (held(Kind.PLATFORM_FEES, job), held(Kind.PLATFORM_FEES, PLATFORM)) == (0, 40)
