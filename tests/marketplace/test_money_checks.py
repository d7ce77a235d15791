"""The promises about money that take jobs and workers to know: what breaks one is seen."""

import pytest

from billing.models import LedgerAccount, Posting
from billing.services import escrow, ledger
from billing.services.payouts import cancel_payout, request_payout
from kernel.models import IdempotencyRecord
from kernel.money import Money
from kernel.services.audit import Actor
from marketplace.services.completion import cancel_job
from tests.billing.builders import SOMEBODY, a_ready_account, earn
from tests.marketplace.builders import a_client, an_open_job, owner_of
from tests.marketplace.test_checks import BY_CLIENT, broken, broken_of, one_resolved_and_paid, sql, the_first_turn
from tests.qualification.builders import a_user

pytestmark = pytest.mark.django_db


def test_money_of_one_client_in_a_job_of_another_is_seen() -> None:
    job, other = an_open_job(), a_client(funds_minor=500)
    escrow.hold(job_owner=job.billing_owner, client_owner=other.billing_owner, amount=Money(30, "USD"), key="wrong")

    assert [fault for fault in broken() if "wrong" in fault[2]] == [
        (BY_CLIENT, other.billing_owner, f"30 USD of it went to {job.client.billing_owner} by wrong")
    ]


def test_a_reserve_that_an_ended_job_keeps_is_seen() -> None:
    job = an_open_job()
    cancel_job(job_id=job.pk, by=owner_of(job.client))
    funds = ledger.AccountKey(LedgerAccount.Kind.CLIENT_FUNDS, job.client.billing_owner)
    reserve = ledger.AccountKey(LedgerAccount.Kind.PAY_RESERVE, job.billing_owner)
    entries = [ledger.Entry(funds, reserve, Money(70, "USD"))]
    ledger.post(key="reserve", kind=Posting.Kind.RESERVE_HELD, subject=job.billing_owner, entries=entries)

    promise = "an ended job holds nothing back for pay"
    assert broken() == [(promise, f"job {job.pk}", "is cancelled and holds 70 USD in reserve")]


def test_a_payout_of_a_suspended_worker_that_somebody_else_called_off_is_seen() -> None:
    job = one_resolved_and_paid()
    turn = the_first_turn()
    owner = turn.worker.billing_owner
    earn(owner, 200)
    a_ready_account(owner)
    payout = request_payout(owner=owner, amount=None, by=SOMEBODY)
    cancel_payout(payout_id=payout.pk, owner=owner, by=Actor.user(owner_of(job.client)))

    promise = "a suspended worker's balance stays payable"
    message = "of a worker who is active was called off by somebody else"
    assert broken_of(promise) == [(promise, f"payout {payout.pk}", message)]


def test_an_answer_kept_under_a_key_that_is_not_true_is_seen() -> None:
    user = a_user()
    body = {"id": str(user.pk), "amount_minor": 500, "currency": "USD"}
    kept = IdempotencyRecord.objects.create(
        user=user, key="k", path="/api/v1/payouts/", body_hmac="x", status=201, answer={"body": body}
    )

    promise = "an answer that is kept under a key is true"
    assert broken() == [(promise, f"answer {kept.pk}", f"tells of 500 USD as {user.pk}; there is nothing")]


def test_a_claim_that_may_be_changed_is_seen() -> None:
    sql("ALTER TABLE marketplace_assignment DISABLE TRIGGER a_claim_stands")

    assert broken() == [("the database guards what was agreed", "a_claim_stands", "It is not in force.")]
